"""Captions in files, whatever wrote them: the one reader of what names a picture and says something of it.

    {"path": "beach/1.jpg", "caption": "a dog runs", "tags": ["dog", "beach"], "score": 0.9}
    {"sha256": "9f86d0...", "captions": ["a dog runs", "the dog is wet"], "by": "Anna"}

for record in read_records(Path("captions.jsonl"), note=print):
    record.path, record.captions
"""

import json
import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple, SupportsFloat

from ..errors import BadDataset
from .formats import FORMATS, Fields, placed_rows
from .plain import MOST_WORDS, on_one_line, without_controls

__all__ = ["FORMATS", "CaptionRecord", "read_records"]

_NAMES = {  # of each field, the names that it goes by, the first one first
    "path": ("path", "image", "file", "filename", "file_name", "file_path", "filepath"),
    "sha256": ("sha256", "hash", "sha_256"),
    "text": ("caption", "text", "sentence", "description"),
    "listed": ("captions", "texts", "sentences"),
    "tags": ("tags", "keywords"),
    **{name: (name,) for name in ("score", "by", "kind", "day", "n", "logprob")},
}
_SHA256 = re.compile("[0-9a-f]{64}")


class CaptionRecord(NamedTuple):
    """What one row says.

    path, sha256: of its picture, at least one of them; a hash is 64 hex digits
    captions: at least one, the best first
    tags:     keywords; where the row holds nothing else, they are its caption, too
    score:    how good its source says that it is; None where it says nothing
    by, kind: who made it, and as what ("person", "file", "model"), as `captionret export` writes them; None
              where the row does not say
    day:      on which it was made; None where it does not say
    n:        the first caption's place among those that this captioner gives of the picture
    logprob:  natural log of its probability; 0 where it is not known
    """

    path: str | None
    sha256: str | None
    captions: tuple[str, ...]
    tags: tuple[str, ...] = ()
    score: float | None = None
    by: str | None = None
    kind: str | None = None
    day: str | None = None
    n: int = 0
    logprob: float = 0.0


def read_records(
    path: Path, note: Callable[[str, str], None], most_words: int = MOST_WORDS
) -> Iterator[CaptionRecord]:
    """Every row of a file: see FORMATS for the endings. Captions are taken without markup, and cut after so
    many words; those that say who made them, and as what, were taken so once, or are a person's: they stay.

    note:   receives each row that is left out: where it stands, and why
    errors: BadDataset where the file, or no row of it, can be read
    """
    first_bad, good = "", False
    for where, row in placed_rows(path):
        try:
            if isinstance(row, str):
                raise ValueError(row)
            record = _record(row, most_words)
        except ValueError as error:
            first_bad = first_bad or f"{path}, {where}: {error}"
            note(where, str(error))
            continue
        good = True
        yield record
    if first_bad and not good:
        raise BadDataset(
            f"{first_bad} The file holds no caption that can be read; each row gives a path and a caption."
        )


def _record(row: Fields, most_words: int) -> CaptionRecord:
    """One row, by whatever names its fields have. errors: ValueError"""
    if not isinstance(row, dict):
        raise ValueError("it is no JSON object.")
    held: dict[str, object] = {}
    for field, name in _fields(tuple(row)):
        value = row[name]
        if value is not None and value == value and value != "":  # NaN is how tables hold nothing
            held.setdefault(field, value)
    path, sha256 = held.get("path"), held.get("sha256")
    if path is None and sha256 is None:
        raise ValueError("it names no picture, neither by a path nor by a hash.")
    stays = "by" in held and "kind" in held

    def clean(text: str) -> str:
        return without_controls(text) if stays else on_one_line(text, most_words)

    tags = _tags(held["tags"], clean) if "tags" in held else ()
    captions = tuple(text for one in _texts(held, tags) if (text := clean(one)))
    if not captions:
        raise ValueError("it holds no caption.")
    return CaptionRecord(
        None if path is None else str(path),
        None if sha256 is None else _hash(sha256, path is not None),
        captions,
        tags,
        _number(held, "score"),
        _text(held, "by"),
        _text(held, "kind"),
        _text(held, "day"),
        int(_number(held, "n") or 0),
        _number(held, "logprob") or 0.0,
    )


@lru_cache(maxsize=64)
def _fields(columns: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Which field stands under which name, in a row with these names: the rows of a file are much alike."""
    return tuple((field, name) for field, names in _NAMES.items() for name in names if name in columns)


def _texts(held: dict[str, object], tags: tuple[str, ...]) -> list[str]:
    """What it says; else its keywords. errors: ValueError"""
    listed = held.get("listed")
    found = listed if isinstance(listed, list) else [held.get("text")]
    texts: list[str] = []
    for one in found:
        if isinstance(one, str):
            texts.append(one)
        elif one is not None:
            raise ValueError(f"its caption is {type(one).__name__}, not a text.")
    return texts or ([", ".join(tags)] if tags else [])


def _tags(value: object, clean: Callable[[str], str]) -> tuple[str, ...]:
    """Keywords: a list, a list in JSON, or a text with commas. errors: ValueError"""
    if isinstance(value, str):
        value = _listed(value)
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise ValueError("its tags are not texts.")
    return tuple(dict.fromkeys(text for one in value if (text := clean(one))))


def _listed(text: str) -> object:
    if text.startswith("["):
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            pass  # a keyword may begin with a bracket
    return text.split(",")


def _text(held: dict[str, object], name: str) -> str | None:
    return str(held[name]) if name in held else None


def _number(held: dict[str, object], name: str) -> float | None:
    """A number; None where there is none. errors: ValueError"""
    value = held.get(name)
    if value is None or isinstance(value, bool):
        return None
    try:
        number = float(value if isinstance(value, SupportsFloat) else str(value))
    except (TypeError, ValueError):
        raise ValueError(f"its {name}, {value!r}, is no number.") from None
    return number if abs(number) < 1e300 else None  # a score that is endless is none


def _hash(value: object, named: bool) -> str | None:
    """The SHA-256; None for what is none where the picture is named by its path. errors: ValueError"""
    text = str(value).lower().removeprefix("sha256:")
    if _SHA256.fullmatch(text):
        return text
    if named:
        return None
    raise ValueError(f"{value!r} is no SHA-256.")
