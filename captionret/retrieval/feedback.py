"""Relevance feedback: a query shifted towards what was liked and away from what was not (Rocchio 1971).

query = rocchio(query, liked=[first, second], disliked=[third])
"""

from collections.abc import Sequence, Sized
from dataclasses import replace
from math import inf
from typing import SupportsFloat

import numpy as np
from numpy.typing import NDArray

from ..errors import BadSetting
from .query import EncodedQuery, Feedback

WEIGHTS = (1.0, 0.75, 0.15)  # as usual in information retrieval (Manning et al. 2008, sec. 9.1.1)


def rocchio(
    query: EncodedQuery,
    liked: Sequence[EncodedQuery] = (),
    disliked: Sequence[EncodedQuery] = (),
    weights: tuple[float, float, float] = WEIGHTS,
) -> EncodedQuery:
    """The query q as a q + b mean(liked) - c mean(disliked), in every part that modes compare.

    Vectors of embedding spaces are unit vectors again. Features are taken as unit vectors, too, and then
    given the length of the query's own, for some modes take a mean from them. Words and word probabilities
    are weighted as `Feedback.apply_feedback` says, each mode's own way of reading words first; soft Jaccard,
    which knows no weights, takes every word that is left. A part that one of them does not have is
    left out, so that no mode compares one to which feedback was not applied.

    errors: BadSetting for weights that are no numbers of at least 0, or all 0 for what there is; for a
            picture that is both liked and disliked, or asked for and disliked; where query and disliked
            cancel each other out
    """
    check_weights(weights)
    if not liked and not disliked:
        return query
    _check(query, liked, disliked, weights)
    everything = (query, *liked, *disliked)
    modes = [mode for mode in query.vectors if all(mode in one.vectors for one in everything)]
    features = [one.feature for one in everything if one.feature is not None]
    return replace(
        query,
        vectors={
            mode: _shifted([one.vectors[mode] for one in everything], len(liked), weights) for mode in modes
        },
        feature=_feature(features, len(liked), weights) if len(features) == len(everything) else None,
        feedback=Feedback(tuple(liked), tuple(disliked), weights),
    )


def check_weights(weights: Sequence[float]) -> None:
    """BadSetting for weights that no feedback can have."""
    numbers = isinstance(weights, Sized) and all(isinstance(weight, SupportsFloat) for weight in weights)
    if not numbers or len(weights) != 3 or not all(0 <= weight < inf for weight in weights):
        raise BadSetting(
            f"The weights of feedback are {weights!r}; they are three numbers of at least 0: of query, "
            "liked, disliked."
        )


def _feature(
    features: Sequence[np.ndarray], liked: int, weights: tuple[float, float, float]
) -> NDArray[np.float32]:
    lengths = [float(np.linalg.norm(np.asarray(feature, np.float32))) for feature in features]
    units = [
        np.asarray(feature, np.float32) / (length or 1.0)
        for feature, length in zip(features, lengths, strict=True)
    ]
    return _shifted(units, liked, weights) * np.float32(lengths[0])


def _shifted(
    vectors: Sequence[np.ndarray], liked: int, weights: tuple[float, float, float]
) -> NDArray[np.float32]:
    """Of unit vectors: the query's, then those of the liked pictures, then those of the disliked ones; (D,)
    of length 1."""
    a, b, c = weights
    own, good, bad = vectors[0], vectors[1 : 1 + liked], vectors[1 + liked :]
    total = a * np.asarray(own, np.float64)
    if good:
        total += b * np.mean(good, axis=0, dtype=np.float64)
    if bad:
        total -= c * np.mean(bad, axis=0, dtype=np.float64)
    length = float(np.linalg.norm(total))
    if length < 1e-6:
        raise BadSetting(
            "What is asked for and what is disliked cancel each other out. Ask for something else, or give "
            "other weights."
        )
    return (total / length).astype(np.float32)


def _check(
    query: EncodedQuery,
    liked: Sequence[EncodedQuery],
    disliked: Sequence[EncodedQuery],
    weights: tuple[float, float, float],
) -> None:
    if not weights[0] + (weights[1] if liked else 0):
        raise BadSetting(
            "With these weights nothing is asked for. Give the query, or the liked pictures, a weight above "
            "0."
        )
    hated = {one.sha256 for one in disliked} - {None}
    if both := [one for one in liked if one.sha256 in hated]:
        raise BadSetting(f"A picture ({_named(both[0])}) is both liked and disliked. Decide on one.")
    if query.sha256 in hated:
        raise BadSetting(
            "The picture that is asked for is disliked. Ask with another one, or leave it out of the "
            "disliked."
        )


def _named(query: EncodedQuery) -> str:
    return f"{query.caption!r}" if query.caption else str(query.sha256)[:12]
