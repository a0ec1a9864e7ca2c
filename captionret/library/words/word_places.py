"""Where the pictures of which words are predicted stand in a library, and what stands in for the others."""

import logging
from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ...counting import counted
from ...errors import BadLibrary
from ...image_classes import classes_of
from ...remedies import remedy
from ...retrieval import WordMatrix
from ...retrieval.index.stored_words import PlacedPart, StoredWords
from ...retrieval.index.word_postings import word_part
from ...retrieval.inflections import number_forms, verb_forms
from ...text import word_set
from ..index.merged import MergedSegments
from .word_files import NamedPart, PredictedWords

log = logging.getLogger(__name__)


class Held(Protocol):
    """Word probabilities as a snapshot holds them, see HeldWords."""

    def read(self) -> PredictedWords | None:
        """All of them; None where nothing is predicted yet."""


@dataclass(frozen=True, slots=True)
class Written:
    """The words of a person's caption, and those of the caption before that it does not say."""

    words: frozenset[str]
    struck: frozenset[str]


class WordsOfPictures:
    """What is predicted of a library's pictures, row by row of its table."""

    def __init__(self, folder: Path, held: Held, pictures: MergedSegments) -> None:
        self.folder, self._held, self._pictures = folder, held, pictures

    @cached_property
    def predicted(self) -> StoredWords:
        """All of it.

        Where a person wrote a caption, its words have probability 1 beside what is predicted; words that the
        person struck do not count, nor classes that are called so. Of an image that was captioned after the
        last prediction the words of its caption count alone, which is logged.
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
                f"Of {counted(len(unknown), 'pictures')} there are no word probabilities yet: the words of "
                "their captions stand in."
            )
        nothing_known = sorted({*self.unknown.tolist()})
        others = {row: word_set(self._pictures.captions[row]) for row in nothing_known}
        return placed_words(
            stored.parts, self.places, others, len(self._pictures), self._written(own - {*nothing_known})
        )

    @property
    def stored(self) -> PredictedWords | None:
        """What is predicted, by part; None where nothing is. errors: BadLibrary"""
        return self._held.read()

    @cached_property
    def unknown(self) -> NDArray[np.int32]:
        """The rows of which nothing is predicted."""
        known = np.zeros(len(self._pictures), np.bool_)
        for rows in self.places:
            known[rows[rows >= 0]] = True
        return np.flatnonzero(~known).astype(np.int32)

    @cached_property
    def places(self) -> list[NDArray[np.int32]]:
        """Of each part the rows of its pictures."""
        stored = self._held.read()
        found = [] if stored is None else [rows_of(part, self._pictures) for part in stored.parts]
        for segment in self._pictures.segments:  # every hash was read, and is hardly read again
            segment.arrays.let_go()
        return found

    def _written(self, rows: Iterable[int]) -> dict[int, Written]:
        """What a person wrote of pictures of which something is predicted."""
        found = {}
        for row in sorted(rows):
            segment, place = self._pictures.place(row)
            found[row] = Written(word_set(segment.captions[place]), frozenset(segment.struck[place]))
        return found

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
    part.part.arrays.let_go()
    return found


def placed_words(
    parts: Sequence[NamedPart],
    places: Sequence[NDArray[np.int32]],
    others: Mapping[int, frozenset[str]],
    count: int,
    written: Mapping[int, Written] | None = None,
) -> StoredWords:
    """The words of `count` pictures.

    places: of each part the rows of its pictures, see rows_of
    others: rows of which these words are certain, and nothing else is known
    written: rows of which a person wrote something, beside what is predicted
    """
    written = written or {}
    left_out = np.array([*others, *written], np.int64)
    placed = []
    for one, rows in zip(parts, places, strict=True):
        gone = np.isin(rows, left_out) if len(left_out) else np.zeros(len(rows), np.bool_)
        placed.append(PlacedPart(one.part, np.where(gone, np.int32(-1), rows)))
    if others or not parts:
        nothing = WordMatrix.of_sets([frozenset() for _ in others])
        own = word_part(WordMatrix.of_sets(list(others.values())), nothing)
        placed.append(PlacedPart(own, np.fromiter(others, np.int32, len(others)), of_captions=True))
    if written:
        placed.append(_beside_predicted(parts, places, written))
    return StoredWords(placed, count)


def _beside_predicted(
    parts: Sequence[NamedPart], places: Sequence[NDArray[np.int32]], written: Mapping[int, Written]
) -> PlacedPart:
    """What is predicted of pictures, without what was struck, and what a person wrote of them."""
    words, classes = (_predicted_of(parts, places, written, every) for every in (False, True))
    for row, own in written.items():
        struck = _forms(own.struck, words[row]) - own.words
        named = {name for word in struck for name in classes_of().get(word, ())}
        kept = {word: p for word, p in words[row].items() if word not in struck}
        words[row] = kept | dict.fromkeys(own.words, 1.0)
        classes[row] = {name: p for name, p in classes[row].items() if name not in named}
    known = all(one.part.classes is not None for one in parts)
    made = word_part(
        WordMatrix.of_rows([words[row] for row in written]),
        WordMatrix.of_rows([classes[row] for row in written]) if known else None,
    )
    return PlacedPart(made, np.fromiter(written, np.int32, len(written)), of_captions=True)


def _predicted_of(
    parts: Sequence[NamedPart],
    places: Sequence[NDArray[np.int32]],
    rows: Collection[int],
    classes: bool,
) -> dict[int, dict[str, float]]:
    """The words of some pictures, or their classes, with their probabilities."""
    found: dict[int, dict[str, float]] = {row: {} for row in rows}
    wanted = np.fromiter(rows, np.int64, len(rows))
    for one, where in zip(parts, places, strict=True):
        chosen = np.isin(where, wanted)
        lists, numbers = one.part.lists(classes) if chosen.any() else ((), {})
        names = list(numbers)
        for part in lists:
            ids, of, weights = part.all()
            held = np.flatnonzero(chosen[of])
            entries = ids[held].tolist(), where[of[held]].tolist(), weights[held].tolist()
            for word, row, weight in zip(*entries, strict=True):
                found[row][names[word]] = weight
    return found


def _forms(struck: Iterable[str], known: Container[str]) -> set[str]:
    """Some words with their other forms."""
    return {form for word in struck for form in (*number_forms(word, known), *verb_forms(word, known))}
