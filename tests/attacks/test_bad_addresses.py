"""Addresses that lead to no picture, to too much of one, nowhere, somewhere private, or never end: refused in
time, by name."""

import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from shapes import shape
from web_server import WebServer, page, redirect, serving

from captionret.errors import BadImage
from captionret.fetching import addresses, client, fetch, is_address
from captionret.images import open_image


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[WebServer]:
    """A server of this machine that counts as public; every other private address stays one."""
    real = addresses.is_public
    monkeypatch.setattr(addresses, "is_public", lambda ip: ip == "127.0.0.1" or real(ip))
    with serving() as served:
        yield served


def test_a_picture_comes_back_byte_for_byte_also_over_redirects(server: WebServer, tmp_path: Path) -> None:
    content = shape(tmp_path / "red.png", "red", "circle").read_bytes()
    server.answers = {
        "/a/red.png?size=1": page(content),
        "/b": redirect("/a/red.png?size=1"),
        "/c": redirect(f"{server.url}/b", 301),
    }
    chunks = b"".join(
        f"{len(part):x}\r\n".encode() + part + b"\r\n" for part in (content[:100], content[100:], b"")
    )
    server.answers["/chunked"] = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks
    server.answers["/no-length"] = b"HTTP/1.0 200 OK\r\n\r\n" + content
    for path in ("/a/red.png?size=1", "/b", "/c", "/chunked", "/no-length"):
        assert fetch(server.url + path) == content
    assert open_image(fetch(server.url + "/c")).size == (96, 96)


@pytest.mark.parametrize("text", ["http://a.org/q.jpg", "HTTPS://a.org/q.jpg"])
def test_addresses_are_told_from_files(text: str) -> None:
    assert is_address(text) and not any(
        is_address(name) for name in ("q.jpg", "http.jpg", "ftp://a.org/q.jpg", "file:///q.jpg", "")
    )


def test_a_page_that_is_no_picture_is_refused_when_it_is_opened(server: WebServer) -> None:
    server.answers["/"] = page(b"<html>hello</html>", "text/html")
    with pytest.raises(BadImage, match="not a picture in a known format"):
        open_image(fetch(f"{server.url}/"))


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.2", "10.1.2.3", "192.168.0.1", "169.254.169.254", "0.0.0.0"),
        *("[::1]", "[::]", "[::ffff:127.0.0.2]", "[::127.0.0.1]", "[fe80::1]", "[fc00::1]", "[ff02::1]"),
        "[fec0::1]",  # site-local
        *("[64:ff9b::7f00:1]", "[64:ff9b::10.0.0.1]", "[64:ff9b:1::8.8.8.8]"),  # NAT64
        *("[2002:7f00:1::]", "[2002:a00:1::1]"),  # 6to4
        "[2001:0:4136:e378:8000:63bf:80ff:fffe]",  # Teredo
    ],
)
def test_private_addresses_are_refused_at_once_and_behind_a_redirect(server: WebServer, host: str) -> None:
    server.answers["/"] = redirect(f"http://{host}/secret")
    for address in (f"http://{host}/secret", f"{server.url}/"):
        with pytest.raises(BadImage, match=r"is a private address .* Only public ones are fetched"):
            fetch(address)


@pytest.mark.parametrize(
    "ip", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::1"]
)
def test_public_addresses_are_public_in_every_spelling(ip: str) -> None:
    assert addresses.is_public(ip)


def test_this_machine_is_private_by_its_name_too() -> None:
    with pytest.raises(BadImage, match="'localhost', which is a private address"):
        fetch("http://localhost:1/q.jpg")


def test_a_name_is_asked_once_and_what_it_said_is_connected_to(
    server: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the second answer could be a private address (DNS rebinding)."""
    asked, real = [], socket.getaddrinfo

    def getaddrinfo(host: str, *rest: Any, **named: Any) -> Any:
        if host == "pictures.example":
            asked.append(host)
            host = "127.0.0.1" if len(asked) == 1 else "127.0.0.2"
        return real(host, *rest, **named)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    server.answers["/"] = page(b"x")
    assert fetch(server.url.replace("127.0.0.1", "pictures.example") + "/") == b"x"
    assert asked == ["pictures.example"]


@pytest.mark.parametrize("to", ["file:///etc/passwd", "ftp://a.org/q.jpg", "javascript:1"])
def test_a_redirect_out_of_the_web_is_refused(server: WebServer, to: str) -> None:
    server.answers["/"] = redirect(to)
    with pytest.raises(BadImage, match="no http or https address"):
        fetch(f"{server.url}/")


def test_redirects_in_a_circle_end(server: WebServer) -> None:
    server.answers = {"/a": redirect("/b"), "/b": redirect("/a")}
    with pytest.raises(BadImage, match="redirects more than 5 times"):
        fetch(f"{server.url}/a")
    assert len(server.asked) == 6


def test_what_is_too_large_is_not_read_to_its_end(server: WebServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "MAX_BYTES", 200_000)
    sent = [0]

    def endless(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while sent[0] < 100_000_000:
            connection.sendall(b"x" * 65536)
            sent[0] += 65536

    server.answers["/"] = endless
    with pytest.raises(BadImage, match="is larger than 0 MB"):
        fetch(f"{server.url}/")
    assert sent[0] < 50_000_000


def drip(connection: socket.socket, before: bytes) -> None:
    connection.sendall(before)
    for _ in range(300):
        connection.sendall(b"x")
        time.sleep(0.05)


@pytest.mark.parametrize(
    "before",
    [b"", b"HTTP/1.1 200 OK\r\nX-Slow: ", b"HTTP/1.1 200 OK\r\n\r\n"],
    ids=["status", "header", "body"],
)
def test_what_never_ends_is_ended(server: WebServer, monkeypatch: pytest.MonkeyPatch, before: bytes) -> None:
    """Byte by byte, so that no single wait is long."""
    monkeypatch.setattr(client, "MAX_SECONDS", 0.7)
    server.answers["/"] = lambda connection: drip(connection, before)
    began = time.monotonic()
    with pytest.raises(BadImage, match="takes longer than 1 seconds"):
        fetch(f"{server.url}/")
    assert time.monotonic() - began < 5


def test_what_never_answers_is_ended(server: WebServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "MAX_SECONDS", 0.5)
    server.answers["/"] = lambda connection: time.sleep(8)
    began = time.monotonic()
    with pytest.raises(BadImage, match=r"takes longer than|cannot be fetched"):
        fetch(f"{server.url}/")
    assert time.monotonic() - began < 5


def test_the_time_counts_over_all_redirects(server: WebServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "MAX_SECONDS", 0.8)

    def slowly(connection: socket.socket, to: str) -> None:
        time.sleep(0.3)
        connection.sendall(redirect(to))

    for hop in range(6):
        server.answers[f"/{hop}"] = lambda connection, to=f"/{hop + 1}": slowly(connection, to)  # type: ignore[misc]
    server.answers["/6"] = page(b"x")
    with pytest.raises(BadImage, match="takes longer than 1 seconds"):
        fetch(f"{server.url}/0")
    assert len(server.asked) <= 3


def test_a_name_server_that_takes_too_long_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "MAX_SECONDS", 0.2)

    def sleepy(*_: object, **__: object) -> list[object]:
        time.sleep(3)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", sleepy)
    began = time.monotonic()
    with pytest.raises(BadImage, match="takes longer than 0 seconds"):
        fetch("http://pictures.example/q.jpg")
    assert time.monotonic() - began < 2


def test_blanks_in_an_address_are_taken_as_people_copy_them(server: WebServer) -> None:
    server.answers = {"/my%20holiday.jpg?a%20b": page(b"x"), "/to": redirect("/my holiday.jpg?a b")}
    assert fetch(f" {server.url}/my holiday.jpg?a b ") == b"x"
    assert fetch(f"{server.url}/to") == b"x"
    with pytest.raises(BadImage, match="is not found"):
        fetch("http://a b.invalid/q.jpg")


def test_a_servers_words_cannot_move_the_cursor(server: WebServer) -> None:
    server.answers["/"] = (
        b"HTTP/1.1 404 \x1b[2J\x9b31mGone\x07" + b"!" * 500 + b"\r\nContent-Length: 0\r\n\r\n"
    )
    server.answers["/noise"] = b"\x1b[2J\x1b]0;title\x07\r\n\r\n"
    for path in ("/", "/noise"):
        with pytest.raises(BadImage) as caught:
            fetch(server.url + path)
        assert str(caught.value).isprintable() and len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "the server answers 404 Not Found"),
        (b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n", "the server answers 302"),
        (b"no http at all\r\n\r\n", "cannot be fetched"),
        (b"", "cannot be fetched"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort", "cannot be fetched"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc", "cannot be fetched"),
    ],
    ids=["missing", "redirect to nowhere", "noise", "nothing", "cut short", "bad chunk"],
)
def test_answers_that_hold_no_file_are_refused(server: WebServer, answer: bytes, said: str) -> None:
    server.answers["/"] = answer
    with pytest.raises(BadImage, match=said) as caught:
        fetch(f"{server.url}/")
    assert server.url in str(caught.value)


@pytest.mark.parametrize(
    "address",
    [
        "http://",
        "http:///q.jpg",
        "http://[::1",
        "http://a.org:99999/q.jpg",
        "http://a.org:0/",
        "http://a\n.org/",
        "http://nowhere.invalid/q.jpg",
    ],
)
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(BadImage, match="http"):
        fetch(address)
