"""The only place that decodes a picture.

Every kind ends as 8-bit RGB with the camera's rotation applied: CMYK, grey, 16-bit, palette, transparency (on
white), the first frame of an animation. What cannot be read whole is a `BadImage` with the file's name; it is
never replaced by zeros. How many bytes are read and how much memory decoding takes is bounded beforehand.
"""

import io
import os
import stat
import threading
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO

from PIL import Image, ImageFile, UnidentifiedImageError

from ..absent import bring
from ..errors import BadImage
from ..records import PictureFacts
from . import raw
from .colours import as_rgb
from .embedded import described
from .facts import DAMAGED, facts_of, orientation_of
from .folders import JPEG_XL
from .xmp import Described

# A file that holds more is a video, a disk image or a mistake
MAX_BYTES = 500_000_000
# 250 megapixels take 1 GB as RGB; beyond that a picture is a threat rather than a photograph
MAX_PIXELS = 250_000_000
# What decoding one picture may take: enough for MAX_PIXELS of 8-bit RGB and a rotated copy
MAX_MEMORY = 2_000_000_000
# Bytes a pixel that decoders hold beside the picture: OpenJPEG 32-bit integers for each of up to four
# channels, the others a canvas of their own
_DECODER_BYTES = {"JPEG2000": 16, "AVIF": 8, "HEIF": 8, "JXL": 8, "WEBP": 8, "GIF": 4}
# libjpeg holds all coefficients of a progressive picture, as 16-bit integers
_PROGRESSIVE_BYTES = 6
REMEDY = "Replace it with a whole copy, or leave it out."


def read_file(path: Path | str) -> bytes:
    """All bytes of a picture file.

    errors: BadImage for a file that is missing, may not be read, is empty, larger than MAX_BYTES, or no
            regular file: a pipe or a device would block for ever
    """
    too_large = f"{path} is larger than {MAX_BYTES / 1e6:.0f} MB. Scale the picture down first."
    try:
        with _regular(path) as file:
            if os.fstat(file.fileno()).st_size > MAX_BYTES:
                raise BadImage(too_large)
            content = file.read(MAX_BYTES + 1)  # it may grow meanwhile
    except FileNotFoundError:
        raise BadImage(f"{path} does not exist. Check the path.") from None
    except PermissionError:
        raise BadImage(
            f"{path} may not be read (permission denied). Change its permissions or leave it out."
        ) from None
    except (OSError, ValueError, MemoryError) as error:  # ValueError: a name that no file can have
        raise BadImage(f"{path} cannot be read ({error}). {REMEDY}") from None
    if not content:
        raise BadImage(f"{path} is empty. {REMEDY}")
    if len(content) > MAX_BYTES:
        raise BadImage(too_large)
    return content


def _regular(path: Path | str) -> IO[bytes]:
    """Open a regular file for reading."""
    irregular = f"{path} is not a regular file but a folder, a pipe or a device. Give a picture file."
    if os.path.isdir(path):
        raise BadImage(irregular)
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        handle = os.open(path, flags)
    except FileNotFoundError:
        if not bring(path):
            raise
        handle = os.open(path, flags)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise BadImage(irregular)
    return os.fdopen(handle, "rb")


@dataclass(frozen=True, slots=True)
class Opened:
    """A picture file whose header was read, its pixels not yet.

    whole: the file's width and height, where `load` decodes a fraction of it
    own:   what the RAW file says about itself in which the picture was found
    """

    image: Image.Image
    name: str
    whole: tuple[int, int]
    own: Image.Exif | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the pixels that `load` decodes, before the camera's rotation."""
        return self.image.size

    def read_facts(self) -> PictureFacts:
        """What the file says about itself; a PNG may have to be decoded for it. errors: BadImage"""
        with _failures_named(self.name), _our_settings():
            return facts_of(self.image, self.whole, self.name, self.own)

    def load(self) -> Image.Image:
        """The pixels as upright 8-bit RGB. errors: BadImage"""
        with _failures_named(self.name), _our_settings():
            self.image.seek(0)
            self.image.load()
            return _upright(as_rgb(self.image), orientation_of(self.image, self.own))


@contextmanager
def opened(content: bytes, name: str, at_least: int | None = None) -> Iterator[Opened]:
    """Read the header of a picture file and refuse what would take too much to decode.

    at_least: the shorter side that is needed; large JPEGs are then decoded at a fraction of their size, many
              times faster
    errors:   BadImage, naming the file
    """
    with ExitStack() as closing:
        with _failures_named(name), _our_settings():
            own = raw.exif_of(content) if raw.is_raw(name) else None
            content = raw.developed(content, name) if raw.is_raw(name) else content
            image = closing.enter_context(Image.open(io.BytesIO(content), formats=_formats()))
            check_pixels(image, name)
            whole = image.size
            if at_least and image.format in ("JPEG", "MPO"):
                image.draft("RGB" if image.mode == "RGB" else None, (2 * at_least, 2 * at_least))
            _check_memory(image, whole[0] * whole[1], name)
        yield Opened(image, name, whole, own)


def read_facts(path: Path | str) -> PictureFacts:
    """What a picture file says about itself; of most only the header is read. errors: BadImage"""
    with _opened_file(path) as header:
        return header.read_facts()


def read_embedded(path: Path | str) -> Described:
    """What a person wrote inside a picture file; of most only the header is read. errors: BadImage"""
    with _opened_file(path) as header, _failures_named(header.name), _our_settings():
        return described(header.image)


@contextmanager
def _opened_file(path: Path | str) -> Iterator[Opened]:
    """Only the header is read; a RAW file is read whole."""
    name = str(path)
    if raw.is_raw(name):
        with opened(read_file(path), name) as header:
            yield header
        return
    with ExitStack() as stack:
        with _failures_named(name), _our_settings():
            image = stack.enter_context(Image.open(stack.enter_context(_regular(path)), formats=_formats()))
        yield Opened(image, name, image.size)


def check_pixels(image: Image.Image, name: str) -> None:
    """Refuse a picture of more than MAX_PIXELS; Pillow itself only warns up to twice as many."""
    if image.width * image.height > MAX_PIXELS:
        raise BadImage(f"{name} has more than {MAX_PIXELS:,} pixels. Scale it down first.")


def _check_memory(image: Image.Image, whole: int, name: str) -> None:
    """Refuse a picture that takes more than MAX_MEMORY to decode: as it is stored, as RGB, turned, and what
    its decoder holds.

    whole: the pixels of the file, where a fraction of them is decoded
    """
    each = 1 if image.mode in ("1", "L", "P") else 2 if image.mode.startswith("I;16") else 4
    each += 0 if image.mode == "RGB" else 4  # Pillow takes four bytes for three
    each += 4 if _is_turned(image) else 0
    each += _DECODER_BYTES.get(image.format or "", 0)
    taken = image.width * image.height * each
    if image.format in ("JPEG", "MPO") and image.info.get("progressive"):
        taken += whole * _PROGRESSIVE_BYTES
    if taken > MAX_MEMORY:
        raise BadImage(
            f"{name} would take {taken / 1e9:.1f} GB of memory to decode, more than the "
            f"{MAX_MEMORY / 1e9:.1f} GB allowed. Scale it down first."
        )


def _is_turned(image: Image.Image) -> bool:
    """Whether the header notes a rotation. A PNG may note it after its pixels, which Pillow would decode."""
    if image.format == "PNG" and "exif" not in image.info:
        return False
    return orientation_of(image) in _TURNS


@cache
def _formats() -> list[str]:
    """The formats that are read, by Pillow's names; registers HEIF, the format of iPhones, and JPEG XL."""
    from pillow_heif import register_heif_opener

    Image.init()
    register_heif_opener()
    if JPEG_XL:
        import pillow_jxl  # noqa: F401  # it registers itself
    # Pillow reads MPO as JPEG and raises KeyError for a name it has not registered (AVIF before 11.3)
    ours = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "PPM", "AVIF", "JPEG2000", "HEIF", "JXL")
    return [name for name in ours if name in Image.OPEN]


_settings_lock = threading.Lock()
_settings_users = 0
_settings_before = ExitStack()


@contextmanager
def _our_settings() -> Iterator[None]:
    """Pillow's global settings as they have to be here, for as long as any thread decodes; then as before."""
    global _settings_users
    with _settings_lock:
        _settings_users += 1
        if _settings_users == 1:
            _settings_before.enter_context(warnings.catch_warnings())
            # Pillow warns of odd EXIF and of many pixels; whether the pixels are whole is what counts
            warnings.simplefilter("ignore")
            _settings_before.callback(setattr, Image, "MAX_IMAGE_PIXELS", Image.MAX_IMAGE_PIXELS)
            cut = ImageFile.LOAD_TRUNCATED_IMAGES
            _settings_before.callback(setattr, ImageFile, "LOAD_TRUNCATED_IMAGES", cut)
            Image.MAX_IMAGE_PIXELS = MAX_PIXELS  # only twice as many are an error to Pillow
            ImageFile.LOAD_TRUNCATED_IMAGES = False  # what is cut off would be filled up with grey
    try:
        yield
    finally:
        with _settings_lock:
            _settings_users -= 1
            if _settings_users == 0:
                _settings_before.close()


@contextmanager
def _failures_named(name: str) -> Iterator[None]:
    """Whatever Pillow raises becomes a BadImage that names the picture."""
    try:
        yield
    except UnidentifiedImageError:
        raise BadImage(
            f"{name} is not a picture in a known format (empty, cut off, or another kind of file). {REMEDY}"
        ) from None
    except Image.DecompressionBombError:
        raise BadImage(f"{name} has more than {MAX_PIXELS:,} pixels. Scale it down first.") from None
    except (*DAMAGED, MemoryError) as error:
        raise BadImage(f"{name} cannot be decoded ({error}). {REMEDY}") from None


def loaded(image: Image.Image, name: str) -> Image.Image:
    """A picture that somebody else opened with Pillow, as upright 8-bit RGB. errors: BadImage"""
    if not image.width or not image.height:
        raise BadImage(f"{name} has no pixels. Give a picture.")
    check_pixels(image, name)
    with _failures_named(name), _our_settings():
        image.load()
        return _upright(as_rgb(image), orientation_of(image))


_TURNS = {  # EXIF orientation -> what makes it upright
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def _upright(image: Image.Image, orientation: int) -> Image.Image:
    """The picture turned as its EXIF says."""
    return image.transpose(_TURNS[orientation]) if orientation in _TURNS else image
