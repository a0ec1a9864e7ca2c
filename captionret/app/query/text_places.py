"""Where texts stand in an embedding space, nouns that captions seldom hold by what a dictionary says of them,
too."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ...library import Space
from ...retrieval.noun_meanings import noun_meanings

# How much count the noun as it is spelt, its commonest meaning and the next one. Chosen on classes of
# ImageNet that were hidden and typed, see benchmarks/hidden_classes.py.
ITSELF, MEANINGS = 0.5, (1.0, 0.5)


def text_places(space: Space, texts: Sequence[str], mode: str) -> NDArray[np.float32]:
    """(Q, D) float32 unit rows, where each text stands in the space of a mode.

    The meanings are read by the spaces of frozen sentence encoders alone, mode embedding: others know words,
    or have met far more of them.
    """
    read: list[str] = []
    shares: list[tuple[float, ...]] = []
    for text in texts:
        meanings = noun_meanings(text) if mode == "embedding" else ()
        read += [text, *meanings]
        shares.append((ITSELF, *MEANINGS[: len(meanings)]))
    vectors, first = space.encode_texts(read), 0
    rows = np.empty((len(texts), vectors.shape[1]), np.float32)
    for row, share in enumerate(shares):
        rows[row] = vectors[first]
        if len(share) > 1:
            total = np.array(share, np.float32) @ vectors[first : first + len(share)]
            rows[row] = total / np.linalg.norm(total)
        first += len(share)
    return rows
