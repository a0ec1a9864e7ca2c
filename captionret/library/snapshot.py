"""What a library holds at one moment. Nothing that another thread or process commits later changes it."""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from threading import RLock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..counting import counted
from ..records import PictureFacts
from ..retrieval import Gallery, WordMatrix
from ..retrieval.calibrated import Calibration
from ..retrieval.caption_words import words_of_captions
from ..retrieval.index.halves import EXACT_UP_TO, VectorTable
from ..retrieval.index.stored_words import StoredWords
from .captions.captioners import CURRENT, KnownCaptioner, Shown, read_present, read_shown
from .captions.made_by import MadeBy, found_again
from .catalogue.rows import CATALOGUE, REVISION, TEXT, WHOLE, Damaged, Rows, damaged, size
from .index.merged import MergedSegments
from .protocols import PictureSpace, Space
from .vectors.encoded import EncodedPictures, files_of
from .vectors.features import FeatureFile, file_of
from .vectors.space_vectors import vectors_in
from .vectors.with_words import FeaturesWithWords, read_by
from .words.calibrating import calibration_for
from .words.held import HeldWords, UnkeptWords
from .words.word_files import PredictedWords
from .words.word_places import WordsOfPictures
from .words.word_probabilities import LEAST

log = logging.getLogger(__name__)

_FEATURES = f"""
SELECT id, fingerprint, rows, dim FROM captioners WHERE id = {CURRENT} AND rows > 0 AND dim <> 0
"""  # noqa: S608


@dataclass(frozen=True, slots=True)
class Contents:
    """What the catalogue says at one moment, beside its pictures.

    revision: grows with every transaction
    root:     the folder of the pictures; captioner: the present one, whose features are kept
    shown:    whose captions are shown
    features: the file of the pictures' features; None before anything is captioned, and where the captioner
              gives none
    hybrid:   the weight of each mode in this library's hybrid
    """

    revision: int
    root: Path
    captioner: KnownCaptioner | None
    shown: Shown
    features: FeatureFile | None
    hybrid: Mapping[str, float] | None


def read_contents(rows: Rows, folder: Path, by: str | None = None) -> Contents:
    """Read them. by: whose captions are shown, see read_shown. errors: Damaged, BadSetting"""
    present = read_present(rows)
    every = read_shown(rows)
    return Contents(
        revision=rows.whole(REVISION),
        root=read_root(rows, folder),
        captioner=next((one for one in every.captioners if one.id == present), None),
        shown=every if by is None else read_shown(rows, by),
        features=_feature_file(rows, folder),
        hybrid=_weights(rows.meta("hybrid")),
    )


def read_root(rows: Rows, folder: Path) -> Path:
    """The folder of the pictures: first seen from the library, for both may have been moved together. errors:
    Damaged"""
    root = rows.meta("root")
    if not root or "\0" in root:
        raise Damaged("it does not name the folder of its pictures")
    return found_again(root, rows.meta("root_from_library"), folder)


def _feature_file(rows: Rows, folder: Path) -> FeatureFile | None:
    for number, fingerprint, count, dim in rows.table(_FEATURES, (WHOLE, TEXT, WHOLE, WHOLE)):
        sums = rows.table("SELECT block, crc FROM feature_blocks WHERE captioner = ?", (WHOLE, WHOLE), number)
        file = file_of(folder, number, fingerprint)
        return FeatureFile(file, size(count, "a number of rows"), size(dim, "a dimension"), dict(sums))
    return None


def _weights(text: str | None) -> dict[str, float] | None:
    if text is None:
        return None
    try:
        return {str(mode): float(weight) for mode, weight in json.loads(text).items()}
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise Damaged(f"the weights of its hybrid cannot be read: {error}") from None


class LibrarySnapshot:
    """A library at one moment, as retrieval's GallerySource. It may be kept and used from any thread.

    contents: what the catalogue says
    spaces:   by the mode that compares in each
    parts:    what it can give beside captions: "features", "word_probabilities", and the modes that have a
              space
    by_captions: whether word probabilities are those of its captions alone, for it holds no features
    """

    def __init__(
        self,
        folder: Path,
        contents: Contents,
        pictures: MergedSegments,
        words: HeldWords | UnkeptWords,
        spaces: Mapping[str, Space],
        checked: set[tuple[str, int, int]],
    ) -> None:
        """pictures: all that can be found

        checked: the blocks of features that were found whole before; shared with other snapshots
        """
        self.folder, self.contents, self.spaces = folder, contents, dict(spaces)
        self.pictures = pictures
        self._words, self._checked = words, checked
        self._lock = RLock()
        self._gallery: Gallery | None = None
        # captions alone, of another program or a file: their words stand in for predicted ones
        self.by_captions = contents.features is None and not words.there and len(pictures) > 0
        predicted = {"word_probabilities"} if words.there or self.by_captions else set()
        self.parts = frozenset({"features", *predicted, *self.spaces})

    @property
    def state(self) -> tuple[int, tuple[int, ...]]:
        """Equal for two snapshots between which nothing was committed."""
        return self.contents.revision, self._words.stamp

    @property
    def root(self) -> Path:
        """The folder whose pictures it holds; every path of the gallery is relative to it."""
        return self.contents.root

    @cached_property
    def made_by(self) -> MadeBy | None:
        """The present captioner, whose features it holds; None before the first update."""
        return self._made_by(self.contents.captioner)

    @cached_property
    def captioned_by(self) -> MadeBy | None:
        """The best ranked captioner of those whose captions are shown; None before the first update."""
        return self._made_by(self.contents.shown.best)

    def _made_by(self, captioner: KnownCaptioner | None) -> MadeBy | None:
        try:
            return None if captioner is None else captioner.made_by(self.folder)
        except Damaged as error:
            raise damaged(error, self.folder / CATALOGUE) from error

    @property
    def predicted_by(self) -> dict[str, Any] | None:
        """What predicted the word probabilities; None where nothing did. errors: BadLibrary"""
        stored = self._words.read()
        return None if stored is None else stored.made_by

    @cached_property
    def without_word_probabilities(self) -> tuple[str, ...]:
        """The contents of which nothing is predicted yet, in the order of the gallery."""
        return tuple(self.pictures.hashes[row] for row in self._of_pictures.unknown.tolist())

    @property
    def predicted_by_older_release(self) -> bool:
        """Whether its word probabilities are without those below a hundredth, and without classes."""
        stored = self._words.read()
        return stored is not None and stored.least > LEAST

    def gallery(self) -> Gallery:
        """Its images as retrieval takes them, the same object each time; ids are relative paths."""
        with self._lock:
            if self._gallery is None:
                self._gallery = Gallery.of_table(self.pictures, self, self.contents.hybrid, self.by_captions)
            return self._gallery

    def features(self, hashes: Sequence[str]) -> NDArray[np.floating]:
        """(N, D) float16; BadLibrary where the file is cut short or altered."""
        if self.contents.features is None:
            return np.empty((len(hashes), 0), np.float16)
        return self.contents.features.take(self._feature_rows_of(hashes), self._checked)

    def captions(self, hashes: Sequence[str]) -> list[tuple[str, ...]]:
        """All captions of each image, the best first; where a person wrote one, that alone."""
        places = map(self.pictures.place, self._rows(hashes))
        return [segment.all_captions(row) for segment, row in places]

    def stored_words(self, hashes: Sequence[str]) -> StoredWords | None:
        """What is predicted of all its images, by word; None for some of them. errors: as WordsOfPictures"""
        every = hashes is self.pictures.hashes and not self.by_captions
        return self._of_pictures.predicted if every else None

    def let_go(self) -> None:
        """Let the system count what was read of the files of word probabilities as nobody's memory."""
        if self._words.there:
            for one in self._of_pictures.predicted.parts:
                one.part.arrays.let_go()

    def word_probabilities(self, hashes: Sequence[str]) -> WordMatrix:
        """The same picture by picture, which reads all of it."""
        if self.by_captions:
            return WordMatrix.of_rows([words_of_captions(captions) for captions in self.captions(hashes)])
        return self._some(self._of_pictures.predicted.matrix(), hashes)

    def classes(self, hashes: Sequence[str]) -> WordMatrix | None:
        """The probabilities of ImageNet's classes, by name; None where they are not known."""
        if not self._words.there or self._of_pictures.predicted.classes is None:
            return None
        return self._some(self._of_pictures.predicted.matrix(classes=True), hashes)

    def _some(self, matrix: WordMatrix, hashes: Sequence[str]) -> WordMatrix:
        return matrix if hashes is self.pictures.hashes else matrix.take(self._rows(hashes))

    @cached_property
    def _of_pictures(self) -> WordsOfPictures:
        return WordsOfPictures(self.folder, self._words, self.pictures)

    @cached_property
    def calibration(self) -> Calibration | None:
        """How its word probabilities are calibrated; None where they are not. errors: BadLibrary"""
        return calibration_for(self.folder, self.predicted_by)

    def vectors(self, mode: str, hashes: Sequence[str]) -> NDArray[np.float32]:
        """(N, D) unit rows in the space of that mode; an encoder reads pictures that it has not read yet."""
        if not hashes:
            return np.empty((0, 0), np.float32)
        space, features = self.spaces[mode], self._read_by(mode)
        if isinstance(space, PictureSpace):
            return EncodedPictures(self.folder, space).take(hashes, files_of(self.root, self.pictures))
        if features is None:
            return space.encode_features(self.features(hashes))
        return vectors_in(space, features, self._feature_rows_of(hashes), self._checked)

    def vector_table(self, mode: str) -> VectorTable | None:
        """Where there are very many images, their vectors in the space of that mode as they lie on disk, in
        the order of the gallery; None: `vectors` gives them."""
        space, features = self.spaces[mode], self._read_by(mode)
        if len(self.pictures) <= EXACT_UP_TO or features is None or isinstance(space, PictureSpace):
            return None
        from .vectors.vector_tables import vector_table  # few searches ask for it

        return vector_table(space, features, self._feature_rows, self._checked)

    def _read_by(self, mode: str) -> FeatureFile | FeaturesWithWords | None:
        """What vectors of a mode's space are made of. errors: BadLibrary where a file of words is damaged"""
        return read_by(
            self.spaces[mode], self.contents.features, self._of_pictures, lambda: self._feature_rows
        )

    def facts(self, hashes: Sequence[str]) -> list[PictureFacts | None]:
        """Of each image when and with which camera it was taken; None where its file does not say."""
        if hashes is self.pictures.hashes:
            return self.pictures.facts()
        return [segment.facts.at(row) for segment, row in map(self.pictures.place, self._rows(hashes))]

    def with_spaces(self, spaces: Mapping[str, Space]) -> "LibrarySnapshot":
        """The same moment, compared in these spaces."""
        return LibrarySnapshot(self.folder, self.contents, self.pictures, self._words, spaces, self._checked)

    def with_words(self, predicted: PredictedWords) -> "LibrarySnapshot":
        """The same moment with what was predicted for it, whatever the library's files hold."""
        words = UnkeptWords(predicted, self._words.stamp)
        return LibrarySnapshot(self.folder, self.contents, self.pictures, words, self.spaces, self._checked)

    def is_own(self, row: int) -> bool:
        """Whether a person captioned a picture."""
        segment, place = self.pictures.place(row)
        return segment.is_own(place)

    def own(self) -> NDArray[np.bool_]:
        """(N,) which pictures a person captioned."""
        return self.pictures.mask(lambda segment: segment.own)

    @cached_property
    def _feature_rows(self) -> NDArray[np.int64]:
        return self.pictures.gathered(lambda segment: segment.feature_rows)

    def _feature_rows_of(self, hashes: Sequence[str]) -> NDArray[np.int64]:
        every = hashes is self.pictures.hashes
        return self._feature_rows if every else self._feature_rows[self._rows(hashes)]

    def _rows(self, hashes: Sequence[str]) -> Sequence[int]:
        every = hashes is self.pictures.hashes
        return range(len(self.pictures)) if every else [self.pictures.row_of[sha256] for sha256 in hashes]

    def __len__(self) -> int:
        return len(self.gallery())

    def __repr__(self) -> str:
        return f"<LibrarySnapshot of {self.folder}: {counted(len(self), 'pictures')}>"
