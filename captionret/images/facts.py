"""What a picture file says about itself: its size, when, where and with what it was taken, and what a person
wrote into it. Nonsense counts as nothing: no month 13, no day to come, no latitude of 200."""

import logging
import math
import re
import struct
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache

from PIL import ExifTags, Image

from ..records import PictureFacts
from .embedded import described

log = logging.getLogger(__name__)

# What Pillow's readers raise on damaged files: RuntimeError AVIF's, SyntaxError and struct.error those of odd
# headers
DAMAGED = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    IndexError,
    KeyError,
    TypeError,
    OverflowError,
    RuntimeError,
    struct.error,
)
_EXIF_ERRORS = (*DAMAGED, AttributeError)

_FIRST_YEAR = 1826  # of the first photograph that is left; cameras without a clock note the year 0
_MOST_KEYWORDS = 100


def orientation_of(image: Image.Image, own: Image.Exif | None = None) -> int:
    """The EXIF orientation; 1, upright, where none is noted. Pixels that are whole beside a damaged EXIF are
    taken as they are.

    own: what the file says in which the picture was found, as that of a RAW file
    """
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation)
        if orientation is None and own is not None:
            orientation = own.get(ExifTags.Base.Orientation)
    except _EXIF_ERRORS:
        return 1
    return orientation if isinstance(orientation, int) else 1


def facts_of(
    image: Image.Image, whole: tuple[int, int], name: str = "a picture", own: Image.Exif | None = None
) -> PictureFacts:
    """Read the facts in an opened picture's header; what is missing or damaged is None.

    whole: width and height of the file, before the camera's rotation
    name:  what messages call it; own: see orientation_of
    """
    width, height = whole
    orientation = orientation_of(image, own)
    if orientation in (5, 6, 7, 8) and not _already_upright(image, whole):
        width, height = height, width
    try:
        every = [image.getexif()] if own is None else [own, image.getexif()]
        exif = {tag: value for one in every for tag, value in one.items()}
        details = {tag: value for one in every for tag, value in one.get_ifd(ExifTags.IFD.Exif).items()}
        place = _place(
            {tag: value for one in every for tag, value in one.get_ifd(ExifTags.IFD.GPSInfo).items()}
        )
    except _EXIF_ERRORS:
        return PictureFacts(width, height)
    taken = _date(details.get(ExifTags.Base.DateTimeOriginal) or exif.get(ExifTags.Base.DateTime), name)
    zone = details.get(ExifTags.Base.OffsetTimeOriginal) or details.get(ExifTags.Base.OffsetTime)
    title, keywords = _written(image)
    return PictureFacts(
        width,
        height,
        taken,
        _device(exif.get(ExifTags.Base.Make), exif.get(ExifTags.Base.Model)),
        _zone(zone) if taken else None,
        _device(details.get(ExifTags.Base.LensMake), details.get(ExifTags.Base.LensModel)),
        orientation if orientation in range(1, 9) else 1,
        place,
        title,
        keywords,
    )


def _written(image: Image.Image) -> tuple[str | None, tuple[str, ...]]:
    """The title and the keywords."""
    try:
        found = described(image)
    except _EXIF_ERRORS:
        return None, ()
    keywords = dict.fromkeys(one for text in found.subjects if (one := _plain(text)))
    return _plain(found.title or found.description, 200) or None, tuple(keywords)[:_MOST_KEYWORDS]


def _already_upright(image: Image.Image, size: tuple[int, int]) -> bool:
    """Whether Pillow turns the picture itself, as it does with a TIFF."""
    tags = getattr(image, "tag_v2", {}) if image.format == "TIFF" else {}
    return bool(tags) and (tags.get(256), tags.get(257)) != size


@lru_cache(1000)  # once for each file, however often it is read
def _say_to_come(name: str, day: str) -> None:
    log.info(f"{name} says that it was taken on {day}, a day to come; it counts as undated.")


def _date(noted: object, name: str) -> str | None:
    """EXIF's "2019:06:01 12:30:00" as "2019-06-01T12:30:00"; None for what is no date, or is to come."""
    if not isinstance(noted, str):
        return None
    try:
        taken = datetime.strptime(noted.strip("\0 ")[:19], "%Y:%m:%d %H:%M:%S")
    except ValueError:
        return None
    if taken > datetime.now() + timedelta(days=2):  # somewhere it may be tomorrow
        _say_to_come(name, f"{taken:%Y-%m-%d}")
        return None
    return taken.isoformat() if taken.year >= _FIRST_YEAR else None


def _zone(noted: object) -> str | None:
    """A time zone as EXIF notes it, "+02:00"."""
    text = _plain(noted).replace("\u2212", "-")
    return text if re.fullmatch(r"[+-](?:0\d|1[0-4]):[0-5]\d", text) else None


def _place(gps: Mapping[int, object]) -> tuple[float, float] | None:
    """Latitude and longitude in degrees; None where a receiver had none, or noted nonsense."""
    latitude = _angle(gps.get(ExifTags.GPS.GPSLatitude), gps.get(ExifTags.GPS.GPSLatitudeRef), "NS")
    longitude = _angle(gps.get(ExifTags.GPS.GPSLongitude), gps.get(ExifTags.GPS.GPSLongitudeRef), "EW")
    if latitude is None or longitude is None or (latitude, longitude) == (0, 0):
        return None
    return (latitude, longitude) if abs(latitude) <= 90 and abs(longitude) <= 180 else None


def _angle(parts: object, side: object, sides: str) -> float | None:
    """Degrees, minutes and seconds as degrees, negative on the second of both sides."""
    side = side.decode("ascii", "replace") if isinstance(side, bytes) else side
    sign = {sides[0]: 1, sides[1]: -1}.get(_plain(side)[:1].upper())
    if sign is None or not isinstance(parts, tuple | list) or len(parts) != 3:
        return None
    try:
        degrees, minutes, seconds = map(float, parts)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    found = degrees + minutes / 60 + seconds / 3600
    sound = degrees >= 0 and 0 <= minutes < 60 and 0 <= seconds < 60 and math.isfinite(found)
    return round(sign * found, 6) if sound else None


def _device(make: object, model: object) -> str | None:
    """Maker and model as people write them: "Canon", "Canon EOS R5" -> "Canon EOS R5"."""
    maker, name = _plain(make), _plain(model)
    repeated = name.lower().startswith(maker.lower())
    return (name if repeated else f"{maker} {name}").strip() or None


def _plain(text: object, most: int = 100) -> str:
    """The readable start of a text: cameras fill up with zero bytes and blanks, and may hold anything."""
    if not isinstance(text, str):
        return ""
    readable = "".join(letter if letter.isprintable() else " " for letter in text.partition("\0")[0])
    return re.sub(r"\s+", " ", readable).strip()[:most]
