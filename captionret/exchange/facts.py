"""What exported files know of pictures beside captions: when, where and with what they were taken, title and
keywords."""

import json
import math
import re
from collections.abc import Iterator
from pathlib import Path

from ..caption_files.formats import Fields, placed_rows, shard_records
from ..caption_files.plain import without_controls
from ..records import GivenFacts, PictureFacts
from .coco import DESCRIPTION
from .tables import PICTURES

_TAKEN = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")
_MOST = 500  # characters of a text
_TABLES = (".parquet", ".jsonl", ".csv")


def read_facts(path: Path) -> Iterator[GivenFacts]:
    """Of a folder or a file that `export` wrote; nothing of files of other programs, and of captions alone.
    What is no date, no place or no text is passed over.

    errors: BadDataset for a file that cannot be read
    """
    for row in _rows(path):
        known = _facts(row)
        place, sha256 = row.get("path") or row.get("file_name"), row.get("sha256")
        if known is not None:
            yield GivenFacts(str(place) if place else None, str(sha256) if sha256 else None, known)


def _rows(path: Path) -> Iterator[Fields]:
    if path.is_dir():
        tables = (path / f"{PICTURES}{suffix}" for suffix in _TABLES)
        inside = [*tables, path / "captions.json", *sorted(path.glob("shard-*.tar"))[:1]]
        path = next((one for one in inside if one.is_file()), path)
    if path.suffix == ".json":
        yield from _coco_images(path)
    elif path.suffix == ".tar":
        yield from (row for _, row in shard_records(path) if not isinstance(row, str))
    elif path.stem == PICTURES:
        yield from (row for _, row in placed_rows(path) if not isinstance(row, str))


def _coco_images(path: Path) -> Iterator[Fields]:
    with open(path, "rb") as file:
        if DESCRIPTION.encode() not in file.read(1000):
            return
    for image in json.loads(path.read_bytes())["images"]:
        yield {**image, "taken": image.get("date_captured")}


def _facts(row: Fields) -> PictureFacts | None:
    """None where it says nothing."""
    taken = _text(row, "taken")
    facts = PictureFacts(
        0,
        0,
        taken=taken if taken and _TAKEN.fullmatch(taken) else None,
        camera=_text(row, "camera"),
        lens=_text(row, "lens"),
        place=_place(row.get("latitude"), row.get("longitude")),
        title=_text(row, "title"),
        keywords=_keywords(row.get("keywords")),
    )
    return None if facts == PictureFacts(0, 0) else facts


def _text(row: Fields, name: str) -> str | None:
    value = row.get(name)
    return without_controls(value)[:_MOST] or None if isinstance(value, str) else None


def _place(latitude: object, longitude: object) -> tuple[float, float] | None:
    try:
        place = float(str(latitude)), float(str(longitude))
    except ValueError:
        return None
    return place if abs(place[0]) <= 90 and abs(place[1]) <= 180 and all(map(math.isfinite, place)) else None


def _keywords(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        try:
            value = json.loads(value) if value else []
        except ValueError:
            return ()
    if not isinstance(value, list):
        return ()
    texts = (without_controls(one)[:_MOST] for one in value if isinstance(one, str))
    return tuple(dict.fromkeys(text for text in texts if text))
