"""What a picture file says about itself: its size, when it was taken and with which camera."""

import re
import struct
from datetime import datetime

from PIL import ExifTags, Image

from ..records import PictureFacts

_EXIF_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    IndexError,
    KeyError,
    TypeError,
    OverflowError,
    RuntimeError,
    AttributeError,
    struct.error,
)


def orientation_of(image: Image.Image) -> int:
    """The EXIF orientation; 1, upright, where none is noted. Pixels that are whole beside a damaged EXIF are
    taken as they are."""
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation)
    except _EXIF_ERRORS:
        return 1
    return orientation if isinstance(orientation, int) else 1


def facts_of(image: Image.Image, whole: tuple[int, int]) -> PictureFacts:
    """Read the facts in an opened picture's header; what is missing or damaged is None.

    whole: width and height of the file, before the camera's rotation
    """
    width, height = whole
    if orientation_of(image) in (5, 6, 7, 8) and not _already_upright(image, whole):
        width, height = height, width
    try:
        exif = image.getexif()
        details = exif.get_ifd(ExifTags.IFD.Exif)
        taken = _date(details.get(ExifTags.Base.DateTimeOriginal) or exif.get(ExifTags.Base.DateTime))
        camera = _camera(exif.get(ExifTags.Base.Make), exif.get(ExifTags.Base.Model))
    except _EXIF_ERRORS:
        return PictureFacts(width, height)
    return PictureFacts(width, height, taken, camera)


def _already_upright(image: Image.Image, size: tuple[int, int]) -> bool:
    """Whether Pillow turns the picture itself, as it does with a TIFF."""
    tags = getattr(image, "tag_v2", {}) if image.format == "TIFF" else {}
    return bool(tags) and (tags.get(256), tags.get(257)) != size


def _date(noted: object) -> str | None:
    """EXIF's "2019:06:01 12:30:00" as "2019-06-01T12:30:00"; None for what is no date."""
    if not isinstance(noted, str):
        return None
    try:
        return datetime.strptime(noted.strip("\0 ")[:19], "%Y:%m:%d %H:%M:%S").isoformat()
    except ValueError:
        return None


def _camera(make: object, model: object) -> str | None:
    """Maker and model as people write them: "Canon", "Canon EOS R5" -> "Canon EOS R5"."""
    maker, name = _plain(make), _plain(model)
    repeated = name.lower().startswith(maker.lower())
    return (name if repeated else f"{maker} {name}").strip() or None


def _plain(text: object) -> str:
    """The readable start of a text: cameras fill up with zero bytes and blanks, and may hold anything."""
    if not isinstance(text, str):
        return ""
    readable = "".join(letter if letter.isprintable() else " " for letter in text.partition("\0")[0])
    return re.sub(r"\s+", " ", readable).strip()[:100]
