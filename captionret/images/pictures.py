"""The pictures that callers give, in whatever form. Each becomes a `Picture`, which is read when needed.

pictures, alone = as_pictures("q.jpg")            # a path, a PIL image, an array, bytes, an open file
pictures, alone = as_pictures([image, "b.jpg"])   # or several of them
"""

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..errors import BadImage, BadSetting
from ..files import expanded
from ..records import PictureFacts
from . import opening

ImageInput: TypeAlias = str | os.PathLike[str] | Image.Image | NDArray[np.uint8] | bytes | BinaryIO
"""A path, a PIL image, a uint8 array (H, W, 3) or (H, W), the bytes of a picture file, or one opened for
reading."""


@dataclass(slots=True)
class _Kept:
    """What a picture remembers of its source."""

    content: bytes | None = None
    sha256: str | None = None
    facts: PictureFacts | None = None
    decoded: dict[tuple[int, int], Image.Image] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """One picture, from a file, from bytes, or from pixels.

    name:    what messages call it: the path as given, or "the given picture"
    path:    where it lies; None for one that is only in memory
    content: the bytes of a picture file, for one that is only in memory
    pixels:  an image that is already decoded
    keep:    read and decode it once, however often it is asked for; otherwise nothing large is kept, as a
             batch of thousands needs it
    """

    name: str
    path: Path | None = None
    content: bytes | None = field(default=None, repr=False)
    pixels: Image.Image | None = field(default=None, repr=False)
    keep: bool = False
    _kept: _Kept = field(default_factory=_Kept, repr=False)

    def kept(self) -> "Picture":
        """The same picture, which from now on is read and decoded only once."""
        return self if self.keep else Picture(self.name, self.path, self.content, self.pixels, keep=True)

    @property
    def sha256(self) -> str:
        """The SHA-256 of the file's bytes, as 64 hex digits; of pixels that never were a file that of their
        size and RGB values. errors: BadImage"""
        if self._kept.sha256 is None:
            if self.pixels is not None:
                self._kept.sha256 = _sha256_of_pixels(self.open())
            else:
                self._read()
        return str(self._kept.sha256)

    @property
    def facts(self) -> PictureFacts:
        """Width and height, and what its EXIF says; of most files only the header is decoded.

        errors: BadImage
        """
        if self._kept.facts is None:
            if self.pixels is not None:
                image = self.open()
                self._kept.facts = PictureFacts(image.width, image.height)
            else:
                with opening.opened(self._read(), self.name) as header:
                    self._kept.facts = header.read_facts()
        return self._kept.facts

    def open(self, at_least: int | None = None) -> Image.Image:
        """The picture as upright 8-bit RGB; of one that is kept, don't change it.

        at_least: the shorter side that is needed; large JPEGs are then decoded at a fraction of their size,
                  many times faster
        errors:   BadImage, naming the picture
        """
        if self.pixels is not None:
            return self._remembered((0, 0)) or self._remember((0, 0), opening.loaded(self.pixels, self.name))
        with opening.opened(self._read(), self.name, at_least) as header:
            known = self._remembered(header.size)
            if known is None:
                # a PNG may note them behind its pixels; a TIFF is turned while it is decoded, and forgets how
                before = None if header.image.format == "PNG" else header.read_facts()
                known = self._remember(header.size, header.load())
                self._kept.facts = before or header.read_facts()
            return known

    def _remembered(self, size: tuple[int, int]) -> Image.Image | None:
        return self._kept.decoded.get(size)

    def _remember(self, size: tuple[int, int], image: Image.Image) -> Image.Image:
        if self.keep:
            self._kept.decoded[size] = image
        return image

    def _read(self) -> bytes:
        content = self.content if self.content is not None else self._kept.content
        if content is None:
            content = opening.read_file(self.path or self.name)
            if self.keep:
                self._kept.content = content
        if self._kept.sha256 is None:
            self._kept.sha256 = hashlib.sha256(content).hexdigest()
        return content


def as_pictures(given: ImageInput | Picture | Iterable[ImageInput | Picture]) -> tuple[list[Picture], bool]:
    """One or many pictures as a list, and whether one was given rather than a list of them.

    A string is one path, never a sequence of letters. Files are not opened yet: a bad one is found when it is
    read. Open files are read now, from where they stand.
    errors: BadSetting for what is no picture: another type, an array of another shape or dtype
    """
    if isinstance(given, Picture):
        return [given], True
    if _is_one(given):
        return [_picture(given, "the given picture")], True
    if isinstance(given, Iterable) and not isinstance(given, dict):
        return [
            one if isinstance(one, Picture) else _picture(one, f"picture {number} of those given")
            for number, one in enumerate(given, 1)
        ], False
    raise _not_a_picture(given)


def as_picture(given: ImageInput | Picture) -> Picture:
    """One picture; BadSetting for a list or for what is no picture."""
    if isinstance(given, Picture):
        return given
    return _picture(given, "the given picture")


def open_image(source: ImageInput | Picture, at_least: int | None = None) -> Image.Image:
    """Read one picture as upright 8-bit RGB.

    at_least: the shorter side that is needed; large JPEGs are then decoded at a fraction of their size, many
              times faster
    errors:   BadImage, naming the file
    """
    return as_picture(source).open(at_least)


def _is_one(given: object) -> bool:
    kinds = (str, os.PathLike, Image.Image, np.ndarray, bytes, bytearray, memoryview)
    return isinstance(given, kinds) or hasattr(given, "read")


def _picture(given: object, name: str) -> Picture:
    if isinstance(given, str | os.PathLike):
        path = os.fspath(given)
        if not isinstance(path, str):
            raise _not_a_picture(given)
        return Picture(path, expanded(path))
    if isinstance(given, Image.Image):
        return Picture(getattr(given, "filename", "") or name, pixels=given)
    if isinstance(given, np.ndarray):
        return Picture(name, pixels=_image_of(given, name))
    if isinstance(given, bytes | bytearray | memoryview):
        return Picture(name, content=bytes(given))
    read = getattr(given, "read", None)
    if callable(read):
        if getattr(given, "closed", False):
            raise BadSetting(f"{name} is a file that is closed. Open it anew.")
        content = read(opening.MAX_BYTES + 1)
        if not isinstance(content, bytes):
            raise BadSetting(f"{name} is a file opened as text. Open it in binary mode: open(path, 'rb').")
        if len(content) > opening.MAX_BYTES:
            limit = opening.MAX_BYTES / 1e6
            raise BadImage(f"{name} is larger than {limit:.0f} MB. Scale the picture down first.")
        if not content and (place := getattr(given, "tell", lambda: 0)()):
            raise BadSetting(
                f"{name} is a file that is read to its end, {place} bytes. Begin anew: file.seek(0)."
            )
        return Picture(name, content=content)
    raise _not_a_picture(given)


def _image_of(array: np.ndarray, name: str) -> Image.Image:
    """array: (H, W, 3) or (H, W) uint8"""
    if array.dtype != np.uint8 or not (array.ndim == 2 or (array.ndim == 3 and array.shape[2] == 3)):
        raise BadSetting(
            f"{name} is an array of shape {array.shape} and type {array.dtype}; a picture is uint8 of shape "
            "(height, width, 3) or (height, width). Convert it, or give several pictures as a list."
        )
    if not array.size:
        raise BadImage(f"{name} has no pixels. Give a picture.")
    return Image.fromarray(np.ascontiguousarray(array))


def _not_a_picture(given: object) -> BadSetting:
    return BadSetting(
        f"A picture is a path, a PIL image, a uint8 array, the bytes of a picture file or an open file, not "
        f"{type(given).__name__}. Give one of these, or a list of them."
    )


def _sha256_of_pixels(image: Image.Image) -> str:
    digest = hashlib.sha256(f"{image.mode} {image.width}x{image.height}\n".encode())
    digest.update(image.tobytes())
    return digest.hexdigest()
