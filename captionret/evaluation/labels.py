"""Images that are named by words of a vector space: flat hit@k and hierarchical precision@k (Frome et al.
2013, sec. 4.2)."""

from math import comb

import numpy as np


def hits(scores: np.ndarray, right: np.ndarray, k: int) -> np.ndarray:
    """Whether a right label is among an image's k best; (images that have a right label,) bool.

    scores: (N, L), higher is better; right: (N, L) bool
    Tied labels share their average rank, so that equal scores for everything hit nothing.
    """
    some = right.any(1)
    scores, right = scores[some], right[some]
    best = np.where(right, scores, -np.inf).max(1, keepdims=True)
    ranks: np.ndarray = (scores > best).sum(1) + ((scores == best).sum(1) - 1) / 2  # from 0
    hit: np.ndarray = ranks < k
    return hit


def chance_of_hit(right: np.ndarray, k: int) -> float:
    """What `hits` gives on average where labels are drawn at random: 1 - C(L - m, k) / C(L, k) for an image
    with m right ones of L."""
    labels = right.shape[1]
    counts = right.sum(1)
    k = min(k, labels)
    return float(np.mean([1 - comb(labels - m, k) / comb(labels, k) for m in counts[counts > 0].tolist()]))


def nearest(vectors: np.ndarray, table: np.ndarray, k: int) -> np.ndarray:
    """The k nearest rows of `table` (W, D) for each of `vectors` (N, D), unit rows both: (N, k) int64, the
    nearest first."""
    found = np.empty((len(vectors), k), np.int64)
    for start in range(0, len(vectors), 64):  # 400,000 words make 100 MB of scores for 64 images
        scores = vectors[start : start + 64] @ table.T
        best = np.argpartition(-scores, k - 1, axis=1)[:, :k]
        order = np.argsort(-np.take_along_axis(scores, best, 1), axis=1, kind="stable")
        found[start : start + 64] = np.take_along_axis(best, order, 1)
    return found


def hierarchical_precision(found: np.ndarray, neighbours: np.ndarray) -> np.ndarray:
    """|an image's k words that are among the k words nearest to its label| / k: (N,) for found and neighbours
    (N, k)."""
    return np.array(
        [len(set(a) & set(b)) / len(a) for a, b in zip(found.tolist(), neighbours.tolist(), strict=True)]
    )
