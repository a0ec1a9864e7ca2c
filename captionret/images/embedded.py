"""Descriptions and keywords that stand inside picture files: EXIF, IPTC, XMP."""

from collections.abc import Iterable

from PIL import Image, ImageFile, IptcImagePlugin

from .xmp import BadXMP, Described, read

_DESCRIPTION = 0x010E  # EXIF ImageDescription
_WINDOWS_TITLE, _WINDOWS_KEYWORDS = 0x9C9B, 0x9C9E  # EXIF XPTitle, XPKeywords
_CAPTION, _KEYWORDS, _NAME = (2, 120), (2, 25), (2, 5)  # IPTC IIM
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


def described(image: Image.Image) -> Described:
    """What an open picture says of itself; of several descriptions XMP's, then IPTC's, then EXIF's.

    errors: whatever Pillow raises on damaged headers
    """
    exif = image.getexif()
    iptc = IptcImagePlugin.getiptcinfo(image) or {} if isinstance(image, ImageFile.ImageFile) else {}
    inside = _xmp(image.info.get("xmp") or image.info.get("XML:com.adobe.xmp"))
    descriptions = (inside.description, _text(iptc.get(_CAPTION)), _text(exif.get(_DESCRIPTION)))
    titles = (inside.title, _text(iptc.get(_NAME)), _wide_text(exif.get(_WINDOWS_TITLE)))
    listed = iptc.get(_KEYWORDS) or []
    keywords = [_text(one) for one in (listed if isinstance(listed, list) else [listed])]
    keywords += [one.strip() for one in (_wide_text(exif.get(_WINDOWS_KEYWORDS)) or "").split(";")]
    subjects = dict.fromkeys([*inside.subjects, *(one for one in keywords if one)])
    return Described(_first(descriptions), tuple(subjects), _first(titles))


def _first(texts: Iterable[str | None]) -> str | None:
    return next((one for one in texts if one), None)


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


def _wide_text(value: object) -> str | None:
    """A text that Windows wrote: UTF-16 as bytes, or as numbers."""
    try:
        content = bytes(value) if isinstance(value, bytes | tuple | list) else b""
    except (ValueError, TypeError):
        return None
    text = " ".join(content.decode("utf-16-le", "replace").replace("\0", " ").split())
    return text or None
