"""The proxy through which this machine reaches the web, where it names one: by HTTP_PROXY, HTTPS_PROXY,
ALL_PROXY and NO_PROXY, or in the settings of macOS or Windows.

A proxy looks up the names of hosts by itself and connects to what it finds, so that what is connected to
cannot be held to what was checked. What is known to be private is refused all the same, see
`addresses.check_public`.
"""

import base64
import http.client
import socket
from dataclasses import dataclass, field
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from ..errors import NotFetched

_SETTINGS = "HTTP_PROXY, HTTPS_PROXY and NO_PROXY"


@dataclass(frozen=True, slots=True)
class Proxy:
    """One proxy, which speaks plain HTTP to us.

    headers: that let us in, where it asks for a name and a password
    """

    host: str
    port: int
    headers: dict[str, str] = field(default_factory=dict, repr=False)

    def connect(self, address: str, seconds: float) -> socket.socket:
        """A connection to the proxy. address: for whose sake. errors: NotFetched; TimeoutError"""
        try:
            return socket.create_connection((self.host, self.port), timeout=seconds)
        except TimeoutError:
            raise
        except (OSError, UnicodeError) as error:
            raise NotFetched(
                f"{address} cannot be fetched: the proxy {self.host}:{self.port} is not reached "
                f"({error}). Check {_SETTINGS}.",
                "proxy",
            ) from None

    def ask_through(self, connection: socket.socket, host: str, port: int, address: str) -> None:
        """Have the proxy pass on to a host what is sent from now on. errors: NotFetched, OSError"""
        name = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        lines = [f"CONNECT {name} HTTP/1.1", f"Host: {name}"]
        lines += [f"{header}: {value}" for header, value in self.headers.items()]
        connection.sendall("\r\n".join([*lines, "", ""]).encode("ascii"))
        with http.client.HTTPResponse(connection, method="CONNECT") as answer:
            answer.begin()
            if answer.status == 407:
                raise self.no_entry(address)
            if answer.status != 200:
                raise NotFetched(
                    f"{address} cannot be fetched: the proxy {self.host}:{self.port} does not connect to "
                    f"{host!r} ({answer.status}). Ask who runs it, or name the host in NO_PROXY.",
                    "proxy",
                )

    def no_entry(self, address: str) -> NotFetched:
        """The error where the proxy lets nobody in without a name."""
        return NotFetched(
            f"{address} cannot be fetched: the proxy {self.host}:{self.port} asks for a name and a password. "
            f"Write them into {_SETTINGS.partition(' and ')[0]}, as http://NAME:PASSWORD@{self.host}:{self.port}.",
            "proxy",
        )


def proxy_for(parts: SplitResult, address: str) -> Proxy | None:
    """The proxy for a host of this address; None where it is reached without. errors: NotFetched"""
    named = getproxies()
    given = named.get(parts.scheme) or named.get("all")
    if not given or proxy_bypass(parts.netloc.rpartition("@")[2]):
        return None
    try:
        found = urlsplit(given if "://" in given else f"http://{given}")
        host, port = found.hostname, found.port or 80
    except ValueError:
        host = None
    if not host or found.scheme != "http":
        shown = f"a proxy by {found.scheme}" if host else "a proxy"
        raise NotFetched(
            f"{address} cannot be fetched: this machine names {shown} that is not understood. Write it into "
            f"{_SETTINGS.partition(' and ')[0]} as http://HOST:PORT.",
            "proxy",
        )
    headers = {}
    if found.username is not None:
        known = f"{unquote(found.username)}:{unquote(found.password or '')}".encode()
        headers["Proxy-Authorization"] = f"Basic {base64.b64encode(known).decode('ascii')}"
    return Proxy(host, port, headers)
