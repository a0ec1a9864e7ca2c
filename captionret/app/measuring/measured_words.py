"""Word probabilities measured on a captioned split: whether they mean what they say, and whether a search
knows when nothing fits."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...datasets import Dataset
from ...errors import BadSetting, CaptionretError, NoWords
from ...evaluation.calibration import (
    Bin,
    Threshold,
    absent_words,
    at_threshold,
    calibration_error,
    reliability,
    word_pairs,
)
from ...remedies import remedy
from ...retrieval import EncodedQuery, Gallery, Mode, search
from .measured_split import ModesMeasuring, captioned_items, measured_split, usable_modes
from .measured_text import encode_texts

if TYPE_CHECKING:  # it imports torch
    from ...models.embedding.model import EmbeddingModel
    from ...models.encoders import PictureEncoder

THRESHOLDS = (0.5, 0.8)
ABSENT = 200  # words that no caption of the split holds


@dataclass(frozen=True)
class Answered:
    """Single words as queries of one mode.

    absent:  the share of the words that no caption holds for which it returns something
    present: the share of the words that captions hold for which it returns nothing
    """

    mode: str
    absent: float
    present: float


@dataclass(frozen=True)
class MeasuredWords:
    """What was measured.

    words:       how many words were held against people's captions
    error:       the expected calibration error of their probabilities
    reliability: the bins it is made of
    thresholds:  "p >= t" for each of THRESHOLDS
    answered:    of each mode that takes text
    """

    what: str
    words: int
    error: float
    reliability: list[Bin]
    thresholds: list[Threshold]
    answered: list[Answered]
    left_out: list[CaptionretError] = field(default_factory=list)


def measure_words(dataset: Dataset, split: str, how: ModesMeasuring) -> MeasuredWords:
    """Measure the word probabilities of a split's pictures, and single words as queries.

    errors: BadSetting where there are no word probabilities, or too few words; as measured_split
    """
    left_out = list[CaptionretError]()
    described = measured_split(captioned_items(dataset, split), how, left_out)
    captions = [item.captions for item in described.items]
    what = f"{dataset.spec}, {split}"
    return measure_gallery(what, described.gallery, captions, described.spaces, how.chosen, left_out)


def measure_gallery(
    what: str,
    gallery: Gallery,
    captions: Sequence[Sequence[str]],
    spaces: "Mapping[str, EmbeddingModel | PictureEncoder]",
    modes: Sequence[str],
    left_out: list[CaptionretError],
) -> MeasuredWords:
    """The same of a gallery.

    captions: of each of its pictures, in its order
    left_out: receives why a mode cannot be measured
    """
    if "word_probabilities" not in gallery.parts:
        raise BadSetting(
            "There are no word probabilities to measure.", remedy("predict words", library="NAME")
        )
    pairs = word_pairs(_probability(gallery), captions)
    unseen = encode_texts(absent_words(captions, ABSENT), spaces, gallery)
    present = encode_texts(pairs.words, spaces, gallery)
    answered = [
        Answered(mode.name, _returning(gallery, mode, unseen), 1 - _returning(gallery, mode, present))
        for mode in usable_modes(gallery, modes, left_out)
        if "text" in mode.accepts
    ]
    return MeasuredWords(
        what,
        len(pairs.words),
        calibration_error(pairs),
        reliability(pairs),
        [at_threshold(pairs, at) for at in THRESHOLDS],
        answered,
        left_out,
    )


def _probability(gallery: Gallery) -> Callable[[str], NDArray[np.floating]]:
    """(N,) what people are shown of a word."""
    predicted, nothing = gallery.predicted, np.zeros(len(gallery))
    return lambda word: predicted.of(word) if word in predicted else nothing


def _returning(gallery: Gallery, mode: Mode, queries: Sequence[EncodedQuery]) -> float:
    """The share of queries that return a hit."""
    return sum(_returns(gallery, mode, query) for query in queries) / len(queries)


def _returns(gallery: Gallery, mode: Mode, query: EncodedQuery) -> bool:
    try:
        return bool(search(gallery, query, mode.name, top=1))
    except NoWords:
        return False
