"""Pictures inside a page: small enough to embed, and where the whole picture lies."""

import base64
import io
import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from markupsafe import Markup
from PIL import Image

from ..errors import BadImage
from ..images import open_image

_QUALITY = 82  # JPEG


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A picture small enough to embed; without `uri`, `problem` says why it cannot be shown."""

    uri: Markup | None
    width: int = 0
    height: int = 0
    problem: str = ""


def thumbnail(path: Path, side: int) -> Thumbnail:
    """The picture as a JPEG whose shorter side has `side` pixels (less if the picture has less, or is very
    long)."""
    try:
        image = open_image(path, at_least=side)
    except BadImage as error:
        return Thumbnail(None, problem=str(error).replace(str(path), path.name))
    width, height = image.size
    scale = min(1.0, side / min(width, height), 3 * side / max(width, height))
    image = image.resize(
        (max(1, round(width * scale)), max(1, round(height * scale))),
        Image.Resampling.LANCZOS,
        reducing_gap=3.0,
    )
    content = io.BytesIO()
    image.save(content, "JPEG", quality=_QUALITY, optimize=True, progressive=True)
    return Thumbnail(_data_uri("image/jpeg", content.getvalue()), *image.size)


def embedded(path: Path) -> Markup:
    """A plot's file as a data URI. errors: FileNotFoundError"""
    content = path.read_bytes()
    return _data_uri("image/png" if content.startswith(b"\x89PNG") else "image/svg+xml", content)


def _data_uri(kind: str, content: bytes) -> Markup:
    return Markup(f"data:{kind};base64,{base64.b64encode(content).decode()}")  # noqa: S704


def address(file: Path, page: Path) -> str | None:
    """Where a file lies, as seen from a page; None where no address leads there.

    It is relative: page and pictures may be moved together, and it gives away no more of the disk than it has
    to.
    """
    if not file.is_file():
        return None
    try:
        relative = os.path.relpath(file.absolute(), page.absolute().parent)
    except ValueError:  # Windows: another drive
        return None
    # "./": a name with a colon is no scheme; bytes: a name need not be UTF-8
    return quote(os.fsencode("./" + Path(relative).as_posix()))
