"""What is predicted of pictures, on disk, in one file of sparse rows, named by content hashes: what releases
up to 0.5.0 kept of a library, and what is kept of a split. Libraries keep it by word now, see word_files.

It follows from the pictures and can always be made again; so it is written as a whole, and read only if it is
whole.
"""

import json
import os
import struct
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from ...counting import counted
from ...errors import BadLibrary, BadSetting
from ...files import publishing
from ...image_classes import image_classes
from ...remedies import remedy
from ...retrieval import WordMatrix
from .. import checksums

FILE = "word-probabilities.npz"
RELEASE_0_5_0 = "beliefs.npz"  # what that release called it; it has no checksums
LEAST_0_5_0 = 0.01  # what it kept
OF_CLASSES = "class_"  # how the names of the arrays begin that hold class probabilities
# The least probability of a word that is kept; some 670 words of a picture remain. On Flickr8k val, mode
# `words` finds a caption's picture among its first ten in 67.2 %; where words are kept from .001 on (380 of a
# picture), in 66.6 %.
LEAST = 0.0003
_UNREADABLE = (
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    IndexError,
    OSError,
    EOFError,
    MemoryError,
    OverflowError,
    RecursionError,
    NotImplementedError,
    struct.error,
    zlib.error,
    zipfile.BadZipFile,
    BadSetting,
)


class StoredWordProbabilities:
    """The rows of one file.

    made_by:  who predicted
    row_of:   where each content's row is
    classes:  rows of the probabilities of ImageNet's classes, by their names; None where they are not known
    least:    the least probability of a word that was kept
    """

    def __init__(
        self,
        made_by: dict[str, Any],
        hashes: list[str],
        word_probabilities: WordMatrix,
        classes: WordMatrix | None = None,
        least: float = LEAST,
    ) -> None:
        self.made_by, self.hashes, self.word_probabilities = made_by, hashes, word_probabilities
        self.classes, self.least = classes, least
        self.row_of = {sha256: row for row, sha256 in enumerate(hashes)}

    @classmethod
    def read(cls, folder: Path, name: str = FILE) -> "StoredWordProbabilities | None":
        """None where there is no file; BadLibrary where it is damaged."""
        file = place_of(folder) if name == FILE else folder / name
        if file is None or not file.is_file():
            return None
        try:
            with open(file, "rb") as opened:
                return cls.from_file(opened, file)
        except OSError as error:
            raise _damaged(file, error) from None

    @classmethod
    def from_file(cls, opened: IO[bytes], file: Path) -> "StoredWordProbabilities":
        """Read an open file, which `file` names in errors: BadLibrary where it is damaged."""
        try:
            return cls._read(opened)
        except _UNREADABLE as error:
            raise _damaged(file, error) from None

    @classmethod
    def _read(cls, opened: IO[bytes]) -> "StoredWordProbabilities":
        with np.load(opened, allow_pickle=False) as parts:
            record = json.loads(bytes(parts["record"]))
            matrix = _matrix_of(parts, record["words"])
            classes = _matrix_of(parts, record["classes"], OF_CLASSES) if record.get("classes") else None
        hashes, made_by = record["hashes"], record["made_by"]
        _check_record(hashes, made_by)
        tables = [matrix] if classes is None else [matrix, classes]
        for table in tables:
            if len(hashes) != len(table):
                raise ValueError(
                    f"it names {counted(len(hashes), 'pictures')} and holds {counted(len(table), 'rows')}"
                )
        if "sums" in record and record["sums"] != _sums(hashes, tables):  # release 0.5.0 wrote none
            raise ValueError("its rows are not those that were written")
        return cls(made_by, hashes, matrix, classes, float(record.get("least", LEAST_0_5_0)))

    def write(self, folder: Path, name: str = FILE) -> None:
        """Publish the file."""
        tables = {"": self.word_probabilities} | ({} if self.classes is None else {OF_CLASSES: self.classes})
        record = {
            "made_by": self.made_by,
            "hashes": self.hashes,
            "words": self.word_probabilities.words,
            "classes": None if self.classes is None else self.classes.words,
            "least": self.least,
            "sums": _sums(self.hashes, list(tables.values())),
        }
        arrays = {
            f"{prefix}{part}": getattr(table, part)
            for prefix, table in tables.items()
            for part in ("starts", "ids", "weights")
        }
        with publishing(folder / name) as file:
            np.savez(file, record=np.frombuffer(json.dumps(record).encode(), np.uint8), **arrays)

    def take_classes(self, hashes: Sequence[str]) -> WordMatrix | None:
        """The class probabilities of these contents, None where they are not known. errors: as take"""
        return None if self.classes is None else self.classes.take([self.row_of[one] for one in hashes])

    def take(self, hashes: Sequence[str]) -> WordMatrix:
        """The rows of these contents. errors: KeyError for one that has none"""
        return self.word_probabilities.take([self.row_of[sha256] for sha256 in hashes])


def kept_words(words: Sequence[str], predicted: NDArray[np.floating]) -> WordMatrix:
    """What is kept of predictions (N, V) for V words. What is below a hundredth stays below it as float16, so
    that modes which leave such words out leave out the same ones."""
    border = np.float16(LEAST_0_5_0)  # a little more than a hundredth
    near = np.nonzero((predicted < LEAST_0_5_0) & (predicted > 0.99 * LEAST_0_5_0))
    up = predicted[near].astype(np.float16) >= border
    if up.any():
        predicted = predicted.copy()
        predicted[near[0][up], near[1][up]] = np.nextafter(border, np.float16(0))
    return WordMatrix.of_matrix(words, predicted, LEAST)


def kept_classes(predicted: NDArray[np.floating]) -> WordMatrix:
    """What is kept of the probabilities (N, 1000) of ImageNet's classes."""
    return WordMatrix.of_matrix([one.name for one in image_classes()], predicted, LEAST)


def place_of(folder: Path) -> Path | None:
    """Where a library's word probabilities lie, None where it has none."""
    return next((folder / name for name in (FILE, RELEASE_0_5_0) if (folder / name).is_file()), None)


def remove_old(folder: Path) -> None:
    """Delete what newer files have taken the place of."""
    for name in (FILE, RELEASE_0_5_0, "beliefs-unfinished.npz"):
        (folder / name).unlink(missing_ok=True)


def joined(parts: Sequence[WordMatrix]) -> WordMatrix:
    """The rows of all, one after the other; all over the same words."""
    lengths = np.concatenate([np.diff(part.starts) for part in parts])
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return WordMatrix(
        parts[0].words,
        starts,
        np.concatenate([part.ids for part in parts]),
        np.concatenate([part.weights for part in parts]),
    )


def _matrix_of(parts: Mapping[str, NDArray[Any]], words: object, prefix: str = "") -> WordMatrix:
    _check_texts(words)
    assert isinstance(words, list)
    return WordMatrix(
        tuple(words), parts[f"{prefix}starts"], parts[f"{prefix}ids"], parts[f"{prefix}weights"]
    )


def _sums(hashes: Sequence[str], tables: Sequence[WordMatrix]) -> list[int]:
    found = []
    for table in tables:
        rows = checksums.of_word_rows(hashes, table.starts, table.ids, table.weights)
        found += [checksums.of_words(table.words), *rows]
    return found


def _check_texts(what: object) -> None:
    if not isinstance(what, list) or not all(isinstance(one, str) for one in what):
        raise ValueError("its words or hashes are not lists of texts")


def _check_record(hashes: object, made_by: object) -> None:
    _check_texts(hashes)
    if isinstance(hashes, list) and len(set(hashes)) != len(hashes):
        raise ValueError("it holds a picture twice")
    if not isinstance(made_by, dict) or not isinstance(made_by.get("fingerprint"), str):
        raise ValueError("it does not say who predicted")


def _damaged(file: Path, error: Exception) -> BadLibrary:
    reason = error.message if isinstance(error, BadSetting) else f"{error}" or type(error).__name__
    return BadLibrary(f"{os.fspath(file)} is damaged ({reason}).", remedy("predict again"))
