"""Captions that stand in a file, as a captioner; `caption_files` reads them.

A picture is named by its path (from the library's folder on, a whole path, or its bare name where that is the
only one) or by the SHA-256 of its content.
"""

import hashlib
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ..caption_files import read_records
from ..caption_files.plain import MOST_WORDS
from ..counting import counted
from ..decoding import Decoding, OwnWay
from ..errors import BadDataset, BadImage
from ..images import Picture, as_picture
from ..records import Caption, CaptionResult, Failure, GivenCaptions, NoCaption

log = logging.getLogger(__name__)

_AT_ONCE = 1000
_SHOWN = 5  # rows that a message names


class FileCaptioner:
    """A file of captions, as a library takes captioners."""

    way = OwnWay()

    def __init__(self, path: Path, max_words: int = MOST_WORDS) -> None:
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
        bad = 0

        def note(where: str, why: str) -> None:
            nonlocal bad
            bad += 1
            if bad <= _SHOWN:
                log.warning(f"{self.path}, {where} is left out: {why}")

        for record in read_records(self.path, note, self._max_words):
            captions = [Caption(text, tuple(text.split()), 0.0, (), record.score) for text in record.captions]
            captions[0] = replace(captions[0], tags=record.tags)
            yield GivenCaptions(record.path, tuple(captions), record.sha256)
        if bad > _SHOWN:
            log.warning(f"{self.path}: {counted(bad, 'rows are')} left out in all.")

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
