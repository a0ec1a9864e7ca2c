"""Words in the order in which texts hold them, as numbers one after the other, so that a phrase is found
without reading a text."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def texts_with(
    order: NDArray[np.unsignedinteger], ends: NDArray[np.int64], phrase: Sequence[int]
) -> NDArray[np.int64]:
    """The texts that hold the words of a phrase one after the other, ascending.

    order:   (K,) the words of all texts; ends: (N,) behind which of them each text ends
    phrase:  at least one word
    """
    found = np.flatnonzero(order == phrase[0])
    for step, word in enumerate(phrase[1:], start=1):
        found = found[found < len(order) - step]
        found = found[order[found + step] == word]
    texts = np.searchsorted(ends, found, side="right")
    return once(texts[found + len(phrase) <= ends[texts]])


def once(ascending: NDArray[np.integer]) -> NDArray[Any]:
    """Each of ascending numbers once, many times as fast as numpy.unique finds them."""
    new = np.ones(len(ascending), np.bool_)
    np.not_equal(ascending[1:], ascending[:-1], out=new[1:])
    return ascending[new]
