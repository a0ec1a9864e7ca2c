"""Machines that reach the web through a proxy: it is used where one is named, and what is refused without one
is refused with it. All of it is on the loopback address."""

import base64
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from photographs import encoded, photograph
from web_server import WebServer, page, redirect, refusal, serving

from captionret.errors import NotFetched
from captionret.fetching import Manners, Visitor, addresses
from captionret.fetching.client import Answer, Request, get

PUBLIC = "http://pictures.example/1.jpg?a=b"


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[WebServer]:
    """A server that is named as the proxy; no name server knows pictures.example."""
    real = socket.getaddrinfo

    def getaddrinfo(host: str, *rest: Any, **named: Any) -> Any:
        if host.endswith(("example", "intranet", "printer.lan", "0x7f.1")):
            raise socket.gaierror(-2, "Name or service not known")
        return real(host, *rest, **named)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    for name in ("no_proxy", "NO_PROXY", "all_proxy", "ALL_PROXY", "REQUEST_METHOD"):
        monkeypatch.delenv(name, raising=False)
    with serving() as served:
        for name in ("http_proxy", "https_proxy"):
            monkeypatch.setenv(name, served.url)
        yield served


def fetched(address: str, private: frozenset[str] = frozenset(), seconds: float = 10) -> Answer:
    return get(address, Request(seconds=seconds, private=private))


def test_a_proxy_that_is_named_is_asked_for_the_whole_address(proxy: WebServer) -> None:
    proxy.answers[PUBLIC] = page(b"x")
    assert fetched(PUBLIC).content == b"x"
    assert proxy.asked == [PUBLIC] and "Host: pictures.example\r\n" in proxy.requests[0]


def test_hosts_of_no_proxy_and_of_ones_own_network_are_asked_directly(
    proxy: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving() as near:
        near.answers["/1.jpg"] = page(b"near")
        assert fetched(f"{near.url}/1.jpg", frozenset({"127.0.0.1"})).content == b"near"
        monkeypatch.setenv("no_proxy", "example.org,127.0.0.1")
        monkeypatch.setattr(addresses, "is_public", lambda ip: True)
        assert fetched(f"{near.url}/1.jpg").content == b"near"
    assert proxy.asked == []


def test_a_name_and_a_password_are_given_to_the_proxy_and_never_shown(
    proxy: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy.answers[PUBLIC] = refusal(407)
    with pytest.raises(NotFetched, match="asks for a name and a password") as caught:
        fetched(PUBLIC)
    assert caught.value.kind == "proxy" and caught.value.for_now
    monkeypatch.setenv("http_proxy", proxy.url.replace("//", "//ann:se%40cret@"))
    with pytest.raises(NotFetched) as caught:
        fetched(PUBLIC)
    assert "se@cret" not in str(caught.value) and "se%40cret" not in str(caught.value)
    known = base64.b64encode(b"ann:se@cret").decode()
    assert f"Proxy-Authorization: Basic {known}" in proxy.requests[-1]


@pytest.mark.parametrize(
    "host", ["127.0.0.2", "10.0.0.1", "[::1]", "localhost", "intranet", "printer.lan", "0x7f.1", "2130706433"]
)
def test_what_is_private_is_refused_through_a_proxy_too(proxy: WebServer, host: str) -> None:
    proxy.answers[PUBLIC] = redirect(f"http://{host}/secret")
    for address in (f"http://{host}/secret", PUBLIC):
        with pytest.raises(NotFetched, match="which is a private address") as caught:
            fetched(address)
        assert not caught.value.for_now
    assert proxy.asked == [PUBLIC], "the private host is asked of nobody"


def test_an_https_address_is_asked_through_a_tunnel_that_ends_at_the_host(proxy: WebServer) -> None:
    """The proxy sees the host's name; the handshake is with the host, whose certificate counts."""
    hello: list[bytes] = []

    def tunnel(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        hello.append(connection.recv(65536))
        with suppress(ssl.SSLError, OSError):
            connection.sendall(b"not TLS at all")

    proxy.answers["pictures.example:443"] = tunnel
    with pytest.raises(NotFetched, match="cannot be fetched"):
        fetched("https://pictures.example/1.jpg")
    assert proxy.requests[0].startswith(
        "CONNECT pictures.example:443 HTTP/1.1\r\nHost: pictures.example:443\r\n"
    )
    assert hello[0][:1] == b"\x16" and b"pictures.example" in hello[0], "a TLS handshake with the host's name"
    assert "1.jpg" not in "".join(proxy.requests)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (refusal(403), "does not connect to 'pictures.example' .403."),
        (refusal(407), "asks for a name and a password"),
        (b"", "cannot be fetched"),
        (b"SSH-2.0-OpenSSH\r\n\r\n", "cannot be fetched"),
    ],
)
def test_a_proxy_that_lets_nothing_through_is_named(proxy: WebServer, answer: bytes, said: str) -> None:
    proxy.answers["pictures.example:443"] = lambda connection: connection.sendall(answer)
    with pytest.raises(NotFetched, match=said):
        fetched("https://pictures.example/1.jpg")


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ("http://127.0.0.1:9", "the proxy 127.0.0.1:9 is not reached"),
        ("socks5://127.0.0.1:9", "a proxy by socks5 that is not understood"),
        ("http://127.0.0.1:port", "a proxy that is not understood"),
    ],
)
def test_a_proxy_that_cannot_be_used_is_named_and_asked_once(
    proxy: WebServer, monkeypatch: pytest.MonkeyPatch, named: str, said: str
) -> None:
    monkeypatch.setenv("http_proxy", named)
    with pytest.raises(NotFetched, match=said):
        Visitor(Manners(first_wait=60)).get(PUBLIC, robots=False)


def test_a_proxy_that_never_answers_is_given_up_in_time(proxy: WebServer) -> None:
    ended = threading.Event()

    def wait(connection: socket.socket) -> None:
        ended.wait(20)

    proxy.answers["pictures.example:443"] = wait
    with pytest.raises(NotFetched, match="takes longer than"):
        fetched("https://pictures.example/1.jpg", seconds=0.3)
    ended.set()


def test_pictures_are_collected_through_a_proxy(proxy: WebServer, tmp_path: Any) -> None:
    from captionret.collecting.candidates import Candidate
    from captionret.collecting.collect import collect
    from captionret.collecting.wanted import Wanted, listed

    names = [f"http://pictures.example/{n}.jpg" for n in range(3)]
    proxy.answers |= {name: page(encoded(photograph(n))) for n, name in enumerate(names)}
    table = [Candidate(name, ("a dog",)) for name in names]
    quick = Manners(per_second=1000, per_host=1000, first_wait=0.01)
    assert collect([Wanted("", listed(table))], tmp_path, quick).outcomes == {"kept": 3}
    assert proxy.asked[0] == "http://pictures.example/robots.txt"
