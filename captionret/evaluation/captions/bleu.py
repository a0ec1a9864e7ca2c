"""BLEU-1 to BLEU-4 (Papineni et al. 2002) of a whole set of captions, as the COCO caption scorer computes
it."""

import math
from collections.abc import Sequence

from .ngrams import ORDER, Text, candidate_tokens, count_ngrams, tokens_of

# The scorer's guards against division by zero. They are not smoothing, yet they decide the figure where no
# 4-gram matches.
_TINY = 1e-15
_SMALL = 1e-9


def bleu(
    candidates: Sequence[Text], references: Sequence[Sequence[Text]]
) -> tuple[float, float, float, float]:
    """BLEU-1, 2, 3, 4 from 0 to 1: counts are summed over all images before precisions are taken; it is not a
    mean over images.

    candidates: one caption per image, as text or tokens
    references: the captions of each image, in the same order
    The reference length of an image is the one closest to its candidate's; a tie takes the shorter. No
    smoothing.
    """
    common, guessed = [0] * ORDER, [0] * ORDER
    candidate_length = reference_length = 0
    for candidate, captions in zip(candidates, references, strict=True):
        tokens = candidate_tokens(candidate)
        images_references = [tokens_of(caption) for caption in captions]
        candidate_length += len(tokens)
        reference_length += min(
            (abs(len(reference) - len(tokens)), len(reference)) for reference in images_references
        )[1]
        counts = [count_ngrams(reference) for reference in images_references]
        for ngram, count in count_ngrams(tokens).items():
            guessed[len(ngram) - 1] += count
            common[len(ngram) - 1] += min(count, max(reference[ngram] for reference in counts))
    ratio = (candidate_length + _TINY) / (reference_length + _SMALL)
    brevity = math.exp(1 - 1 / ratio) if ratio < 1 else 1.0
    precisions = [(match + _TINY) / (guess + _SMALL) for match, guess in zip(common, guessed, strict=True)]
    one, two, three, four = (brevity * math.prod(precisions[:n]) ** (1 / n) for n in range(1, ORDER + 1))
    return one, two, three, four
