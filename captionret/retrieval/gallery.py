"""A gallery as retrieval sees it: plain lists, one row per image, in the order of the ids."""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ..errors import BadSetting
from ..text import word_set
from .index.sparse import WordMatrix
from .query import EncodedQuery

if TYPE_CHECKING:
    from .modes.registry import Prepared

LoadFeatures = Callable[[Sequence[str]], np.ndarray]
LoadCaptions = Callable[[Sequence[str]], Sequence[Sequence[str]]]
LoadWordProbabilities = Callable[[Sequence[str]], WordMatrix]


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
        load_word_probabilities: LoadWordProbabilities | None = None,
        load_vectors: Mapping[str, LoadFeatures] | None = None,
        hybrid: Mapping[str, float] | None = None,
    ) -> None:
        """All in the same order, which need not be any. Rows of equal hash become one image, shown under its
        smallest id.

        ids:           the paths where not given
        load_features: maps the hashes of N images to their features (N, D); called when features are first
                       asked for
        load_captions: maps them to all captions of each, the best first; without it each image has its one
        load_word_probabilities:  maps them to what is predicted of each
        load_vectors:  maps them to unit vectors (N, D) of an embedding space, for each mode that compares in
                       one
        hybrid:        the weight of each mode in a hybrid of this gallery; None: the usual ones
        """
        ids = paths if ids is None else ids
        hashes = [""] * len(paths) if hashes is None else hashes
        if not len(paths) == len(captions) == len(hashes) == len(ids):
            raise ValueError(
                f"{len(paths)} paths, {len(captions)} captions, {len(hashes)} hashes, {len(ids)} ids: one of "
                "each is needed."
            )
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
        self._load_features, self._load_captions, self._load_word_probabilities = (
            load_features,
            load_captions,
            load_word_probabilities,
        )
        self._load_vectors = load_vectors or {}
        self._vectors: dict[str, np.ndarray] = {}
        self.hybrid = hybrid
        self.prepared: dict[str, Prepared] = {}  # by a mode's name: what it made of this gallery, made once

    @cached_property
    def row_of_id(self) -> dict[str, int]:
        """The row of each id."""
        return {name: row for row, name in enumerate(self.ids)}

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
    def word_probabilities(self) -> WordMatrix:
        """What is predicted of each image; BadSetting for a gallery of which nobody predicts anything."""
        if self._load_word_probabilities is None:
            raise BadSetting(
                "Nobody has said what to believe of these pictures. Make a library's word probabilities "
                "(python scripts/predict_words.py --library NAME), or choose a mode that compares captions."
            )
        return self._load_word_probabilities(self.hashes)

    @property
    def parts(self) -> frozenset[str]:
        """What it holds beside captions: "word_probabilities", "features", and the modes for which it has
        vectors of an embedding space."""
        held = {
            "word_probabilities": self._load_word_probabilities,
            "features": self._load_features,
            **self._load_vectors,
        }
        return frozenset(part for part, load in held.items() if load is not None)

    @cached_property
    def features(self) -> np.ndarray:
        """The backbone's features, (N, D); BadSetting for a gallery that was made of captions alone."""
        if self._load_features is None:
            raise BadSetting(
                "This gallery holds captions but no features. Use a library, or a mode that compares "
                "captions."
            )
        return self._load_features(self.hashes)

    def vectors(self, mode: str) -> np.ndarray:
        """Its images in the space in which a mode compares, (N, D) unit rows; BadSetting where nobody put
        them there."""
        if mode not in self._load_vectors:
            raise BadSetting(
                f"This gallery has no vectors for mode {mode!r}. Use a library with an embedding space "
                "(--embedding DIR), or another mode."
            )
        if mode not in self._vectors:
            self._vectors[mode] = self._load_vectors[mode](self.hashes)
        return self._vectors[mode]

    def query(self, row: int, parts: frozenset[str] | None = None) -> EncodedQuery:
        """One of the images as a query; parts: those of `parts` to read, where the gallery has them; None:
        all."""
        read = self.parts if parts is None else self.parts & parts
        return EncodedQuery(
            caption=self.captions[row],
            sha256=self.hashes[row] or None,
            captions=self.all_captions[row],
            word_probabilities=self.word_probabilities.row(row) if "word_probabilities" in read else None,
            feature=self.features[row] if "features" in read else None,
            vectors={mode: self.vectors(mode)[row] for mode in sorted(read & self._load_vectors.keys())},
        )

    def __len__(self) -> int:
        return len(self.ids)
