"""Word probabilities as a snapshot holds them: the files as they were at that moment, or what was predicted
for this snapshot alone."""

from pathlib import Path
from threading import RLock

from ...errors import BadLibrary
from . import word_probabilities
from .word_files import MANIFEST, PredictedWords
from .word_probabilities import StoredWordProbabilities

_TRIES = 3


class WordReader:
    """Opens a folder's word probabilities, and keeps the parts that it opened while they are named."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = RLock()
        self._held: HeldWords | None = None

    def current(self) -> "HeldWords":
        """Those that are there now."""
        with self._lock:
            if self._held is None or self._held.stamp != stamp_of(self.folder):
                self._held = HeldWords(self.folder, self._held)
            return self._held


class HeldWords:
    """What is predicted, as the files say now; files that take their places later are not seen. What earlier
    releases wrote is read when it is first asked for.

    stamp: changes with every such file; () where there is none
    """

    def __init__(self, folder: Path, last: "HeldWords | None" = None) -> None:
        """last: what was there before, whose open parts are used again"""
        self._folder, self._lock = folder, RLock()
        self._read: PredictedWords | BadLibrary | None = None
        known = {} if last is None or not isinstance(last._read, PredictedWords) else last._read.parts
        for _ in range(_TRIES):  # new ones may take their places while they are opened
            self.stamp = stamp_of(folder)
            try:
                self._read = PredictedWords.read(folder, known={one.name: one for one in known if one.name})
            except BadLibrary as error:
                self._read = error
            if self.stamp == stamp_of(folder):
                break

    @property
    def there(self) -> bool:
        """Whether there is any such file."""
        return bool(self.stamp)

    def read(self) -> PredictedWords | None:
        """What is predicted, None where nothing is; BadLibrary where a file is damaged, each time."""
        with self._lock:
            if self._read is None and self.stamp:
                self._read = _earlier(self._folder)
            if isinstance(self._read, BadLibrary):
                raise type(self._read)(self._read.message, self._read.remedy)
            return self._read


class UnkeptWords:
    """What was predicted for one snapshot and is in no file."""

    there = True

    def __init__(self, predicted: PredictedWords, stamp: tuple[int, ...]) -> None:
        """stamp: of the files in whose place it stands"""
        self._predicted, self.stamp = predicted, stamp

    def read(self) -> PredictedWords:
        """What was predicted."""
        return self._predicted


def stamp_of(folder: Path) -> tuple[int, ...]:
    """The stamp of the files that are there now, () for none."""
    file = folder / MANIFEST if (folder / MANIFEST).is_file() else word_probabilities.place_of(folder)
    try:
        facts = None if file is None else file.stat()
    except OSError:
        return ()
    return () if facts is None else (facts.st_ino, facts.st_size, facts.st_mtime_ns)


def _earlier(folder: Path) -> PredictedWords | BadLibrary | None:
    """What earlier releases wrote, in one file."""
    try:
        stored = StoredWordProbabilities.read(folder)
    except BadLibrary as error:
        return error
    return None if stored is None else PredictedWords.of_rows(stored)
