"""What is predicted of a library's pictures, on disk: one file of sparse rows beside the catalogue, named by
content hashes.

It follows from the pictures and can always be made again; so it is written as a whole, and read only if it is
whole.
"""

import json
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from ..errors import BadLibrary, BadSetting
from ..files import publishing
from ..retrieval import WordMatrix

FILE = "beliefs.npz"
UNFINISHED = "beliefs-unfinished.npz"  # of a run that goes on; what is complete stays readable beside it
# of a word's probability that is kept; some forty words a picture remain, and hardly a ranking changes
LEAST = 0.01
_REMEDY = "Make the word probabilities again: python scripts/predict_words.py --library NAME."


class WordPredicting(Protocol):
    """Whoever says what to believe of pictures."""

    words: tuple[str, ...]

    @property
    def fingerprint(self) -> str:
        """A hash over everything that changes word probabilities."""
        ...

    def describe(self) -> dict[str, Any]:
        """Facts for the file, as JSON can hold them; "fingerprint" and "name" among them."""
        ...

    def check(self, backbone: dict[str, Any] | None) -> None:
        """BadSetting where features of this backbone are not what it reads."""
        ...

    def predict_words(self, paths: Sequence[Path], hashes: Sequence[str], pooled: np.ndarray) -> np.ndarray:
        """(N, V) float32: for each picture the probability of each of `words`."""
        ...


class StoredWordProbabilities:
    """The rows of one file: `made_by` says who predicted, `row_of` where each content's row is."""

    def __init__(self, made_by: dict[str, Any], hashes: list[str], word_probabilities: WordMatrix) -> None:
        self.made_by, self.hashes, self.word_probabilities = made_by, hashes, word_probabilities
        self.row_of = {sha256: row for row, sha256 in enumerate(hashes)}

    @classmethod
    def read(cls, folder: Path, name: str = FILE) -> "StoredWordProbabilities | None":
        """None where there is no file; BadLibrary where it is damaged."""
        file = folder / name
        if not file.is_file():
            return None
        try:
            with np.load(file, allow_pickle=False) as parts:
                record = json.loads(bytes(parts["record"]))
                words, hashes, made_by = tuple(record["words"]), record["hashes"], record["made_by"]
                word_probabilities = WordMatrix(words, parts["starts"], parts["ids"], parts["weights"])
        except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile, BadSetting) as error:
            raise BadLibrary(f"{file} is damaged ({error}). {_REMEDY}") from None
        if len(hashes) != len(word_probabilities):
            raise BadLibrary(
                f"{file} names {len(hashes)} pictures and holds {len(word_probabilities)} word "
                f"probabilities. {_REMEDY}"
            )
        return cls(made_by, hashes, word_probabilities)

    def write(self, folder: Path, name: str = FILE) -> None:
        """Publish the file."""
        record = {"made_by": self.made_by, "hashes": self.hashes, "words": self.word_probabilities.words}
        with publishing(folder / name) as file:
            np.savez(
                file,
                record=np.frombuffer(json.dumps(record).encode(), np.uint8),
                starts=self.word_probabilities.starts,
                ids=self.word_probabilities.ids,
                weights=self.word_probabilities.weights,
            )

    def take(self, hashes: Sequence[str], folder: Path) -> WordMatrix:
        """The rows of these contents; BadLibrary where some have none yet."""
        missing = sum(sha256 not in self.row_of for sha256 in hashes)
        if missing:
            raise BadLibrary(
                f"{folder} holds no word probabilities of {missing:,} pictures that were captioned since. "
                f"{_REMEDY}"
            )
        return self.word_probabilities.take([self.row_of[sha256] for sha256 in hashes])


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
