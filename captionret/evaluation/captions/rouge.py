"""ROUGE-L (Lin 2004) as the COCO caption scorer computes it."""

from collections.abc import Sequence

import numpy as np
from rapidfuzz.distance import LCSseq

from .ngrams import Text, candidate_tokens, tokens_of

_BETA = 1.2


def rouge_l(candidates: Sequence[Text], references: Sequence[Sequence[Text]]) -> tuple[float, np.ndarray]:
    """The mean ROUGE-L and each image's (N,) float64, from 0 to 1.

    candidates: one caption per image, as text or tokens; an empty one scores 0
    references: the captions of each image, in the same order
    An image's score is the F-measure (beta 1.2) of the best precision and the best recall, each over all
    references: they may come from different ones.
    """
    scores = np.array(
        [_score(candidate, captions) for candidate, captions in zip(candidates, references, strict=True)]
    )
    return float(scores.mean()), scores


def _score(candidate: Text, captions: Sequence[Text]) -> float:
    tokens = candidate_tokens(candidate)
    precision = recall = 0.0
    for caption in captions:
        reference = tokens_of(caption)
        common = LCSseq.similarity(tokens, reference)
        if common:
            precision = max(precision, common / len(tokens))
            recall = max(recall, common / len(reference))
    if not precision:
        return 0.0
    return (1 + _BETA**2) * precision * recall / (recall + _BETA**2 * precision)
