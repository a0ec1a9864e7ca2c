"""Modes that compare what is believed of images: for each word the probability that a caption of the image holds it.

One caption throws away what a captioner knows; its belief keeps it. A text is a belief that is sure of its words.
"""

from collections.abc import Callable, Mapping
from math import sqrt

import numpy as np

from ..errors import BadSetting
from ..records import Explanation, WordReason
from ..text import word_set
from . import corpus
from .beliefs import Beliefs
from .cosine import CosineIndex
from .explain import by_share
from .gallery import Gallery
from .query import DescribedQuery
from .word_modes import JaccardWords, no_words

_SHOWN = 8  # words of a reason; a belief holds some forty


class BeliefMode:
    """Beliefs compared by one of two measures."""

    accepts = frozenset({"image", "text"})
    needs: frozenset[str] = frozenset({"beliefs"})
    symmetric, bounded, relative = True, True, False

    def __init__(self, name: str, about: str, index: Callable[[Beliefs], "JaccardWords | ExpectedCosine"]) -> None:
        self.name, self.about, self.index = name, about, index

    def prepare(self, gallery: Gallery) -> "PreparedBeliefs":
        """Index the gallery's beliefs; BadSetting where it has none."""
        return PreparedBeliefs(self, gallery.beliefs)


class PreparedBeliefs:
    """The beliefs of one gallery."""

    def __init__(self, mode: BeliefMode, beliefs: Beliefs) -> None:
        self.mode, self.beliefs = mode, beliefs
        self.index = mode.index(beliefs)

    def scores(self, query: DescribedQuery) -> np.ndarray:
        """(N,) float32; NoWords for a query without any word, BadSetting for a picture of which nothing is believed."""
        return self.index.scores(self._belief(query))

    def why(self, query: DescribedQuery, row: int) -> tuple[str, ...]:
        """The words that made the match, the most telling first."""
        return tuple(
            reason.word for reason in self.explain(query, row).words[:_SHOWN] if reason.share > 0 and reason.query and reason.image
        )

    def explain(self, query: DescribedQuery, row: int) -> Explanation:
        """Every word of both sides with its probabilities."""
        ours, theirs = self._belief(query), self.beliefs.row(row)
        shares = self.index.shares(ours, theirs)
        reasons = [
            WordReason(word, ours.get(word, 0.0), theirs.get(word, 0.0), corpus.weight(word), share) for word, share in shares.items()
        ]
        whole = float(self.index.scores(ours)[row])
        return Explanation(by_share(reasons), rest=whole - sum(shares.values()))

    def _belief(self, query: DescribedQuery) -> Mapping[str, float]:
        belief = query.moved(self._own(query), self._own)
        if not belief:
            raise no_words(query)
        return belief

    def _own(self, query: DescribedQuery) -> Mapping[str, float]:
        if query.caption is not None and query.belief is None:
            raise BadSetting(
                f"Mode {self.mode.name!r} compares beliefs, and nothing is believed of the query picture. Choose another mode."
            )
        return dict(query.belief or {}) | dict.fromkeys(word_set(query.text or ""), 1.0)


class ExpectedCosine:
    """Cosine of the square roots of probability times idf, both taken from the mean image.

    The square root is Hellinger's: it makes 0.1 against 0.2 matter as much as it should beside 0.8 against 0.9. Taking the mean away
    leaves what an image is said to show more, or less, than others: that both may hold "a" and "man" tells nothing.
    """

    STEADY = 50  # images' worth of the corpus's word rates that steady the mean of a small gallery

    def __init__(self, beliefs: Beliefs) -> None:
        values = np.sqrt(
            beliefs.weights.astype(np.float32) * np.fromiter(map(corpus.weight, beliefs.words), np.float32, len(beliefs.words))[beliefs.ids]
        )
        rows = Beliefs(beliefs.words, beliefs.starts, beliefs.ids, values.astype(np.float32))
        sums = np.bincount(rows.ids, values.astype(np.float64), len(rows.words))  # (V,)
        usual = np.array([sqrt(corpus.rates().get(word, 0.0) * corpus.weight(word)) for word in rows.words])
        means = (sums + self.STEADY * usual) / (len(rows) + self.STEADY)
        self.index = CosineIndex(rows, dict(zip(rows.words, means.tolist(), strict=True)))

    def scores(self, query: Mapping[str, float]) -> np.ndarray:
        """(N,) float32 from -1 to 1."""
        return self.index.scores(_roots(query))

    def shares(self, query: Mapping[str, float], row: Mapping[str, float]) -> dict[str, float]:
        """What each word adds; below 0 where one side holds it and the other less than most."""
        return self.index.shares(_roots(query), _roots(row))


def _roots(belief: Mapping[str, float]) -> dict[str, float]:
    return {word: sqrt(weight * corpus.weight(word)) for word, weight in belief.items()}
