"""A gallery as retrieval sees it: plain lists, one row per image, in the order of the ids."""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ..errors import BadSetting
from ..text import word_set
from .beliefs import Beliefs
from .query import DescribedQuery

if TYPE_CHECKING:
    from .modes import Prepared

ALL_PARTS = frozenset({"beliefs", "features"})  # what a gallery may hold beside captions
LoadFeatures = Callable[[Sequence[str]], np.ndarray]
LoadCaptions = Callable[[Sequence[str]], Sequence[Sequence[str]]]
LoadBeliefs = Callable[[Sequence[str]], Beliefs]


class Gallery:
    """The images that can be found.

    ids:      unique and ascending, so that a smaller row number is a smaller id
    paths:    what a hit shows
    captions: of each image the best one
    hashes:   SHA-256 of the content, "" where it is not known
    copies:   the further paths that hold the very same content
    """

    def __init__(
        self,
        paths: Sequence[str],
        captions: Sequence[str],
        hashes: Sequence[str] | None = None,
        ids: Sequence[str] | None = None,
        load_features: LoadFeatures | None = None,
        load_captions: LoadCaptions | None = None,
        load_beliefs: LoadBeliefs | None = None,
        hybrid: Mapping[str, float] | None = None,
    ) -> None:
        """All in the same order, which need not be any. Rows of equal hash become one image, shown under its smallest id.

        ids:           the paths where not given
        load_features: maps the hashes of N images to their features (N, D); called when features are first asked for
        load_captions: maps them to all captions of each, the best first; without it each image has its one
        load_beliefs:  maps them to what is believed of each
        hybrid:        the weight of each mode in a hybrid of this gallery; None: the usual ones
        """
        ids = paths if ids is None else ids
        hashes = [""] * len(paths) if hashes is None else hashes
        if not len(paths) == len(captions) == len(hashes) == len(ids):
            raise ValueError(f"{len(paths)} paths, {len(captions)} captions, {len(hashes)} hashes, {len(ids)} ids: one of each is needed.")
        if len(set(ids)) != len(ids):
            raise ValueError("An id stands twice in the gallery; ids must be unique, for they break ties.")
        self.row_of: dict[str, int] = {}  # the row of each known hash
        first: list[int] = []
        copies: list[list[str]] = []
        for source in sorted(range(len(ids)), key=ids.__getitem__):
            known = self.row_of.setdefault(hashes[source], len(first)) if hashes[source] else len(first)
            if known == len(first):
                first.append(source)
                copies.append([])
            else:
                copies[known].append(paths[source])
        self.ids = [ids[source] for source in first]
        self.paths = [paths[source] for source in first]
        self.captions = [captions[source] for source in first]
        self.hashes = [hashes[source] for source in first]
        self.copies = [tuple(names) for names in copies]
        self._load_features, self._load_captions, self._load_beliefs = load_features, load_captions, load_beliefs
        self.hybrid = hybrid
        self.prepared: dict[str, Prepared] = {}  # by a mode's name: what it made of this gallery, made once

    @cached_property
    def words(self) -> list[frozenset[str]]:
        """Each caption's set of words. Captions repeat a lot, so each distinct one is read once."""
        sets = {caption: word_set(caption) for caption in set(self.captions)}
        return [sets[caption] for caption in self.captions]

    @cached_property
    def all_captions(self) -> list[tuple[str, ...]]:
        """Every caption of each image, the best first."""
        if self._load_captions is None:
            return [(caption,) for caption in self.captions]
        return [tuple(captions) for captions in self._load_captions(self.hashes)]

    @cached_property
    def beliefs(self) -> Beliefs:
        """What is believed of each image; BadSetting for a gallery of which nobody believes anything."""
        if self._load_beliefs is None:
            raise BadSetting(
                "Nobody has said what to believe of these pictures. Make a library's beliefs (python scripts/believe.py --library NAME), "
                "or choose a mode that compares captions."
            )
        return self._load_beliefs(self.hashes)

    @property
    def has_beliefs(self) -> bool:
        """Whether somebody said what to believe of its images."""
        return self._load_beliefs is not None

    @property
    def has_features(self) -> bool:
        """Whether it holds features."""
        return self._load_features is not None

    @cached_property
    def features(self) -> np.ndarray:
        """The backbone's features, (N, D); BadSetting for a gallery that was made of captions alone."""
        if self._load_features is None:
            raise BadSetting("This gallery holds captions but no features. Use a library, or a mode that compares captions.")
        return self._load_features(self.hashes)

    def query(self, row: int, parts: frozenset[str] = ALL_PARTS) -> DescribedQuery:
        """One of the images as a query; parts: of "beliefs" and "features" those to read, where the gallery has them."""
        return DescribedQuery(
            caption=self.captions[row],
            sha256=self.hashes[row] or None,
            captions=self.all_captions[row],
            belief=self.beliefs.row(row) if self.has_beliefs and "beliefs" in parts else None,
            feature=self.features[row] if self.has_features and "features" in parts else None,
        )

    def __len__(self) -> int:
        return len(self.ids)
