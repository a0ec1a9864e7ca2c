"""What the parts of retrieval ask of each other: a mode, a mode that has read a gallery, and where a
gallery's contents come from."""

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ..records import Explanation, PictureFacts
from .calibrated import Calibration
from .index.halves import VectorTable
from .index.sparse import WordMatrix
from .index.stored import CaptionIndex
from .index.stored_words import StoredWords
from .predicted import WordProbabilities
from .query import EncodedQuery
from .rough_sums import Roughly
from .row_sets import RowSets


class GallerySource(Protocol):
    """Where the contents of a gallery's images are read from, when a mode first asks for them.

    Every method takes content hashes (SHA-256 as text, one per image) and answers in their order. A source
    is one state: what a library commits later does not change its answers.
    """

    @property
    def parts(self) -> frozenset[str]:
        """Of "features" and "word_probabilities" what there is, and each mode of which it has vectors."""

    @property
    def calibration(self) -> Calibration | None:
        """How its word probabilities are calibrated; None where they are not."""
        ...

    def features(self, hashes: Sequence[str]) -> NDArray[np.floating]:
        """(N, D) the backbone's pooled features."""
        ...

    def captions(self, hashes: Sequence[str]) -> Sequence[Sequence[str]]:
        """All captions of each image, the best first."""
        ...

    def word_probabilities(self, hashes: Sequence[str]) -> WordMatrix:
        """N rows: for each image the probability that a caption holds a word."""
        ...

    def stored_words(self, hashes: Sequence[str]) -> StoredWords | None:
        """The same and the next in parts that are kept by word; None where they are not kept so."""
        ...

    def classes(self, hashes: Sequence[str]) -> WordMatrix | None:
        """N rows: for each image the probability of ImageNet's classes, by their names; None where they are
        not known."""
        ...

    def vectors(self, mode: str, hashes: Sequence[str]) -> NDArray[np.float32]:
        """(N, D) unit rows in the embedding space in which a mode compares."""
        ...

    def facts(self, hashes: Sequence[str]) -> Sequence[PictureFacts | None]:
        """Of each image when and with which camera it was taken; None where nothing is known."""
        ...


@runtime_checkable
class KeepsVectors(Protocol):
    """A source of a gallery that may keep vectors on disk."""

    def vector_table(self, mode: str) -> VectorTable | None:
        """The vectors of all images in the space in which a mode compares, in the order of the gallery, as
        they lie on disk; None where `vectors` gives them."""
        ...


class GalleryContents(Protocol):
    """What a mode may read of a gallery of N images; `Gallery` is one."""

    ids: Sequence[str]
    captions: Sequence[str]
    hashes: Sequence[str]
    row_of: Mapping[str, int]
    hybrid: Mapping[str, float] | None

    @property
    def parts(self) -> frozenset[str]:
        """What it holds beside captions, see GallerySource."""
        ...

    @property
    def caption_index(self) -> CaptionIndex | None:
        """Postings of the captions' words, where they are kept with the images."""
        ...

    @property
    def all_captions(self) -> list[tuple[str, ...]]:
        """Every caption of each image, the best first."""
        ...

    @property
    def row_sets(self) -> RowSets:
        """What filters ask: of which images something holds."""
        ...

    @property
    def word_probabilities(self) -> WordMatrix:
        """N rows; BadSetting where the gallery has none."""
        ...

    @property
    def stored_words(self) -> StoredWords | None:
        """The same where it is kept by word, see GallerySource. errors: as word_probabilities"""
        ...

    @property
    def predicted(self) -> WordProbabilities:
        """Word probabilities and classes, merged word by word; BadSetting where there are none."""
        ...

    @property
    def classes(self) -> WordMatrix | None:
        """N rows, see GallerySource; None where they are not known."""
        ...

    @property
    def features(self) -> NDArray[np.floating]:
        """(N, D); BadSetting where the gallery has none."""
        ...

    def vectors(self, mode: str) -> NDArray[np.float32]:
        """(N, D) unit rows; BadSetting where the gallery has none for this mode."""
        ...

    def vector_table(self, mode: str) -> VectorTable | None:
        """The same as it lies on disk, see KeepsVectors."""
        ...

    def __len__(self) -> int: ...


class PreparedMode(Protocol):
    """A mode that has read a gallery of N images.

    finds_best: whether `best` may find the best rows without a score for each
    """

    finds_best: bool = False

    def scores(self, query: EncodedQuery) -> NDArray[np.float32]:
        """(N,) float32, higher is better, never NaN; 0 or less: nothing in common. A new array each time:
        `search` writes into it."""
        ...

    def best(
        self, query: EncodedQuery, top: int, least: float, allowed: NDArray[np.bool_] | None
    ) -> list[tuple[int, float]] | None:
        """The best rows with their scores, which are those of `scores`: best first, ties by row. None: the
        mode can only score all.

        top:     at most so many; least: scores below it, and 0, are left out
        allowed: (N,) which rows come into question; None: all
        """
        return None

    def roughly(self, query: EncodedQuery) -> Roughly:
        """The scores as what can be had quickly of all pictures, and exactly of some. errors: as scores"""
        scores = self.scores(query)
        return Roughly(scores, 0.0, lambda rows: scores[rows])

    def why(self, query: EncodedQuery, row: int) -> tuple[str, ...]:
        """The words that this image and the query share, the most telling first."""
        ...

    def fits(self, query: EncodedQuery) -> NDArray[np.bool_] | None:
        """(N,) whether each image shows what is asked for at all: one that does not is no hit, however few
        others there are. None: the mode cannot tell."""
        return None

    def weak(self, query: EncodedQuery, rows: NDArray[np.integer]) -> NDArray[np.bool_] | None:
        """(M,) whether each of some images that fit is little more than a guess. None: the mode cannot
        tell."""
        return None

    def by_caption(self, query: EncodedQuery, row: int) -> tuple[str, ...]:
        """The words of a text that a caption of this image says, as it spells them, where nothing that is
        predicted is reason enough to find it. A mode that does not tell them apart has none."""
        return ()

    def explain(self, query: EncodedQuery, row: int) -> Explanation:
        """The score of this image taken apart."""
        ...

    def compared(self, query: EncodedQuery) -> tuple[str, ...]:
        """Of a mode that chooses by itself, by which modes it compares this query."""
        return ()


class Mode(Protocol):
    """One way to compare a query with a gallery. A class of modes may inherit the usual values from here.

    name:      its key in MODES and the value of `mode=`
    about:     one sentence for lists of modes
    accepts:   of "image" and "text" those that a query may hold
    symmetric: whether two images are as similar either way round
    bounded:   whether no score is above 1, which an image's own likeness has
    relative:  whether scores say no more than which image is better, so that one below 0 is a hit, too
    in_space:  whether it compares vectors of an embedding space, to which texts can be added and from which
               they can be taken away; its name is then the part of the gallery that holds these vectors
    composite: whether it is made of other modes
    adaptive:  whether it answers by what is there, where required parts are not
    uses_classes: whether class probabilities, and word probabilities below a hundredth, make it better
    understands: whether it takes a text's words for what they mean (EncodedQuery.understood), so that a
               text of which nothing can be made is answered by nothing
    """

    name: str
    about: str
    accepts: frozenset[str]
    symmetric: bool = True
    bounded: bool = True
    relative: bool = False
    in_space: bool = False
    composite: bool = False
    adaptive: bool = False
    uses_classes: bool = False
    understands: bool = False

    def required_parts(self, gallery: GalleryContents) -> frozenset[str]:
        """Which of its `parts` the gallery must hold beside captions."""
        ...

    def prepare(self, gallery: GalleryContents) -> PreparedMode:
        """Read the gallery once, so that many queries can be answered. BadSetting where it does not hold
        what the mode compares."""
        ...
