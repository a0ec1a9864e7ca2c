"""CIDEr-D (Vedantam, Zitnick and Parikh 2015), as the COCO caption scorer computes it.

A caption is a vector of tf-idf weights per n-gram length (n = 1..4; raw counts times log(images / images
whose references hold the n-gram)). Its score is the mean over n and references of the clipped cosine times
exp(-(difference of lengths)^2 / 72), times 10.
"""

import math
from collections import Counter
from collections.abc import Sequence
from itertools import chain

import numpy as np

from ...counting import counted
from ...errors import BadDataset
from .ngrams import ORDER, Ngram, Text, candidate_tokens, count_ngrams, tokens_of

_SIGMA = 6.0
_SCALE = 10.0


class CiderD:
    """Scores captions against fixed references: document frequencies and reference vectors are made once.

    references: the captions of each image, as texts (tokenized here) or as sequences of tokens
    errors:     BadDataset where there are no images, or an image has no reference

    >>> mean, each = CiderD([["a dog runs", "a brown dog"], ["a cat sleeps"]]).score(["a dog", "a cat"])
    """

    def __init__(self, references: Sequence[Sequence[Text]]) -> None:
        if not references:
            raise BadDataset(
                "CIDEr-D needs the references of at least one image; there are none. Check the split."
            )
        for index, captions in enumerate(references):
            if isinstance(captions, str) or not captions:
                raise BadDataset(
                    f"CIDEr-D needs a list of one or more references for each image; number {index} has "
                    f"{captions!r}."
                )
        counts = [[count_ngrams(tokens_of(caption)) for caption in captions] for captions in references]
        frequency = Counter(chain.from_iterable(set(chain.from_iterable(image)) for image in counts))
        self._idf_unseen = math.log(len(references))
        self._idf = {ngram: self._idf_unseen - math.log(images) for ngram, images in frequency.items()}
        self._images = [self._image(image) for image in counts]

    @property
    def informative(self) -> bool:
        """Whether any n-gram is rarer than another: with a single image all scores are 0."""
        return any(self._idf.values())

    def __len__(self) -> int:
        return len(self._images)

    def score(
        self, candidates: Sequence[Text], images: Sequence[int] | None = None
    ) -> tuple[float, np.ndarray]:
        """The mean score and each candidate's (len(candidates),) float64, from 0 to 10.

        candidates: one caption per image in the references' order, as text or tokens; an empty one scores 0
        images:     or, whose references each candidate is compared with: several candidates for an image, or
                    only some images
        """
        if images is None:
            images = range(len(self))
        if not candidates or len(candidates) != len(images):
            raise BadDataset(
                f"CIDEr-D got {counted(len(candidates), 'candidates')} for {counted(len(images), 'images')}. "
                "Give one caption per image."
            )
        pairs = zip(candidates, images, strict=True)
        scores = np.array(
            [self._score(candidate_tokens(candidate), self._images[image]) for candidate, image in pairs]
        )
        return float(scores.mean()), scores

    def _image(self, counts: Sequence[Counter[Ngram]]) -> "_References":
        """The references of one image, turned round: for each n-gram, the references that hold it and their
        weights."""
        where: dict[Ngram, list[tuple[int, float]]] = {}
        inverse_norms = []
        lengths = []
        for index, reference in enumerate(counts):
            weights = {ngram: count * self._idf[ngram] for ngram, count in reference.items()}
            for ngram, weight in weights.items():
                if weight:
                    where.setdefault(ngram, []).append((index, weight))
            inverse_norms.append([1 / norm if norm else 0.0 for norm in _norms(weights)])
            lengths.append(sum(count for ngram, count in reference.items() if len(ngram) == 1))
        return where, inverse_norms, lengths

    def _score(self, tokens: Sequence[str], references: "_References") -> float:
        where, inverse_norms, lengths = references
        weights = {
            ngram: count * self._idf.get(ngram, self._idf_unseen)
            for ngram, count in count_ngrams(tokens).items()
        }
        dots = [[0.0] * ORDER for _ in lengths]
        for ngram, weight in weights.items():
            for index, reference_weight in where.get(ngram, ()):
                dots[index][len(ngram) - 1] += min(weight, reference_weight) * reference_weight
        norms = [norm or 1.0 for norm in _norms(weights)]
        total = 0.0
        for dot, inverse, length in zip(dots, inverse_norms, lengths, strict=True):
            penalty = math.exp(-((len(tokens) - length) ** 2) / (2 * _SIGMA**2))
            total += penalty * sum(d * i / norm for d, i, norm in zip(dot, inverse, norms, strict=True))
        return _SCALE * total / (ORDER * len(lengths))


# n-gram -> (reference, weight); 1 / norm for each reference and n; length of each reference
_References = tuple[dict[Ngram, list[tuple[int, float]]], list[list[float]], list[int]]


def _norms(weights: dict[Ngram, float]) -> list[float]:
    """The Euclidean length of the weights of each n, (ORDER,)."""
    squares = [0.0] * ORDER
    for ngram, weight in weights.items():
        squares[len(ngram) - 1] += weight * weight
    return [math.sqrt(square) for square in squares]
