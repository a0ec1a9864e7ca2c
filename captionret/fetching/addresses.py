"""Web addresses that may come from somebody else: which may be asked at all, and which of a host's IP
addresses is connected to."""

import queue
import re
import socket
import threading
from collections.abc import Set as AbstractSet
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import SplitResult, urlsplit

from ..errors import NotFetched


def is_address(text: str) -> bool:
    """Whether a command's argument is a web address rather than a file's name."""
    return text.lower().startswith(("http://", "https://"))


def without_blanks(url: str) -> str:
    """An address as people copy it, with the blanks inside it as %20 and those around it gone."""
    return url.strip(" ").replace(" ", "%20")


def checked(url: str, address: str) -> SplitResult:
    """The parts of an address that may be asked.

    address: what was asked for first, for messages: `url` may be where it redirects to
    errors:  NotFetched
    """
    kind = "refused" if url == address else "led away"
    url = without_blanks(url)
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise NotFetched(f"{address} is no web address ({error}). Check it.", kind) from None
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise NotFetched(
            f"{address} leads to {url!r}, which is no http or https address. Give the picture's own address.",
            kind,
        )
    if any(ord(letter) < 33 or ord(letter) > 126 for letter in url):
        raise NotFetched(f"{address} holds letters that an address must not. Write them as %XX.", kind)
    return parts


def public_ip(host: str, port: int, address: str, seconds: float, private: AbstractSet[str]) -> str:
    """A public IP address of the host, which is then connected to: asked again, the name could lead
    elsewhere.

    private: hosts that may have a private one
    errors:  NotFetched; TimeoutError
    """
    try:
        found = _looked_up(host, port, seconds)
    except TimeoutError:
        raise
    except (OSError, UnicodeError) as error:
        raise NotFetched(
            f"{address} cannot be fetched: the host {host!r} is not found ({error}). Check the address.",
            "unreachable",
        ) from None
    for ip in found:
        if host not in private and not is_public(ip):
            raise _private(address, host, ip)
    return found[0]


def check_public(host: str, port: int, address: str, seconds: float) -> None:
    """Whether a proxy may be asked for a host: as for `public_ip`, but for names that this machine does not
    find. A proxy may know them; names of one word and of inner networks are refused.

    errors: NotFetched
    """
    try:
        public_ip(host, port, address, min(seconds, _PATIENCE), frozenset())
    except TimeoutError:
        pass
    except NotFetched as error:
        if error.kind != "unreachable":
            raise
    else:
        return
    last = host.rstrip(".").rpartition(".")
    if not last[0] or last[2].lower() in _INNER or _NUMBER.fullmatch(last[2]) or ":" in host:
        raise _private(address, host, "of an inner network")


def _private(address: str, host: str, ip: str) -> NotFetched:
    return NotFetched(
        f"{address} leads to {host!r}, which is a private address ({ip}). Only public ones are fetched.",
        "refused" if urlsplit(without_blanks(address)).hostname == host else "led away",
    )


_PATIENCE = 3.0  # seconds for a name that a proxy may know better
_INNER = frozenset("local localhost internal intranet lan home corp private arpa".split())
_NUMBER = re.compile(r"\d+|0[xX][0-9a-fA-F]*")  # "0x7f.1" is an IP address to some systems


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


def is_public(ip: str) -> bool:
    """Whether an IP address, or the IPv4 address that packets to it end at, is one of the public internet."""
    address = ip_address(ip.partition("%")[0])
    if any(address in network for network in _NEVER_PUBLIC):
        return False
    if any(address in network for network in _LAST_32_BITS):
        address = IPv4Address(int(address) & 0xFFFFFFFF)
    elif isinstance(address, IPv6Address) and address.sixtofour:
        address = address.sixtofour
    return address.is_global and not address.is_multicast
