"""Every mode of retrieval measured in one way: each image of a gallery asks for the others (METRICS of
`semantic`).

matrices = {name: score_matrix(MODES[name], gallery) for name in MODES}
rows = mode_rows(matrices, {"sbert": relevance})
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import BadSetting, NoWords
from ..retrieval import Gallery, Mode, WordMatrix
from ..retrieval.modes.fusion import standardised
from ..retrieval.modes.words import JaccardWords, jaccard_by_idf
from ..text import word_set
from .semantic import QueryScores, measure, ndcg_linear
from .significance import mean_interval

RANDOM, ORACLE_ONE, ORACLE = "random", "oracle, one caption", "oracle, all captions"
STEPS = (0.0, 0.1, 0.2, 0.3, 0.45, 0.7, 1.0, 1.5)  # weights that a hybrid may give a mode beside its best one


@dataclass(frozen=True, eq=False)
class MeasuredMode:
    """One mode against one relevance.

    scores:   of each query
    interval: (mean, low, high) of NDCG@10, 95 % bootstrap
    """

    mode: str
    relevance: str
    scores: QueryScores
    interval: tuple[float, float, float]

    def row(self) -> dict[str, str | float]:
        """As a line of modes.csv."""
        summary = self.scores.summary()
        return {
            "mode": self.mode,
            "relevance": self.relevance,
            "ndcg10": summary.ndcg10,
            "ndcg10_low": self.interval[1],
            "ndcg10_high": self.interval[2],
            "ndcg50": summary.ndcg50,
            "pcc": summary.pcc,
            "ties10": summary.ties10,
        }


def score_matrix(mode: Mode, gallery: Gallery) -> np.ndarray:
    """The scores of every image of the gallery as a query: (N, N) float32. A query without a word for the
    mode finds nothing: 0."""
    prepared, parts = mode.prepare(gallery), mode.required_parts(gallery)
    matrix = np.zeros((len(gallery), len(gallery)), np.float32)
    for row in range(len(gallery)):
        try:
            matrix[row] = prepared.scores(gallery.query(row, parts))
        except NoWords:
            continue
    return matrix


def reference_matrices(captions: Sequence[Sequence[str]]) -> dict[str, np.ndarray]:
    """What the modes are measured against: constant scores, and Jaccard over human captions: one of each
    image, and all by idf."""
    first = [word_set(own[0]) for own in captions]
    single = JaccardWords(WordMatrix.of_sets(first))
    shares = [
        {word: sum(word in words for words in sets) / len(sets) for word in frozenset().union(*sets)}
        for sets in map(_sets, captions)
    ]
    everything = jaccard_by_idf(WordMatrix.of_rows(shares))
    return {
        RANDOM: np.zeros((len(captions), len(captions)), np.float32),
        ORACLE_ONE: np.stack([single.scores(dict.fromkeys(words, 1.0)) for words in first]),
        ORACLE: np.stack([everything.scores(row) for row in shares]),
    }


def _sets(captions: Sequence[str]) -> list[frozenset[str]]:
    return [word_set(caption) for caption in captions]


def measured(matrices: Mapping[str, np.ndarray], relevances: Mapping[str, np.ndarray]) -> list[MeasuredMode]:
    """Every mode against every relevance."""
    found = []
    for kind, relevance in relevances.items():
        for name, scores in matrices.items():
            queries = measure(scores, relevance)
            found.append(MeasuredMode(name, kind, queries, mean_interval(queries.ndcg10)))
    return found


def first_rows(scores: np.ndarray, k: int = 10) -> np.ndarray:
    """The first k images of each query, itself left out: (N, k), by score and then by place."""
    others = scores.astype(np.float64)
    np.fill_diagonal(others, -np.inf)
    return np.argsort(-others, axis=1, kind="stable")[:, :k]


def agreement(matrices: Mapping[str, np.ndarray], k: int = 10) -> np.ndarray:
    """The share of their first k images that two modes have in common, mean over queries: (M, M)."""
    firsts = [first_rows(scores, k) for scores in matrices.values()]
    shared = np.ones((len(firsts), len(firsts)))
    for a, ours in enumerate(firsts):
        for b, theirs in enumerate(firsts[:a]):
            shared[a, b] = shared[b, a] = (ours[:, :, None] == theirs[:, None, :]).any(2).mean()
    return shared


def learn_hybrid(
    matrices: Mapping[str, np.ndarray], relevance: np.ndarray, most: int = 4
) -> dict[str, float]:
    """Weights of standardised scores that rank pictures best for pictures: the best mode, then one mode and
    weight after the other while NDCG@10 grows.

    matrices: (N, N) of each mode
    most:     at most so many modes
    errors:   BadSetting for no modes
    """
    parts = {
        name: np.stack([standardised(row, place) for place, row in enumerate(scores)])
        for name, scores in matrices.items()
    }
    return _learnt(parts, lambda scores: float(ndcg_linear(scores, relevance, 10)[:, -1].mean()), most)


def learn_text_hybrid(
    answers: Mapping[str, np.ndarray], owner: Sequence[int], most: int = 4
) -> dict[str, float]:
    """As learn_hybrid for texts of one right picture each: while the mean of R@1, R@5 and R@10 grows.

    answers: (Q, N) scores of each mode
    owner:   of each query the row of the right picture
    """
    parts = {
        name: np.stack([standardised(row).astype(np.float32) for row in scores])
        for name, scores in answers.items()
    }
    queries = np.arange(len(owner))

    def recall(scores: np.ndarray) -> float:
        own = scores[queries, owner][:, None]
        rank = (scores > own).sum(1) + ((scores == own).sum(1) - 1) / 2
        return float(np.mean([(rank < k).mean() for k in (1, 5, 10)]))

    return _learnt(parts, recall, most)


def _learnt(
    parts: Mapping[str, np.ndarray], quality: Callable[[np.ndarray], float], most: int
) -> dict[str, float]:
    """Weights of the scores of modes, one mode after the other while the quality of their sum grows."""
    if not parts:
        raise BadSetting("There is no mode to make a hybrid of.")
    best = max(parts, key=lambda name: quality(parts[name]))
    weights, total, reached = {best: 1.0}, parts[best], quality(parts[best])
    while len(weights) < most:
        tried = [
            (quality(total + step * part), name, step)
            for name, part in parts.items()
            if name not in weights
            for step in STEPS[1:]
        ]
        if not tried or max(tried)[0] < reached + 5e-4:  # less is no gain but luck with this split
            break
        reached, name, step = max(tried)
        weights[name], total = step, total + step * parts[name]
    return weights


def word_importance(
    gallery: Gallery, relevance: np.ndarray, mode: Mode, most: int = 40
) -> list[tuple[str, int, float]]:
    """What the commonest words do for retrieval: each left out of all captions in turn, (word, captions that
    hold it, loss of NDCG@10).

    The first are the words that make images found; a word with a loss below 0 misleads.
    """
    sets = gallery.words
    counts: dict[str, int] = {}
    for words in sets:
        for word in words:
            counts[word] = counts.get(word, 0) + 1
    whole = _quality(gallery, [" ".join(sorted(words)) for words in sets], relevance, mode)
    found = []
    for word in sorted(counts, key=lambda word: (-counts[word], word))[:most]:
        without = _quality(gallery, [" ".join(sorted(words - {word})) for words in sets], relevance, mode)
        found.append((word, counts[word], whole - without))
    return sorted(found, key=lambda row: (-row[2], row[0]))


def _quality(gallery: Gallery, captions: list[str], relevance: np.ndarray, mode: Mode) -> float:
    return float(
        ndcg_linear(score_matrix(mode, Gallery(gallery.paths, captions, ids=gallery.ids)), relevance, 10)[
            :, -1
        ].mean()
    )


def costly_mistakes(
    gallery: Gallery, humans: Sequence[Sequence[str]], ndcg: np.ndarray, most: int = 20, least: int = 5
) -> list[tuple[str, int, float]]:
    """Words of captions that are in no person's: (word, in how many captions, NDCG@10 lost against the
    mean of all queries).

    ndcg:  (N,) of each query
    least: words that are wrong less often are left out
    """
    wrong: dict[str, list[int]] = {}
    for row, (words, captions) in enumerate(zip(gallery.words, humans, strict=True)):
        for word in words - frozenset().union(*_sets(captions)):
            wrong.setdefault(word, []).append(row)
    mean = ndcg.mean()
    found = [
        (word, len(rows), float(mean - ndcg[rows].mean()))
        for word, rows in wrong.items()
        if len(rows) >= least
    ]
    return sorted(found, key=lambda row: (-row[2] * row[1], row[0]))[:most]
