# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""What speaks to OpenNebula; OneServer adds what programs are written with, tasks make do with this."""

from __future__ import annotations

from itertools import chain

from . import codec
from .element import parse
from .errors import (
    OneArgumentException,
    OneException,
    OneLeaderException,
    OneProtocolException,
    OneReadOnlyException,
    failure,
)
from .template import write
from .transport import CHUNK, Transport

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Iterator, Sequence

# What methods that change nothing are called, in every family.  Not sqlquery: the server runs any statement.
READS = frozenset("accounting config info infoextended infoset monitoring raftstatus showback version".split())


class BaseClient:
    """What a client of oned and one of OneFlow have in common: who speaks, to which endpoints, and what may be said.

    Args:
        uri (str | list[str]): endpoint; several are tried in order.
        session (str): ``user:password`` or ``user:token``.
        read_only (bool): refuse every request that changes anything.
        on_call (callable | None): called with the method's name before each request that is sent.
        options: timeout, context, https_verify, retries, limit, service; see transport.Transport.

    Raises:
        OneException: no session is given, it has no colon, or the endpoint is no URL.
    """

    def __init__(
        self,
        uri: str | Sequence[str],
        session: str | None,
        read_only: bool = False,
        on_call: Callable[[str], object] | None = None,
        **options: Any,
    ) -> None:
        if not session:
            raise OneException("no session: give session='user:password'")
        if ":" not in session:
            raise OneException("the session has no colon: give session='user:password'")
        self._session = session
        self._read_only = read_only
        self._on_call = on_call
        self._transport = Transport([uri] if isinstance(uri, str) else uri, **options)

    def __repr__(self) -> str:
        return "<%s %s>" % (type(self).__name__, self._transport.endpoints[0].shown)

    def __exit__(self, *exception: object) -> None:
        self.server_close()

    def _guarded(self, method, run, *given):
        """run(*given) for an API method; the session appears in no message and no traceback of what it raises."""
        try:
            return run(*given)
        except OneException as error:
            # The frames below, which end here, hold the session; an endpoint that is none may send it back.
            error.method = error.method or method
            error.message = error.message.replace(self._session, "***")
            error.args = (error.message,)
            raise error.with_traceback(None) from None

    def _forbid_writes(self, method):
        """Raises OneReadOnlyException if this client is read-only."""
        if self._read_only:
            raise OneReadOnlyException("%s would change the cloud, but this client is read-only" % method)

    def _announce(self, method):
        """Tells of a request that is about to be sent."""
        if self._on_call is not None:
            self._on_call(method)

    @property
    def username(self) -> str:
        """The user of the session."""
        return self._session.partition(":")[0]

    def go_on_with(self, user: str, password: str) -> None:
        """Uses a user's new password for the calls that follow, if the session is that user's."""
        if self.username == user:
            self._session = "%s:%s" % (user, password)

    def server_close(self) -> None:
        """Closes the kept-alive connections; the next call opens new ones."""
        self._transport.close()


class Client(BaseClient):
    """A client of one OpenNebula.

    Several threads may share it: a connection serves one call at a time, and there are never more of them than there
    were calls under way at once.  An answer is for one thread at a time.

    Args:
        uri (str | list[str]): endpoint, ``http://frontend:2633/RPC2``; several are tried in order.
        session (str): ``user:password`` or ``user:token``.
        read_only (bool): refuse every method that changes anything.
        on_call (callable | None): called with the method's name before each request that is sent.
        options: timeout, context, https_verify, retries, limit; see transport.Transport.

    Raises:
        OneException: no session is given, or the endpoint is no URL.
    """

    def __enter__(self) -> Client:
        return self

    def call(self, method: str, *args: Any) -> Any:
        """Calls an API method.

        Args:
            method (str): its name, with or without ``one.``.
            args (bool | int | str | list | dict): as the API has them, without the session; a dictionary is written as
                a template.

        Returns:
            int | bool | str | Element: XML is returned as a view of it.

        Raises:
            OneException: or the member of its family that says what went wrong.
        """
        name = plain_name(method)
        return self._guarded("one." + name, self._run, name, args)

    def _run(self, name, args):
        method = "one." + name
        writes = self._changes(name)
        if writes:
            self._forbid_writes(method)
        request = self.request(name, *args)
        self._announce(method)
        return content(self._answer(method, request, not writes), method)

    def stream(self, method: str, *args: Any) -> Iterator[bytes]:
        """Calls an API method that changes nothing, and yields its answer (bytes) in pieces, as they arrive.

        Raises:
            OneException: as call(); of an answer that breaks off, when its pieces have been taken.
        """
        name = plain_name(method)
        pieces = self._guarded("one." + name, self._pieces, name, args)
        while True:
            piece = self._guarded("one." + name, next, pieces, None)
            if piece is None:
                return
            yield piece

    def _pieces(self, name, args):
        method = "one." + name
        if self._changes(name):
            raise OneArgumentException("%s changes the cloud: its answer does not come in pieces" % method)
        request = self.request(name, *args)
        self._announce(method)

        def read(pieces):
            first = next(pieces, b"")
            if len(first) >= CHUNK:  # no failure is as long
                return chain((first,), pieces)
            first += b"".join(pieces)  # none, but the connection is free again
            _of_leader(first, method)
            return iter((first,))

        return self._transport.stream(request, read)

    def request(self, method: str, *args: Any) -> bytes:
        """The request that calls an API method, as call() sends it.

        Args:
            method (str): its name without ``one.``.
            args: as of call().

        Raises:
            OneException: an argument that cannot be sent.
        """
        params = [write(value) if isinstance(value, dict) else value for value in args]
        return codec.encode("one." + method, [self._session] + params)

    def _changes(self, name):
        return changes(name)

    def _answer(self, method, request, repeatable):
        return self._transport.post(request, repeatable, lambda body: _of_leader(body, method))


def _of_leader(body, method):
    """The decoded answer; that of a server that does not lead is raised, for the transport to ask again, or another."""
    answer = codec.decode(body)
    if not answer[0]:
        error = _failure(answer, method)
        if isinstance(error, OneLeaderException):
            raise error
    return answer


def content(answer: tuple[Any, ...], method: str) -> Any:
    """What an answer of a method holds, as codec.decode() returns it: text as str, XML as a view of it.

    Raises:
        OneException: the member of its family that the answer tells of.
    """
    if not answer[0]:
        raise _failure(answer, method)
    return _value(answer[1], method)


def _failure(answer, method):
    """The exception of an answer that tells of a failure."""
    message, code, object_id = (answer[1:] + (None,))[:3]
    return failure(message.decode("utf-8", "replace"), method, code, object_id)


def plain_name(method: str) -> str:
    """A method's name without ``one.``."""
    return method[4:] if method.startswith("one.") else method


def changes(name: str) -> bool:
    """Whether a method, by its name without ``one.``, may change anything."""
    return name.rpartition(".")[2] not in READS


def _value(value, method):
    if isinstance(value, codec.Text) or (isinstance(value, bytes) and value.startswith(b"<")):
        return parse(value, method)
    if not isinstance(value, bytes):
        return value
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        raise OneProtocolException("the answer is not UTF-8 text") from None
