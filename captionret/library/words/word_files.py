"""What is predicted of a library's pictures, on disk: parts of some thousand pictures, each a file that is
never changed, and a manifest that names them; see docs/search-index.md.

It follows from the pictures and can always be made again.
"""

import contextlib
import logging
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import BadLibrary
from ...remedies import remedy
from ...retrieval import WordMatrix
from ...retrieval.index.arrays import ArraysInMemory
from ...retrieval.index.word_postings import WordPart, word_part_arrays
from ..index.array_file import IndexFile, write_index_file
from .word_probabilities import LEAST, RELEASE_0_5_0, StoredWordProbabilities

MANIFEST = "word-probabilities.manifest"
UNFINISHED = "word-probabilities-unfinished.manifest"  # of a run that goes on; the complete one stays
PART = "word-probabilities-{name}.part"
FORMAT = 1
MOST_PICTURES = 16_384  # of a part
HASH = 32  # bytes of a SHA-256

log = logging.getLogger(__name__)


class DamagedWords(BadLibrary):
    """A file of word probabilities is not what was written."""


class WordFile(IndexFile):
    """A file of word probabilities: a part, or the manifest."""

    def damaged(self, why: str) -> DamagedWords:
        """The error for one that is not what was written."""
        return damaged(self.file, why)


@dataclass(frozen=True, slots=True, eq=False)
class NamedPart:
    """A part and its name; "" for one that is in no file."""

    name: str
    part: WordPart

    @property
    def hashes(self) -> NDArray[np.uint8]:
        """(n, 32) the SHA-256 of each picture's content."""
        return self.part.arrays.whole("hashes").reshape(-1, HASH)

    def check(self) -> None:
        """Read all of it. errors: DamagedWords"""
        if isinstance(self.part.arrays, IndexFile):
            self.part.arrays.check()

    def names(self) -> list[str]:
        """The same as texts."""
        text = self.hashes.tobytes().hex()
        return [text[start : start + 2 * HASH] for start in range(0, len(text), 2 * HASH)]


@dataclass(frozen=True, slots=True, eq=False)
class PredictedWords:
    """What one predictor predicted.

    made_by: who predicted; least: the least probability of a word that was kept
    """

    made_by: dict[str, Any]
    parts: tuple[NamedPart, ...] = field(default=())
    least: float = LEAST

    @classmethod
    def of_rows(cls, stored: StoredWordProbabilities) -> "PredictedWords":
        """Of rows that are kept picture by picture."""
        one = part_of(stored.hashes, stored.word_probabilities, stored.classes)
        return cls(stored.made_by, (one,), stored.least)

    @classmethod
    def read(
        cls, folder: Path, name: str = MANIFEST, known: Mapping[str, NamedPart] | None = None
    ) -> "PredictedWords | None":
        """What a manifest names; None where there is none.

        known:  parts that are open already, by name
        errors: DamagedWords; BadLibrary where they may not be read
        """
        try:
            file = WordFile(folder / name)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _unreadable(folder / name, error) from None
        try:
            record, names = dict(file.facts["made_by"]), [str(one) for one in file.facts["parts"]]
            least = float(file.facts["least"])
            if file.facts["format"] != FORMAT or not isinstance(record["fingerprint"], str):
                raise ValueError("its format, or who predicted")
        except (KeyError, ValueError, TypeError) as error:
            raise file.damaged(f"it does not say {error}") from None
        parts = tuple((known or {}).get(one) or open_part(folder, one) for one in names)
        if len(set(names)) < len(names) or [one.part.count for one in parts] != file.whole("counts").tolist():
            raise file.damaged("its parts are not those that were written")
        return cls(record, parts, least)

    def write(self, folder: Path, name: str = MANIFEST) -> None:
        """Publish a manifest; all parts have a name."""
        facts = {
            "format": FORMAT,
            "made_by": self.made_by,
            "least": self.least,
            "parts": [one.name for one in self.parts],
        }
        write_index_file(folder / name, facts, {"counts": np.array([one.part.count for one in self.parts])})

    def check(self, folder: Path) -> None:
        """Read all of it. errors: DamagedWords"""
        for one in self.parts:
            one.check()
        names = [name for one in self.parts for name in one.names()]
        if len(set(names)) != len(names):
            raise damaged(folder / MANIFEST, "its parts hold a picture twice")


def part_of(hashes: Sequence[str], words: WordMatrix, classes: WordMatrix | None) -> NamedPart:
    """A part in memory. hashes: of the contents, one for each row"""
    own = np.frombuffer(bytes.fromhex("".join(hashes)), np.uint8)
    return NamedPart("", WordPart(ArraysInMemory({"hashes": own, **word_part_arrays(words, classes)})))


def written(folder: Path, part: NamedPart) -> NamedPart:
    """The part as a file, if it is none yet."""
    if part.name:
        return part
    name = secrets.token_hex(6)
    assert isinstance(part.part.arrays, ArraysInMemory), "what has no name is in memory"
    write_index_file(folder / PART.format(name=name), {"name": name}, part.part.arrays.all())
    return open_part(folder, name)


def open_part(folder: Path, name: str) -> NamedPart:
    """One part. errors: DamagedWords; BadLibrary where it may not be read"""
    place = folder / PART.format(name=name)
    try:
        file = WordFile(place)
    except FileNotFoundError:
        raise damaged(place, "it is missing") from None
    except OSError as error:
        raise _unreadable(place, error) from None
    part = WordPart(file)
    if file.facts.get("name") != name or file.length("hashes") != HASH * part.count:
        raise file.damaged("it is another part's")
    return NamedPart(name, part)


def upgrade(folder: Path) -> None:
    """Keep what release 0.5.0 wrote as parts. A file that is damaged stays as it is, and is refused when it
    is read."""
    try:
        stored = StoredWordProbabilities.read(folder, RELEASE_0_5_0)
    except BadLibrary as error:
        log.warning(error.message)
        return
    if stored is not None:
        predicted = PredictedWords.of_rows(stored)
        replace(predicted, parts=tuple(written(folder, one) for one in predicted.parts)).write(folder)


def remove_others(folder: Path, kept: Iterable[NamedPart]) -> None:
    """Delete the parts that no manifest names any more. Where a reader holds one and the system does not
    allow that, the next run does."""
    names = {PART.format(name=one.name) for one in kept}
    for file in folder.glob(PART.format(name="*")):
        if file.name not in names:
            with contextlib.suppress(OSError):
                file.unlink()


def damaged(file: Path, why: str) -> DamagedWords:
    """The error for a file of word probabilities that is not what was written."""
    return DamagedWords(f"{file} is damaged ({why}).", remedy("predict again"))


def _unreadable(file: Path, error: OSError) -> BadLibrary:
    return BadLibrary(f"{file} cannot be read ({error.strerror}). Check its permissions.")
