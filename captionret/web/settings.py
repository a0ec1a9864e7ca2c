"""How the web application is served."""

import ipaddress
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import BadSetting

OWN_NAMES = ("localhost", "127.0.0.1", "[::1]")


@dataclass(frozen=True, slots=True)
class Settings:
    """What `captionret serve` was given.

    libraries: folders of libraries; none: the sample photographs
    host:      the address that is listened on; port: 0 is any that is free
    token:     what a browser has to show once; "" on this machine's own address, where none is asked for
    names:     further names by which browsers may call this machine
    read_only: refuse whatever would change a library
    roots:     folders below which new libraries may be made
    reports:   folders of reports, as commands write them, that are shown
    uploads:   the folder below a library's root into which dropped pictures are written; None: refuse them
    device:    on which models compute
    cache:     the folder of thumbnails; None: beside the libraries
    most_bytes, most_pixels: of a picture that is sent; uploads_a_minute: how many of them are taken
    """

    libraries: tuple[Path, ...] = ()
    host: str = "127.0.0.1"
    port: int = 8000
    token: str = ""
    names: tuple[str, ...] = ()
    read_only: bool = False
    roots: tuple[Path, ...] = ()
    reports: tuple[Path, ...] = ()
    uploads: str | None = None
    device: str = "auto"
    cache: Path | None = None
    most_bytes: int = 50_000_000
    most_pixels: int = 100_000_000
    uploads_a_minute: int = 120
    hosts: frozenset[str] = field(init=False, default=frozenset())

    def __post_init__(self) -> None:
        """Check them. errors: BadSetting"""
        if not 0 <= self.port < 65536:
            raise BadSetting(f"{self.port} is no port. Give one from 1 to 65535, or 0 for any that is free.")
        if self.uploads is not None and not is_plain_folder(self.uploads):
            raise BadSetting(
                f"{self.uploads!r} is no folder below a library's root. Give a name such as added."
            )
        object.__setattr__(
            self, "hosts", frozenset(map(str.lower, (*OWN_NAMES, self.shown_host, *self.names)))
        )
        if not self.token and not is_own_address(self.host):
            object.__setattr__(self, "token", secrets.token_urlsafe(24))

    @property
    def shown_host(self) -> str:
        """The host as addresses name it."""
        return f"[{self.host}]" if ":" in self.host else self.host

    def address(self, port: int) -> str:
        """Where the page is, for the person who started it."""
        host = "127.0.0.1" if self.host in ("0.0.0.0", "::") else self.shown_host  # noqa: S104
        return f"http://{host}:{port}/" + (f"?token={self.token}" if self.token else "")


def is_own_address(host: str) -> bool:
    """Whether only this machine can reach an address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_plain_folder(name: str) -> bool:
    """Whether a name is that of a folder below another one, whatever the system."""
    parts = Path(name).parts
    plain = bool(parts) and not Path(name).is_absolute() and ".." not in parts
    return plain and not any(mark in name for mark in "\0:\\")
