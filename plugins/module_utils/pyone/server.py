# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""OneServer: every method of the API as a Python call."""

from __future__ import annotations

import os

from . import codec
from .element import parse
from .errors import OneArgumentException, OneException, OneProtocolException, OneReadOnlyException, failure
from .template import write
from .transport import DEFAULT_LIMIT, DEFAULT_TIMEOUT, Transport

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ssl
    from typing import Any, Callable, Sequence

    from .bindings import API  # every method with its types; at run time a method is whatever is called
else:
    API = object

# Accepted because pyone passed them on to xmlrpc.client; they change nothing here.
_IGNORED_OPTIONS = frozenset(
    ("allow_none", "encoding", "headers", "transport", "use_builtin_types", "use_datetime", "verbose")
)
# What methods that change nothing are called, in every family.  Not sqlquery: the server runs any statement.
READS = frozenset("accounting config info infoextended infoset monitoring raftstatus showback version".split())
# How the names of helpers.HELPERS end: what the client offers beside the API.
_HELPERS = (".all", ".export")


class OneServer(API):
    """A client of one OpenNebula.

    ``one.host.info(0)`` calls the API method ``one.host.info``: the prefix and the session are added, the answer is
    returned as an int, bool, str, or a view of its XML (see element.Element).

    Several threads may share a client: a connection serves one call at a time, and there are never more of them than
    there were calls under way at once.  An answer is for one thread at a time.

    Args:
        uri (str | list[str] | None): endpoint, ``http://frontend:2633/RPC2``; several are tried in order.
            None: ONE_XMLRPC of the environment.
        session (str): ``user:password`` or ``user:token``.
        timeout (float | None): seconds that each endpoint has for a call, repetitions included; 0 or less: no limit.
            None: 120.
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

    if not TYPE_CHECKING:  # so that checkers tell of a family that is not there

        def __getattr__(self, name):
            if name.startswith("_"):
                raise AttributeError(name)
            family = _Family(self, name)
            self.__dict__[name] = family
            return family

    def __dir__(self) -> list[str]:
        signatures = _signatures()
        return sorted({*(signatures.families() if signatures else ()), *super().__dir__()})

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
        try:
            if name.endswith(_HELPERS):
                return _helper(name)(self, *args, **named)
            return self._request(name, bound(name, args, named))
        except OneException as error:
            # The frames below, which end here, hold the session; an endpoint that is none may send it back.
            error.method = error.method or "one." + name
            error.message = error.message.replace(self._session, "***")
            error.args = (error.message,)
            raise error.with_traceback(None) from None

    def _request(self, name, params):
        method = "one." + name
        changes = writes(name)
        if changes and self._read_only:
            raise OneReadOnlyException("%s would change the cloud, but this client is read-only" % method)
        request = codec.encode(method, [self._session] + params)
        if self._on_call is not None:
            self._on_call(method)
        answer = self._answer(method, request, not changes)
        if answer[0]:
            return _value(answer[1], method)
        message, code, object_id = (answer[1:] + (None,))[:3]
        raise failure(message.decode("utf-8", "replace"), method, code, object_id)

    def _answer(self, dummy, request, repeatable):
        return codec.decode(self._transport.post(request, repeatable))

    def go_on_with(self, user: str, password: str) -> None:
        """Uses a user's new password for the calls that follow, if the session is that user's."""
        if self._session.partition(":")[0] == user:
            self._session = "%s:%s" % (user, password)

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
        signatures = _signatures()
        call.__doc__ = signatures.documentation(method) if signatures else None
        self.__dict__[name] = call
        return call

    def __dir__(self) -> list[str]:
        signatures = _signatures()
        return sorted({*(signatures.verbs(self._name) if signatures else ()), *super().__dir__()})


def writes(method: str) -> bool:
    """Whether a method (without ``one.``) changes anything; one that is not known might."""
    signatures = _signatures()
    return method.rpartition(".")[2] not in READS or bool(signatures and method not in signatures.METHODS)


def bound(method: str, args: Sequence[Any], named: dict[str, Any]) -> list[Any]:
    """The arguments to send; those of a method that is not known as they are, but dictionaries as templates.

    Raises:
        OneArgumentException: they do not fit the method.
        OneTemplateException: a template that cannot be written.
    """
    signatures = _signatures()
    if signatures and method in signatures.METHODS:
        return signatures.bind(method, args, named)
    if named:
        raise OneArgumentException("one.%s is not known here: give its arguments by position" % method)
    return [write(value) if isinstance(value, dict) else value for value in args]


def _signatures():
    """The module signature; None on the targets of Ansible, to which it ships only what import statements name.

    A program there knows what it calls, and the client is the smaller by a tenth.
    """
    from importlib import import_module

    try:
        return import_module(__package__ + ".signature")
    except ModuleNotFoundError:
        return None


def _helper(name):
    from importlib import import_module

    helpers = import_module(__package__ + ".helpers").HELPERS
    if name not in helpers:
        raise OneException("one.%s is neither a method of the API nor of this client" % name)
    return helpers[name]


def _value(value, method):
    """What an answer of a method holds: text as str, XML as a view of it."""
    if isinstance(value, codec.Text) or (isinstance(value, bytes) and value.startswith(b"<")):
        return parse(value, method)
    if not isinstance(value, bytes):
        return value
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        raise OneProtocolException("the answer is not UTF-8 text") from None
