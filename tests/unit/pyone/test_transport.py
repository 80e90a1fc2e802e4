# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""HTTP as good and bad endpoints speak it, over real sockets."""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import time
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone import (
    OneConnectionException,
    OneException,
    OneProtocolException,
    OneTimeoutException,
    tls_context,
    transport,
)
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone.transport import Endpoint as Url
from loopback import BODY, Tunnel, closing, http, number, self_signed
from loopback import Endpoint as LoopbackEndpoint

READ = "host.info"
NO_SERVER = http(b"<html>", "503 Service Unavailable")


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def nobody():
    """The URL of a port where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    return f"http://127.0.0.1:{port}/RPC2"


def silent(connection):
    connection.recv(1)  # until the client gives up
    return True


def trickle(connection):
    """Bytes that come one by one restart a timeout for one read, but not one for the call."""
    with contextlib.suppress(OSError):
        for byte in number(7):
            connection.sendall(bytes([byte]))
            time.sleep(0.02)
    return True


def test_kept_alive(endpoint, client):
    server = endpoint(number(7))
    one = client(server.url)
    assert [one.call(READ, 0) for dummy in range(3)] == [7, 7, 7]
    assert server.connections == 1


def test_connection_close(endpoint, client):
    server = endpoint(closing(number(7, "Connection: close")))
    one = client(server.url)
    assert [one.call(READ, 0) for dummy in range(3)] == [7, 7, 7]
    assert server.connections == 3


def test_idle_connection_that_the_server_closed(endpoint, client):
    server = endpoint(closing(number(7)))
    one = client(server.url)
    assert one.host.delete(0) == 7
    time.sleep(0.05)
    assert one.host.delete(0) == 7
    assert server.connections == 2


def test_closed_client_connects_again(endpoint, client):
    server = endpoint(number(7))
    one = client(server.url)
    one.call(READ, 0)
    one.server_close()
    assert one.call(READ, 0) == 7
    assert server.connections == 2


def test_chunks(endpoint, client):
    body = BODY % 7
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunks = b"".join(b"%x;x=y\r\n%s\r\n" % (len(part), part) for part in (body[:10], body[10:])) + b"0\r\nA: b\r\n\r\n"
    server = endpoint(head + chunks)
    one = client(server.url)
    assert [one.call(READ, 0), one.call(READ, 0)] == [7, 7]
    assert server.connections == 1


def test_body_until_the_end_of_the_connection(endpoint, client):
    server = endpoint(closing(b"HTTP/1.0 200 OK\r\n\r\n", BODY % 7))
    assert client(server.url).call(READ, 0) == 7


@pytest.mark.parametrize("method, attempts", [(READ, 3), ("host.delete", 1)], ids=["read", "write"])
def test_body_that_is_cut(endpoint, client, method, attempts):
    server = endpoint(closing(number(7)[:-20]))
    with pytest.raises(OneConnectionException, match=r"was cut: \d+ of \d+ bytes") as caught:
        client(server.url).call(method, 0)
    assert caught.value.sent
    assert len(server.requests) == attempts


def test_read_is_asked_again(endpoint, client):
    server = endpoint(closing(b""), NO_SERVER, number(7))
    assert client(server.url).call(READ, 0) == 7
    assert len(server.requests) == 3


def test_write_is_not_repeated(endpoint, client):
    server = endpoint(closing(b""), number(7))
    with pytest.raises(OneConnectionException, match="closed before the answer was complete") as caught:
        client(server.url).host.delete(0)
    assert caught.value.method == "one.host.delete"
    assert len(server.requests) == 1


def test_write_is_not_repeated_after_503(endpoint, client):
    server = endpoint(NO_SERVER, number(7))
    with pytest.raises(OneConnectionException, match="HTTP 503 Service Unavailable"):
        client(server.url).host.delete(0)
    assert len(server.requests) == 1


@pytest.mark.parametrize("step", [silent, trickle])
def test_timeout_covers_the_whole_call(endpoint, client, step):
    server = endpoint(step)
    began = time.monotonic()
    with pytest.raises(OneTimeoutException, match=r"no complete answer within 0\.3 s"):
        client(server.url, timeout=0.3).call(READ, 0)
    assert time.monotonic() - began < 1.5
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "status, headers, message",
    [
        ("404 Not Found", [], r"HTTP 404 Not Found: the path of an OpenNebula endpoint is usually /RPC2"),
        ("405 Method Not Allowed", [], "usually /RPC2"),
        ("302 Found", ["Location: https://u:hidden@one/RPC2"], "has moved to one/RPC2"),
        ("401 Unauthorized", [], "HTTP 401 Unauthorized"),
    ],
)
def test_http_errors(endpoint, client, status, headers, message):
    server = endpoint(http(b"<html>", status, *headers))
    with pytest.raises(OneProtocolException, match=message) as caught:
        client(server.url).call(READ, 0)
    assert caught.value.code == int(status[:3])
    assert "hidden" not in str(caught.value)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "answer, message",
    [
        (b"SSH-2.0-OpenSSH_9\r\n", "does not speak HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n", "no number: 'many'"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "no number: '-1'"),
        (b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 101 + b"\r\n", "more than 100 header lines"),
        (b"HTTP/1.1 200 OK\r\nA: " + b"b" * 70000, "header line of over 65536 bytes"),
        (http(b"<html></html>"), "is not XML-RPC"),
    ],
    ids=["ssh", "length", "negative", "headers", "line", "html"],
)
def test_what_is_no_opennebula(endpoint, client, answer, message):
    server = endpoint(closing(answer))
    with pytest.raises(OneProtocolException, match=message):
        client(server.url).call(READ, 0)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "answer",
    [
        http(b"x" * 3000),
        b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 3000,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + (b"3e8\r\n" + b"x" * 1000 + b"\r\n") * 3,
    ],
    ids=["length", "until closed", "chunks"],
)
def test_limit(endpoint, client, answer):
    with pytest.raises(OneProtocolException, match="larger than the client's limit"):
        client(endpoint(closing(answer)).url, limit=2500).call(READ, 0)


def test_nobody_listens(nobody, client):
    with pytest.raises(OneConnectionException, match=r"cannot reach http://127.*: Connection refused") as caught:
        client(nobody, retries=0).host.delete(0)
    assert not caught.value.sent


def test_second_endpoint_takes_over_even_for_a_write(nobody, endpoint, client):
    server = endpoint(number(7))
    one = client([nobody, server.url])
    assert [one.host.delete(0), one.host.delete(0)] == [7, 7]
    assert repr(one) == f"<OneServer {server.url}>"


def test_write_that_may_have_run_does_not_go_to_the_second_endpoint(endpoint, client):
    first, second = endpoint(closing(b"")), endpoint(number(7))
    with pytest.raises(OneConnectionException):
        client([first.url, second.url]).host.delete(0)
    assert second.requests == []


def test_read_goes_to_the_second_endpoint(endpoint, client):
    first, second = endpoint(NO_SERVER), endpoint(number(7))
    assert client([first.url, second.url]).call(READ, 0) == 7
    assert len(first.requests) == 1


def test_credentials_of_the_url_are_sent_and_not_shown(endpoint, client):
    server = endpoint(http(b"", "404 Not Found"))
    with pytest.raises(OneProtocolException) as caught:
        client(server.url.replace("//", "//me:hidden@"), "oneadmin:s3cret").call(READ, 0)
    assert "hidden" not in str(caught.value)
    assert "s3cret" not in repr(caught.value)


def test_request_as_sent(endpoint, client):
    server = endpoint(number(7))
    client(server.url.replace("//", "//me:p%40ss@")).call(READ, 0)
    first, *headers = server.heads[0].split("\r\n")
    assert first == "POST /RPC2 HTTP/1.1"
    assert "Authorization: Basic " + b64encode(b"me:p@ss").decode() in headers
    assert f"Host: {server.url.split('/')[2]}" in headers


def test_plain_http_proxy(endpoint, client, monkeypatch):
    proxy = endpoint(number(7))
    monkeypatch.setenv("http_proxy", proxy.url.replace("//", "//me:hidden@"))
    monkeypatch.setenv("no_proxy", "")
    assert client("http://one.example:2633/RPC2").call(READ, 0) == 7
    first, *headers = proxy.heads[0].split("\r\n")
    assert first == "POST http://one.example:2633/RPC2 HTTP/1.1"
    assert "Proxy-Authorization: Basic " + b64encode(b"me:hidden").decode() in headers


def test_hosts_that_need_no_proxy(endpoint, client, monkeypatch):
    server, proxy = endpoint(number(7)), endpoint(number(8))
    monkeypatch.setenv("http_proxy", proxy.url)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert client(server.url).call(READ, 0) == 7


# ---------------------------------------------------------------- https


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    """(certificate, key) of the server."""
    return self_signed(tmp_path_factory.mktemp("tls"), "one")


@pytest.fixture(scope="session")
def identity(tmp_path_factory):
    """(certificate, key) of a client."""
    return self_signed(tmp_path_factory.mktemp("tls"), "client")


@pytest.fixture
def secure(endpoint, certificate):
    """An endpoint with https."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    return endpoint(number(7), context=context)


def test_certificate_that_is_not_trusted(secure, client):
    with pytest.raises(OneConnectionException, match="its certificate is not trusted") as caught:
        client(secure.url, retries=0).host.delete(0)
    assert not caught.value.sent
    assert secure.requests == []


def test_certificate_that_is_trusted(secure, client, certificate):
    one = client(secure.url, https_verify=str(certificate[0]))
    assert [one.call(READ, 0), one.call(READ, 0)] == [7, 7]
    assert secure.connections == 1


def test_certificate_of_another_name(secure, client, certificate):
    with pytest.raises(OneConnectionException, match="certificate is not trusted"):
        client(secure.url.replace("127.0.0.1", "localhost"), https_verify=str(certificate[0]), retries=0).call(READ, 0)


def test_certificates_are_not_checked(secure, client):
    assert client(secure.url, https_verify=False).call(READ, 0) == 7


def test_own_context(secure, client, certificate):
    assert client(secure.url, context=tls_context(ca_path=str(certificate[0]))).call(READ, 0) == 7


def test_certificates_named_by_the_environment(secure, client, certificate, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate[0]))
    assert client(secure.url).call(READ, 0) == 7


def test_certificates_that_cannot_be_read():
    with pytest.raises(OneException, match="cannot load the TLS certificates from /nowhere"):
        tls_context(ca_path="/nowhere")


@pytest.fixture
def strict(endpoint, certificate, identity):
    """An endpoint with https that wants to see the client's certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(identity[0])
    return endpoint(number(7), context=context)


def test_client_certificate(strict, client, certificate, identity):
    context = tls_context(True, str(certificate[0]), str(identity[0]), str(identity[1]))
    assert client(strict.url, context=context).call(READ, 0) == 7


def test_client_certificate_that_is_missing(strict, client, certificate):
    with pytest.raises(OneConnectionException):
        client(strict.url, https_verify=str(certificate[0]), retries=0).call(READ, 0)
    assert strict.requests == []


def test_client_certificate_without_its_key(identity):
    with pytest.raises(OneException, match=r"cannot load the TLS certificates from .*client\.pem"):
        tls_context(client_cert=str(identity[0]))


def test_plain_server_where_tls_is_expected(client):
    """It answers what it takes for a bad request."""
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor() as pool:
        port = listener.getsockname()[1]
        answered = pool.submit(answer_one, listener, http(b"", "400 Bad Request"))
        with pytest.raises(OneConnectionException) as caught:
            client(f"https://127.0.0.1:{port}/RPC2", timeout=2, retries=0).host.delete(0)
        answered.result()
    said = f"https://127.0.0.1:{port}/RPC2: the port does not speak TLS: write http://127.0.0.1:{port}/RPC2"
    assert str(caught.value) == said
    assert not caught.value.sent


def answer_one(listener, answer):
    connection, dummy = listener.accept()
    with connection:
        connection.recv(1)
        connection.sendall(answer)
        connection.recv(65536)


def test_plain_server_that_waits_where_tls_is_expected(client, monkeypatch):
    """As oned does: what a TLS client says first is the beginning of a line to it."""
    monkeypatch.setattr(transport, "HANDSHAKE", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = "127.0.0.1:%d/RPC2" % listener.getsockname()[1]
        started = time.monotonic()
        with pytest.raises(OneTimeoutException) as caught:
            client("https://" + address).call(READ, 0)
        assert time.monotonic() - started < 2
    said = "https://%s: the port does not answer in TLS within 0.1 s: if it speaks http, write http://%s"
    assert str(caught.value) == said % (address, address)


def test_tls_server_where_http_is_expected(secure, client):
    """One that closes, as OpenSSL does by itself."""
    with pytest.raises(OneConnectionException) as caught:
        client(secure.url.replace("https:", "http:"), timeout=2, retries=0).call(READ, 0)
    assert str(caught.value).endswith(": if this port speaks TLS, write " + secure.url)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"\x15\x03\x03\x00\x02\x02\x0a", ": the port speaks TLS: write https://%s"),
        (b"\x15\x03\x01\x00\x02\x02\x46", ": the port speaks TLS: write https://%s"),
        (http(b"", "400 Bad Request"), " answers HTTP 400 Bad Request: if this port speaks TLS, write https://%s"),
    ],
)
def test_what_servers_with_tls_answer_to_http(endpoint, client, answer, said):
    server = endpoint(closing(answer))
    with pytest.raises(OneProtocolException) as caught:
        client(server.url, retries=0).call(READ, 0)
    assert str(caught.value) == server.url + said % server.url[len("http://") :]


def test_no_word_of_tls_to_a_server_that_has_answered_before(endpoint, client):
    server = endpoint(number(7), closing())
    one = client(server.url, retries=0)
    assert one.call(READ, 0) == 7
    with pytest.raises(OneConnectionException, match=r"the connection was closed before the answer was complete$"):
        one.call(READ, 0)


# ---------------------------------------------------------------- proxies for https


@pytest.fixture
def tunnel(monkeypatch):
    """tunnel(*arguments) -> a Tunnel that the environment names as the proxy."""
    made = []

    def make(*arguments):
        made.append(Tunnel(*arguments))
        monkeypatch.setenv("https_proxy", made[-1].url.replace("//", "//me:hidden@"))
        monkeypatch.setenv("no_proxy", "")
        return made[-1]

    yield make
    for found in made:
        found.close()


def test_tunnel(tunnel, secure, client, certificate):
    proxy = tunnel()
    one = client(secure.url, session="oneadmin:s3cret", https_verify=str(certificate[0]))
    assert [one.call(READ, 0), one.call(READ, 0)] == [7, 7]
    first, *headers = proxy.heads[0].split("\r\n")
    assert first == f"CONNECT {secure.url.split('/')[2]} HTTP/1.1"
    assert "Proxy-Authorization: Basic " + b64encode(b"me:hidden").decode() in headers
    assert (proxy.connections, secure.connections) == (1, 1)
    assert secure.heads[0].startswith("POST /RPC2 HTTP/1.1\r\n")
    assert "Proxy-Authorization" not in secure.heads[0]


def test_tunnel_checks_the_certificate_of_the_server(tunnel, secure, client):
    tunnel()
    with pytest.raises(OneConnectionException, match="its certificate is not trusted"):
        client(secure.url, retries=0).call(READ, 0)
    assert secure.requests == []


def test_tunnel_that_is_refused(tunnel, secure, client):
    proxy = tunnel(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
    with pytest.raises(OneConnectionException, match=r"the proxy http://127\S+ answers 407 Proxy Auth") as caught:
        client(secure.url, retries=0).host.delete(0)
    assert not caught.value.sent
    assert "hidden" not in str(caught.value)
    assert len(proxy.heads) == 1


def test_proxy_by_https_is_not_supported(client, monkeypatch):
    monkeypatch.setenv("https_proxy", "https://me:hidden@proxy.example:3128")
    monkeypatch.setenv("no_proxy", "")
    with pytest.raises(OneException, match=r"the proxy https://proxy.example:3128\S* is reached by https") as caught:
        client("https://one.example/RPC2").call(READ, 0)
    assert "hidden" not in str(caught.value)


# ---------------------------------------------------------------- threads

THREADS, CALLS = 12, 25


class Echo(LoopbackEndpoint):
    """Answers one.host.info(N) with N, over connections that it keeps or closes."""

    def __init__(self, closes=False):
        self.closes = closes
        super().__init__()

    def serve(self, connection):
        self.open.append(connection)
        data = b""
        with contextlib.suppress(OSError), connection:
            while True:
                body, data = self.receive(connection, data)
                if body is None:
                    return
                connection.sendall(number(int(re.search(rb"<i4>(\d+)</i4>", body).group(1))))
                if self.closes:
                    return


@pytest.fixture(params=[False, True], ids=["kept alive", "closing"])
def echoes(request):
    found = Echo(request.param)
    yield found
    found.close()


def test_threads_share_a_client(echoes, client):
    one = client(echoes.url)

    def work(first):
        numbers = range(first * CALLS, (first + 1) * CALLS)
        return [one.host.info(each) for each in numbers] == list(numbers)

    with ThreadPoolExecutor(THREADS) as pool:
        assert all(pool.map(work, range(THREADS)))
    calls = THREADS * CALLS
    assert len(echoes.heads) == calls
    assert echoes.connections == calls if echoes.closes else echoes.connections <= THREADS


def test_threads_move_to_the_second_endpoint_together(nobody, client):
    server = Echo()
    one = client([nobody, server.url])
    with ThreadPoolExecutor(THREADS) as pool:
        assert list(pool.map(one.host.info, range(100))) == list(range(100))
    assert repr(one) == f"<OneServer {server.url}>"
    server.close()


def test_client_closed_while_threads_use_it(client):
    server = Echo()
    one = client(server.url)
    with ThreadPoolExecutor(THREADS) as pool:
        answers = [pool.submit(one.host.info, each) for each in range(200)]
        for dummy in range(20):
            one.server_close()
        assert [answer.result() for answer in answers] == list(range(200))
    server.close()


# ---------------------------------------------------------------- URLs


@pytest.mark.parametrize(
    "url, shown",
    [
        ("http://one:2633/RPC2", "http://one:2633/RPC2"),
        ("http://one:2633", "http://one:2633/RPC2"),
        ("https://one", "https://one/RPC2"),
        ("http://[::1]:2633/RPC2?a=b", "http://[::1]:2633/RPC2?a=b"),
        ("https://me:hidden@one/RPC2", "https://one/RPC2"),
    ],
)
def test_url_as_shown(url, shown):
    assert Url(url).shown == shown


def test_default_ports():
    assert (Url("http://one").port, Url("https://one").port, Url("http://one:0080").port) == (80, 443, 80)
