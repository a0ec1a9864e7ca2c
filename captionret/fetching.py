"""A picture from the web, for the commands that take an address in place of a file. Nothing else here touches
the network.

An address may come from somebody else, so what it leads to is not trusted: only http and https, only public
addresses (checked again at every redirect, and connected to as they were checked), and at most MAX_BYTES
within MAX_SECONDS in all.
"""

import http.client
import queue
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import TypeVar
from urllib.parse import SplitResult, urljoin, urlsplit

from .errors import BadImage

MAX_BYTES = 30_000_000
MAX_SECONDS = 30.0
MAX_REDIRECTS = 5
_AGENT = "captionret"
_Socket = TypeVar("_Socket", bound=socket.socket)


def is_address(text: str) -> bool:
    """Whether a command's argument is a web address rather than a file's name."""
    return text.lower().startswith(("http://", "https://"))


def fetch(address: str) -> bytes:
    """What lies at an address, within MAX_SECONDS, redirects included.

    errors: BadImage for one that cannot be reached, is not public, redirects for ever, or holds too much or
            takes too long
    Whether the bytes are a picture is for `images.open_image` to say.
    """
    ends = time.monotonic() + MAX_SECONDS
    current = address
    for _ in range(MAX_REDIRECTS + 1):
        parts = _checked(current, address)
        with _connection(parts, address, ends - time.monotonic()) as connection:
            target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            connection.request("GET", target, headers={"User-Agent": _AGENT, "Accept": "image/*"})
            response = connection.getresponse()
            location = response.getheader("Location")
            if response.status in (301, 302, 303, 307, 308) and location:
                current = urljoin(current, _without_blanks(location))
                continue
            if response.status != 200:
                reason = _printable(response.reason)
                raise BadImage(
                    f"{address} cannot be fetched: the server answers {response.status} {reason}. "
                    "Check the address."
                )
            return _body(response, address)
    raise BadImage(f"{address} redirects more than {MAX_REDIRECTS} times. Give the picture's own address.")


def _without_blanks(url: str) -> str:
    """An address as people copy it, with the blanks inside it as %20 and those around it gone."""
    return url.strip(" ").replace(" ", "%20")


def _printable(text: str) -> str:
    """A server's words, without what could move a terminal's cursor, and not too many of them."""
    return "".join(letter if letter.isprintable() else "?" for letter in text[:100])


def _checked(url: str, address: str) -> SplitResult:
    """The parts of an address that may be asked."""
    url = _without_blanks(url)
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise BadImage(f"{address} is no web address ({error}). Check it.") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise BadImage(
            f"{address} leads to {url!r}, which is no http or https address. Give the picture's own address."
        )
    if any(ord(letter) < 33 or ord(letter) > 126 for letter in url):
        raise BadImage(f"{address} holds letters that an address must not. Write them as %XX.")
    return parts


def _public(host: str, port: int, address: str, seconds: float) -> str:
    """A public IP address of the host, which is then connected to: asked again, the name could lead
    elsewhere."""
    try:
        found = _looked_up(host, port, seconds)
    except (OSError, UnicodeError) as error:
        if isinstance(error, TimeoutError):
            raise _too_slow(address) from None
        raise BadImage(
            f"{address} cannot be fetched: the host {host!r} is not found ({error}). Check the address."
        ) from None
    for ip in found:
        if not _is_public(ip):
            raise BadImage(
                f"{address} leads to {host!r}, which is a private address ({ip}). Only public ones are "
                "fetched."
            )
    return found[0]


def _looked_up(host: str, port: int, seconds: float) -> list[str]:
    """The IP addresses of a host. A name server may take longer than we have, and cannot be interrupted."""
    answers: queue.SimpleQueue[list[str] | Exception] = queue.SimpleQueue()

    def ask() -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            answers.put([str(entry[4][0]) for entry in found])
        except (OSError, UnicodeError) as error:
            answers.put(error)

    threading.Thread(target=ask, daemon=True).start()
    try:
        answer = answers.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError from None
    if isinstance(answer, Exception):
        raise answer
    return answer


# IPv6 addresses that hold an IPv4 address in their last 32 bits: IPv4-compatible, mapped, translated (NAT64)
_LAST_32_BITS = [ip_network(network) for network in ("::/96", "::ffff:0:0/96", "64:ff9b::/96")]
# Site-local addresses (deprecated, but routers may still know them), and NAT64 for use inside a network
_NEVER_PUBLIC = [ip_network(network) for network in ("fec0::/10", "64:ff9b:1::/48")]


def _is_public(ip: str) -> bool:
    """Whether an IP address, or the IPv4 address that packets to it end at, is one of the public internet."""
    address = ip_address(ip.partition("%")[0])
    if any(address in network for network in _NEVER_PUBLIC):
        return False
    if any(address in network for network in _LAST_32_BITS):
        address = IPv4Address(int(address) & 0xFFFFFFFF)
    elif isinstance(address, IPv6Address) and address.sixtofour:
        address = address.sixtofour
    return address.is_global and not address.is_multicast


@contextmanager
def _connection(parts: SplitResult, address: str, seconds: float) -> Iterator[http.client.HTTPConnection]:
    """A connection that is closed when its time is over, whatever the server does meanwhile."""
    host, secure = parts.hostname or "", parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    if seconds <= 0:
        raise _too_slow(address)
    connection = http.client.HTTPConnection(host, port, timeout=seconds)
    ends = time.monotonic() + seconds
    ip = _public(host, port, address, seconds)
    deadline = _Deadline(ends - time.monotonic())
    try:
        plain = deadline.watch(socket.create_connection((ip, port), timeout=seconds))
        connection.sock = plain
        if secure:
            context = ssl.create_default_context()
            wrapped = context.wrap_socket(plain, server_hostname=host, do_handshake_on_connect=False)
            connection.sock = deadline.watch(wrapped)
            wrapped.do_handshake()  # only now, when it can be stopped
        yield connection
        if deadline.passed:  # a connection that was closed looks like an answer's end
            raise TimeoutError
    except (OSError, http.client.HTTPException, ValueError) as error:
        if deadline.passed or isinstance(error, TimeoutError):
            raise _too_slow(address) from None
        reason = _printable(str(error)) or type(error).__name__
        raise BadImage(f"{address} cannot be fetched ({reason}). Check the address.") from None
    finally:
        deadline.cancel()
        connection.close()


class _Deadline:
    """Shuts every socket that it watches when the time is over: a server that sends a byte now and then would
    outlast any timeout of a single wait."""

    def __init__(self, seconds: float) -> None:
        self._late = threading.Event()
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
        return one

    def cancel(self) -> None:
        """The work is done."""
        self._timer.cancel()

    def _stop(self) -> None:
        self._late.set()
        for one in self._sockets:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)


def _too_slow(address: str) -> BadImage:
    return BadImage(
        f"{address} takes longer than {MAX_SECONDS:.0f} seconds. Save the picture and give the file."
    )


def _body(response: http.client.HTTPResponse, address: str) -> bytes:
    """All of it, read piece by piece: a length may be missing, or a lie."""
    content = bytearray()
    while piece := response.read1(65536):
        content += piece
        if len(content) > MAX_BYTES:
            raise BadImage(
                f"{address} is larger than {MAX_BYTES / 1e6:.0f} MB. Save the picture, scale it down and "
                "give the file."
            )
    if response.length:  # what was promised and did not come
        raise http.client.IncompleteRead(bytes(content[:0]), response.length)
    return bytes(content)
