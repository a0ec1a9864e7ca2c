"""Several modes as one: a weighted sum of standardised scores, or reciprocal rank fusion."""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from ...errors import BadSetting
from ...records import Explanation
from ..protocols import GalleryContents, Mode, PreparedMode
from ..query import EncodedQuery

# Learnt on Flickr8k's val split by `captionret evaluate-retrieval --split val --learn-hybrid`, for pictures
# and for texts; a library may hold others. A name after TEXT is a mode for texts; where there is none, all
# modes are for pictures and for texts.
TEXT = "text:"
WEIGHTS: Mapping[str, float] = {
    "expected-cosine": 1.0,
    "embedding": 0.7,
    "multi-caption-union": 0.1,
    f"{TEXT}embedding": 1.0,
    f"{TEXT}words": 0.85,
}
# Weights that were learned by release 0.5.0 or earlier call the shipped space's mode by an old name.
RENAMED = {"vse": "embedding"}
FUSION_CONSTANT = 60  # of reciprocal rank fusion (Cormack et al. 2009)


class HybridMode(Mode):
    """The modes of a gallery's own weights, or of the usual ones, put together.

    Those that cannot take the query are left out: a text has no feature.
    """

    accepts = frozenset({"image", "text"})
    symmetric, bounded, relative = (
        False,
        False,
        True,
    )  # scores are standardised over the gallery, for each query
    composite = True

    def __init__(
        self,
        name: str,
        about: str,
        find: Callable[[str], Mode],
        by_rank: bool,
        weights: Mapping[str, float] = WEIGHTS,
    ) -> None:
        """by_rank: reciprocal rank fusion in place of the sum of scores; weights: of a gallery without its
        own"""
        self.name, self.about, self.find, self.by_rank, self.weights = name, about, find, by_rank, weights

    def required_parts(self, gallery: GalleryContents) -> frozenset[str]:
        """Those of the modes it is made of."""
        modes = {**self._modes(gallery, texts=False), **self._modes(gallery, texts=True)}
        return frozenset().union(*(mode.required_parts(gallery) for mode in modes))

    def prepare(self, gallery: GalleryContents) -> "PreparedHybrid":
        """Prepare every mode that has a part in it."""
        pictures, texts = (self._modes(gallery, texts=texts) for texts in (False, True))
        prepared = {mode: mode.prepare(gallery) for mode in {**pictures, **texts}}
        return PreparedHybrid(
            gallery,
            {mode: (weight, prepared[mode]) for mode, weight in pictures.items()},
            {mode: (weight, prepared[mode]) for mode, weight in texts.items()},
            self.by_rank,
        )

    def prepared_for_pictures(self, gallery: GalleryContents, held: frozenset[str]) -> "PreparedHybrid":
        """Its modes for pictures that compare what is held, alone; for a text beside them, too."""
        parts = {
            mode: (weight, mode.prepare(gallery))
            for mode, weight in self._modes(gallery, texts=False).items()
            if mode.required_parts(gallery) <= held
        }
        return PreparedHybrid(gallery, parts, parts, self.by_rank)

    def _modes(self, gallery: GalleryContents, texts: bool) -> dict[Mode, float]:
        """The modes it is made of in this gallery, with their weights: for texts, or for all that holds a
        picture."""
        weights = gallery.hybrid or self.weights
        if not all(np.isfinite(weight) and weight > 0 for weight in weights.values()):
            raise BadSetting(f"The weights of a hybrid are numbers above 0, not {dict(weights)}.")
        own = {name: weight for name, weight in weights.items() if name.startswith(TEXT) == texts}
        own = own or dict(weights)
        renamed = {} if "vse" in gallery.parts else RENAMED
        names = {name: name.removeprefix(TEXT) for name in own}
        modes = {self.find(renamed.get(names[name], names[name])): weight for name, weight in own.items()}
        if inner := [mode.name for mode in modes if mode.composite]:
            raise BadSetting(f"A hybrid cannot be made of a hybrid ({inner[0]}). Choose other modes.")
        return modes


class PreparedHybrid(PreparedMode):
    """The modes of one gallery."""

    def __init__(
        self,
        gallery: GalleryContents,
        pictures: Mapping[Mode, tuple[float, PreparedMode]],
        texts: Mapping[Mode, tuple[float, PreparedMode]],
        by_rank: bool,
    ) -> None:
        """pictures, texts: each mode with its weight, for queries that hold a picture and for texts alone"""
        self.gallery, self.pictures, self.texts, self.by_rank = gallery, pictures, texts, by_rank

    def scores(self, query: EncodedQuery) -> NDArray[np.float32]:
        """(N,) float32, above 0 for rank fusion; a sum of standardised scores has the mean 0."""
        total: NDArray[np.floating] = np.sum([added for _, added in self._added(query)], axis=0)
        return total.astype(np.float32)

    def why(self, query: EncodedQuery, row: int) -> tuple[str, ...]:
        """The words of the first part that has any."""
        reasons = (part.why(query, row) for _, _, part in self._usable(query))
        return next((words for words in reasons if words), ())

    def explain(self, query: EncodedQuery, row: int) -> Explanation:
        """What each mode adds."""
        return Explanation(parts=tuple((mode.name, float(added[row])) for mode, added in self._added(query)))

    def compared(self, query: EncodedQuery) -> tuple[str, ...]:
        """The modes that can take this query."""
        return tuple(mode.name for mode, _, _ in self._usable(query))

    def _usable(self, query: EncodedQuery) -> list[tuple[Mode, float, PreparedMode]]:
        """Its modes that can take this query, with their weights."""
        parts = self.texts if query.parts == {"text"} else self.pictures
        return [(mode, weight, part) for mode, (weight, part) in parts.items() if query.parts <= mode.accepts]

    def _added(self, query: EncodedQuery) -> list[tuple[Mode, NDArray[np.float64]]]:
        usable = self._usable(query)
        if not usable:
            raise BadSetting(
                f"None of {', '.join(mode.name for mode in self.pictures)} takes this query. Ask with a "
                "picture, or choose another mode."
            )
        own = self.gallery.row_of.get(query.sha256 or "")
        combine = reciprocal_ranks if self.by_rank else standardised
        return [(mode, weight * combine(part.scores(query), own)) for mode, weight, part in usable]


def standardised(scores: NDArray[np.float32], own: int | None = None) -> NDArray[np.float64]:
    """Scores less their mean, by their standard deviation; the query's own image has no part in either. All 0
    where all are equal."""
    values = scores.astype(np.float64)
    others = values if own is None else np.delete(values, own)
    spread = others.std() if len(others) else 0.0
    return (values - others.mean()) / spread if spread > 1e-12 else np.zeros_like(values)


def reciprocal_ranks(scores: NDArray[np.float32], own: int | None = None) -> NDArray[np.float64]:
    """1 / (60 + rank), rank 1 being the best; equal scores share the mean of their ranks."""
    values = scores.copy()
    if own is not None:
        # it takes the first rank whatever its score, and moves nobody relative to another
        values[own] = np.inf
    _, inverse, counts = np.unique(-values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    ranks = (last - (counts - 1) / 2)[inverse]
    return 1 / (FUSION_CONSTANT + ranks)
