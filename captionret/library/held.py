"""Word probabilities as a snapshot holds them: a file as it was at that moment, or what was predicted for
this snapshot alone."""

import os
import weakref
from pathlib import Path
from threading import RLock

from ..errors import BadLibrary
from .word_probabilities import StoredWordProbabilities, place_of


class HeldWordProbabilities:
    """The file as it is now; one that takes its place later is not seen. It is read when first asked for.

    file:  where it lies, None where there is none
    stamp: changes with every such file
    """

    def __init__(self, folder: Path) -> None:
        self.file = place_of(folder)
        self.stamp: tuple[int, ...] = ()
        self._lock = RLock()
        self._read: StoredWordProbabilities | BadLibrary | None = None
        self._handle: int | None = None
        if self.file is None:
            return
        try:
            self._handle = os.open(self.file, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        except FileNotFoundError:
            self.file = None
            return
        except OSError as error:
            self._read = BadLibrary(f"{self.file} cannot be read ({error.strerror}). Check its permissions.")
            return
        self.stamp = _stamp(os.fstat(self._handle))
        self._release = weakref.finalize(self, os.close, self._handle)
        if os.name == "nt":  # there an open file cannot be replaced
            self._read_now()

    @property
    def there(self) -> bool:
        """Whether there is such a file."""
        return self.file is not None

    def read(self) -> StoredWordProbabilities | None:
        """What it holds, None where there is no file; BadLibrary where it is damaged, each time."""
        with self._lock:
            self._read_now()
            if isinstance(self._read, BadLibrary):
                raise BadLibrary(self._read.message, self._read.remedy)
            return self._read

    def _read_now(self) -> None:
        if self._read is not None or self._handle is None or self.file is None:
            return
        try:
            with os.fdopen(self._handle, "rb", closefd=False) as opened:
                self._read = StoredWordProbabilities.from_file(opened, self.file)
        except BadLibrary as error:
            self._read = error
        self._release()
        self._handle = None


class UnkeptWordProbabilities:
    """What was predicted for one snapshot and is in no file."""

    there = True

    def __init__(self, stored: StoredWordProbabilities, stamp: tuple[int, ...]) -> None:
        """stamp: of the file in whose place it stands"""
        self._stored, self.stamp = stored, stamp

    def read(self) -> StoredWordProbabilities:
        """What was predicted."""
        return self._stored


def stamp_of(folder: Path) -> tuple[int, ...]:
    """The stamp of the file that is there now, () for none."""
    file = place_of(folder)
    try:
        return () if file is None else _stamp(file.stat())
    except OSError:
        return ()


def _stamp(facts: os.stat_result) -> tuple[int, ...]:
    return facts.st_ino, facts.st_size, facts.st_mtime_ns
