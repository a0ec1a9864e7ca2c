"""What a library's catalogue says of pictures beside what captioners made: when and with which camera they
were taken, and what a person wrote."""

from ..records import PictureFacts
from . import checksums
from .rows import MAYBE_TEXT, MAYBE_WHOLE, TEXT, WHOLE, Damaged, Rows

_KNOWN = "SELECT sha256, width, height, taken, camera FROM images WHERE taken NOTNULL OR camera NOTNULL"


def read_facts(rows: Rows) -> dict[str, PictureFacts]:
    """By content hash, of the pictures whose files say something. errors: Damaged"""
    columns = (TEXT, MAYBE_WHOLE, MAYBE_WHOLE, MAYBE_TEXT, MAYBE_TEXT)
    return {
        sha256: PictureFacts(width or 0, height or 0, taken, camera)
        for sha256, width, height, taken, camera in rows.table(_KNOWN, columns)
    }


def read_own(rows: Rows) -> dict[str, str]:
    """What a person wrote, by content hash. errors: Damaged"""
    found = {}
    columns = (TEXT, TEXT, TEXT, WHOLE)
    for sha256, text, written, crc in rows.table(
        "SELECT sha256, text, written, crc FROM own_captions", columns
    ):
        if checksums.of_own_caption(sha256, text, written) != crc:
            raise Damaged(f"the caption that a person wrote of the picture {sha256} is not what was written")
        found[sha256] = text
    return found
