"""How the catalogue keeps what a picture's file says about itself."""

import json
from typing import Any

from ...records import PictureFacts
from .rows import MAYBE_TEXT, MAYBE_WHOLE, Damaged, record

FACTS = "width, height, taken, camera, exif"  # columns of the table of images
FACT_COLUMNS = (MAYBE_WHOLE, MAYBE_WHOLE, MAYBE_TEXT, MAYBE_TEXT, MAYBE_TEXT)
NOTHING = "{}"  # in the column exif: the file was read, and says nothing of what is kept there


def columns_of(facts: PictureFacts) -> tuple[int, int, str | None, str | None, str]:
    """The values of FACTS."""
    camera = None if facts.camera is None else _whole(facts.camera)
    return facts.width, facts.height, facts.taken, camera, exif_of(facts)


def exif_of(facts: PictureFacts) -> str:
    """What has no column of its own, as JSON; what is not there is not in it."""
    known = {
        "zone": facts.zone,
        "lens": facts.lens,
        "orientation": facts.orientation if facts.orientation != 1 else None,
        "place": facts.place,
        "title": facts.title,
        "keywords": facts.keywords,
    }
    return _whole(json.dumps({name: value for name, value in known.items() if value}, ensure_ascii=False))


def facts_from(
    width: int, height: int, taken: str | None = None, camera: str | None = None, exif: str | None = None
) -> PictureFacts:
    """The facts of these columns. errors: Damaged for a JSON that `exif_of` did not write"""
    if exif is None or exif == NOTHING:
        return PictureFacts(width, height, taken, camera)
    held = record(exif, "what is kept of a picture's EXIF")
    return PictureFacts(
        width,
        height,
        taken,
        camera,
        _value(held, "zone", str),
        _value(held, "lens", str),
        _value(held, "orientation", int) or 1,
        _place(held.get("place")),
        _value(held, "title", str),
        _keywords(held.get("keywords", [])),
    )


def _value(held: dict[str, Any], name: str, kind: type) -> Any:
    value = held.get(name)
    if value is not None and type(value) is not kind:
        raise Damaged(f"{name} of a picture's EXIF is {value!r}")
    return value


def _place(value: object) -> tuple[float, float] | None:
    match value:
        case None:
            return None
        case [int() | float() as latitude, int() | float() as longitude]:
            return float(latitude), float(longitude)
    raise Damaged(f"the place of a picture's EXIF is {value!r}")


def _keywords(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise Damaged(f"the keywords of a picture's EXIF are {value!r}")
    return tuple(value)


def _whole(text: str) -> str:
    """A text without halves of characters, which SQLite cannot keep."""
    return text.encode(errors="replace").decode()
