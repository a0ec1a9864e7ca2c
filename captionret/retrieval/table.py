"""The pictures of a gallery, a row for each: what a hit shows, and by what it is found again."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..counting import counted
from .caption_words import CaptionCounts
from .index.stored import CaptionIndex
from .other_captions import OtherCaptions
from .row_sets import RowSets


class PictureTable(Protocol):
    """N pictures in the order of their ids. A sequence may read what it gives when it is asked for."""

    @property
    def ids(self) -> Sequence[str]:
        """Unique and ascending, so that a smaller row number is a smaller id."""

    @property
    def paths(self) -> Sequence[str]:
        """What a hit shows."""

    @property
    def captions(self) -> Sequence[str]:
        """Of each picture the best one."""

    @property
    def hashes(self) -> Sequence[str]:
        """SHA-256 of the content, "" where it is not known."""

    @property
    def copies(self) -> Sequence[tuple[str, ...]]:
        """The further paths that hold the very same content."""

    @property
    def row_of(self) -> Mapping[str, int]:
        """The row of each known hash."""
        ...

    @property
    def row_of_id(self) -> Mapping[str, int]:
        """The row of each id."""
        ...

    @property
    def known_words(self) -> Mapping[str, int] | None:
        """The words of all captions with how many pictures each is of, where they are kept."""
        ...

    @property
    def row_sets(self) -> RowSets | None:
        """What filters ask, where it is answered without reading all pictures."""
        ...

    @property
    def certain(self) -> NDArray[np.bool_] | None:
        """(N,) of which pictures the captions are certain: a person's, or a file's; None where of none."""
        ...

    @property
    def other_captions(self) -> OtherCaptions | None:
        """What captioners with other eyes say, see OtherCaptions; None where there are none."""
        ...

    @property
    def caption_counts(self) -> CaptionCounts | None:
        """All captions, counted by their words, where that takes no reading of all of them."""
        ...

    @property
    def caption_index(self) -> CaptionIndex | None:
        """Postings of the captions' words, where they are kept."""
        ...


class ListedPictures:
    """A table of lists."""

    caption_index: CaptionIndex | None = None
    certain: NDArray[np.bool_] | None = None
    other_captions: OtherCaptions | None = None
    caption_counts: CaptionCounts | None = None
    row_sets: RowSets | None = None
    known_words: Mapping[str, int] | None = None

    def __init__(
        self,
        paths: Sequence[str],
        captions: Sequence[str],
        hashes: Sequence[str] | None = None,
        ids: Sequence[str] | None = None,
    ) -> None:
        """All in the same order, which need not be any. Rows of equal hash become one picture, shown under
        its smallest id.

        ids:    the paths where not given
        errors: ValueError for lists of different lengths, or an id that stands twice
        """
        ids = paths if ids is None else ids
        hashes = [""] * len(paths) if hashes is None else hashes
        if not len(paths) == len(captions) == len(hashes) == len(ids):
            raise ValueError(
                f"{len(paths)} paths, {counted(len(captions), 'captions')}, {len(hashes)} hashes, "
                f"{counted(len(ids), 'ids')}: one of each is needed."
            )
        if len(set(ids)) != len(ids):
            raise ValueError("An id stands twice in the gallery; ids must be unique, for they break ties.")
        self.row_of: dict[str, int] = {}
        first: list[int] = []
        copies: list[list[str]] = []
        for place in sorted(range(len(ids)), key=ids.__getitem__):
            known = self.row_of.setdefault(hashes[place], len(first)) if hashes[place] else len(first)
            if known == len(first):
                first.append(place)
                copies.append([])
            else:
                copies[known].append(paths[place])
        self.ids = [ids[place] for place in first]
        self.paths = [paths[place] for place in first]
        self.captions = [captions[place] for place in first]
        self.hashes = [hashes[place] for place in first]
        self.copies = [tuple(names) for names in copies]

    @cached_property
    def row_of_id(self) -> dict[str, int]:
        """The row of each id."""
        return {name: row for row, name in enumerate(self.ids)}
