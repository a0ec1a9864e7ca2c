"""Pictures that are dropped on the page: written into a folder of the library, and captioned at once."""

import hashlib
import re
import time
from collections import deque
from pathlib import Path
from threading import Lock

from ..errors import BadImage, BadSetting, CaptionretError
from ..files import publishing
from ..images.opening import opened
from ..images.raw import is_raw
from .query_pictures import whole_picture
from .settings import Settings
from .shelf import Shelved

_ENDINGS = {
    "JPEG": ".jpg",
    "MPO": ".jpg",
    "PNG": ".png",
    "WEBP": ".webp",
    "BMP": ".bmp",
    "GIF": ".gif",
    "TIFF": ".tif",
    "PPM": ".ppm",
    "AVIF": ".avif",
    "JPEG2000": ".jp2",
    "HEIF": ".heic",
    "JXL": ".jxl",
}
_NOT_PLAIN = re.compile(r"[^\w \-]", re.ASCII)


class TooOften(CaptionretError):
    """More pictures were sent in a minute than are taken."""


class Uploads:
    """Takes pictures into libraries."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._taken: deque[float] = deque()
        self._lock = Lock()

    def take(self, shelved: Shelved, content: bytes, name: str) -> str:
        """Write a picture into the library's folder and caption it; the hash of its content.

        name:   of the file on the other side, of which plain letters are kept
        errors: BadSetting where none are taken; BadImage; TooOften; as Library.add
        """
        if self._settings.uploads is None:
            raise BadSetting(
                "No pictures are taken: no folder was named for them when the server started. Copy them into "
                "the library's folder."
            )
        self._count()
        raw = Path(name).suffix.lower() if is_raw(name) else ""
        called = f"{plain_name(name)}{raw}" if raw else "This file"
        whole_picture(content, self._settings.most_pixels, called)
        sha256 = hashlib.sha256(content).hexdigest()
        if sha256 in shelved.snapshot().gallery().row_of:
            return sha256
        folder = self._folder(shelved)
        place = folder / f"{plain_name(name)}-{sha256[:8]}{raw or _ending_of(content)}"
        with publishing(place) as file:
            file.write(content)
        report = shelved.searcher.add(place)
        if report.failures:
            raise BadImage(report.failures[0].reason)
        return sha256

    def _folder(self, shelved: Shelved) -> Path:
        root = shelved.library.root.resolve()
        folder = (root / (self._settings.uploads or "")).resolve()
        if not folder.is_relative_to(root):
            raise BadSetting("The folder for new pictures lies outside the library's.")
        return folder

    def _count(self) -> None:
        now = time.monotonic()
        with self._lock:
            while self._taken and self._taken[0] < now - 60:
                self._taken.popleft()
            if len(self._taken) >= self._settings.uploads_a_minute:
                raise TooOften("Too many pictures in a minute. Wait a little, or copy them into the folder.")
            self._taken.append(now)


def _ending_of(content: bytes) -> str:
    """By what the file is, whatever it was called."""
    with opened(content, "This file") as header:
        return _ENDINGS[header.image.format or "JPEG"]


def plain_name(name: str) -> str:
    """A file's name without its ending and without anything that a disk, a page or a shell might read
    otherwise.

    >>> plain_name("../../etc/<script>dog.jpg")
    'script_dog'
    """
    stem = re.split(r"[\\/]", name)[-1].rpartition(".")[0] or name
    return _NOT_PLAIN.sub("_", re.split(r"[\\/]", stem)[-1]).strip("_ -")[:60] or "picture"
