"""How common words are in captions: the stated corpus of every idf in retrieval.

It is COCO train2014, 414,113 captions. So a word weighs the same in every gallery, even in one of a single
image, and nothing that is evaluated on (Flickr8k, COCO val2014) has a part in it. `benchmarks/word_counts.py`
makes the table.
"""

import math
import zlib
from collections.abc import Collection, Mapping
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

NAME = "COCO train2014"


@cache
def key() -> int:
    """A number that changes with the table; what keeps weights of words keeps it beside them."""
    return zlib.crc32(_table().encode())


@cache
def rates() -> Mapping[str, float]:
    """Of each word that three captions hold or more, the share of captions that hold it."""
    first, *lines = _table().splitlines()
    captions = int(first.split()[1])
    return {word: int(count) / captions for word, count in (line.split() for line in lines)}


@cache
def idf() -> Mapping[str, float]:
    """Of each word the natural log of captions / captions that hold it."""
    return {word: -math.log(rate) for word, rate in rates().items()}


def weight(word: str) -> float:
    """The idf of any word."""
    return idf().get(word, rarest())


def weights(words: Collection[str]) -> NDArray[np.float32]:
    """(V,) the idf of these words."""
    return np.fromiter(map(weight, words), np.float32, len(words))


@cache
def rarest() -> float:
    """The idf of words that are not in the table: the largest of those that are."""
    return max(idf().values())


@cache
def _table() -> str:
    return Path(__file__).with_name("word_counts.txt").read_text(encoding="utf-8")
