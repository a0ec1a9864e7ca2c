"""How much two images have to do with each other, known from their human captions alone; never from
generated ones.

    matrix = load_relevance("sbert", [item.captions for item in items], cache=Path("data/relevance"))

Three rulers, so that a finding does not hang on one of them: meaning (`sbert`), shared words (`tfidf`),
shared phrases (`cider`). Each gives an (N, N) float32 matrix, symmetric, 0 or more; its diagonal means
nothing, for a query is left out of its own answer.
"""

import hashlib
import json
import math
import warnings
from collections.abc import Callable, Sequence
from itertools import chain, pairwise
from pathlib import Path

import numpy as np
from scipy.sparse import csr_array

from ..errors import BadDataset, UnknownName
from ..files import publishing
from ..text import words
from .captions import ptb
from .captions.ngrams import ORDER, Ngram, count_ngrams

Captions = Sequence[Sequence[str]]
"""The human captions of N images, one or more of each."""

Encode = Callable[[Sequence[str]], np.ndarray]
"""Maps M sentences to unit vectors, (M, D) float32."""

# of the definitions here and of the sentence encoder: raise it when one changes, and matrices on disk are
# made anew
_VERSION = 1
_BLOCK = 500  # captions whose CIDEr-D against all others is held at once: 100 MB at 25,000 captions


def load_relevance(kind: str, captions: Captions, cache: Path | None = None) -> np.ndarray:
    """The relevance of every pair of N images, (N, N) float32; from the disk where it was made before.

    kind:   a key of RELEVANCES
    cache:  the folder of the matrices, named by kind and captions; None to make it anew and keep nothing
    errors: UnknownName; BadDataset for no images or an image without captions; MissingWeights for "sbert"
            where its encoder is missing
    A file that is damaged or another's is made anew, with a warning that names it.
    """
    if kind not in RELEVANCES:
        raise UnknownName.among("relevance", kind, RELEVANCES)
    _check(captions)
    if cache is None:
        return RELEVANCES[kind](captions)
    named = json.dumps([_VERSION, kind, [list(texts) for texts in captions]])
    path = Path(cache) / f"{kind}-{hashlib.sha256(named.encode()).hexdigest()[:24]}.npy"
    if path.exists():
        try:
            return _read(path, len(captions))
        except (ValueError, EOFError) as error:
            # what numpy raises for a file that is cut short or is none of its own
            warnings.warn(f"{path} is damaged ({error}); the relevance is computed again.", stacklevel=2)
    matrix = RELEVANCES[kind](captions)
    with publishing(path) as file:
        np.save(file, matrix)
    return matrix


def sbert(captions: Captions, encode: Encode | None = None) -> np.ndarray:
    """The mean cosine over all pairs of one image's captions and the other's, by a sentence encoder, clamped
    at 0.

    encode: another encoder than the default, the frozen all-MiniLM-L6-v2 of `models.sentences`
    It is computed as the dot product of the images' mean unit vectors, which is the same number.
    """
    _check(captions)
    if encode is None:
        from ..models.sentence.minilm import SentenceEncoder

        encode = SentenceEncoder.load().encode
    vectors = encode(list(chain.from_iterable(captions)))  # (M, D)
    means = _image_means(vectors.astype(np.float64), captions)  # (N, D)
    return _symmetric(np.maximum(means @ means.T, 0))


def tfidf(captions: Captions) -> np.ndarray:
    """Cosine of tf-idf vectors, each of all words of an image's captions together: raw counts times log(N /
    images that hold the word).

    The document frequencies are those of the N evaluated images' own captions. Images that share no word, or
    only words that every image has, have 0.
    """
    _check(captions)
    ids: dict[str, int] = {}
    documents = [
        [ids.setdefault(word, len(ids)) for text in texts for word in words(text)] for texts in captions
    ]
    counts = _sparse(documents, np.ones(sum(map(len, documents))), len(ids))  # (N, V)
    frequency = np.bincount(counts.indices, minlength=len(ids))
    counts.data *= np.log(len(captions) / frequency)[counts.indices]
    norms = np.sqrt(counts.multiply(counts).sum(axis=1))  # (N,)
    cosines = (counts @ counts.T).toarray()
    cosines *= _inverse(norms)[:, None] * _inverse(norms)
    return _symmetric(cosines)


def cider(captions: Captions) -> np.ndarray:
    """The symmetric mean of CIDEr-D, from 0 to 10: each caption of one image against all of the other's, and
    the other way round.

    Document frequencies are those of the N images (`cider.CiderD` defines the score). In tf-idf weights count
    * idf, the clipped product min(c, r) * r is the sum over levels l = 1, 2, ... of [count_c >= l] * idf
    times [count_r >= l] * count_r * idf. So with a column for each n-gram and level, the scores of all pairs
    of captions are one sparse matrix product, exactly.
    """
    _check(captions)
    tokens = [ptb.tokenize(text) for text in chain.from_iterable(captions)]
    candidates, references = _cider_vectors(tokens, captions)  # (M, columns) each
    references = references.T.tocsr()
    lengths = np.array([len(caption) for caption in tokens])
    penalty = np.exp(-((np.arange(lengths.max() + 1)) ** 2) / 72)  # by the difference of lengths
    starts = _starts(captions)
    groups = np.diff(starts)
    sums = np.empty((len(captions), len(captions)))
    per_block = max(1, _BLOCK // int(groups.max()))
    for first in range(0, len(captions), per_block):
        own = starts[first : first + per_block + 1]
        rows = slice(own[0], own[-1])
        pairs = (candidates[rows] @ references).toarray()  # (captions of the block, M)
        pairs *= penalty[np.abs(lengths[rows, None] - lengths)]
        sums[first : first + per_block] = np.add.reduceat(
            np.add.reduceat(pairs, own[:-1] - own[0], axis=0), starts[:-1], axis=1
        )
    return _symmetric(10 / ORDER * sums / (groups[:, None] * groups))


RELEVANCES: dict[str, Callable[[Captions], np.ndarray]] = {"sbert": sbert, "tfidf": tfidf, "cider": cider}


def _cider_vectors(tokens: Sequence[Sequence[str]], captions: Captions) -> tuple[csr_array, csr_array]:
    """What each of the M captions is as a candidate and as a reference, so that their product is CIDEr-D
    before penalty and scale."""
    counts = [count_ngrams(caption) for caption in tokens]
    ids: dict[Ngram, int] = {}
    # one list a caption, without repeats
    grams = [[ids.setdefault(ngram, len(ids)) for ngram in caption] for caption in counts]
    starts = _starts(captions)
    frequency = np.zeros(len(ids))
    for first, last in pairwise(starts.tolist()):
        frequency[list(set(chain.from_iterable(grams[first:last])))] += 1
    idf = math.log(len(captions)) - np.log(frequency)  # (n-grams,)
    order = np.fromiter((len(ngram) - 1 for ngram in ids), np.int64, len(ids))

    gram = np.fromiter(chain.from_iterable(grams), np.int64)
    count = np.fromiter(chain.from_iterable(caption.values() for caption in counts), np.int64)
    row = np.repeat(np.arange(len(grams)), [len(caption) for caption in grams])
    part = row * ORDER + order[gram]  # each caption's n-grams of one length are a vector of their own
    inverse = _inverse(np.sqrt(np.bincount(part, (count * idf[gram]) ** 2, len(grams) * ORDER)))[part]
    candidate, reference = idf[gram] * inverse, idf[gram] * count * inverse

    entry = np.repeat(np.arange(len(gram)), count)  # once for each level
    level = np.arange(len(entry)) - np.repeat(np.cumsum(count) - count, count)
    columns = gram[entry] + len(ids) * level
    shape = (len(grams), len(ids) * int(count.max(initial=1)))
    places = (row[entry], columns)
    return csr_array((candidate[entry], places), shape=shape), csr_array(
        (reference[entry], places), shape=shape
    )


def _check(captions: Captions) -> None:
    if not len(captions):
        raise BadDataset("There are no images to compare. Check the split.")
    for index, texts in enumerate(captions):
        if (
            isinstance(texts, str)
            or not len(texts)
            or not all(isinstance(text, str) and text.strip() for text in texts)
        ):
            raise BadDataset(
                f"Relevance needs a list of one or more human captions for each image; image {index} has "
                f"{texts!r}."
            )


def _read(path: Path, images: int) -> np.ndarray:
    """The matrix of a file; ValueError where it cannot be one of these: almost any damaged number breaks the
    symmetry."""
    matrix = np.load(path, allow_pickle=False)
    if not isinstance(matrix, np.ndarray) or matrix.shape != (images, images) or matrix.dtype != np.float32:
        raise ValueError(f"it is no {images} x {images} matrix of float32")
    if not np.isfinite(matrix).all() or matrix.min() < 0 or not np.array_equal(matrix, matrix.T):
        raise ValueError("it holds numbers that are no relevance")
    return matrix


def _starts(captions: Captions) -> np.ndarray:
    """(N + 1,) where each image's captions begin in the list of all, and its end."""
    return np.concatenate([[0], np.cumsum([len(texts) for texts in captions])])


def _image_means(vectors: np.ndarray, captions: Captions) -> np.ndarray:
    starts = _starts(captions)
    return np.add.reduceat(vectors, starts[:-1], axis=0) / np.diff(starts)[:, None]


def _sparse(rows: Sequence[Sequence[int]], values: np.ndarray, columns: int) -> csr_array:
    """A matrix with `values` in the given columns of each row; those of the same place are added."""
    indices = np.fromiter(chain.from_iterable(rows), np.int64, len(values))
    row = np.repeat(np.arange(len(rows)), [len(one) for one in rows])
    return csr_array((values, (row, indices)), shape=(len(rows), columns))


def _inverse(norms: np.ndarray) -> np.ndarray:
    """1 / norm, and 0 for a vector of nothing, which then has no part in any product."""
    inverse = np.zeros_like(norms)
    np.divide(1, norms, out=inverse, where=norms > 0)
    return inverse


def _symmetric(matrix: np.ndarray) -> np.ndarray:
    """The mean of a matrix and its transpose, float32; products of floats alone are not exactly symmetric."""
    mean: np.ndarray = ((matrix + matrix.T) / 2).astype(np.float32)
    return mean
