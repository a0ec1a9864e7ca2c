"""The features of a library's pictures with what is predicted of them behind, for spaces that read both."""

import zlib
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..checksums import BLOCK
from ..protocols import ReadsWords, Space
from ..words.word_files import PredictedWords
from ..words.word_places import WordsOfPictures
from .features import FeatureFile


class FeaturesWithWords:
    """Rows of a feature file, each with the probabilities of some words behind it; of a picture of which
    nothing is predicted these are 0.

    file, rows, problem: of the feature file
    """

    def __init__(
        self,
        features: FeatureFile,
        words: Sequence[str],
        predicted: PredictedWords,
        feature_rows: Sequence[NDArray[np.int64]],
    ) -> None:
        """words: V, in the order of the columns

        feature_rows: of each part of what is predicted the rows of its pictures in the file; -1 for those
                      that a library does not hold any more
        """
        self.file, self.rows, self.problem = features.file, features.rows, features.problem
        self._features, self._predicted = features, predicted
        self._column_of = {word: column for column, word in enumerate(words)}
        self._part = np.full(features.rows, -1, np.int32)  # of each row of the file
        self._place = np.zeros(features.rows, np.int32)  # in that part
        for number, rows in enumerate(feature_rows):
            held = np.flatnonzero(rows >= 0)
            self._part[rows[held]], self._place[rows[held]] = number, held

    @cached_property
    def sums(self) -> Mapping[int, int]:
        """Of each block a checksum of its features, of who predicted, and of which pictures."""
        by = zlib.crc32(str(self._predicted.made_by["fingerprint"]).encode())
        known = self._part >= 0
        return {
            block: zlib.crc32(known[block * BLOCK : (block + 1) * BLOCK].tobytes(), by ^ (own & 0xFFFFFFFF))
            for block, own in self._features.sums.items()
        }

    def take(
        self, rows: Sequence[int] | NDArray[np.integer], checked: set[tuple[str, int, int]]
    ) -> NDArray[np.float16]:
        """(N, D + V) float16: the rows of these numbers. errors: as FeatureFile.take"""
        features = self._features.take(rows, checked)
        distinct, which = np.unique(np.asarray(rows, np.int64), return_inverse=True)
        words = np.zeros((len(distinct), len(self._column_of)), np.float16)
        for number in np.unique(self._part[distinct]).tolist():
            if number >= 0:
                here = np.flatnonzero(self._part[distinct] == number)
                self._fill(words, here, number, self._place[distinct[here]])
        return np.concatenate([features, words[which]], 1)

    def _fill(
        self, words: NDArray[np.float16], rows: NDArray[np.int64], number: int, places: NDArray[np.int32]
    ) -> None:
        """Write what a part says of the pictures at these places into these rows."""
        part = self._predicted.parts[number].part
        columns = np.array([self._column_of.get(word, -1) for word in part.words], np.int64)
        row_of = np.full(part.count, -1, np.int64)
        row_of[places] = rows
        ids, held_by, weights = part.likely.all()
        kept = (row_of[held_by] >= 0) & (columns[ids] >= 0)
        words[row_of[held_by[kept]], columns[ids[kept]]] = weights[kept]


def read_by(
    space: Space,
    features: FeatureFile | None,
    words: WordsOfPictures,
    feature_rows: Callable[[], NDArray[np.int64]],
) -> FeatureFile | FeaturesWithWords | None:
    """What the vectors of a space are made of: words, too, where it reads them and they are predicted.

    feature_rows: the row in the feature file of each picture of a library
    errors:       BadLibrary where a file of words that it reads is damaged
    """
    if features is None or not isinstance(space, ReadsWords) or not space.picture_words:
        return features
    predicted = words.stored
    if predicted is None:
        return features
    rows = feature_rows()
    placed = [np.where(places >= 0, rows[places], -1) for places in words.places]
    return FeaturesWithWords(features, space.picture_words, predicted, placed)
