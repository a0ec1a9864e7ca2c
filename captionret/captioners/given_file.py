"""Captions that stand in a file, whatever wrote them: JSON lines, CSV, TSV, Parquet, or COCO's JSON.

    {"path": "beach/1.jpg", "caption": "a dog runs", "tags": ["dog", "beach"], "score": 0.9}
    {"sha256": "9f86d0...", "captions": ["a dog runs", "the dog is wet"]}

A picture is named by its path (from the library's folder on, a whole path, or its bare name where that is the
only one) or by the SHA-256 of its content.
"""

import hashlib
import logging
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ..decoding import Decoding, OwnWay
from ..errors import BadDataset, BadImage
from ..images import Picture, as_picture
from ..records import Caption, CaptionResult, Failure, GivenCaptions, NoCaption
from .answers import NoAnswer, plain
from .file_rows import rows_of_file

log = logging.getLogger(__name__)

_PATH = ("path", "image", "file", "filename", "file_name", "file_path", "filepath")
_HASH = ("sha256", "hash", "sha_256")
_TEXT = ("caption", "text", "sentence", "description")
_LIST, _TAGS = ("captions", "texts", "sentences"), ("tags", "keywords")
_AT_ONCE = 1000
_SHOWN = 5  # rows that a message names


class FileCaptioner:
    """A file of captions, as a library takes captioners."""

    way = OwnWay()

    def __init__(self, path: Path, max_words: int = 60) -> None:
        """errors: BadDataset where there is no such file"""
        self.path, self.name, self._max_words = path.absolute(), path.name, max_words
        if not path.is_file():
            raise BadDataset(f"{path} is no file of captions. Check its name.")

    @property
    def spec(self) -> str:
        """By which it is made again."""
        return f"file:{self.path}"

    @property
    def fingerprint(self) -> str:
        """Of its place: what it holds later takes the place of what it held before."""
        return hashlib.sha256(f"file\n{self.path}".encode(errors="surrogatepass")).hexdigest()

    def describe(self) -> dict[str, Any]:
        """For the catalogue."""
        return {"name": self.name, "captioner": self.spec}

    def given(self) -> Iterator[GivenCaptions]:
        """What it says, row by row. A row that cannot be read is left out and named in the log.

        errors: BadDataset where it cannot be read at all
        """
        bad, good = 0, 0
        for where, row in rows_of_file(self.path):
            try:
                if isinstance(row, str):
                    raise ValueError(row)
                yield self._given(row)
                good += 1
            except (ValueError, NoAnswer) as error:
                bad += 1
                if bad <= _SHOWN:
                    log.warning(f"{self.path}, {where} is left out: {error}")
        if bad > _SHOWN:
            log.warning(f"{self.path}: {bad:,} rows are left out in all.")
        if bad and not good:
            raise BadDataset(
                f"{self.path} holds no caption that can be read. Each row gives a path and a caption."
            )

    def caption_stream(
        self, paths: Sequence[Path | Picture], *, decoding: Decoding, batch_size: int
    ) -> Iterator[list[CaptionResult | Failure | NoCaption]]:
        """What it says of these pictures, by their hashes or paths."""
        pictures = [as_picture(path) for path in paths]
        for first in range(0, len(pictures), _AT_ONCE):
            yield [self._result(picture) for picture in pictures[first : first + _AT_ONCE]]

    def _result(self, picture: Picture) -> CaptionResult | Failure | NoCaption:
        path = picture.path or Path(picture.name)
        try:
            captions = self._find(path) or self._by_key.get(picture.sha256, [])
            if not captions:
                return NoCaption(str(path))
            return CaptionResult(path, picture.sha256, captions, np.zeros(0, np.float16), picture.facts)
        except BadImage as error:
            return Failure(str(path), error.message)

    def _find(self, path: Path) -> list[Caption]:
        """By the whole path, else by as many of its last parts as the file gives."""
        parts = path.parts
        for first in range(len(parts)):
            found = self._by_key.get(Path(*parts[first:]).as_posix())
            if found:
                return found
        return []

    @cached_property
    def _by_key(self) -> Mapping[str, list[Caption]]:
        found: dict[str, list[Caption]] = {}
        for one in self.given():
            for key in (one.path and one.path.replace("\\", "/").removeprefix("./"), one.sha256):
                if key:
                    found.setdefault(key, []).extend(one.captions)
        return found

    def _given(self, row: Mapping[str, Any]) -> GivenCaptions:
        """One row. errors: ValueError, NoAnswer"""
        path, sha256 = _first(row, _PATH), _first(row, _HASH)
        if path is None and sha256 is None:
            raise ValueError("it names no picture, neither by a path nor by a hash.")
        listed = _first(row, _LIST)
        texts = (
            listed if isinstance(listed, list) else [one for one in (_first(row, _TEXT),) if one is not None]
        )
        tags, score = _tags(_first(row, _TAGS)), _score(row.get("score"))
        captions: list[Caption] = []
        for one in texts or ([", ".join(tags)] if tags else []):
            if not isinstance(one, str):
                raise ValueError(f"its caption is {type(one).__name__}, not a text.")
            text = plain(one, self._max_words)
            if text:
                captions.append(Caption(text, tuple(text.split()), 0.0, tags if not captions else (), score))
        if not captions:
            raise ValueError("it holds no caption.")
        return GivenCaptions(None if path is None else str(path), tuple(captions), _hash(sha256))


def _first(row: Mapping[str, Any], names: Sequence[str]) -> Any:
    for name in names:
        value = row.get(name)
        if value is not None and value == value and value != "":  # NaN is how tables hold nothing
            return value.tolist() if isinstance(value, np.ndarray) else value
    return None


def _tags(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    listed = value.split(",") if isinstance(value, str) else value
    if not isinstance(listed, list) or not all(isinstance(one, str) for one in listed):
        raise ValueError("its tags are not texts.")
    return tuple(dict.fromkeys(text for one in listed if (text := plain(one, 10))))


def _score(value: Any) -> float | None:
    if value is None or value == "" or isinstance(value, bool):
        return None
    number = float(value)
    return number if abs(number) < 1e300 else None  # NaN is none, either


def _hash(value: Any) -> str | None:
    if value is None:
        return None
    text = str(value).lower().removeprefix("sha256:")
    if len(text) != 64 or set(text) - set("0123456789abcdef"):
        raise ValueError(f"{value!r} is no SHA-256.")
    return text
