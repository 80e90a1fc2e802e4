# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""OneServer: every method of the API as a Python call."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Callable, Sequence

from . import codec
from .element import parse
from .errors import OneException, OneProtocolException, OneReadOnlyException, failure
from .signature import bind, writes
from .transport import DEFAULT_LIMIT, DEFAULT_TIMEOUT, Transport

if TYPE_CHECKING:
    import ssl

# Accepted because pyone passed them on to xmlrpc.client; they change nothing here.
_IGNORED_OPTIONS = frozenset(
    ("allow_none", "encoding", "headers", "transport", "use_builtin_types", "use_datetime", "verbose")
)


class OneServer:
    """A client of one OpenNebula.

    ``one.host.info(0)`` calls the API method ``one.host.info``: the prefix and the session are added, the answer is
    returned as an int, bool, str, or a view of its XML (see element.Element).

    Args:
        uri (str | list[str] | None): endpoint, ``http://frontend:2633/RPC2``; several are tried in order.
            None: ONE_XMLRPC of the environment.
        session (str): ``user:password`` or ``user:token``.
        timeout (float | None): seconds that a call may take in all; 0 or less: no limit.  None: 120.
        https_verify (bool | str): check certificates; a path: trust the certificates of this file or directory.
        protocol (str | None): ``xmlrpc``, the only one.
        context (ssl.SSLContext | None): used as it is for https, in place of https_verify.
        read_only (bool): refuse every method that changes anything.
        retries (int): how often a read is asked again after a passing network failure.
        limit (int): largest answer in bytes.
        on_call (callable | None): called with the method's name before each request that is sent.

    Raises:
        OneException: no endpoint or no session is given, or the endpoint is no URL.
    """

    def __init__(
        self,
        uri: str | Sequence[str] | None = None,
        session: str | None = None,
        timeout: float | None = None,
        https_verify: bool | str = True,
        protocol: str | None = None,
        context: ssl.SSLContext | None = None,
        read_only: bool = False,
        retries: int = 2,
        limit: int = DEFAULT_LIMIT,
        on_call: Callable[[str], object] | None = None,
        **options: Any,
    ) -> None:
        unknown = sorted(set(options) - _IGNORED_OPTIONS)
        if unknown:
            raise TypeError("OneServer has no argument %s" % unknown[0])
        if protocol not in (None, "xmlrpc"):
            raise OneException("the protocol %r is not supported: OpenNebula is reached by xmlrpc" % protocol)
        uri = uri or os.environ.get("ONE_XMLRPC")
        if not uri:
            raise OneException("no endpoint: give uri, or set ONE_XMLRPC in the environment")
        if not session:
            raise OneException("no session: give session='user:password'")
        if timeout is None:
            timeout = DEFAULT_TIMEOUT
        self._session = session
        self._read_only = read_only
        self._on_call = on_call
        self._transport = Transport(
            [uri] if isinstance(uri, str) else list(uri),
            timeout=timeout if timeout > 0 else None,
            context=context,
            verify=https_verify,
            retries=retries,
            limit=limit,
        )

    def __getattr__(self, name: str) -> _Family:
        if name.startswith("_"):
            raise AttributeError(name)
        family = _Family(self, name)
        self.__dict__[name] = family
        return family

    def __repr__(self) -> str:
        return "<OneServer %s>" % self._transport.endpoints[0].shown

    def __enter__(self) -> OneServer:
        return self

    def __exit__(self, *exception: object) -> None:
        self.server_close()

    def call(self, method: str, *args: Any, **named: Any) -> Any:
        """Calls an API method by its name, with or without ``one.``; see the class.

        Raises:
            OneException: or the member of its family that says what went wrong.
        """
        name = method[4:] if method.startswith("one.") else method
        value = self._request(name, bind(name, args, named))
        if isinstance(value, bytes):
            if value.startswith(b"<"):
                return self._parsed(name, value)
            return _decoded(name, value)
        return value

    def _request(self, name, params):
        """The value of a successful answer; text as UTF-8 bytes."""
        method = "one." + name
        changes = writes(name)
        if changes and self._read_only:
            raise OneReadOnlyException("%s would change the cloud, but this client is read-only" % method, method)
        request = codec.encode(method, [self._session] + params)
        if self._on_call is not None:
            self._on_call(method)
        try:
            answer = codec.decode(self._transport.post(request, repeatable=not changes))
        except OneException as error:
            error.method = method
            raise
        if answer[0]:
            return answer[1]
        message, code, object_id = (answer[1:] + (None,))[:3]
        raise failure(message.decode("utf-8", "replace"), method, code, object_id)

    @staticmethod
    def _parsed(name, value):
        try:
            return parse(value)
        except OneProtocolException as error:
            error.method = "one." + name
            raise

    def server_close(self) -> None:
        """Closes the kept-alive connections; the next call opens new ones."""
        self._transport.close()

    def server_retry_interval(self) -> int:
        """Seconds to wait between two polls."""
        return 1


class _Family:
    """The methods of one family: ``one.vm``."""

    def __init__(self, server, name):
        self._server = server
        self._name = name

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("_"):
            raise AttributeError(name)
        server, method = self._server, "%s.%s" % (self._name, name)

        def call(*args, **named):
            return server.call(method, *args, **named)

        call.__name__ = call.__qualname__ = "one." + method
        self.__dict__[name] = call
        return call


def _decoded(name, value):
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        raise OneProtocolException("the answer is not UTF-8 text", method="one." + name) from None
