"""Hubs: pictures that are near to all kinds of queries, and so stand in answers where they do not belong
(Radovanović et al. 2010). How near a picture is to usual queries is a number of its own, which a score can do
without, as in cross-domain similarity local scaling (Conneau et al. 2018).
"""

import numpy as np
from numpy.typing import NDArray

from ..index.halves import KeepsNearness, VectorTable

NEAREST = 5  # of the usual queries' places; of 2, 3 and 5 among 256 or 512 places the best on Flickr8k val
ROWS = 2048  # compared together
_DIGITS = 5  # what differs by less is rounding: equal pictures are equally near


def nearness(
    images: NDArray[np.float32], places: NDArray[np.float32], nearest: int = NEAREST
) -> NDArray[np.float32]:
    """The mean cosine of each image with the places that are nearest to it: (N,).

    images: (N, D) unit rows; places: (K, D) unit rows, where usual queries stand
    """
    found = np.zeros(len(images), np.float32)
    count = min(nearest, len(places))
    for start in range(0, len(images), ROWS):
        cosines = images[start : start + ROWS] @ places.T
        best = np.partition(cosines, cosines.shape[1] - count, axis=1)[:, cosines.shape[1] - count :]
        found[start : start + ROWS] = best.mean(1)
    return found.round(_DIGITS)


def nearness_of(table: VectorTable, places: NDArray[np.float32]) -> NDArray[np.float32]:
    """(N,) the same of the pictures of a table: as it is kept there, else a block at a time."""
    kept = table.nearness(places) if isinstance(table, KeepsNearness) else None
    if kept is not None:
        return kept
    starts = range(0, len(table.places), ROWS)
    return np.concatenate(
        [nearness(table.rows(table.places[start : start + ROWS]), places) for start in starts]
    )
