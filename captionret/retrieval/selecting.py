"""Which pictures come into question for a query, before any mode ranks them: its conditions and filters."""

from collections.abc import Sequence
from functools import reduce
from pathlib import PurePath

import numpy as np
from numpy.typing import NDArray

from ..text import words
from .calibrated import SURE
from .gallery import Gallery
from .language import (
    AT_LEAST,
    And,
    Condition,
    Keyword,
    Named,
    Near,
    Not,
    Or,
    PhraseCondition,
    Since,
    Under,
    WordCondition,
)
from .query import EncodedQuery
from .row_sets import Mask

_PEOPLE = frozenset({"people", "person", "persons"})
_PERSONS = tuple(
    "man men woman women boy boys girl girls child children kid kids baby babies toddler toddlers lady "
    "ladies guy guys".split()
)


def selected(gallery: Gallery, query: EncodedQuery) -> Mask | None:
    """(N,) of which pictures all that the query asks for holds; None where it limits nothing.

    A picture shows a word by its word probabilities, where the gallery has them, else by its captions.
    """
    required = None if query.parsed is None else query.parsed.required
    return None if required is None else holds(gallery, required, query)


def holds(gallery: Gallery, condition: Condition, query: EncodedQuery, struck: bool = False) -> Mask:
    """(N,) of which pictures a condition of a query holds.

    struck: whether those are left out; then a picture shows a word also where a caption says it, and people
            where it shows a man, a girl or another person
    """
    if isinstance(condition, And):
        return reduce(np.logical_and, (holds(gallery, part, query, struck) for part in condition.parts))
    if isinstance(condition, Or):
        return reduce(np.logical_or, (holds(gallery, part, query, struck) for part in condition.parts))
    if isinstance(condition, Not):
        return ~holds(gallery, condition.part, query, not struck)
    if isinstance(condition, WordCondition):
        return _show(gallery, condition, query, struck)
    if isinstance(condition, PhraseCondition):
        return _hold_phrase(gallery, condition.words)
    if isinstance(condition, Under):
        return lie_under(gallery, condition.folder)
    if isinstance(condition, Named):
        return _are_named(gallery, condition)
    if isinstance(condition, Near):
        return gallery.row_sets.near(condition.latitude, condition.longitude, condition.km)
    if isinstance(condition, Since):
        return gallery.row_sets.where("day", lambda day: day >= condition.day)
    return gallery.row_sets.where("day", lambda day: day <= condition.day)


def _show(gallery: Gallery, condition: WordCondition, query: EncodedQuery, struck: bool) -> Mask:
    """(N,) of which pictures show a word, or one that stands for it."""
    least = AT_LEAST if condition.at_least is None else condition.at_least
    read = query.read_as(condition.word)
    alike = (condition.word,) if read is None else read.alike
    if struck and _PEOPLE.intersection(alike):
        alike += _PERSONS  # who wants no people wants no boy either
    shown = [_at_least(probabilities(gallery, word), least) for word in alike]
    if struck and condition.at_least is None:
        shown += [gallery.row_sets.holding((word,)) for word in dict.fromkeys((condition.word, *alike))]
    return reduce(np.logical_or, shown, np.zeros(len(gallery), np.bool_))


def probabilities(gallery: Gallery, word: str) -> NDArray[np.float32]:
    """(N,) how sure it is that each picture shows a word: its probability; of a word of which nothing is
    predicted 1 where a caption holds it."""
    if "word_probabilities" in gallery.parts and word in gallery.predicted:
        found = gallery.predicted.of(word)
        return np.where(found > gallery.predicted.least, found, 0).astype(np.float32)
    return gallery.row_sets.holding((word,)).astype(np.float32)


def lie_under(gallery: Gallery, folder: str) -> Mask:
    """(N,) of which pictures the file, or a copy of it, lies in a folder or below it."""
    named = plain_folder(folder)
    return gallery.row_sets.under(named) if named else np.ones(len(gallery), np.bool_)


def plain_folder(folder: str) -> str:
    """A folder's name as paths begin with it: "./2019/summer/" -> "2019/summer"; "" for all."""
    named = PurePath(folder).as_posix()
    return "" if named == "." else named.rstrip("/") or "/"


def _at_least(found: NDArray[np.float32], least: float) -> Mask:
    """Of probabilities, some of which were stored as float16; what is not shown at all never counts."""
    return (found >= min(least, float(np.float16(least)), SURE)) & (found > 0)


def _hold_phrase(gallery: Gallery, phrase: Sequence[str]) -> Mask:
    """(N,) of which pictures a caption holds the phrase; or where it is one of the words that are predicted,
    those that show it."""
    captions = gallery.row_sets.holding(phrase)
    joined = " ".join(phrase)
    if "word_probabilities" not in gallery.parts or joined not in gallery.predicted:
        return captions
    return captions | _at_least(probabilities(gallery, joined), AT_LEAST)


def _are_named(gallery: Gallery, condition: Named) -> Mask:
    sought = _plain_name(condition.name)
    if isinstance(condition, Keyword):  # whole words: "car" is not in "cards"
        sought = f" {' '.join(words(sought))} "
        return gallery.row_sets.where("keyword", lambda name: sought in f" {' '.join(words(name))} ")
    return gallery.row_sets.where(condition.sign, lambda name: sought in _plain_name(name))


def _plain_name(name: str) -> str:
    return " ".join(name.casefold().split())
