"""Modes that compare vectors: the CNN's features, without any word, or places in an embedding space of images
and sentences."""

import numpy as np
from numpy.typing import NDArray

from ...errors import BadSetting
from ...records import Explanation
from ..index.halves import VectorTable, best_rows, bound, cosines, cosines_of, dots, unit_rows
from ..protocols import GalleryContents, Mode, PreparedMode
from ..query import EncodedQuery
from ..rough_sums import Roughly

# mean variances, added to every direction's before whitening: on Flickr8k val, the less the worse (0.1: .48)
_LEAST_VARIANCE = 10.0


class FeatureMode(Mode):
    """Cosine of the backbone's pooled features: plain, from the gallery's mean, or from the mean and
    whitened."""

    accepts = frozenset({"image"})
    relative = True  # below 0 is less alike than most, and still has a place

    def __init__(self, name: str, about: str, centred: bool = False, whitened: bool = False) -> None:
        self.name, self.about, self.centred, self.whitened = name, about, centred, whitened

    def required_parts(self, gallery: GalleryContents) -> frozenset[str]:
        """The backbone's features."""
        return frozenset({"features"})

    def prepare(self, gallery: GalleryContents) -> PreparedMode:
        """Read the gallery's features; BadSetting where it has none."""
        return PreparedFeatures(self, np.asarray(gallery.features, np.float32))

    def vector(self, query: EncodedQuery) -> NDArray[np.float32] | None:
        """What is compared of a query, (D,)."""
        return query.feature


class SpaceMode(FeatureMode):
    """Cosine in an embedding space of images and sentences, so that a text is compared with pictures
    themselves."""

    accepts = frozenset({"image", "text"})
    in_space = True

    def required_parts(self, gallery: GalleryContents) -> frozenset[str]:
        """The vectors of its own space."""
        return frozenset({self.name})

    def prepare(self, gallery: GalleryContents) -> PreparedMode:
        """Read the gallery's vectors; of very many none yet. BadSetting where it has none."""
        table = gallery.vector_table(self.name) if self.name in gallery.parts else None
        if table is not None:
            return PreparedTable(self, table)
        return PreparedFeatures(self, np.asarray(gallery.vectors(self.name), np.float32))

    def vector(self, query: EncodedQuery) -> NDArray[np.float32] | None:
        """Where the query stands in this mode's space."""
        return query.vectors.get(self.name)


class PreparedFeatures(PreparedMode):
    """The unit vectors of one gallery."""

    def __init__(self, mode: FeatureMode, features: NDArray[np.float32]) -> None:
        self.mode = mode
        dim = features.shape[1] if features.ndim == 2 else 0
        # (D,)
        self.centre = features.mean(0) if mode.centred and len(features) else np.zeros(dim, np.float32)
        # (D, D)
        self.map = _whitening(features - self.centre) if mode.whitened and len(features) > 1 else None
        self.units = self._units(features)  # (N, D)

    def scores(self, query: EncodedQuery) -> NDArray[np.float32]:
        """(N,) float32 between -1 and 1; BadSetting for a query without a vector, or with one of another
        backbone or space."""
        feature = _vector_of(self.mode, query, self.units.shape)
        if feature is None:
            return np.zeros(0, np.float32)
        return cosines(self.units, self._units(feature[None])[0])

    def why(self, query: EncodedQuery, row: int) -> tuple[str, ...]:
        """No words were compared."""
        return ()

    def explain(self, query: EncodedQuery, row: int) -> Explanation:
        """The score as it is."""
        return Explanation(rest=float(self.scores(query)[row]))

    def _units(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        values = features - self.centre
        if self.map is not None:
            values = values @ self.map
        return unit_rows(values)  # an image at the centre is like none


class PreparedTable(PreparedMode):
    """The vectors of a gallery of very many images, as they lie on disk."""

    finds_best = True

    def __init__(self, mode: FeatureMode, table: VectorTable) -> None:
        self.mode, self._table = mode, table

    def scores(self, query: EncodedQuery) -> NDArray[np.float32]:
        """As PreparedFeatures', to the bit; it reads all vectors, a block at a time."""
        return cosines_of(self._table, np.arange(len(self._table.places)), self._unit(query))

    def best(
        self, query: EncodedQuery, top: int, least: float, allowed: NDArray[np.bool_] | None
    ) -> list[tuple[int, float]]:
        """The best rows with their scores. A score of 0 or below is one, too, as `least` allows."""
        return best_rows(self._table, self._unit(query), top, least, allowed)

    def roughly(self, query: EncodedQuery) -> Roughly:
        """The cosines with the float16 copy, and those of some pictures exactly. errors: as scores"""
        unit = self._unit(query)
        near = dots(self._table.halves, unit)[self._table.places]
        return Roughly(near, bound(len(unit)), lambda rows: cosines_of(self._table, rows, unit))

    def why(self, query: EncodedQuery, row: int) -> tuple[str, ...]:
        """No words were compared."""
        return ()

    def explain(self, query: EncodedQuery, row: int) -> Explanation:
        """The score as it is."""
        return Explanation(rest=float(cosines_of(self._table, np.array([row]), self._unit(query))[0]))

    def _unit(self, query: EncodedQuery) -> NDArray[np.float32]:
        feature = _vector_of(self.mode, query, self._table.halves.shape)
        assert feature is not None, "a table has pictures"
        unit: NDArray[np.float32] = unit_rows(feature[None])[0]
        return unit


def _vector_of(mode: FeatureMode, query: EncodedQuery, shape: tuple[int, ...]) -> NDArray[np.float32] | None:
    """What is compared of a query, (D,), with images of (N, D); None where there are none. errors: BadSetting
    for a query without a vector, or with one of another backbone or space"""
    found = mode.vector(query)
    if found is None:
        raise BadSetting(f"Mode {mode.name!r} compares vectors, and the query has none. Ask with a picture.")
    if not shape[0]:
        return None
    feature: NDArray[np.float32] = np.asarray(found, np.float32)
    if feature.shape != shape[1:]:
        raise BadSetting(
            f"Mode {mode.name!r}: the query has {feature.shape} numbers, the gallery's images have "
            f"{shape[1:]}; they come from two networks."
        )
    return feature


def _whitening(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """The map that gives every direction of (N, D) centred features nearly the same variance: (D, D)."""
    variances, directions = np.linalg.eigh((values.T @ values).astype(np.float64) / len(values))
    variances = np.maximum(variances, 0)
    steady = _LEAST_VARIANCE * variances.mean() or 1.0
    spread: NDArray[np.float64] = directions / np.sqrt(variances + steady)
    found: NDArray[np.float64] = spread @ directions.T
    return found.astype(np.float32)
