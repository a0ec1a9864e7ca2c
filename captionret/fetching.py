"""A picture from the web, for the commands that take an address in place of a file. Nothing else here touches
the network.

An address may come from somebody else, so what it leads to is not trusted: only http and https, only public
addresses (checked again at every redirect, and connected to as they were checked), so many bytes and seconds,
and no more.
"""

import http.client
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import SplitResult, urljoin, urlsplit

from .errors import BadImage

MAX_BYTES = 30_000_000
MAX_SECONDS = 30.0
MAX_REDIRECTS = 5
_AGENT = "captionret"


def is_address(text: str) -> bool:
    """Whether a command's argument is a web address rather than a file's name."""
    return text.lower().startswith(("http://", "https://"))


def fetch(address: str) -> bytes:
    """What lies at an address.

    errors: BadImage for one that cannot be reached, is not public, redirects for ever, or holds too much or
            takes too long
    Whether the bytes are a picture is for `images.open_image` to say.
    """
    current = address
    for _ in range(MAX_REDIRECTS + 1):
        parts = _checked(current, address)
        with _connection(parts, address) as connection:
            target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            connection.request(
                "GET", target.replace(" ", "%20"), headers={"User-Agent": _AGENT, "Accept": "image/*"}
            )
            response = connection.getresponse()
            location = response.getheader("Location")
            if response.status in (301, 302, 303, 307, 308) and location:
                current = urljoin(current, location)
                continue
            if response.status != 200:
                raise BadImage(
                    f"{address} cannot be fetched: the server answers {response.status} {response.reason}. "
                    "Check the address."
                )
            return _body(response, address)
    raise BadImage(f"{address} redirects more than {MAX_REDIRECTS} times. Give the picture's own address.")


def _checked(url: str, address: str) -> SplitResult:
    """The parts of an address that may be asked."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise BadImage(f"{address} is no web address ({error}). Check it.") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise BadImage(
            f"{address} leads to {url!r}, which is no http or https address. Give the picture's own address."
        )
    if any((ord(letter) < 33 and letter != " ") or ord(letter) > 126 for letter in url):
        raise BadImage(f"{address} holds letters that an address must not. Write them as %XX.")
    return parts


def _public(host: str, port: int, address: str) -> str:
    """A public IP address of the host, which is then connected to: asked again, the name could lead
    elsewhere."""
    try:
        found = [entry[4][0] for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    except (OSError, UnicodeError) as error:
        raise BadImage(
            f"{address} cannot be fetched: the host {host!r} is not found ({error}). Check the address."
        ) from None
    for ip in found:
        if not _is_public(str(ip)):
            raise BadImage(
                f"{address} leads to {host!r}, which is a private address ({ip}). Only public ones are "
                "fetched."
            )
    return str(found[0])


def _is_public(ip: str) -> bool:
    address = ipaddress.ip_address(ip.partition("%")[0])
    mapped = getattr(address, "ipv4_mapped", None)  # ::ffff:127.0.0.1
    return (mapped or address).is_global and not address.is_multicast


@contextmanager
def _connection(parts: SplitResult, address: str) -> Iterator[http.client.HTTPConnection]:
    """A connection that is closed when its time is over, whatever the server does meanwhile."""
    host, secure = parts.hostname or "", parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    connection = http.client.HTTPConnection(host, port, timeout=MAX_SECONDS)
    late = threading.Event()
    ip = _public(host, port, address)
    # the connection lets go of its socket as soon as an answer begins that has no length
    opened: list[Any] = []

    def stop() -> None:
        late.set()
        for one in opened:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(MAX_SECONDS, stop)
    timer.start()
    try:
        opened.append(socket.create_connection((ip, port), timeout=MAX_SECONDS))
        if secure:
            context = ssl.create_default_context()
            opened.append(context.wrap_socket(opened[0], server_hostname=host, do_handshake_on_connect=False))
            opened[1].do_handshake()  # only now, when it can be stopped
        connection.sock = opened[-1]
        yield connection
        if late.is_set():  # a connection that was closed looks like an answer's end
            raise TimeoutError
    except (OSError, http.client.HTTPException, ValueError) as error:
        if late.is_set():
            raise BadImage(
                f"{address} takes longer than {MAX_SECONDS:.0f} seconds. Save the picture and give the file."
            ) from None
        raise BadImage(
            f"{address} cannot be fetched ({str(error) or type(error).__name__}). Check the address."
        ) from None
    finally:
        timer.cancel()
        connection.close()


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
