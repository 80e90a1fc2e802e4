# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""OneServer: every method of the API as a Python call."""

from __future__ import annotations

import os
from importlib import import_module

from .client import Client, plain_name
from .errors import OneException
from .methods import METHODS
from .signature import bind, signature, writes
from .transport import DEFAULT_LIMIT

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
# How the names of helpers.HELPERS end: what the client offers beside the API.
_HELPERS = (".all", ".export")


class OneServer(Client, API):
    """A client of one OpenNebula, with every method of its API.

    ``one.host.info(0)`` calls the API method ``one.host.info``: the prefix and the session are added, the answer is
    returned as an int, bool, str, or a view of its XML (see element.Element).  Arguments are checked before anything
    is sent, and may be given by name.

    Several threads may share a client; see Client.

    Args:
        uri (str | list[str] | None): endpoint, ``http://frontend:2633/RPC2``; several are tried in order.
            None: ONE_XMLRPC of the environment.
        session (str): ``user:password`` or ``user:token``.
        timeout (float | None): seconds that each endpoint has for a call, repetitions included; 0 or less: no limit.
            None: 120.
        https_verify (bool | str): check certificates; a path: trust the certificates of this file or directory, and
            respect the revocation lists (CRL) there.
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
        network = {"timeout": timeout, "context": context, "https_verify": https_verify}
        super().__init__(uri, session, read_only, on_call, retries=retries, limit=limit, **network)

    if not TYPE_CHECKING:  # so that checkers tell of a family that is not there

        def __getattr__(self, name):
            if name.startswith("_"):
                raise AttributeError(name)
            family = _Name(self, name)
            self.__dict__[name] = family
            return family

    def __dir__(self) -> list[str]:
        return sorted({method.partition(".")[0] for method in METHODS}.union(super().__dir__()))

    def __enter__(self) -> OneServer:
        return self

    def call(self, method: str, *args: Any, **named: Any) -> Any:
        """Calls an API method; see Client.call().

        Args:
            named: arguments by the names that the API's reference has for them.
        """
        name = plain_name(method)
        return self._guarded("one." + name, self._checked, name, args, named)

    def _checked(self, name, args, named):
        if name.endswith(_HELPERS):
            return _helper(name)(self, *args, **named)
        return self._run(name, bind(name, args, named))

    def _changes(self, name):
        return writes(name)

    def server_retry_interval(self) -> int:
        """Seconds to wait between two polls."""
        return 1


class _Name:
    """The beginning of a method's name or all of it: ``one.vm`` and ``one.vm.info``, which is called."""

    def __init__(self, server, name):
        self._server = server
        self._name = name
        self.__name__ = self.__qualname__ = "one." + name
        self.__doc__ = signature(name) if name in METHODS else _helper_doc(name)

    def __getattr__(self, part: str) -> _Name:
        if part.startswith("_"):
            raise AttributeError(part)
        longer = self.__dict__[part] = _Name(self._server, "%s.%s" % (self._name, part))
        return longer

    def __call__(self, *args: Any, **named: Any) -> Any:
        if "." not in self._name:
            raise TypeError("one.%s is no method of the API: methods have names such as one.vm.info" % self._name)
        return self._server.call(self._name, *args, **named)

    def __repr__(self) -> str:
        return "<%s>" % self.__name__

    def __dir__(self) -> list[str]:
        start = self._name + "."
        names = {name[len(start) :] for name in (*METHODS, *_helpers()) if name.startswith(start)}
        return sorted(names.union(super().__dir__()))


def _helpers():
    # Loaded when they are asked for: few programs do.
    return import_module(__package__ + ".helpers").HELPERS


def _helper(name):
    helpers = _helpers()
    if name not in helpers:
        raise OneException("one.%s is neither a method of the API nor of this client" % name)
    return helpers[name]


def _helper_doc(name):
    helper = _helpers().get(name) if name.endswith(_HELPERS) else None
    return getattr(helper, "func", helper).__doc__ if helper else None


OneServerXRPC = OneServer  # as pyone 7.3.80 calls it
