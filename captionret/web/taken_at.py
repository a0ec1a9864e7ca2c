"""The places at which most pictures were taken."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ..retrieval.row_sets import are_near

KM = 5.0  # pictures within so many kilometres of a place were taken there


def taken_at(places: NDArray[np.floating], most: int) -> Iterator[tuple[float, float]]:
    """Latitude and longitude of at most so many places, that with the most pictures first.

    places: (n, 2) latitudes and longitudes of pictures, in degrees

    >>> list(taken_at(np.array([[48.2, 16.37], [48.201, 16.37], [0.0, 0.0]]), 1))
    [(48.2, 16.37)]
    """
    cells, counts = np.unique(np.round(np.asarray(places, np.float64), 2), axis=0, return_counts=True)
    while len(cells) and most:
        latitude, longitude = map(float, cells[np.argmax(counts)])
        yield latitude, longitude
        left = ~are_near(cells, latitude, longitude, KM)
        cells, counts, most = cells[left], counts[left], most - 1
