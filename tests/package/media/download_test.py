"""Downloads over HTTP: limits of size and time, redirects, TLS, and answers that are wrong."""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest
from servers import Answer, Network, redirect, response, serving

from llama_cpp import MediaError
from llama_cpp._media.policy import MediaPolicy
from llama_cpp._media.sources import load_bytes

LOCAL = MediaPolicy(allow_http=True, allow_private=True)
HURRIED = replace(LOCAL, timeout=0.3)
PICTURE = bytes(range(256)) * 1000
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def get(answer: Answer | bytes, policy: MediaPolicy = LOCAL) -> bytes:
    with serving(answer) as server:
        return load_bytes(f"http://127.0.0.1:{server.port}/a/picture?size=1", policy)


def refused(answer: Answer | bytes, match: str, policy: MediaPolicy = LOCAL) -> str:
    """Returns the message, which names the source and has a line about the next step."""
    with pytest.raises(MediaError, match=match) as caught:
        get(answer, policy)
    message = str(caught.value)
    assert message.startswith("Image http://127.0.0.1:") and "/a/picture?..." in message
    assert message.count("\n") == 1
    return message


def chunk(data: bytes, extension: bytes = b"") -> bytes:
    return b"%x%s\r\n%s\r\n" % (len(data), extension, data)


# ---- answers that are taken


def test_the_request() -> None:
    with serving(response(PICTURE)) as server:
        url = f"http://127.0.0.1:{server.port}/a%20b/\u00e9?x=\u00e9&y=%26#part"
        assert load_bytes(url, LOCAL) == PICTURE
    line, *fields = server.requests[0].decode().split("\r\n")
    assert line == "GET /a%20b/%C3%A9?x=%C3%A9&y=%26 HTTP/1.1"
    assert f"Host: 127.0.0.1:{server.port}" in fields
    assert "Accept-Encoding: identity" in fields
    assert not [field for field in fields if field.lower().startswith(("cookie", "authorization"))]


@pytest.mark.parametrize(
    "answer",
    [
        response(PICTURE),
        b"HTTP/1.1 200 OK\r\n\r\n" + PICTURE,
        b"HTTP/1.0 200 OK\r\nContent-Length: x\r\n\r\n" + PICTURE,
        b"HTTP/1.1 100 Continue\r\n\r\n" + response(PICTURE),
        CHUNKED + chunk(PICTURE[:1000]) + chunk(PICTURE[1000:], b";x=1") + b"0\r\n\r\n",
        response(PICTURE, "Content-Encoding: identity"),
    ],
    ids=["length", "until the end", "bad length", "continue", "chunked", "identity"],
)
def test_a_file_arrives_whole(answer: bytes) -> None:
    assert get(answer) == PICTURE


def test_an_empty_file() -> None:
    assert get(response(b"")) == b""


# ---- its size


def endless(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        connection.sendall(PICTURE)


def endless_chunks(connection: socket.socket) -> None:
    connection.sendall(CHUNKED)
    while True:
        connection.sendall(chunk(PICTURE))


@pytest.mark.parametrize("answer", [endless, endless_chunks])
def test_an_endless_file_ends_at_the_limit(answer: Answer) -> None:
    refused(answer, "more than 1000000 bytes\n", replace(LOCAL, max_image_bytes=1_000_000))


def test_the_limit_is_exact() -> None:
    size = len(PICTURE)
    for answer in (response(PICTURE), CHUNKED + chunk(PICTURE) + b"0\r\n\r\n"):
        assert get(answer, replace(LOCAL, max_image_bytes=size)) == PICTURE
        refused(answer, f"more than {size - 1} bytes", replace(LOCAL, max_image_bytes=size - 1))


def test_sounds_have_their_own_limit() -> None:
    policy = replace(LOCAL, max_image_bytes=10)
    with serving(response(PICTURE)) as server:
        url = f"http://127.0.0.1:{server.port}/"
        assert load_bytes(url, policy, "sound") == PICTURE
        with pytest.raises(MediaError, match="^Sound .*more than 10 bytes\n.*max_sound_bytes"):
            load_bytes(url, replace(LOCAL, max_sound_bytes=10), "sound")


def test_a_length_that_is_too_large_is_not_waited_for() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n"
    stopped = threading.Event()

    def answer(connection: socket.socket) -> None:
        connection.sendall(head)
        stopped.wait(60)

    refused(answer, "more than 20971520 bytes")
    stopped.set()


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\nshort",
        CHUNKED + b"270f\r\nshort",
        CHUNKED + chunk(PICTURE),
    ],
    ids=["length", "chunk", "no last chunk"],
)
def test_a_file_that_is_cut_off_is_none(answer: bytes) -> None:
    refused(answer, "does not keep to HTTP .IncompleteRead")


# ---- its time


def drip(connection: socket.socket, data: Iterator[bytes], stop: threading.Event) -> None:
    for piece in data:
        connection.sendall(piece)
        if stop.wait(0.02):
            return


SLOW = {
    "no answer": [],
    "status": [b"HTTP/1.1 200 OK"],
    "fields": [b"HTTP/1.1 200 OK\r\nX: "],
    "continue": [b"HTTP/1.1 100 Continue\r\n"],
    "body": [b"HTTP/1.1 200 OK\r\n\r\n"],
    "known length": [b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n"],
    "chunk size": [CHUNKED],
    "chunk extension": [CHUNKED + b"1;"],
    "chunk": [CHUNKED + b"fffff\r\n"],
    "trailer": [CHUNKED + b"0\r\nX: "],
}


@pytest.mark.parametrize("beginning", SLOW.values(), ids=SLOW)
def test_a_slow_answer_ends_at_the_deadline(beginning: list[bytes]) -> None:
    """Each byte comes soon after the last one, so no timeout between two of them would end it."""
    stop = threading.Event()
    digits = itertools.repeat(b"1")

    def answer(connection: socket.socket) -> None:
        drip(connection, itertools.chain(beginning, digits if beginning else ()), stop)
        stop.wait(60)

    try:
        refused(answer, r"did not arrive within 0.3 seconds\n.*timeout", HURRIED)
    finally:
        stop.set()


def test_redirects_have_one_deadline() -> None:
    stop = threading.Event()

    def answer(connection: socket.socket) -> None:
        stop.wait(0.1)
        connection.sendall(redirect("/a/picture?again"))

    policy = replace(HURRIED, max_redirects=1000)
    assert "redirected to" in refused(answer, "did not arrive within 0.3 seconds", policy)
    stop.set()


def test_a_slow_name_server_ends_at_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    stop = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: stop.wait(60))
    with pytest.raises(MediaError, match="did not arrive within 0.3 seconds"):
        load_bytes("https://pictures.example/", HURRIED)
    stop.set()


class Alarm(Exception):
    pass


@contextlib.contextmanager
def alarm() -> Iterator[None]:
    """Raises Alarm in the main thread, soon."""

    def ring(*_: object) -> None:
        raise Alarm

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs POSIX timers")
def test_a_signal_ends_a_download() -> None:
    stop = threading.Event()
    with pytest.raises(Alarm), alarm():
        get(lambda _: stop.wait(60))
    stop.set()


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs POSIX timers")
def test_a_signal_ends_a_lookup(monkeypatch: pytest.MonkeyPatch) -> None:
    stop = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: stop.wait(60))
    with pytest.raises(Alarm), alarm():
        load_bytes("https://pictures.example/", MediaPolicy())
    stop.set()


# ---- redirects


@pytest.mark.parametrize("status", ["301 a", "302 a", "303 a", "307 a", "308 a"])
def test_a_redirect_is_followed(status: str) -> None:
    with serving(response(PICTURE)) as target:
        location = f"http://127.0.0.1:{target.port}/b?c"
        assert get(redirect(location, status)) == PICTURE
    assert target.requests[0].startswith(b"GET /b?c HTTP/1.1\r\n")


@pytest.mark.parametrize(
    ("location", "target"),
    [
        ("picture2", b"/a/picture2"),
        ("/b c", b"/b%20c"),
        ("?d", b"/a/picture?d"),
        ("\u00e9", b"/a/%C3%A9"),
        ("/%e9", b"/%e9"),
    ],
)
def test_a_relative_redirect(location: str, target: bytes) -> None:
    answers = iter([redirect(location), response(PICTURE)])
    with serving(lambda connection: connection.sendall(next(answers))) as server:
        assert load_bytes(f"http://127.0.0.1:{server.port}/a/picture", LOCAL) == PICTURE
    assert server.requests[1].startswith(b"GET " + target + b" HTTP/1.1\r\n")


def test_redirects_without_an_end() -> None:
    with serving(redirect("/a/picture?again")) as server:
        url = f"http://127.0.0.1:{server.port}/a/picture"
        with pytest.raises(MediaError, match="redirected more than 2 times\n"):
            load_bytes(url, replace(LOCAL, max_redirects=2))
        assert server.n_connections == 3
        with pytest.raises(MediaError, match="redirected more than 0 times\n"):
            load_bytes(url, replace(LOCAL, max_redirects=0))
        assert server.n_connections == 4


@pytest.mark.parametrize(
    ("location", "match"),
    [
        ("file:///etc/passwd", "only https: URLs are downloaded"),
        ("data:image/png;base64,AAAA", "only https: URLs are downloaded"),
        ("ftp://127.0.0.1/", "only https: URLs are downloaded"),
        ("javascript:alert(1)", "only https: URLs are downloaded"),
        ("http://user:secret@127.0.0.1/", "its URL has a user name"),
        ("http://[::1/", "cannot be downloaded: Invalid IPv6 URL"),
        ("http://127.0.0.1:99999/", "its URL is malformed"),
        ("http://127.0.0.1\\@example.com/", "a backslash"),
    ],
)
def test_a_redirect_is_checked(location: str, match: str) -> None:
    assert "secret" not in refused(redirect(location), match)


def test_a_redirect_from_https_to_http_needs_permission(
    network: Network, tls: ssl.SSLContext
) -> None:
    network.names = {"pictures.example": [["1.2.3.4"]]}
    location = "http://pictures.example/picture"
    with serving(redirect(location), tls) as secure, serving(response(PICTURE)) as plain:
        network.servers = {("1.2.3.4", 443): secure.port, ("1.2.3.4", 80): plain.port}
        with pytest.raises(MediaError, match=r"redirected to http:.*\n.*allow_http"):
            load_bytes("https://pictures.example/", MediaPolicy())
        assert plain.n_connections == 0
        policy = MediaPolicy(allow_http=True)
        assert load_bytes("https://pictures.example/", policy) == PICTURE


# ---- answers that are not taken


@pytest.mark.parametrize(
    "status", ["201 Created", "204 No Content", "206 Partial Content", "300 x", "304 x", "404 x"]
)
def test_only_status_200_is_taken(status: str) -> None:
    refused(response(PICTURE, status=status), f"the server answers {status}\n")


def test_a_redirect_without_a_place_is_not_taken() -> None:
    refused(response(b"", status="302 Found"), "the server answers 302 Found\n")


@pytest.mark.parametrize(
    "field",
    [
        "Content-Encoding: gzip",
        "Content-Encoding: br",
        "Content-Encoding: identity, gzip",
        "Content-Encoding: ",
        "Transfer-Encoding: gzip",
        "Transfer-Encoding: gzip, chunked",
    ],
)
def test_nothing_is_decompressed(field: str) -> None:
    name, _, encoding = field.partition(": ")
    refused(response(PICTURE, field), f"the server sends it with the {name} {encoding}\n")


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\r\n\r\n",
        b"hello\r\n\r\n" + PICTURE,
        b"HTTP/9.9 200 OK\r\n\r\n",
        b"HTTP/1.1 x OK\r\n\r\n",
        b"HTTP/1.1 99999 OK\r\n\r\n",
        b"HTTP/1.1 200 " + b"x" * 70_000,
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000,
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000 + b"\r\n",
        CHUNKED + b"nonsense\r\n",
        CHUNKED + b"1" * 70_000,
    ],
    ids=range(11),
)
def test_nonsense_is_an_error(answer: bytes) -> None:
    assert len(refused(answer, "cannot be downloaded: the server does not keep to HTTP")) < 500


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    with pytest.raises(MediaError, match="cannot be downloaded: .*[Rr]efused.*\nCheck the URL"):
        load_bytes(f"http://127.0.0.1:{port}/", LOCAL)


def test_an_unknown_host(network: Network) -> None:
    with pytest.raises(MediaError, match=r"the host pictures.example is unknown \(Name or service"):
        load_bytes("https://pictures.example/", MediaPolicy())
    assert network.lookups == ["pictures.example"]


def test_a_host_without_addresses(network: Network) -> None:
    network.names = {"pictures.example": [[]]}
    with pytest.raises(MediaError, match="pictures.example has no IP address"):
        load_bytes("https://pictures.example/", MediaPolicy())


def test_proxies_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(response(b"the proxy's")) as proxy:
        for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        monkeypatch.delenv("no_proxy", raising=False)
        assert get(response(PICTURE)) == PICTURE
    assert proxy.n_connections == 0


# ---- TLS


@pytest.fixture
def tls(monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """Returns the context of a server for pictures.example, whose certificate is trusted."""
    monkeypatch.setenv("SSL_CERT_FILE", os.environ["CERTIFICATE"])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(os.environ["CERTIFICATE"])
    return context


@pytest.mark.parametrize("host", ["pictures.example", "PICTURES.example", "pictures.example."])
def test_the_certificate_of_the_host(network: Network, tls: ssl.SSLContext, host: str) -> None:
    network.names = {host.lower(): [["1.2.3.4"]]}
    with serving(response(PICTURE), tls) as server:
        network.servers = {("1.2.3.4", 8443): server.port}
        assert load_bytes(f"https://{host}:8443/", MediaPolicy()) == PICTURE
    assert b"Host: pictures.example" in server.requests[0]


def test_the_certificate_of_another_host(network: Network, tls: ssl.SSLContext) -> None:
    network.names = {"other.example": [["1.2.3.4"]], "1.2.3.4": [["1.2.3.4"]]}
    with serving(response(PICTURE), tls) as server:
        network.servers = {("1.2.3.4", 443): server.port}
        for host in network.names:
            with pytest.raises(MediaError, match=f"the certificate of {host} is invalid"):
                load_bytes(f"https://{host}/", MediaPolicy())
        assert server.requests == []


def test_a_certificate_that_nobody_knows(
    network: Network, tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    network.names = {"pictures.example": [["1.2.3.4"]]}
    with serving(response(PICTURE), tls) as server:
        network.servers = {("1.2.3.4", 443): server.port}
        with pytest.raises(MediaError, match="the certificate of pictures.example is invalid"):
            load_bytes("https://pictures.example/", MediaPolicy())
        assert server.requests == []


def test_a_server_without_tls(network: Network) -> None:
    network.names = {"pictures.example": [["1.2.3.4"]]}
    with serving(response(PICTURE)) as server:
        network.servers = {("1.2.3.4", 443): server.port}
        # The greeting has no end of a request's head, so the server says nothing.
        with pytest.raises(MediaError, match="did not arrive within 0.3 seconds"):
            load_bytes("https://pictures.example/", replace(MediaPolicy(), timeout=0.3))


# ---- URLs


@pytest.mark.parametrize(
    ("url", "match"),
    [
        ("https://user@example.com/", "has a user name"),
        ("https://user:secret@example.com/", "has a user name"),
        ("https://:@example.com/", "has a user name"),
        ("https://@127.0.0.1/", "has a user name"),
        ("https://example.com\\@127.0.0.1/", "backslash"),
        ("https://exam ple.com/", "space"),
        ("https://example.com/a b", "space"),
        ("https://example.com/\r\nHost: x", "control character"),
        ("https://example.com/\0", "control character"),
        ("https://exa\tmple.com/", "control character"),
        ("https://127%2e0.0.1/", "no valid host"),
        ("https://127.0.0.1%00.example.com/", "no valid host"),
        ("https://", "no valid host"),
        ("https:///path", "no valid host"),
        ("https:example.com", "no valid host"),
        ("https://?x", "no valid host"),
        ("https://.example.com/", "no valid host"),
        ("https://-example.com/", "no valid host"),
        ("https://exa!mple.com/", "no valid host"),
        ("https://[::1/", "malformed"),
        ("https://::1/", "malformed"),
        ("https://[fe80::1%25eth0]/", "malformed"),
        ("https://[1.2.3.4]/", "malformed"),
        ("https://[v1.x]/", "malformed"),
        ("https://x[::1]/", "malformed"),
        ("https://[::1]x/", "malformed"),
        ("https://[]/", "malformed"),
        ("https://example.com:0/", "port 0"),
        ("https://example.com:65536/", "malformed"),
        ("https://example.com:-1/", "malformed"),
        ("https://example.com:x/", "malformed"),
        ("https://example.com:8\u0660/", "malformed"),
        ("https://example.com:80:80/", "malformed"),
        ("https://example.com\uff0f@127.0.0.1/", "malformed|user name"),
        ("https://" + "a" * 254 + "/", "no valid host"),
        ("https://" + "\u00e9" * 254 + "/", "too long"),
        ("https://" + "\u00e9" * 64 + ".com/", "malformed"),
        ("https://\ud800.com/", "malformed"),
        ("https://example.com/\ud800", "malformed"),
        ("ftp://example.com/", "no https: or data: URL"),
        ("gopher://127.0.0.1:6379/_x", "no https: or data: URL"),
        ("javascript:alert(1)", "no https: or data: URL"),
        ("//example.com/picture", "no https: or data: URL"),
        ("example.com/picture.png", "no https: or data: URL"),
        ("/etc/passwd", "no https: or data: URL"),
        (" https://example.com/", "no https: or data: URL"),
        ("", "no https: or data: URL"),
    ],
    ids=ascii,
)
def test_a_url_that_is_refused(network: Network, url: str, match: str) -> None:
    with pytest.raises(MediaError, match=match) as caught:
        load_bytes(url, MediaPolicy(allow_http=True))
    message = str(caught.value)
    assert message.count("\n") == 1 and "secret" not in message and len(message) < 400
    assert message.isprintable() or message.replace("\n", "").isprintable()
    assert network.lookups == []


def test_long_urls_and_their_queries_are_not_repeated(network: Network) -> None:
    url = "https://example.com/" + "x" * 1000 + "?token=secret"
    with pytest.raises(MediaError, match=r"^Image https://example.com/x+\.\.\. cannot") as caught:
        load_bytes(url, MediaPolicy())
    assert len(str(caught.value)) < 400 and "secret" not in str(caught.value)


def test_a_host_in_another_script(network: Network) -> None:
    network.names = {"xn--bcher-kva.example": [["1.2.3.4"]]}
    with serving(response(PICTURE)) as server:
        network.servers = {("1.2.3.4", 80): server.port}
        policy = MediaPolicy(allow_http=True)
        assert load_bytes("http://b\u00fccher.example/", policy) == PICTURE
    assert b"Host: xn--bcher-kva.example\r\n" in server.requests[0]


@pytest.mark.parametrize("value", [None, b"https://example.com/", 1, ["https://example.com/"]])
def test_a_url_is_a_str(value: object) -> None:
    with pytest.raises(TypeError, match="A URL has to be a str"):
        load_bytes(value, MediaPolicy())
