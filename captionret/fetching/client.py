"""One request over HTTP, for a picture, a page, or an answer of an interface.

An address may come from somebody else, so what it leads to is not trusted: only http and https, only public
addresses (checked again at every redirect, and connected to as they were checked), and at most so many bytes
within so many seconds in all.
"""

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TypeVar
from urllib.parse import SplitResult, urljoin

from ..errors import BadImage, NotFetched
from . import addresses
from .addresses import checked, without_blanks
from .proxies import Proxy, proxy_for

MAX_BYTES = 30_000_000
MAX_SECONDS = 30.0
MAX_REDIRECTS = 5
_AGENT = "captionret"
_Socket = TypeVar("_Socket", bound=socket.socket)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server sent.

    address: where it came from at last, after redirects
    kind:    as the server has it, in small letters: "image/jpeg"; "" where it says nothing
    charset: of a text, as the server has it; None where it says nothing
    after:   its header Retry-After: interfaces send it with a refusal that has the status of an answer, too
    """

    address: str
    content: bytes = field(repr=False)
    kind: str = ""
    charset: str | None = None
    after: str | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked for, and what an answer may take.

    headers: beside User-Agent
    most:    bytes of the answer; None: MAX_BYTES
    seconds: redirects included; None: MAX_SECONDS
    private: hosts that may have a private address
    before:  called before each request, that of a redirect too; what it takes does not count
    opened:  called with each socket, which may be shut to end the request
    """

    headers: Mapping[str, str] = field(default_factory=dict)
    agent: str = _AGENT
    most: int | None = None
    seconds: float | None = None
    private: AbstractSet[str] = frozenset()
    before: Callable[[SplitResult], None] | None = None
    opened: Callable[[socket.socket], None] | None = None


def fetch(address: str) -> bytes:
    """What lies at an address, within MAX_SECONDS, redirects included.

    errors: BadImage for one that cannot be reached, is not public, redirects for ever, or holds too much or
            takes too long
    Whether the bytes are a picture is for `images.open_image` to say.
    """
    try:
        return get(address, Request({"Accept": "image/*"})).content
    except NotFetched as error:
        raise BadImage(f"{error} {_ADVICE.get(error.kind, '')}".strip()) from None


_ADVICE = {
    "too large": "Save the picture, scale it down and give the file.",
    "too slow": "Save the picture and give the file.",
}


def get(address: str, request: Request) -> Answer:
    """What lies at an address.

    errors: NotFetched, whose `kind` says why
    """
    left = MAX_SECONDS if request.seconds is None else request.seconds
    allowed, current = left, address
    for _ in range(MAX_REDIRECTS + 1):
        parts = checked(current, address)
        proxy = None if parts.hostname in request.private else proxy_for(parts, address)
        if request.before is not None:
            request.before(parts)
        began = time.monotonic()
        with _connection(parts, _Asked(address, left, allowed, request, proxy)) as connection:
            connection.request("GET", *_asked_for(parts, request, proxy))
            response = connection.getresponse()
            location = response.getheader("Location")
            if response.status in (301, 302, 303, 307, 308) and location:
                current = urljoin(current, without_blanks(location))
                left -= time.monotonic() - began
                continue
            if response.status == 407 and proxy is not None:
                raise proxy.no_entry(address)
            if response.status != 200:
                raise _refused(response, address, parts.hostname or "")
            content = _body(response, address, MAX_BYTES if request.most is None else request.most)
            kind = response.headers.get_content_type() if "Content-Type" in response.headers else ""
            charset, after = response.headers.get_content_charset(), response.getheader("Retry-After")
            return Answer(parts.geturl(), content, kind, charset, after)
    raise NotFetched(
        f"{address} redirects more than {MAX_REDIRECTS} times. Give the picture's own address.", "refused"
    )


def _asked_for(parts: SplitResult, request: Request, proxy: Proxy | None) -> tuple[str, None, dict[str, str]]:
    """What is asked for, no body, and with which headers. A proxy gets the whole address, but nothing of what
    it passes on over TLS."""
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    headers = {"User-Agent": request.agent, **request.headers}
    if proxy is not None and parts.scheme == "http":
        netloc = parts.netloc.rpartition("@")[2]
        return f"http://{netloc}{target}", None, headers | proxy.headers
    return target, None, headers


def _refused(response: http.client.HTTPResponse, address: str, host: str) -> NotFetched:
    advice = "Check the address."
    if response.status == 429:
        advice = "It has answered enough for now, by its own count; try again later."
    elif response.status >= 500:
        advice = "Try again later."
    return NotFetched(
        f"{address} cannot be fetched: the server answers {response.status} {_printable(response.reason)}. "
        f"{advice}",
        "status",
        response.status,
        host,
        response.getheader("Retry-After"),
    )


def _printable(text: str) -> str:
    """A server's words, without what could move a terminal's cursor, and not too many of them."""
    return "".join(letter if letter.isprintable() else "?" for letter in text[:100])


@dataclass(frozen=True, slots=True)
class _Asked:
    """seconds: that are left; allowed: that there were in all"""

    address: str
    seconds: float
    allowed: float
    request: Request
    proxy: Proxy | None

    def too_slow(self) -> NotFetched:
        return NotFetched(f"{self.address} takes longer than {self.allowed:.0f} seconds.", "too slow")


@contextmanager
def _connection(parts: SplitResult, asked: _Asked) -> Iterator[http.client.HTTPConnection]:
    """A connection that is closed when its time is over, whatever the server does meanwhile."""
    host, secure = parts.hostname or "", parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    if asked.seconds <= 0:
        raise asked.too_slow()
    connection = http.client.HTTPConnection(host, port, timeout=asked.seconds)
    ends = time.monotonic() + asked.seconds
    ip = _looked_up(host, port, asked)
    deadline = _Deadline(ends - time.monotonic(), asked.request.opened)
    try:
        plain = deadline.watch(_connected(ip, port, asked))
        connection.sock = plain
        if secure:
            if asked.proxy is not None:
                asked.proxy.ask_through(plain, host, port, asked.address)
            context = ssl.create_default_context()
            wrapped = context.wrap_socket(plain, server_hostname=host, do_handshake_on_connect=False)
            connection.sock = deadline.watch(wrapped)
            wrapped.do_handshake()  # only now, when it can be stopped
        yield connection
        if deadline.passed:  # a connection that was closed looks like an answer's end
            raise TimeoutError
    except (OSError, http.client.HTTPException, ValueError) as error:
        if deadline.passed or isinstance(error, TimeoutError):
            raise asked.too_slow() from None
        raise _broken(error, asked.address) from None
    finally:
        deadline.cancel()
        connection.close()


def _looked_up(host: str, port: int, asked: _Asked) -> str:
    """The IP address to connect to; "" where a proxy finds it. errors: NotFetched"""
    try:
        if asked.proxy is None:
            return addresses.public_ip(host, port, asked.address, asked.seconds, asked.request.private)
        addresses.check_public(host, port, asked.address, asked.seconds)
    except TimeoutError:
        raise asked.too_slow() from None
    return ""


def _connected(ip: str, port: int, asked: _Asked) -> socket.socket:
    if asked.proxy is not None:
        return asked.proxy.connect(asked.address, asked.seconds)
    return socket.create_connection((ip, port), timeout=asked.seconds)


def _broken(error: Exception, address: str) -> NotFetched:
    reason = _printable(str(error)) or type(error).__name__
    if isinstance(error, ssl.SSLCertVerificationError):
        return NotFetched(
            f"{address} cannot be fetched: its certificate is not to be trusted "
            f"({_printable(error.verify_message)}). Check the address, this machine's clock and its "
            "certificates.",
            "certificate",
        )
    cut = isinstance(error, ConnectionResetError | BrokenPipeError) or not isinstance(error, OSError)
    kind = "cut short" if cut else "unreachable"
    return NotFetched(f"{address} cannot be fetched ({reason}). Check the address.", kind)


class _Deadline:
    """Shuts every socket that it watches when the time is over: a server that sends a byte now and then would
    outlast any timeout of a single wait."""

    def __init__(self, seconds: float, opened: Callable[[socket.socket], None] | None) -> None:
        self._late, self._opened = threading.Event(), opened
        # the connection lets go of its socket as soon as an answer begins that has no length
        self._sockets: list[socket.socket] = []
        self._timer = threading.Timer(seconds, self._stop)
        self._timer.daemon = True
        self._timer.start()

    @property
    def passed(self) -> bool:
        """Whether the time was over before the work was done."""
        return self._late.is_set()

    def watch(self, one: _Socket) -> _Socket:
        """The same socket, which is now shut in time, too."""
        self._sockets.append(one)
        if self._opened is not None:
            self._opened(one)
        return one

    def cancel(self) -> None:
        """The work is done."""
        self._timer.cancel()

    def _stop(self) -> None:
        self._late.set()
        for one in self._sockets:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)


def _body(response: http.client.HTTPResponse, address: str, most: int) -> bytes:
    """All of it, read piece by piece: a length may be missing, or a lie."""
    content = bytearray()
    while piece := response.read1(65536):
        content += piece
        if len(content) > most:
            raise NotFetched(f"{address} is larger than {most / 1e6:.0f} MB.", "too large")
    if response.length:  # what was promised and did not come
        raise http.client.IncompleteRead(bytes(content[:0]), response.length)
    return bytes(content)
