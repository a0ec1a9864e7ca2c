"""Which pictures come into question for a query, before any mode ranks them: its conditions and filters."""

from collections.abc import Sequence
from functools import reduce
from pathlib import PurePath

import numpy as np
from numpy.typing import NDArray

from ..records import PictureFacts
from .calibrated import SURE
from .gallery import Gallery
from .language import (
    AT_LEAST,
    And,
    Camera,
    Condition,
    Not,
    Or,
    PhraseCondition,
    Since,
    Under,
    Until,
    WordCondition,
)
from .query import EncodedQuery

Mask = NDArray[np.bool_]


def selected(gallery: Gallery, query: EncodedQuery) -> Mask | None:
    """(N,) of which pictures all that the query asks for holds; None where it limits nothing.

    A picture shows a word by its word probabilities, where the gallery has them, else by its captions.
    """
    required = None if query.parsed is None else query.parsed.required
    return None if required is None else holds(gallery, required, query)


def holds(gallery: Gallery, condition: Condition, query: EncodedQuery) -> Mask:
    """(N,) of which pictures a condition of a query holds."""
    if isinstance(condition, And):
        return reduce(np.logical_and, (holds(gallery, part, query) for part in condition.parts))
    if isinstance(condition, Or):
        return reduce(np.logical_or, (holds(gallery, part, query) for part in condition.parts))
    if isinstance(condition, Not):
        return ~holds(gallery, condition.part, query)
    if isinstance(condition, WordCondition):
        least = AT_LEAST if condition.at_least is None else condition.at_least
        read = query.read_as(condition.word)
        alike = (condition.word,) if read is None else read.alike
        shown = (_at_least(probabilities(gallery, word), least) for word in alike)
        return reduce(np.logical_or, shown, np.zeros(len(gallery), np.bool_))
    if isinstance(condition, PhraseCondition):
        return _hold_phrase(gallery, condition.words)
    if isinstance(condition, Under):
        return lie_under(gallery, condition.folder)
    return _of_facts(gallery.facts, condition)


def probabilities(gallery: Gallery, word: str) -> NDArray[np.float32]:
    """(N,) how sure it is that each picture shows a word: its probability; of a word of which nothing is
    predicted 1 where a caption holds it."""
    if "word_probabilities" in gallery.parts and word in gallery.predicted:
        found = gallery.predicted.of(word)
        return np.where(found > gallery.predicted.least, found, 0).astype(np.float32)
    return np.fromiter((word in held for held in gallery.caption_words), np.float32, len(gallery))


def lie_under(gallery: Gallery, folder: str) -> Mask:
    """(N,) of which pictures the file, or a copy of it, lies in a folder or below it."""
    named = plain_folder(folder)
    known = gallery.under(named) if named else None
    if known is not None:
        return known
    return np.fromiter(
        (
            any(not named or path == named or path.startswith(f"{named}/") for path in _plain(gallery, row))
            for row in range(len(gallery))
        ),
        np.bool_,
        len(gallery),
    )


def plain_folder(folder: str) -> str:
    """A folder's name as paths begin with it: "./2019/summer/" -> "2019/summer"; "" for all."""
    named = PurePath(folder).as_posix()
    return "" if named == "." else named.rstrip("/") or "/"


def _plain(gallery: Gallery, row: int) -> list[str]:
    return [PurePath(path).as_posix() for path in (gallery.paths[row], *gallery.copies[row])]


def _at_least(found: NDArray[np.float32], least: float) -> Mask:
    """Of probabilities, some of which were stored as float16; what is not shown at all never counts."""
    return (found >= min(least, float(np.float16(least)), SURE)) & (found > 0)


def _hold_phrase(gallery: Gallery, phrase: Sequence[str]) -> Mask:
    """(N,) of which pictures a caption holds the phrase; or where it is one of the words that are predicted,
    those that show it."""
    joined = " ".join(phrase)
    captions = np.fromiter(
        (any(f" {joined} " in text for text in texts) for texts in gallery.caption_tokens),
        np.bool_,
        len(gallery),
    )
    if "word_probabilities" not in gallery.parts:
        return captions
    return captions | _at_least(probabilities(gallery, joined), AT_LEAST)


def _of_facts(facts: Sequence[PictureFacts | None], condition: Since | Until | Camera) -> Mask:
    return np.fromiter((one is not None and _fits(one, condition) for one in facts), np.bool_, len(facts))


def _fits(facts: PictureFacts, condition: Since | Until | Camera) -> bool:
    if isinstance(condition, Camera):
        return _plain_name(condition.name) in _plain_name(facts.camera or "")
    if facts.taken is None:
        return False
    day = facts.taken[:10]
    return day >= condition.day if isinstance(condition, Since) else day <= condition.day


def _plain_name(name: str) -> str:
    return " ".join(name.casefold().split())
