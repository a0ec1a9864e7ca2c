"""The vectors of very many pictures in a space, of which a search reads the float16 copy, and few as they
are. The copy is kept beside them, see space_vectors; how it is searched, in retrieval.index.halves."""

import hashlib
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from ...errors import BadSetting
from ...retrieval.index.halves import unit_rows
from ...retrieval.modes.hubs import nearness
from ..protocols import Space
from .space_vectors import KeptRows, KeyedSpace, Rows, kept_vectors

_FLOAT16, _FLOAT32 = np.dtype("<f2"), np.dtype("<f4")


class KeptVectorTable:
    """The rows of one feature file in one space, of which a gallery's pictures are some."""

    def __init__(
        self,
        kept: KeptRows[np.float32],
        halves: NDArray[np.float16],
        places: NDArray[np.int64],
        near: Callable[[NDArray[np.float32]], KeptRows[np.float32]],
    ) -> None:
        """near: of some places in the space how near the rows are to them, as they are kept"""
        self._kept, self.halves, self.places, self._near = kept, halves, places, near

    def rows(self, places: NDArray[np.int64]) -> NDArray[np.float32]:
        """(K, D) float32 of these rows."""
        return self._kept.take(places)

    def nearness(self, usual: NDArray[np.float32]) -> NDArray[np.float32] | None:
        """(N,) how near each picture is to places (K, D), see hubs.nearness, computed once and kept; None
        where that cannot be kept."""
        found = self._near(usual).whole()
        return None if found is None else found[0][self.places, 0]


def vector_table(
    space: Space, features: Rows, places: NDArray[np.int64], checked: set[tuple[str, int, int]]
) -> KeptVectorTable | None:
    """Of pictures, by the numbers of their rows in the feature file; None where vectors cannot be kept, or
    not of all of the file's rows: then they are computed.

    checked: see FeatureFile.take
    """
    if not isinstance(space, KeyedSpace) or features.problem:
        return None
    kept = kept_vectors(space, features, checked)
    try:
        whole = kept.whole(unread=True)
        if whole is None:
            return None
        sums = whole[1]
        halves = _halves(space.key, kept, features, sums, checked).whole()
    except BadSetting:  # of a picture that may not be asked for
        return None

    def near(usual: NDArray[np.float32]) -> KeptRows[np.float32]:
        def made(rows: object) -> NDArray[np.float32]:
            return nearness(kept.take(np.asarray(rows, np.int64)), usual)[:, None]

        key = f"{space.key} near {hashlib.sha256(usual.tobytes()).hexdigest()}"
        return KeptRows(features, key, "-nearness", _FLOAT32, sums, made, checked)

    return None if halves is None else KeptVectorTable(kept, halves[0], places, near)


def _halves(
    key: str,
    kept: KeptRows[np.float32],
    features: Rows,
    sums: Mapping[int, int],
    checked: set[tuple[str, int, int]],
) -> KeptRows[np.float16]:
    def made(rows: object) -> NDArray[np.float16]:
        return unit_rows(kept.take(np.asarray(rows, np.int64))).astype(_FLOAT16)

    return KeptRows(features, key, "-halves", _FLOAT16, sums, made, checked)
