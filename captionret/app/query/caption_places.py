"""Where captions usually lie in the shipped space: 512 places, the centres of groups of captions that people
wrote. Pictures that are near to all kinds of them are hubs, see retrieval.modes.hubs.

`benchmarks/caption_places.py` makes the file.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...library import Space
from .class_reading import probe_of, read_vectors

COUNT = 512
SHIPPED = Path(__file__).with_name("caption_places.npy")

_KNOWN: dict[bytes, NDArray[np.float32] | None] = {}  # by the probe's place in the space


def caption_places(space: Space) -> NDArray[np.float32] | None:
    """(512, D) unit rows; None for a space other than the shipped one."""
    probe = probe_of(space)
    key = np.round(probe, 3).tobytes()
    if key not in _KNOWN:
        _KNOWN[key] = read_vectors(SHIPPED, probe, COUNT)
    return _KNOWN[key]
