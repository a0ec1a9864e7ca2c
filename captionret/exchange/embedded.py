"""Descriptions and keywords that stand inside picture files: EXIF, IPTC, XMP."""

from pathlib import Path

from PIL import Image, IptcImagePlugin

from ..errors import BadImage
from .xmp import BadXMP, Described, read

_DESCRIPTION = 0x010E  # EXIF ImageDescription
_CAPTION, _KEYWORDS = (2, 120), (2, 25)  # IPTC IIM
# what cameras and telephones write there by themselves
_BY_CAMERAS = {
    *("olympus digital camera", "sony dsc", "minolta digital camera", "konica minolta digital camera"),
    *(
        "samsung camera pictures",
        "digital camera",
        "exif_jpeg_picture",
        "default",
        "untitled",
        "image",
        "jpeg",
    ),
    *(
        "dav",
        "sdr",
        "hdr",
        "hdrpl",
        "cof",
        "ptr",
        "oznor",
        "rhdr",
        "mde",
        "screenshot",
        "created by imagemagick",
    ),
}


def read_embedded(file: Path) -> Described:
    """What a picture file says of itself; of several descriptions XMP's, then IPTC's, then EXIF's.

    errors: BadImage for what is no picture
    """
    try:
        with Image.open(file) as image:
            found = image.getexif().get(_DESCRIPTION)
            iptc = IptcImagePlugin.getiptcinfo(image) or {}
            xmp = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise BadImage(f"{file} cannot be read as a picture ({error}).") from None
    inside = _xmp(xmp)
    descriptions = (inside.description, _text(iptc.get(_CAPTION)), _text(found))
    listed = iptc.get(_KEYWORDS) or []
    keywords = [_text(one) for one in (listed if isinstance(listed, list) else [listed])]
    subjects = dict.fromkeys([*inside.subjects, *(one for one in keywords if one)])
    return Described(next((one for one in descriptions if one), None), tuple(subjects))


def _xmp(content: object) -> Described:
    if isinstance(content, str):
        content = content.encode()
    try:
        return read(content.rstrip(b"\0")) if isinstance(content, bytes) else Described()
    except BadXMP:
        return Described()  # the other places may say something


def _text(value: object) -> str | None:
    """A text of EXIF or IPTC, in UTF-8 or else Latin-1; None for what no person wrote."""
    if isinstance(value, str):
        value = value.encode("latin-1", "replace")
    if not isinstance(value, bytes):
        return None
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError:
        text = value.decode("cp1252", "replace")
    text = " ".join(text.replace("\0", " ").split())
    return None if not text or text.lower() in _BY_CAMERAS else text
