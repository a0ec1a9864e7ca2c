"""Where the pictures of which words are predicted stand in a library, and what stands in for the others."""

import logging
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..errors import BadLibrary
from ..remedies import remedy
from ..retrieval import WordMatrix
from ..retrieval.index.stored_words import PlacedPart, StoredWords
from ..retrieval.index.word_postings import word_part
from ..text import word_set
from .merged import MergedSegments
from .word_files import NamedPart, PredictedWords

log = logging.getLogger(__name__)


class Held(Protocol):
    """Word probabilities as a snapshot holds them, see HeldWords."""

    def read(self) -> PredictedWords | None: ...  # noqa: D102


class WordsOfPictures:
    """What is predicted of a library's pictures, row by row of its table."""

    def __init__(self, folder: Path, held: Held, pictures: MergedSegments) -> None:
        self.folder, self._held, self._pictures = folder, held, pictures

    @cached_property
    def predicted(self) -> StoredWords:
        """All of it.

        Where a person wrote a caption, its words have probability 1 and no other word, and no class, counts.
        So it is with the caption of an image that was captioned after the last prediction, which is logged.
        errors: BadLibrary where there are no word probabilities, or a file of them is damaged
        """
        stored = self._held.read()
        if stored is None:
            raise BadLibrary(
                f"{self.folder} holds no word probabilities.", remedy("predict words", library=self.folder)
            )
        own = self._own_rows()
        unknown = sorted(set(self.unknown.tolist()) - own)
        if unknown:
            log.warning(
                f"Of {len(unknown):,} pictures there are no word probabilities yet: the words of their "
                "captions stand in."
            )
        others = {row: word_set(self._pictures.captions[row]) for row in sorted(own.union(unknown))}
        return placed_words(stored.parts, self._places, others, len(self._pictures))

    @cached_property
    def unknown(self) -> NDArray[np.int32]:
        """The rows of which nothing is predicted."""
        known = np.zeros(len(self._pictures), np.bool_)
        for rows in self._places:
            known[rows[rows >= 0]] = True
        return np.flatnonzero(~known).astype(np.int32)

    @cached_property
    def _places(self) -> list[NDArray[np.int32]]:
        """Of each part the rows of its pictures."""
        stored = self._held.read()
        return [] if stored is None else [rows_of(part, self._pictures) for part in stored.parts]

    def _own_rows(self) -> frozenset[int]:
        """The rows of pictures that a person captioned."""
        segments = enumerate(self._pictures.segments)
        rows = [self._pictures.rows(number, one.own.astype(np.int64)) for number, one in segments]
        return frozenset(row for every in rows for row in every.tolist() if row >= 0)


def rows_of(part: NamedPart, pictures: MergedSegments) -> NDArray[np.int32]:
    """(n,) the row of each of a part's pictures; -1 for those that a library does not hold any more."""
    hashes = part.hashes
    found = np.full(len(hashes), -1, np.int32)
    for number, segment in enumerate(pictures.segments):
        places = segment.hashes.places(hashes)
        held = np.flatnonzero(places >= 0)
        rows = pictures.rows(number, places[held])
        found[held[rows >= 0]] = rows[rows >= 0]
    return found


def placed_words(
    parts: Sequence[NamedPart],
    places: Sequence[NDArray[np.int32]],
    others: Mapping[int, frozenset[str]],
    count: int,
) -> StoredWords:
    """The words of `count` pictures.

    places: of each part the rows of its pictures, see rows_of
    others: rows of which these words are certain, and nothing else is known
    """
    left_out = np.fromiter(others, np.int64, len(others))
    placed = []
    for one, rows in zip(parts, places, strict=True):
        gone = np.isin(rows, left_out) if len(left_out) else np.zeros(len(rows), np.bool_)
        placed.append(PlacedPart(one.part, np.where(gone, np.int32(-1), rows)))
    if others or not parts:
        nothing = WordMatrix.of_sets([frozenset() for _ in others])
        own = word_part(WordMatrix.of_sets(list(others.values())), nothing)
        placed.append(PlacedPart(own, left_out.astype(np.int32), of_captions=True))
    return StoredWords(placed, count)
