"""Contents of a gallery that lie in memory, or in another gallery."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..records import PictureFacts
from .calibrated import Calibration
from .gallery import Gallery
from .index.sparse import WordMatrix
from .index.stored_words import StoredWords

Encode = Callable[[NDArray[np.floating]], NDArray[np.float32]]  # (N, D_image) features -> (N, D) unit rows


class ReadsFeatures(Protocol):
    """A space of pictures. picture_words: the words whose probabilities it reads behind the features"""

    @property
    def picture_words(self) -> tuple[str, ...]:
        """See the class."""
        ...

    def encode_features(self, features: NDArray[np.floating]) -> NDArray[np.float32]:
        """See Encode."""
        ...


def beside_words(
    features: NDArray[np.floating], predicted: WordMatrix, words: Sequence[str]
) -> NDArray[np.floating]:
    """(N, D + M) features, with the probability of each of M words behind them; without words as they are."""
    return np.concatenate([features, predicted.dense(words)], 1) if words else features


class TableSource:
    """Arrays and lists with a row for each content hash.

    TableSource(hashes, features=features, captions=captions, spaces={"embedding": model})
    """

    def __init__(
        self,
        hashes: Sequence[str],
        *,
        captions: Sequence[Sequence[str]] | None = None,
        features: NDArray[np.floating] | None = None,
        word_probabilities: WordMatrix | None = None,
        classes: WordMatrix | None = None,
        vectors: Mapping[str, NDArray[np.float32]] | None = None,
        spaces: Mapping[str, Encode | ReadsFeatures] | None = None,
        facts: Sequence[PictureFacts | None] | None = None,
        calibration: Calibration | None = None,
    ) -> None:
        """hashes:   N different ones

        captions: of each image, the best first; None: there are none
        features: (N, D)
        classes:  of each image the probabilities of ImageNet's classes, by name
        vectors:  for each mode that compares in a space (N, D) unit rows; spaces: what makes them of
                  features, once they are asked for
        facts:    of each image; None: nothing is known
        calibration: of the word probabilities; None: they are taken as they are
        """
        self.calibration = calibration
        self._row_of = {sha256: row for row, sha256 in enumerate(hashes)}
        self._captions, self._features = captions, features
        self._word_probabilities, self._classes = word_probabilities, classes
        self._vectors, self._spaces, self._facts = dict(vectors or {}), dict(spaces or {}), facts
        held = {"features": features, "word_probabilities": word_probabilities}
        names = {name for name, table in held.items() if table is not None}
        self.parts = frozenset({*names, *self._vectors, *self._spaces})

    def features(self, hashes: Sequence[str]) -> NDArray[np.floating]:
        """(N, D) rows of the table."""
        assert self._features is not None, "the caller looked into `parts`"
        return self._features[self._rows(hashes)]

    def captions(self, hashes: Sequence[str]) -> list[Sequence[str]]:
        """All captions of each image, the best first."""
        if self._captions is None:
            return [() for _ in hashes]
        return [self._captions[row] for row in self._rows(hashes)]

    def word_probabilities(self, hashes: Sequence[str]) -> WordMatrix:
        """N rows of the table."""
        assert self._word_probabilities is not None, "the caller looked into `parts`"
        return self._word_probabilities.take(self._rows(hashes))

    def stored_words(self, hashes: Sequence[str]) -> StoredWords | None:
        """None: they are kept by picture."""
        return None

    def classes(self, hashes: Sequence[str]) -> WordMatrix | None:
        """N rows of the table, where there is one."""
        return None if self._classes is None else self._classes.take(self._rows(hashes))

    def vectors(self, mode: str, hashes: Sequence[str]) -> NDArray[np.float32]:
        """(N, D) unit rows of the table, or as the space makes them of the features."""
        if mode in self._vectors:
            return self._vectors[mode][self._rows(hashes)]
        if not hashes:
            return np.empty((0, 0), np.float32)
        space, features = self._spaces[mode], self.features(hashes)
        if callable(space):
            return space(features)
        if self._word_probabilities is None or not space.picture_words:
            return space.encode_features(features)
        predicted = self.word_probabilities(hashes)
        return space.encode_features(beside_words(features, predicted, space.picture_words))

    def facts(self, hashes: Sequence[str]) -> list[PictureFacts | None]:
        """Those of the table."""
        return [None if self._facts is None else self._facts[row] for row in self._rows(hashes)]

    def _rows(self, hashes: Sequence[str]) -> NDArray[np.int64]:
        return np.array([self._row_of[sha256] for sha256 in hashes], np.int64)


class PartOfGallery:
    """What a larger gallery holds of some of its images."""

    def __init__(self, whole: Gallery) -> None:
        self.whole, self.parts = whole, whole.parts

    @property
    def calibration(self) -> Calibration | None:
        """How the whole's word probabilities are calibrated."""
        return self.whole.calibration

    def features(self, hashes: Sequence[str]) -> NDArray[np.floating]:
        """(N, D) rows of the whole's."""
        return np.asarray(self.whole.features)[self._rows(hashes)]

    def captions(self, hashes: Sequence[str]) -> list[tuple[str, ...]]:
        """All captions of each image, the best first."""
        return [self.whole.all_captions[row] for row in self._rows(hashes)]

    def word_probabilities(self, hashes: Sequence[str]) -> WordMatrix:
        """N rows of the whole's."""
        return self.whole.word_probabilities.take(self._rows(hashes))

    def stored_words(self, hashes: Sequence[str]) -> StoredWords | None:
        """None: they are kept by picture."""
        return None

    def classes(self, hashes: Sequence[str]) -> WordMatrix | None:
        """N rows of the whole's, where it has any."""
        return None if self.whole.classes is None else self.whole.classes.take(self._rows(hashes))

    def vectors(self, mode: str, hashes: Sequence[str]) -> NDArray[np.float32]:
        """(N, D) unit rows of the whole's."""
        return self.whole.vectors(mode)[self._rows(hashes)]

    def facts(self, hashes: Sequence[str]) -> list[PictureFacts | None]:
        """Those of the whole."""
        return [self.whole.facts[row] for row in self._rows(hashes)]

    def _rows(self, hashes: Sequence[str]) -> list[int]:
        return [self.whole.row_of[sha256] for sha256 in hashes]
