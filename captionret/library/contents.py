"""Where a library's gallery reads its contents from: the catalogue, the feature file, the word
probabilities."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import BadLibrary
from ..remedies import remedy
from ..retrieval import WordMatrix
from . import features
from .catalogue import Catalogue
from .protocols import Space
from .update import feature_file
from .word_probabilities import FILE, StoredWordProbabilities

_CAPTIONS = """
SELECT sha256, text FROM captions JOIN images USING (sha256)
WHERE captioner = (SELECT value FROM meta WHERE key = 'captioner') ORDER BY sha256, n
"""


class StoredContents:
    """A library as a GallerySource.

    items:  the catalogue's rows, each (path, sha256, text, feature row, captioner, its fingerprint, rows,
            dim)
    spaces: by the mode that compares in each
    """

    def __init__(
        self, catalogue: Catalogue, items: Sequence[tuple[Any, ...]], spaces: Mapping[str, Space]
    ) -> None:
        self._catalogue, self._items, self._spaces = catalogue, items, dict(spaces)
        self._folder: Path = catalogue.file.parent
        predicted = {"word_probabilities"} if (self._folder / FILE).is_file() else set()
        self.parts = frozenset({"features", *predicted, *self._spaces})

    def features(self, hashes: Sequence[str]) -> NDArray[np.floating]:
        """(N, D) float16; BadLibrary where the file is cut short."""
        if not self._items:
            return np.empty((0, 0), np.float16)
        captioner, fingerprint, rows, dim = self._items[0][4:]
        row_of = {row[1]: row[3] for row in self._items}
        file = feature_file(self._folder, captioner, fingerprint)
        return features.read(file, rows, dim)[[row_of[sha256] for sha256 in hashes]]

    def captions(self, hashes: Sequence[str]) -> list[tuple[str, ...]]:
        """All captions of each image, the best first."""
        texts: dict[str, list[str]] = {}
        for sha256, text in self._catalogue.rows(_CAPTIONS):
            texts.setdefault(sha256, []).append(text)
        return [tuple(texts[sha256]) for sha256 in hashes]

    def word_probabilities(self, hashes: Sequence[str]) -> WordMatrix:
        """What is predicted of each image; BadLibrary where the file is damaged or gone."""
        stored = StoredWordProbabilities.read(self._folder)
        if stored is None:
            raise BadLibrary(
                f"{self._folder / FILE} is not there any more.",
                remedy("predict words", library=self._folder),
            )
        return stored.take(hashes, self._folder)

    def vectors(self, mode: str, hashes: Sequence[str]) -> NDArray[np.float32]:
        """(N, D) unit rows in the space of that mode."""
        if not hashes:
            return np.empty((0, 0), np.float32)
        return self._spaces[mode].encode_features(self.features(hashes))
