"""Of several captions of one picture the one that agrees with most of the others.

The expected similarity to a caption drawn from the candidates is the largest: minimum Bayes risk (Kumar and
Byrne 2004), and the consensus captions of Devlin et al. 2015 (https://arxiv.org/abs/1505.04467), with a
captioner's own captions in place of those of like pictures. Similarity is that of CIDEr-D with all words
alike: no corpus has a part in it, and none of what a captioner is measured on.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ...records import Caption

ORDER = 4
_SIGMA = 6.0  # of CIDEr-D: how unlike two captions are by their lengths alone


def consensus(
    images: Sequence[Sequence[Caption]], sharpness: float, length_penalty: float
) -> list[list[Caption]]:
    """Each image's captions, each once, in the order of their expected similarity to all of them.

    A candidate's weight in the expectation is its share of exp(sharpness * log-probability /
    words**length_penalty). Its likeness to itself is part of it, as in Kumar and Byrne: a probable caption
    need not be like others to be chosen. A tie is the more probable one's.
    """
    single = [_by_weight(image, sharpness, length_penalty) for image in images]
    ranked = []
    for (captions, weights), alike in zip(
        single, similarities([[one.tokens for one in image] for image, _ in single]), strict=True
    ):
        expected = alike @ weights  # (K,)
        ranked.append([captions[place] for place in np.argsort(-expected, kind="stable").tolist()])
    return ranked


def _by_weight(
    image: Sequence[Caption], sharpness: float, length_penalty: float
) -> tuple[list[Caption], NDArray[np.float64]]:
    """The captions without repeats, the heaviest first, and their weights (K,), which sum to 1."""
    captions = list({caption.tokens: caption for caption in reversed(image)}.values())[::-1]
    scores = np.array(
        [caption.logprob / max(len(caption.tokens), 1) ** length_penalty for caption in captions]
    )
    order = np.argsort(-scores, kind="stable")
    weights = np.exp(sharpness * (scores[order] - scores.max(initial=-np.inf)))
    return [captions[place] for place in order.tolist()], weights / weights.sum()


def similarities(
    images: Sequence[Sequence[Sequence[str]]],
    weights: Mapping[tuple[str, ...], float] | None = None,
    unseen: float = 1.0,
) -> list[NDArray[np.float64]]:
    """For each image (K, K): how like its caption of the row is to that of the column, from 0 to 1.

    The mean over n = 1..4 of the cosine of n-gram counts, the row's cut to the column's, times
    exp(-(difference of lengths)^2 / 72). n-grams are counted for all images at once; counts are whole
    numbers, so that without weights no image's result depends on the others', with them by no more than
    rounding.
    weights: of n-grams, their idf for CIDEr-D's own likeness; `unseen` is that of all others. None: all alike
    """
    captions = [caption for image in images for caption in image]
    ends = np.cumsum([len(image) for image in images], dtype=np.int64)  # (N,)
    lengths = np.array([len(caption) for caption in captions], np.int64)  # (M,)
    total = [np.zeros((len(image), len(image))) for image in images]
    words = [word for caption in captions for word in caption]
    image_of = np.repeat(np.arange(len(images)), [len(image) for image in images])
    for n, (rows, columns, counts, starts) in enumerate(_ngrams(words, lengths, image_of), 1):
        idf = np.ones(len(rows))  # (P,)
        if weights is not None:
            kinds, which = np.unique(starts, return_inverse=True)
            idf = np.array(
                [weights.get(tuple(words[start : start + n]), unseen) for start in kinds.tolist()]
            )[which]
        norms = np.sqrt(np.bincount(rows, (counts * idf) ** 2, len(captions)))
        norms[norms == 0] = 1  # no n-gram this long: like nothing
        parts = np.searchsorted(rows, np.concatenate([[0], ends]))
        for image, (start, stop) in enumerate(zip(parts[:-1].tolist(), parts[1:].tolist(), strict=True)):
            if start == stop:
                continue
            first, last = ends[image] - len(images[image]), ends[image]
            # (K, distinct n-grams of this image)
            held = np.zeros((last - first, columns[start:stop].max() + 1))
            held[rows[start:stop] - first, columns[start:stop]] = counts[start:stop]
            weight = np.ones(held.shape[1])  # (distinct n-grams,)
            weight[columns[start:stop]] = idf[start:stop]
            total[image] += _cut_products(held, weight) / np.outer(norms[first:last], norms[first:last])
    apart = [
        np.subtract.outer(lengths[end - len(image) : end], lengths[end - len(image) : end])
        for image, end in zip(images, ends, strict=True)
    ]
    return [
        alike / ORDER * np.exp(-(lag**2) / (2 * _SIGMA**2)) for alike, lag in zip(total, apart, strict=True)
    ]


def _cut_products(held: NDArray[np.float64], weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """min(a, b) * b summed over n-grams, for each caption a of the rows and b of the columns: (K, K).

    held:   (K, P) how often each caption holds each n-gram
    weight: (P,) of the n-grams
    """
    products = np.zeros((len(held), len(held)))
    # as products of "holds it t times or more": nearly always t = 1 alone
    for level in range(1, int(held.max()) + 1):
        products += (held >= level).astype(float) @ (np.where(held >= level, held, 0) * weight**2).T
    return products


def _ngrams(
    flat: Sequence[str], lengths: NDArray[np.int64], image_of: NDArray[np.int64]
) -> list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]]:
    """For each n: caption, n-gram, how often it holds it, and a place in `flat` where the n-gram begins; four
    arrays (P,) in the order of captions. n-grams are numbered from 0 within each image.

    flat:     (W,) the words of all captions
    image_of: (M,) the image of each caption
    """
    numbers: dict[str, int] = {}
    words = np.array([numbers.setdefault(word, len(numbers)) for word in flat], np.int64)  # (W,)
    caption_of = np.repeat(np.arange(len(lengths)), lengths)  # (W,)
    # (W,) words from here to the caption's end, itself included
    left = np.repeat(np.cumsum(lengths), lengths) - np.arange(len(words))
    found, runs = [], np.zeros(len(words), np.int64)
    for n in range(1, ORDER + 1):
        places = np.flatnonzero(left >= n)
        # the number of a run is that of the run without its last word, and of that word
        runs[places] = np.unique(runs[places] * len(numbers) + words[places + n - 1], return_inverse=True)[1]
        kinds = int(runs[places].max(initial=-1)) + 1
        own, example, number = np.unique(
            image_of[caption_of[places]] * kinds + runs[places], return_index=True, return_inverse=True
        )
        images = own // max(kinds, 1)
        columns = np.arange(len(images)) - np.searchsorted(images, images)  # (distinct n-grams of images,)
        pairs, counts = np.unique(caption_of[places] * max(len(images), 1) + number, return_counts=True)
        rows, which = np.divmod(pairs, max(len(images), 1))
        found.append((rows, columns[which], counts.astype(float), places[example[which]]))
    return found
