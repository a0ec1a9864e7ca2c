"""Small copies of pictures, kept on disk by the hash of their content.

Whatever is shown was decoded and written anew as a JPEG: formats that browsers do not know are seen, and
nothing that a file holds beside its pixels reaches the page.
"""

import contextlib
import io
import os
from pathlib import Path
from threading import BoundedSemaphore, Lock

from PIL import Image

from ..errors import BadImage, NoSpace
from ..files import publishing
from ..home import data_folder
from ..images import as_picture

SIDES = {
    "small": 360,
    "medium": 720,
    "large": 1800,
}  # the shorter side of the first two, the longer of "large"
_QUALITY = {"small": 80, "medium": 82, "large": 88}
_MOST_BYTES = 1_000_000_000
_LONG = 3  # at most so many times as long as wide
_BEGIN, _END = b"\xff\xd8", b"\xff\xd9"  # of a whole JPEG
_AT_ONCE = 2  # decoding takes memory


class Thumbnails:
    """The folder of small copies; the oldest go where it grows beyond its bound."""

    def __init__(self, folder: Path | None = None, most_bytes: int = _MOST_BYTES) -> None:
        self._folder = folder or data_folder("thumbnails")
        self._most = most_bytes
        self._taken: int | None = None
        self._lock, self._decoding = Lock(), BoundedSemaphore(_AT_ONCE)

    def of(self, file: Path, sha256: str, size: str) -> bytes:
        """A JPEG of the picture in `file`.

        size:   a name of SIDES; errors: BadImage, also where the file holds another content than `sha256`
        """
        place = self._folder / sha256[:2] / f"{sha256}-{size}.jpg"
        with contextlib.suppress(OSError):
            kept = place.read_bytes()
            if kept.startswith(_BEGIN) and kept.endswith(_END):  # after a power cut it may be cut short
                return kept
        with self._decoding:
            content = _made(file, sha256, size)
        self._keep(place, content)
        return content

    def _keep(self, place: Path, content: bytes) -> None:
        try:
            with publishing(place) as target:
                target.write(content)
        except (OSError, NoSpace):
            return  # a full disk, or one that cannot be written: it is made again
        with self._lock:
            if self._taken is None:
                self._taken = sum(size for _, size, _ in self._all())
            else:
                self._taken += len(content)
            if self._taken > self._most:
                self._drop_oldest()

    def _drop_oldest(self) -> None:
        """Make room, down to nine tenths of the bound."""
        left = 0
        for _, size, file in sorted(self._all(), reverse=True):
            left += size
            if left > 0.9 * self._most:
                file.unlink(missing_ok=True)
                left -= size
        self._taken = left

    def _all(self) -> list[tuple[float, int, Path]]:
        found = []
        for file in self._folder.glob("*/*.jpg"):
            try:
                facts = os.stat(file)
            except FileNotFoundError:
                continue
            found.append((facts.st_mtime, facts.st_size, file))
        return found


def _made(file: Path, sha256: str, size: str) -> bytes:
    side = SIDES[size]
    picture = as_picture(file)
    image = picture.open(at_least=side)
    if picture.sha256 != sha256:
        raise BadImage("The file holds another picture than when it was indexed. Index the folder again.")
    return as_jpeg(image, size)


def as_jpeg(image: Image.Image, size: str) -> bytes:
    """A picture of one of SIDES, as a JPEG without anything beside its pixels."""
    side, (width, height) = SIDES[size], image.size
    if size == "large":
        scale = min(1.0, side / max(width, height))
    else:
        scale = min(1.0, side / min(width, height), _LONG * side / max(width, height))
    small = (max(1, round(width * scale)), max(1, round(height * scale)))
    if small != image.size:
        image = image.resize(small, Image.Resampling.LANCZOS, reducing_gap=3.0)
    plain = Image.new("RGB", image.size)  # a comment in the file would be written again
    plain.paste(image)
    content = io.BytesIO()
    plain.save(content, "JPEG", quality=_QUALITY[size])
    return content.getvalue()
