"""The only place that opens a picture and prepares it for a backbone.

Every mode ends as 8-bit RGB with the camera's rotation applied: CMYK, grey, 16-bit, palette, transparency (on
white), the first frame of an animation. What cannot be read whole is a `BadImage` with the file's name; it is
never replaced by zeros.
"""

import hashlib
import io
import os
import stat
import struct
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError
from pillow_heif import register_heif_opener

from .errors import BadImage
from .records import Failure

EXTENSIONS = frozenset(
    ".jpg .jpeg .jpe .jfif .png .webp .bmp .gif .tif .tiff .ppm .pgm .pbm .avif .jp2 .heic .heif".split()
)
# 250 megapixels take 750 MB as RGB; beyond that a picture is a threat rather than a photograph
MAX_PIXELS = 250_000_000
Image.init()
register_heif_opener()  # the format of iPhones
# Pillow reads MPO as JPEG and raises KeyError for a name it has not registered (AVIF before 11.3)
_FORMATS: list[str] = [
    name
    for name in ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "PPM", "AVIF", "JPEG2000", "HEIF")
    if name in Image.OPEN
]

# MAX_PIXELS is our own, stricter-worded limit
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
Image.MAX_IMAGE_PIXELS = MAX_PIXELS


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """How a picture becomes a backbone's input; it belongs to the backbone and is part of every cache key.

    size:   the input's height and width in pixels. The whole picture is squeezed into the square: nothing at
            the edges is lost, and it is how the published systems and their training pictures were resized.
    mean, std: per channel, of values scaled to 0..1
    """

    size: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    def to_json(self) -> dict[str, object]:
        """Its fields, as JSON can hold them."""
        return {
            key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()
        }

    @property
    def key(self) -> str:
        """The size, and a short hash of all of it, for names of caches."""
        return f"{self.size}-{hashlib.sha256(repr(self).encode()).hexdigest()[:6]}"


@dataclass(frozen=True, slots=True)
class View:
    """A crop of a picture, as shares of its width and height, and whether it is mirrored. The whole picture
    is View()."""

    left: float = 0.0
    top: float = 0.0
    right: float = 1.0
    bottom: float = 1.0
    mirrored: bool = False


WHOLE = View()


def open_image(source: Path | str | bytes, at_least: int | None = None) -> Image.Image:
    """Read a picture as upright 8-bit RGB.

    source:   a path, or the bytes of a picture file
    at_least: the shorter side that is needed; large JPEGs are then decoded at a fraction of their size, many
              times faster
    errors:   BadImage, naming the file
    """
    name = "the given picture" if isinstance(source, bytes) else str(source)
    try:
        with warnings.catch_warnings():
            # Pillow warns of odd EXIF; whether the pixels are whole is what counts
            warnings.simplefilter("ignore")
            with Image.open(
                io.BytesIO(source) if isinstance(source, bytes) else _regular(source), formats=_FORMATS
            ) as image:
                if image.width * image.height > MAX_PIXELS:  # Pillow itself only warns up to twice as many
                    raise Image.DecompressionBombError
                if at_least and image.format in ("JPEG", "MPO"):
                    image.draft("RGB" if image.mode == "RGB" else None, (2 * at_least, 2 * at_least))
                image.seek(0)
                image.load()
                return _as_rgb(_upright(image))
    except FileNotFoundError:
        raise BadImage(f"{name} does not exist. Check the path.") from None
    except UnidentifiedImageError:
        raise BadImage(
            f"{name} is not a picture in a known format (empty, cut off, or another kind of file). {_REMEDY}"
        ) from None
    except Image.DecompressionBombError:
        raise BadImage(f"{name} has more than {MAX_PIXELS:,} pixels. Scale it down first.") from None
    except PermissionError:
        raise BadImage(
            f"{name} may not be read (permission denied). Change its permissions or leave it out."
        ) from None
    except _DECODING_ERRORS as error:
        raise BadImage(f"{name} cannot be decoded ({error}). {_REMEDY}") from None


# What Pillow's readers raise on damaged files: RuntimeError AVIF's, SyntaxError and struct.error those of odd
# headers
_DECODING_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    IndexError,
    KeyError,
    TypeError,
    OverflowError,
    MemoryError,
    RuntimeError,
    struct.error,
)
_REMEDY = "Replace it with a whole copy, or leave it out."


def _regular(path: Path | str) -> IO[bytes]:
    """Open a regular file; a pipe or a device would block for ever."""
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise BadImage(f"{path} is not a regular file but a folder, a pipe or a device. Give a picture file.")
    return os.fdopen(handle, "rb")


_TURNS = {  # EXIF orientation -> what makes it upright
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def _upright(image: Image.Image) -> Image.Image:
    """The picture turned as its EXIF says. Pixels that are whole beside a damaged EXIF are taken as they
    are."""
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation)
    except _DECODING_ERRORS:
        return image
    return image.transpose(_TURNS[orientation]) if orientation in _TURNS else image


def _as_rgb(image: Image.Image) -> Image.Image:
    # Pillow's own conversion would clip 16-bit values at 255 and show white
    if image.mode.startswith(("I", "F")):
        image = _scaled_to_8_bits(image)
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, (255, 255, 255, 255))
        image = Image.alpha_composite(white, image)
    return image if image.mode == "RGB" else image.convert("RGB")


def _scaled_to_8_bits(image: Image.Image) -> Image.Image:
    values = np.asarray(image).astype(np.float64)
    if not np.isfinite(values).all():
        raise ValueError("it holds values that are not numbers")
    if image.mode.startswith("I;16") or (image.mode == "I" and values.min() >= 0 and values.max() <= 65535):
        values = values / 257.0
    else:
        low, high = values.min(), values.max()
        values = (values - low) * (255.0 / (high - low)) if high > low else np.zeros_like(values)
    return Image.fromarray(values.round().astype(np.uint8))


def prepare(image: Image.Image, size: int, view: View = WHOLE) -> np.ndarray:
    """A picture as the square a backbone reads, not yet normalised.

    returns: (size, size, 3) uint8
    """
    width, height = image.size
    box = (view.left * width, view.top * height, view.right * width, view.bottom * height)
    square = image.resize((size, size), Image.Resampling.BICUBIC, box=box, reducing_gap=3.0)
    pixels = np.array(square)
    return np.ascontiguousarray(pixels[:, ::-1]) if view.mirrored else pixels


def load_views(path: Path | str, size: int, views: tuple[View, ...] = (WHOLE,)) -> tuple[str, np.ndarray]:
    """Read a picture once and cut every view from it.

    returns: the SHA-256 of the file's content, and (len(views), size, size, 3) uint8
    """
    try:
        with _regular(path) as file:
            content = file.read()
    except (FileNotFoundError, PermissionError):
        open_image(path)  # raises with the message that fits
        raise
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        raise BadImage(f"{path} cannot be read ({error}). {_REMEDY}") from None
    if not content:
        raise BadImage(f"{path} is empty. {_REMEDY}")
    try:
        image = open_image(content, at_least=size)
    except BadImage as error:
        raise BadImage(str(error).replace("the given picture", str(path))) from None
    return hashlib.sha256(content).hexdigest(), np.stack([prepare(image, size, view) for view in views])


@dataclass(frozen=True, slots=True)
class DecodedBatch:
    """The pictures of one batch that could be read, in order, and those that could not.

    pixels: (views, n, S, S, 3) uint8
    """

    paths: list[Path]
    hashes: list[str]
    pixels: np.ndarray
    failures: list[Failure]


def decoded_batches(
    paths: Sequence[Path], size: int, batch_size: int, views: tuple[View, ...] = (WHOLE,)
) -> Iterator[DecodedBatch]:
    """Decode pictures batch by batch, the next batch in a thread while the caller works on this one."""
    chunks = [paths[start : start + batch_size] for start in range(0, len(paths), batch_size)]
    with ThreadPoolExecutor(1) as pool:
        ahead = [pool.submit(_decode, chunk, size, views) for chunk in chunks[:1]]
        for following in [*chunks[1:], None]:
            if not ahead:
                return
            batch = ahead.pop().result()
            if following is not None:
                ahead.append(pool.submit(_decode, following, size, views))
            yield batch


def _decode(paths: Sequence[Path], size: int, views: tuple[View, ...]) -> DecodedBatch:
    good: list[tuple[Path, str, np.ndarray]] = []
    failures = []
    for path in paths:
        try:
            good.append((path, *load_views(path, size, views)))
        except BadImage as error:
            failures.append(Failure(str(path), str(error)))
    pixels = (
        np.stack([cut for _, _, cut in good], axis=1)
        if good
        else np.empty((len(views), 0, size, size, 3), np.uint8)
    )
    return DecodedBatch([path for path, _, _ in good], [name for _, name, _ in good], pixels, failures)


def find_images(root: Path | str, unreadable: list[str] | None = None) -> Iterator[Path]:
    """Every picture file below `root`, in a fixed order. Hidden folders are passed over, links to folders not
    followed.

    unreadable: receives the folders that may not be listed
    """

    def note(error: OSError) -> None:
        if unreadable is not None:
            unreadable.append(f"{error.filename}: {error.strerror}")

    for folder, folders, names in os.walk(root, onerror=note):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if not name.startswith(".") and os.path.splitext(name)[1].lower() in EXTENSIONS:
                yield Path(folder, name)
