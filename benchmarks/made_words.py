"""Word probabilities for made-up pictures: as many a picture as the shipped lexical head keeps, and of each
word as often as captions say it.

Of a photograph of Flickr8k the head keeps 848 words, 114 of them likely; here it is 950 and 105. A word's
probabilities are log-normal about its share of COCO's captions. Some thousand rows are drawn and given to one
picture after the other: what a query reads of each word is as long as it would be, and made in seconds. For a
million pictures that takes four gigabytes; so what one query does not ask for can be left out.
"""

from collections.abc import Mapping

import numpy as np
import results  # noqa: F401  # by which the package is found
from numpy.typing import NDArray

from captionret.app.places import LEXICAL_HEAD
from captionret.library import Library
from captionret.library.vectors.features import append, file_of
from captionret.library.words.word_files import MOST_PICTURES, NamedPart, PredictedWords, part_of, written
from captionret.library.words.word_probabilities import joined, kept_words
from captionret.retrieval import corpus
from captionret.retrieval.calibrated import FILE, Calibration
from captionret.retrieval.index.arrays import ArraysInMemory
from captionret.retrieval.index.word_postings import WordPart
from captionret.text import words as words_of

WORDS = 3401  # that the shipped head knows
SPREAD = 1.6  # of the logarithm of a word's probability, its standard deviation
OTHERS = 0.03  # the least probability that is kept of what no query asks for, where not all is kept
_DIM = 8  # of features, which no text reads
_DRAWN, _AT_ONCE = 2, 2048  # parts of other rows; rows that are drawn together


def add_words(library: Library, query: str | None = None) -> int:
    """Word probabilities for all pictures of a library that large_library.made made; returns their bytes.

    query: words that it does not ask for, in any form, are kept where they are likely, a few dozen of a
           picture; and all count as the shipped head's, which are calibrated
    """
    asked = None if query is None else frozenset(word[:4] for word in words_of(query))
    hashes = list(library.gallery().hashes)
    drawn = [_drawn(seed, asked=asked) for seed in range(_DRAWN)]
    parts = []
    for number, first in enumerate(range(0, len(hashes), MOST_PICTURES)):
        names = hashes[first : first + MOST_PICTURES]
        own = drawn[number % _DRAWN] if len(names) == MOST_PICTURES else _drawn(number, len(names), asked)
        named = np.frombuffer(bytes.fromhex("".join(names)), np.uint8)
        part = NamedPart("", WordPart(ArraysInMemory({**own, "hashes": named})))
        parts.append(written(library.path, part))
    record = {"name": "made-up", "fingerprint": "0" * 64}
    if query is not None:
        calibration = Calibration.read(LEXICAL_HEAD / FILE)
        record = {"name": calibration.name, "fingerprint": calibration.predictor, "head": str(LEXICAL_HEAD)}
    PredictedWords(record, tuple(parts)).write(library.path)
    _add_features(library, len(hashes))
    return sum(file.stat().st_size for file in library.path.glob("word-probabilities-*.part"))


def _drawn(
    seed: int, count: int = MOST_PICTURES, asked: frozenset[str] | None = None
) -> Mapping[str, NDArray[np.generic]]:
    """The arrays of a part of so many pictures. asked: how the words begin of which all is kept"""
    rates = sorted(corpus.rates().items(), key=lambda one: -one[1])[:WORDS]
    words = [word for word, _ in rates]
    means = (np.log([rate for _, rate in rates]) - SPREAD**2 / 2).astype(np.float32)
    whole = [asked is None or word[:4] in asked for word in words]
    least = np.where(whole, 0, OTHERS).astype(np.float32)
    random = np.random.default_rng(seed)
    found = []
    for first in range(0, count, _AT_ONCE):
        shape = min(_AT_ONCE, count - first), len(words)
        drawn = np.exp(
            random.standard_normal(shape, np.float32) * np.float32(SPREAD) + means.astype(np.float32)
        )
        drawn = np.minimum(drawn, np.float32(0.99))
        found.append(kept_words(words, np.where(drawn >= least, drawn, 0)))
    arrays = part_of(["00" * 32] * count, joined(found), None).part.arrays
    assert isinstance(arrays, ArraysInMemory)
    return arrays.all()


def _add_features(library: Library, count: int) -> None:
    """Features of zeros: without any, a library is taken for one of captions alone."""
    with library._catalogue.transaction() as connection:
        ((captioner, fingerprint),) = connection.execute("SELECT id, fingerprint FROM captioners").fetchall()
        append(file_of(library.path, captioner, fingerprint), 0, np.zeros((count, _DIM), np.float16))
        connection.execute("UPDATE captioners SET rows = ?, dim = ? WHERE id = ?", (count, _DIM, captioner))
