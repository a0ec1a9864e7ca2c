"""What is believed of a library's pictures, on disk: one file of sparse rows beside the catalogue, named by content hashes.

It follows from the pictures and can always be made again; so it is written as a whole, and read only if it is whole.
"""

import json
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from ..errors import BadLibrary, BadSetting
from ..files import publishing
from ..retrieval import Beliefs

FILE = "beliefs.npz"
UNFINISHED = "beliefs-unfinished.npz"  # of a run that goes on; what is complete stays readable beside it
LEAST = 0.01  # of a word's probability that is kept; some forty words a picture remain, and hardly a ranking changes
_REMEDY = "Make the beliefs again: python scripts/believe.py --library NAME."


class Believing(Protocol):
    """Whoever says what to believe of pictures."""

    words: tuple[str, ...]

    @property
    def fingerprint(self) -> str:
        """A hash over everything that changes a belief."""
        ...

    def describe(self) -> dict[str, Any]:
        """Facts for the file, as JSON can hold them; "fingerprint" and "name" among them."""
        ...

    def check(self, backbone: dict[str, Any] | None) -> None:
        """BadSetting where features of this backbone are not what it reads."""
        ...

    def believe(self, paths: Sequence[Path], hashes: Sequence[str], pooled: np.ndarray) -> np.ndarray:
        """(N, V) float32: for each picture the probability of each of `words`."""
        ...


class StoredBeliefs:
    """The rows of one file: `made_by` says who believed, `row_of` where each content's row is."""

    def __init__(self, made_by: dict[str, Any], hashes: list[str], beliefs: Beliefs) -> None:
        self.made_by, self.hashes, self.beliefs = made_by, hashes, beliefs
        self.row_of = {sha256: row for row, sha256 in enumerate(hashes)}

    @classmethod
    def read(cls, folder: Path, name: str = FILE) -> "StoredBeliefs | None":
        """None where there is no file; BadLibrary where it is damaged."""
        file = folder / name
        if not file.is_file():
            return None
        try:
            with np.load(file, allow_pickle=False) as parts:
                record = json.loads(bytes(parts["record"]))
                words, hashes, made_by = tuple(record["words"]), record["hashes"], record["made_by"]
                beliefs = Beliefs(words, parts["starts"], parts["ids"], parts["weights"])
        except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile, BadSetting) as error:
            raise BadLibrary(f"{file} is damaged ({error}). {_REMEDY}") from None
        if len(hashes) != len(beliefs):
            raise BadLibrary(f"{file} names {len(hashes)} pictures and holds {len(beliefs)} beliefs. {_REMEDY}")
        return cls(made_by, hashes, beliefs)

    def write(self, folder: Path, name: str = FILE) -> None:
        """Publish the file."""
        record = {"made_by": self.made_by, "hashes": self.hashes, "words": self.beliefs.words}
        with publishing(folder / name) as file:
            np.savez(
                file,
                record=np.frombuffer(json.dumps(record).encode(), np.uint8),
                starts=self.beliefs.starts,
                ids=self.beliefs.ids,
                weights=self.beliefs.weights,
            )

    def take(self, hashes: Sequence[str], folder: Path) -> Beliefs:
        """The rows of these contents; BadLibrary where some have none yet."""
        missing = sum(sha256 not in self.row_of for sha256 in hashes)
        if missing:
            raise BadLibrary(f"{folder} holds no belief of {missing:,} pictures that were captioned since. {_REMEDY}")
        return self.beliefs.take([self.row_of[sha256] for sha256 in hashes])


def joined(parts: Sequence[Beliefs]) -> Beliefs:
    """The rows of all, one after the other; all over the same words."""
    lengths = np.concatenate([np.diff(part.starts) for part in parts])
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return Beliefs(parts[0].words, starts, np.concatenate([part.ids for part in parts]), np.concatenate([part.weights for part in parts]))
