# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""HTTP to oned and OneFlow: send a body, get a body.

The standard library's http.client parses headers with the email package, which costs more to import than the rest of
this client, and its timeouts restart with every byte.  These servers need little of HTTP/1.1, so its few lines are
here and one deadline covers the whole call.
"""

from __future__ import annotations

import os
import re
import time
from collections import namedtuple
from itertools import count

from .errors import (
    OneConnectionException,
    OneException,
    OneLeaderException,
    OneProtocolException,
    OneTimeoutException,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ssl
    from typing import Any, Callable, Iterator, Sequence

DEFAULT_TIMEOUT = 120.0
DEFAULT_LIMIT = 512 * 1024 * 1024
MAX_HEADER_LINES = 100
MAX_LINE = 64 * 1024
CHUNK = 256 * 1024
FIRST = 16 * 1024 * 1024  # bytes of memory for an answer before more of it has arrived
AUTHORIZATION = "Authorization: "
LONGEST_PAUSE = 2.0  # seconds between two attempts
ELECTION = 30.0  # seconds that a cluster may be without a leader; oned elects one in less than ten
HANDSHAKE = 10.0  # seconds for TLS: oned without TLS waits in silence for the rest of what it takes for a request
# A front end that has lost its server answers these; asking again is worth it.
PASSING = (502, 503, 504)
_ALERT = b"\x15\x03"  # how TLS begins an answer to what is no TLS
_NO_TLS = "HTTP_REQUEST PACKET_LENGTH_TOO_LONG RECORD_LAYER_FAILURE UNKNOWN_PROTOCOL WRONG_VERSION_NUMBER".split()
_URL = re.compile(
    r"(?i:(https?))://(?:([^@/?#\s]*)@)?(\[[\da-fA-F:.]+\]|[^]\[@:/?#\s]+)(?::(\d{0,5}))?(/[^?#\s]*)?(\?[^#\s]*)?(?:#\S*)?"
)


def tls_context(
    verify: bool = True, ca_path: str | None = None, client_cert: str | None = None, client_key: str | None = None
) -> ssl.SSLContext:
    """An ssl.SSLContext for https endpoints.

    Args:
        verify (bool): check the server's certificate and name.
        ca_path (str | None): file or directory of trusted certificates (PEM) in place of the system's.  Where it has
            a revocation list (CRL) too, the server's certificate has to be in order by the list of its authority.
        client_cert, client_key (str | None): files (PEM) that identify the client.

    Raises:
        OneException: a file cannot be read.
    """
    import ssl

    if ca_path is None and verify:
        ca_path = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or None
    try:
        folder = ca_path is not None and os.path.isdir(ca_path)
        context = ssl.create_default_context(cafile=None if folder else ca_path, capath=ca_path if folder else None)
        if not verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        elif context.cert_store_stats()["crl"] or (folder and _has_crl(ca_path)):
            context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
        if client_cert:
            context.load_cert_chain(client_cert, client_key)
    except (OSError, ValueError) as error:
        paths = ", ".join(path for path in (ca_path, client_cert, client_key) if path)
        raise OneException("cannot load the TLS certificates from %s: %s" % (paths, _reason(error))) from error
    return context


def _has_crl(folder):
    """Whether a directory has a revocation list, named as `openssl rehash` does; it is read when it is needed."""
    return any(re.fullmatch(r"[0-9a-f]{8}\.r[0-9]+", name) for name in os.listdir(folder))


class Service(namedtuple("Service", "example path pages")):
    """What differs between the servers: an example of a URL, the path of a given one, whether error pages are read."""

    __slots__ = ()


ONED = Service("http://frontend:2633/RPC2", lambda path: path or "/RPC2", False)


class Request(
    namedtuple("Request", "body verb path headers pieces", defaults=("POST", "", ("Content-Type: text/xml",), False))
):
    """What is sent: a body (bytes), and a path (str) behind that of the endpoint; `pieces`: how the answer is read."""

    __slots__ = ()


class Endpoint:
    """One URL, taken apart.  `shown` is the URL without credentials: it is safe in messages."""

    def __init__(self, url: str, service: Service | None = None) -> None:
        service = service or ONED
        parts = _URL.fullmatch(str(url).strip())
        port = int(parts.group(4) or 0) if parts else 0
        if not parts or port > 65535:
            raise OneException("the endpoint %r is not a URL such as %s" % (_without_credentials(url), service.example))
        scheme, login, host, dummy, path, query = parts.groups()
        self.tls = scheme.lower() == "https"
        self.host = host.strip("[]").lower()
        self.port = port or (443 if self.tls else 80)
        self.path = service.path(path) + (query or "")
        self.authority = "%s:%d" % (host.lower(), port) if port else host.lower()
        self.address = self.authority + self.path
        self.shown = "%s://%s" % (scheme.lower(), self.address)
        self.credentials = None if login is None else _unquoted(login)


def _without_credentials(url):
    return str(url).rsplit("@", 1)[-1]


def _unquoted(login):
    from urllib.parse import unquote

    user, dummy, password = login.partition(":")
    return "%s:%s" % (unquote(user), unquote(password))


class _Late(Exception):
    """The deadline has passed."""


class Deadline:
    """What is left of a timeout in seconds (None: no limit)."""

    def __init__(self, seconds: float | None) -> None:
        self.end = None if seconds is None else time.monotonic() + seconds

    def left(self) -> float | None:
        if self.end is None:
            return None
        left = self.end - time.monotonic()
        if left <= 0:
            raise _Late
        return left

    def outlasts(self, seconds: float) -> bool:
        return self.end is None or self.end - time.monotonic() > seconds


class Connection:
    """A socket to one endpoint; after exchange(), `reusable` says whether it can carry another request."""

    def __init__(self, endpoint, context, deadline):
        import socket

        self.endpoint = endpoint
        self.deadline = deadline
        self.reusable = False
        self.heard = False  # whether anything was received
        self._rest = b""
        proxy = _proxy(endpoint)
        hop = proxy or endpoint
        self.socket = socket.create_connection((hop.host, hop.port), deadline.left())
        try:
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._target = endpoint.shown if proxy and not endpoint.tls else endpoint.path
            self._headers = self._common_headers(proxy)
            if endpoint.tls:
                if proxy:
                    self._tunnel(proxy)
                self.socket = self._secured(context)
        except BaseException:
            self.socket.close()
            raise

    def _secured(self, context):
        """The socket with TLS.

        Raises:
            OneConnectionException, OneTimeoutException: the port does not speak TLS.
        """
        import socket
        import ssl

        left = self.deadline.left()
        seconds = HANDSHAKE if left is None else min(left, HANDSHAKE)
        self.socket.settimeout(seconds)
        try:
            return context.wrap_socket(self.socket, server_hostname=self.endpoint.host)
        except socket.timeout:
            message = "the port does not answer in TLS within %.3g s: if it speaks http, write http://%s"
            raise OneTimeoutException(message % (seconds, self.endpoint.address)) from None
        except ssl.SSLError as error:
            if error.reason not in _NO_TLS:
                raise
            message = "the port does not speak TLS: write http://%s"
            raise OneConnectionException(message % self.endpoint.address) from None

    def _common_headers(self, proxy):
        endpoint = self.endpoint
        lines = ["Host: " + endpoint.authority, "User-Agent: pyone"]
        if proxy and not endpoint.tls and proxy.credentials is not None:
            lines.append("Proxy-Authorization: " + basic(proxy.credentials))
        return tuple(lines)

    def _head_of(self, request):
        """The lines before the body of a request."""
        lines = ["%s %s%s HTTP/1.1" % (request.verb, self._target, request.path)]
        lines += self._headers + request.headers
        if self.endpoint.credentials is not None and not any(line.startswith(AUTHORIZATION) for line in lines):
            lines.append(AUTHORIZATION + basic(self.endpoint.credentials))
        return "\r\n".join([*lines, "Content-Length: %d\r\n\r\n" % len(request.body)]).encode("latin-1")

    def _tunnel(self, proxy):
        target = "%s:%d" % (self.endpoint.host, self.endpoint.port)
        lines = ["CONNECT %s HTTP/1.1" % target, "Host: " + target]
        if proxy.credentials is not None:
            lines.append("Proxy-Authorization: " + basic(proxy.credentials))
        self.socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))
        status, reason, dummy = self._head()
        if status != 200:
            raise OneConnectionException("the proxy %s answers %d %s" % (proxy.shown, status, reason))

    def left_over(self):
        """Whether the peer has sent more than the answer."""
        return bool(self._rest)

    def alive(self):
        """False once the peer has closed, or has sent what nobody asked for."""
        import select

        try:
            return not select.select([self.socket], [], [], 0)[0]
        except (OSError, ValueError):
            return False

    def close(self):
        self.socket.close()

    def exchange(self, request, deadline, limit, pages=False):
        """Sends one request; returns (status, reason, headers, body); `pages`: also the body of an error.

        The body is bytes; of a request for pieces it is an iterator of these, and the rest follows on the connection.
        """
        self.reusable = False
        self.deadline = deadline
        self.socket.settimeout(deadline.left())
        self.socket.sendall(self._head_of(request) + request.body)
        status, reason, headers = self._final_head()
        if status != 200 and not pages:  # the page that comes with it tells nobody anything, and may be slow
            return status, reason, headers, b""
        length = headers.get("content-length")
        if headers.get("transfer-encoding", "").lower() == "chunked":
            answer = self._chunks(limit)
        elif length is not None or status == 204:  # No Content
            size = _size(length or "0", 10, limit)
            answer = self._pieces(size) if request.pieces else self._exactly(size)
        else:
            answer = self._until_closed(limit)
        self.reusable = headers.get("connection", "").lower() != "close" and (
            length is not None or status == 204 or "transfer-encoding" in headers
        )
        if request.pieces and isinstance(answer, (bytes, bytearray)):
            answer = iter((answer,))
        return status, reason, headers, answer

    def _final_head(self):
        """The head after those that only say to go on waiting, as 100 Continue."""
        for dummy in range(MAX_HEADER_LINES):
            status, reason, headers = self._head()
            if not 100 <= status < 200:
                return status, reason, headers
        raise OneProtocolException("the endpoint answers again and again that it will answer")

    def _head(self):
        line = self._line()
        parts = line.split(None, 2)
        if len(parts) < 2 or not parts[0].startswith("HTTP/1.") or not re.fullmatch("[0-9]{3}", parts[1]):
            raise OneProtocolException("the endpoint does not speak HTTP: it answers %r" % line[:60])
        headers = self._fields()
        if parts[0] == "HTTP/1.0":
            headers.setdefault("connection", "close")
        return int(parts[1]), parts[2] if len(parts) > 2 else "", headers

    def _fields(self):
        """Header or trailer lines as {name in lower case: value}."""
        fields: dict[str, str] = {}
        for dummy in range(MAX_HEADER_LINES):
            line = self._line()
            if not line:
                return fields
            name, dummy, value = line.partition(":")
            fields[name.strip().lower()] = value.strip()
        raise OneProtocolException("the HTTP answer has more than %d header lines" % MAX_HEADER_LINES)

    def _receive(self):
        """The next bytes; none once the peer has closed."""
        self.socket.settimeout(self.deadline.left())
        data = self.socket.recv(CHUNK)
        self.heard = self.heard or bool(data)
        return data

    def _line(self):
        while b"\n" not in self._rest:
            if len(self._rest) > MAX_LINE:
                raise OneProtocolException("the HTTP answer has a header line of over %d bytes" % MAX_LINE)
            data = self._receive()
            if not data:
                raise OneConnectionException("the connection was closed before the answer was complete")
            self._rest += data
            if self._rest.startswith(_ALERT):
                raise OneProtocolException("the port speaks TLS: write https://" + self.endpoint.address)
        line, dummy, self._rest = self._rest.partition(b"\n")
        return line.rstrip(b"\r").decode("latin-1")

    def _exactly(self, size):
        """The next `size` bytes, received into one buffer: a pool may have a hundred megabytes."""
        if len(self._rest) >= size:
            data, self._rest = self._rest[:size], self._rest[size:]
            return data
        have = len(self._rest)
        buffer = bytearray(min(size, max(have, FIRST)))
        buffer[:have] = self._rest
        self._rest = b""
        while have < size:
            if have == len(buffer):  # grows with what arrives, not with what was announced
                buffer.extend(bytes(min(size - have, have)))
            self.socket.settimeout(self.deadline.left())
            with memoryview(buffer) as whole, whole[have:] as free:
                got = self.socket.recv_into(free)
            if not got:
                raise OneConnectionException("the answer was cut: %d of %d bytes arrived" % (have, size))
            have += got
        return buffer

    def _pieces(self, size):
        while size:
            piece = self._exactly(min(size, CHUNK))
            size -= len(piece)
            yield piece

    def _chunks(self, limit):
        answer = bytearray()
        while True:
            size = _size(self._line().partition(";")[0], 16, limit - len(answer))
            if not size:
                break
            answer += self._exactly(size)
            self._line()
        self._fields()
        return answer

    def _until_closed(self, limit):
        parts, total = [self._rest], len(self._rest)
        while total <= limit:
            data = self._receive()
            if not data:
                break
            parts.append(data)
            total += len(data)
        _check_limit(total, limit)
        return b"".join(parts)


def _size(text, base, limit):
    try:
        size = int(text.strip(), base)
        if size < 0:
            raise ValueError
    except ValueError:
        raise OneProtocolException("the HTTP answer has a length that is no number: %r" % text[:40]) from None
    _check_limit(size, limit)
    return size


def _check_limit(size, limit):
    if size > limit:
        raise OneProtocolException(
            "the answer is larger than the client's limit of %d bytes; ask for pages or raise the limit" % limit
        )


def basic(credentials: str) -> str:
    """The value of the header Authorization for ``user:password``."""
    from base64 import b64encode

    return "Basic " + b64encode(credentials.encode("utf-8")).decode("ascii")


def _proxy(endpoint):
    """The proxy that the environment names for an endpoint, or None."""
    if not any(name.lower().endswith("_proxy") for name in os.environ):
        return None
    from urllib.request import getproxies, proxy_bypass

    url = getproxies().get("https" if endpoint.tls else "http")
    if not url or proxy_bypass(endpoint.host):
        return None
    proxy = Endpoint(url if "://" in url else "http://" + url)
    if proxy.tls:
        raise OneException("the proxy %s is reached by https, which is not supported: name it by http" % proxy.shown)
    return proxy


def _as_it_is(body):
    return body


class Transport:
    """Sends requests to the first of several endpoints that can be reached, over connections that are kept alive.

    Args:
        urls (list[str]): endpoints, in order of preference.
        timeout (float | None): seconds that an endpoint has for a call, from connecting to the last byte, repetitions
            included; 0 or less: no limit; None: 120.  Looking up its name in the DNS is not counted.
        context (ssl.SSLContext | None): used as it is for https; None: made on first use.
        https_verify (bool | str): whether certificates are checked; a path: the file or directory of those to trust.
        retries (int): how often a read is asked again after a passing failure.
        limit (int): the largest answer, in bytes.
        service (Service | None): what answers at the endpoints; None: oned.

    Several threads may use it at once: a connection serves one call at a time, and there are never more connections
    than there were calls under way at once.
    """

    def __init__(
        self,
        urls: Sequence[str],
        timeout: float | None = None,
        context: ssl.SSLContext | None = None,
        https_verify: bool | str = True,
        retries: int = 2,
        limit: int = DEFAULT_LIMIT,
        service: Service | None = None,
    ) -> None:
        self.service = service or ONED
        self.endpoints = [Endpoint(url, self.service) for url in urls]
        self.timeout = DEFAULT_TIMEOUT if timeout is None else timeout if timeout > 0 else None
        self.retries = retries
        self.limit = limit
        self._context = context
        self._verify = https_verify
        self._idle: list[Connection] = []

    def post(self, body: bytes, repeatable: bool, read: Callable[[bytes | bytearray], Any] = _as_it_is) -> Any:
        """Sends `body` (bytes) as a POST, returns read(the answer's body); see send()."""
        return self.send(Request(body), repeatable, read)[1]

    def stream(self, body: bytes, read: Callable[[Iterator[bytes]], Any]) -> Any:
        """Sends `body` (bytes) as a POST that may be repeated, returns read(the answer's body in pieces).

        The body is asked for again until `read` returns.  What comes behind is cut where the connection is, and its
        time is that of the call.
        """
        return self.send(Request(body, pieces=True), True, read)[1]

    def send(self, request: Request, repeatable: bool, read: Callable[[Any], Any] = _as_it_is) -> tuple[int, Any]:
        """Sends a request, returns the HTTP status of the answer (200 unless error pages are read) and read(its body).

        A request that surely never ran is tried on the next endpoint, and again; where `read` raises
        OneLeaderException, as long as an election takes.  One that may have run is sent again only when `repeatable`.

        Raises:
            OneConnectionException, OneTimeoutException, OneProtocolException; what `read` raises.
        """
        deadlines: dict[Endpoint, Deadline] = {}
        waited = 0.0
        for attempt in count():
            try:
                return self._send_anywhere(request, repeatable, read, deadlines)
            except OneConnectionException as error:
                pause = min(0.1 * 2**attempt, LONGEST_PAUSE)
                again = self._asks_again(error, attempt, waited) and (repeatable or not error.sent)
                if not again or not any(deadline.outlasts(pause) for deadline in deadlines.values()):
                    raise
            time.sleep(pause)
            waited += pause
        raise AssertionError("unreachable")

    def _asks_again(self, error, attempt, waited):
        if isinstance(error, OneLeaderException):
            return self.retries > 0 and waited < ELECTION
        return attempt < self.retries and not isinstance(error, OneTimeoutException)

    def close(self) -> None:
        """Closes the idle connections; the client may still be used."""
        while self._idle:
            idle, self._idle = self._idle, []
            for connection in idle:
                connection.close()

    def _send_anywhere(self, request, repeatable, read, deadlines):
        endpoints = self.endpoints
        last = len(endpoints) - 1
        for index, endpoint in enumerate(endpoints):
            try:
                status, body = self._send(endpoint, request, deadlines.setdefault(endpoint, Deadline(self.timeout)))
                answer = status, read(body)
            except OneConnectionException as error:
                if index == last or (error.sent and not repeatable):
                    raise
            else:
                if index:  # stay with the one that works; other threads may go through the old list
                    self.endpoints = [endpoint] + [other for other in endpoints if other is not endpoint]
                return answer
        raise AssertionError("unreachable")

    def _send(self, endpoint, request, deadline):
        connection = self._connect(endpoint, deadline)
        pages = self.service.pages
        try:
            status, reason, headers, answer = connection.exchange(request, deadline, self.limit, pages)
        except BaseException as error:
            connection.close()
            raise self._translated(error, endpoint, connection) from None
        if status in PASSING or (status != 200 and not pages):
            self._release(connection)
            raise _http_error(endpoint, status, reason, headers)
        if request.pieces:
            return status, self._arriving(connection, answer)
        self._release(connection)
        return status, answer

    def _release(self, connection):
        if connection.reusable and not connection.left_over():
            self._idle.append(connection)
        else:
            connection.close()

    def _arriving(self, connection, pieces):
        """The pieces of an answer; the connection is free again behind the last, and closed before."""
        reusable, connection.reusable = connection.reusable, False
        try:
            yield from pieces
            connection.reusable = reusable
        except Exception as error:
            raise self._translated(error, connection.endpoint, connection) from None
        finally:
            self._release(connection)

    def _connect(self, endpoint, deadline):
        while self._idle:
            try:
                connection = self._idle.pop()
            except IndexError:  # another thread was faster
                break
            if connection.endpoint is endpoint and connection.alive():
                return connection
            connection.close()
        try:
            if endpoint.tls and self._context is None:
                verify = self._verify
                self._context = tls_context(bool(verify), verify if isinstance(verify, str) else None)
            return Connection(endpoint, self._context, deadline)
        except BaseException as error:
            raise self._translated(error, endpoint) from None

    def _translated(self, error, endpoint, connection=None):
        """A network fault as a member of the family, anything else as it is; no connection: nothing was sent."""
        import socket

        hint = _or_tls(endpoint) if connection and not (connection.heard or endpoint.tls) else ""
        if isinstance(error, (_Late, socket.timeout)):
            error = OneTimeoutException("%s gave no complete answer within %s s" % (endpoint.shown, self.timeout))
        elif isinstance(error, OSError):
            error = OneConnectionException("cannot reach %s: %s%s" % (endpoint.shown, _reason(error), hint))
        elif isinstance(error, (OneConnectionException, OneProtocolException)):
            error = type(error)("%s: %s%s" % (endpoint.shown, error.message, hint))
        if isinstance(error, OneConnectionException):
            error.sent = connection is not None
        return error


def _or_tls(endpoint):
    return ": if this port speaks TLS, write https://" + endpoint.address


def _reason(error):
    verify = getattr(error, "verify_message", None)
    if verify:
        return "its certificate is not trusted (%s)" % verify
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def _http_error(endpoint, status, reason, headers):
    message = "%s answers HTTP %d %s" % (endpoint.shown, status, reason)
    if status in PASSING:
        error = OneConnectionException(message, code=status)
        error.sent = True
        return error
    if "location" in headers and 300 <= status < 400:
        message += ": the endpoint has moved to %s" % _without_credentials(headers["location"])
    elif status == 400 and not endpoint.tls:
        message += _or_tls(endpoint)
    elif status in (404, 405):
        message += ": the path of an OpenNebula endpoint is usually /RPC2"
    return OneProtocolException(message, code=status)
