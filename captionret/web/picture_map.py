"""A map of a library: each picture a point, near to those that are alike in a space."""

import numpy as np
from numpy.typing import NDArray

from ..errors import BadSetting
from .shelf import Shelved

MAPPED_BY = "embedding"
_SPAN = 65535
_OUTSIDE = 0.5  # percent at each end that lie on the border


def picture_map(shelved: Shelved) -> bytes:
    """(N, 2) uint16, little endian, in the order of the library: the first two principal components of the
    pictures' vectors. Kept until the library changes. errors: as Searcher.search"""
    return shelved.kept("map", lambda: _map(shelved))


def _map(shelved: Shelved) -> bytes:
    gallery = shelved.searcher.gallery(MAPPED_BY)
    if not len(gallery):
        return b""
    return placed(gallery.vectors(MAPPED_BY)).tobytes()


def placed(vectors: NDArray[np.float32]) -> NDArray[np.uint16]:
    """(N, D) -> (N, 2): the plane in which they differ most, as whole numbers from 0 to 65535."""
    if not np.isfinite(vectors).all():
        raise BadSetting(
            "The vectors of the pictures are not finite numbers: captionret verify says what is damaged."
        )
    centred = vectors - vectors.mean(axis=0, dtype=np.float64).astype(np.float32)
    _, axes = np.linalg.eigh((centred.T @ centred).astype(np.float64))
    plane = axes[:, ::-1][:, :2]
    # an axis may point either way: the same each time
    plane = plane * np.where(plane[np.abs(plane).argmax(axis=0), range(plane.shape[1])] < 0, -1.0, 1.0)
    found = centred @ plane.astype(np.float32)
    low, high = np.percentile(found, [_OUTSIDE, 100 - _OUTSIDE], axis=0)
    scaled = (found - low) / np.where(high > low, high - low, 1.0)
    return np.ascontiguousarray(np.round(np.clip(scaled, 0, 1) * _SPAN), np.dtype("<u2"))
