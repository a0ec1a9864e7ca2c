"""RAW photographs: by the JPEG that cameras put into them, or where there is none developed by `rawpy`, if
that is installed."""

import io
import os
import re

from PIL import Image

from ..errors import BadImage

EXTENSIONS = frozenset(".cr2 .cr3 .nef .nrw .arw .srf .sr2 .dng .raf .orf .rw2 .pef .srw .3fr".split())
_START = re.compile(rb"\xff\xd8\xff[\xc0-\xfe]")
_FRAMES = frozenset((0xC0, 0xC1, 0xC2))  # of the kinds of JPEG that are shown
# another kind, or the end of the header
_OTHER_FRAMES = frozenset((0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF, 0xDA, 0xD9))
_LEAST_SIDE = 200  # pixels: what is smaller is an icon for menus
_TIFF = (b"II*\0", b"MM\0*")


def is_raw(name: str) -> bool:
    """Whether a file is a RAW photograph, by its name.

    >>> is_raw("2019/DSC_0001.NEF")
    True
    """
    return os.path.splitext(name)[1].lower() in EXTENSIONS


def developed(content: bytes, name: str) -> bytes:
    """A picture file in a format that Pillow reads, of the content of a RAW file: the largest JPEG inside,
    else what rawpy makes of it.

    errors: BadImage
    """
    starts = (found.start() for found in _START.finditer(content))
    side, place = max(((_shorter_side(content, start), start) for start in starts), default=(0, 0))
    if side >= _LEAST_SIDE:
        return content[place:]
    try:
        import rawpy
    except ImportError:
        raise BadImage(
            f"{name} is a RAW photograph without a JPEG inside. To develop it, install rawpy: "
            "pip install 'captionret[raw]'."
        ) from None
    try:
        with rawpy.imread(io.BytesIO(content)) as opened:
            pixels = opened.postprocess(use_camera_wb=True, half_size=True, user_flip=0)
    except rawpy.LibRawError as error:
        reason = error.args[0] if error.args else error
        shown = reason.decode(errors="replace") if isinstance(reason, bytes) else reason
        raise BadImage(f"{name} cannot be developed ({shown}). Replace it with a whole copy.") from None
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "BMP")
    return file.getvalue()


def exif_of(content: bytes) -> Image.Exif | None:
    """What a RAW file says about itself, where it is built like a TIFF; of others the JPEG inside says it."""
    if not content.startswith(_TIFF):
        return None
    found = Image.Exif()
    found.load(content)
    return found


def _shorter_side(content: bytes, start: int) -> int:
    """Of a JPEG that begins there, in pixels; 0 for what is none, or a lossless one, as of sensors' data."""
    place = start + 2
    while content[place : place + 1] == b"\xff" and place + 9 < len(content):
        marker = content[place + 1]
        if marker in _FRAMES:
            height, width = (int.from_bytes(content[place + at : place + at + 2]) for at in (5, 7))
            return min(height, width) if content[place + 4] == 8 else 0
        if marker in _OTHER_FRAMES:
            return 0
        place += 2 + max(2, int.from_bytes(content[place + 2 : place + 4]))
    return 0
