"""A gallery as retrieval sees it: plain lists, one row per image, in the order of the ids."""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cached_property
from threading import RLock
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ..counting import counted
from ..errors import BadSetting
from ..records import PictureFacts
from ..remedies import remedy
from ..text import normal, word_set, words
from .calibrated import Calibration
from .caption_words import CaptionWords, words_of_captions
from .certain import CertainColumns
from .index.columns import Columns, ProbabilityColumns
from .index.halves import VectorTable
from .index.sparse import WordMatrix
from .index.stored import CaptionIndex
from .index.stored_words import StoredWords
from .index.word_postings import LIKELY
from .known_words import KnownWords
from .other_captions import WithOtherCaptions, raised
from .predicted import WordProbabilities
from .protocols import GallerySource, KeepsVectors, Mode, PreparedMode
from .query import EncodedQuery
from .row_sets import ReadRowSets, RowSets
from .table import ListedPictures, PictureTable


class Gallery:
    """The images that can be found. It may be searched from several threads.

    row_of:   the row of each known hash
    ids:      unique and ascending, so that a smaller row number is a smaller id
    paths:    what a hit shows
    captions: of each image the best one
    hashes:   SHA-256 of the content, "" where it is not known
    copies:   the further paths that hold the very same content
    hybrid:   the weight of each mode in a hybrid of this gallery; None: the usual ones

    Gallery(["1.jpg", "2.jpg"], ["a dog on a beach", "a red car"])
    """

    def __init__(
        self,
        paths: Sequence[str],
        captions: Sequence[str],
        hashes: Sequence[str] | None = None,
        ids: Sequence[str] | None = None,
        source: GallerySource | None = None,
        hybrid: Mapping[str, float] | None = None,
    ) -> None:
        """All in the same order, which need not be any. Rows of equal hash become one image, shown under its
        smallest id.

        ids:    the paths where not given
        source: where features, word probabilities and the like are read from, by hash; None: there are only
                captions
        errors: ValueError for lists of different lengths, or an id that stands twice
        """
        self._take(ListedPictures(paths, captions, hashes, ids), source, hybrid)

    @classmethod
    def of_table(
        cls,
        table: PictureTable,
        source: GallerySource | None = None,
        hybrid: Mapping[str, float] | None = None,
        by_captions: bool = False,
    ) -> Self:
        """A gallery of pictures that are in order already; nothing of them is read yet.

        by_captions: whether nothing is predicted from the pictures: their words are those of their captions
        """
        gallery = cls.__new__(cls)
        gallery._take(table, source, hybrid)
        gallery._by_captions = by_captions
        return gallery

    def _take(
        self, table: PictureTable, source: GallerySource | None, hybrid: Mapping[str, float] | None
    ) -> None:
        self._table = table
        self.ids, self.paths, self.captions = table.ids, table.paths, table.captions
        self.hashes, self.copies, self.row_of = table.hashes, table.copies, table.row_of
        self.hybrid = hybrid
        self._source = source
        self._by_captions = False
        self._vectors: dict[str, NDArray[np.float32]] = {}
        self._prepared: dict[str, PreparedMode] = {}
        self._lock = RLock()  # of what is read or made once

    @property
    def parts(self) -> frozenset[str]:
        """What it holds beside captions: "word_probabilities", "features", and the modes for which it has
        vectors of an embedding space."""
        return frozenset() if self._source is None else self._source.parts

    @property
    def row_of_id(self) -> Mapping[str, int]:
        """The row of each id."""
        return self._table.row_of_id

    @property
    def caption_index(self) -> CaptionIndex | None:
        """Postings of the captions' words, where they are kept with the pictures."""
        return self._table.caption_index

    @cached_property
    def words(self) -> list[frozenset[str]]:
        """Each caption's set of words. Captions repeat a lot, so each distinct one is read once."""
        sets = {caption: word_set(caption) for caption in set(self.captions)}
        return [sets[caption] for caption in self.captions]

    @cached_property
    def all_captions(self) -> list[tuple[str, ...]]:
        """Every caption of each image, the best first."""
        if self._source is None:
            return [(caption,) for caption in self.captions]
        found = zip(self._source.captions(self.hashes), self.captions, strict=True)
        return [tuple(captions) or (first,) for captions, first in found]

    @cached_property
    def caption_tokens(self) -> list[tuple[str, ...]]:
        """Of each image all captions, as their words with a blank before and after each."""
        texts = {caption for captions in self.all_captions for caption in captions}
        tokens = {caption: f" {' '.join(words(caption))} " for caption in texts}
        return [tuple(tokens[caption] for caption in captions) for captions in self.all_captions]

    @cached_property
    def caption_words(self) -> list[frozenset[str]]:
        """The words of all captions of each image."""
        return [frozenset(" ".join(tokens).split()) for tokens in self.caption_tokens]

    @cached_property
    def facts(self) -> list[PictureFacts | None]:
        """When and with which camera each image was taken; None where nothing is known."""
        return [None] * len(self) if self._source is None else list(self._source.facts(self.hashes))

    @cached_property
    def word_probabilities(self) -> WordMatrix:
        """What is predicted of each image, N rows; BadSetting for a gallery without word probabilities."""
        return self._predicting.word_probabilities(self.hashes)

    @cached_property
    def stored_words(self) -> StoredWords | None:
        """The same where it is kept by word, so that a query reads its own words alone. errors: as
        word_probabilities"""
        return self._predicting.stored_words(self.hashes)

    def likely_words(self) -> WordMatrix:
        """What is predicted of each image with a probability of at least LIKELY. errors: as
        word_probabilities"""
        kept = self.stored_words
        return self.word_probabilities.at_least(LIKELY) if kept is None else kept.matrix(least=LIKELY)

    def words_of(self, row: int) -> dict[str, float]:
        """What is predicted of one image, by word. errors: as word_probabilities"""
        if self._by_captions:
            (captions,) = self._predicting.captions([self.hashes[row]])
            return words_of_captions(captions)
        kept = self.stored_words
        return self.word_probabilities.row(row) if kept is None else kept.row(row)

    def classes_of(self, row: int) -> dict[str, float]:
        """The probabilities of ImageNet's classes of one image; empty where they are not known."""
        kept = self.stored_words
        if kept is not None:
            return {} if kept.classes is None else kept.row(row, classes=True)
        return {} if self.classes is None else self.classes.row(row)

    @property
    def _predicting(self) -> GallerySource:
        if self._source is None or "word_probabilities" not in self.parts:
            raise BadSetting("There are no word probabilities of these pictures.", remedy("word mode"))
        return self._source

    @cached_property
    def classes(self) -> WordMatrix | None:
        """The probabilities of ImageNet's classes, N rows; None where they are not known."""
        return None if self._source is None else self._source.classes(self.hashes)

    @cached_property
    def features(self) -> NDArray[np.floating]:
        """The backbone's features, (N, D); BadSetting for a gallery that was made of captions alone."""
        if self._source is None or "features" not in self.parts:
            raise BadSetting(
                "This gallery holds captions but no features. Use a library, or a mode that compares "
                "captions."
            )
        return self._source.features(self.hashes)

    @cached_property
    def known_words(self) -> Mapping[str, int]:
        """The words that are known of its images, each with how many images show it: with a probability of
        at least AT_LEAST, or where nothing is predicted of the word by a caption."""
        unpredicted = self._by_captions or "word_probabilities" not in self.parts
        predicted = None if unpredicted else self.predicted
        kept = self._table.known_words
        if kept is not None:
            return KnownWords(predicted, lambda: kept)
        return KnownWords(predicted, self._count_caption_words, self._caption_text)

    def _count_caption_words(self) -> Mapping[str, int]:
        return Counter(word for held in self.caption_words for word in held)

    def _caption_text(self) -> str:
        return normal("\n".join({caption for captions in self.all_captions for caption in captions}))

    @cached_property
    def row_sets(self) -> RowSets:
        """What filters ask: of which images something holds."""
        return self._table.row_sets or ReadRowSets(self)

    @cached_property
    def predicted(self) -> WordProbabilities:
        """Word probabilities and classes, merged word by word and calibrated; BadSetting for a gallery
        without any."""
        counts = self._table.caption_counts if self._by_captions else None
        if counts is not None:
            return CaptionWords(counts, self._table.certain, self.row_sets.holding)
        kept = self.stored_words
        if kept is not None:
            return WordProbabilities(self._with_certain(kept.head), kept.classes, self.calibration)
        classes = self.classes
        named = None if classes is None else Columns(classes)
        head = self._with_certain(Columns(self.word_probabilities))
        return WordProbabilities(head, named, self.calibration)

    def _with_certain(self, head: ProbabilityColumns) -> ProbabilityColumns:
        """Predicted words with what other captioners say, those of certain captions with probability 1."""
        certain, others = self._table.certain, self._table.other_captions
        head = head if others is None else WithOtherCaptions(head, others)
        return head if certain is None else CertainColumns(head, certain, self.row_sets.holding)

    @cached_property
    def calibration(self) -> Calibration | None:
        """How its word probabilities are calibrated; None where they are not."""
        return None if self._source is None else self._source.calibration

    def vectors(self, mode: str) -> NDArray[np.float32]:
        """Its images in the space in which a mode compares, (N, D) unit rows; BadSetting where there are
        none."""
        if self._source is None or mode not in self.parts:
            raise BadSetting(f"This gallery has no vectors for mode {mode!r}.", remedy("space", mode=mode))
        with self._lock:
            if mode not in self._vectors:
                self._vectors[mode] = self._source.vectors(mode, self.hashes)
            return self._vectors[mode]

    def vector_table(self, mode: str) -> VectorTable | None:
        """Where there are very many images, their vectors for a mode as they lie on disk; None: `vectors`
        gives them."""
        return self._source.vector_table(mode) if isinstance(self._source, KeepsVectors) else None

    def prepared(self, mode: Mode) -> PreparedMode:
        """What the mode made of this gallery, made when first asked for. BadSetting where the gallery does
        not hold what the mode compares."""
        with self._lock:
            if mode.name not in self._prepared:
                self._prepared[mode.name] = mode.prepare(self)
            return self._prepared[mode.name]

    def query(self, row: int, parts: frozenset[str] | None = None) -> EncodedQuery:
        """One of the images as a query; parts: those of `parts` to read, where the gallery has them; None:
        all."""
        read = self.parts if parts is None else self.parts & parts
        spaces = sorted(read - {"word_probabilities", "features"})
        return EncodedQuery(
            caption=self.captions[row],
            sha256=self.hashes[row] or None,
            captions=self.all_captions[row],
            word_probabilities=self._asking_words(row) if "word_probabilities" in read else None,
            feature=self.features[row] if "features" in read else None,
            vectors={mode: self.vectors(mode)[row] for mode in spaces},
        )

    def _asking_words(self, row: int) -> dict[str, float]:
        """What is predicted of an image that asks, raised by what a captioner with other eyes says of it."""
        predicted, others = self.words_of(row), self._table.other_captions
        if self._by_captions or others is None or not others.others[row]:
            return predicted
        kept = self.stored_words
        known = frozenset(self.word_probabilities.words) if kept is None else kept.head.words
        return raised(predicted, self.all_captions[row], known)

    def __len__(self) -> int:
        return len(self.ids)

    def __repr__(self) -> str:
        held = ", ".join(["captions", *sorted(self.parts)])
        return f"<Gallery of {counted(len(self), 'pictures')} with {held}>"
