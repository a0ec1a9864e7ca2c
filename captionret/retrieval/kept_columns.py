"""Columns of numbers, one for each word, as long as they take little room: a server is asked for ever more
words, and a column is as long as its library."""

from collections.abc import Callable
from threading import Lock

import numpy as np
from numpy.typing import NDArray

Column = NDArray[np.float64]


class KeptColumns:
    """The columns that were asked for last."""

    MOST = 32 << 20  # bytes
    LEAST = 24  # columns that are kept whatever they take: a query reads its own several times

    def __init__(self) -> None:
        self._held: dict[str, Column] = {}
        self._bytes = 0
        self._lock = Lock()

    def get(self, word: str, make: Callable[[str], Column]) -> Column:
        """The column of a word; `make` makes it where it is not here."""
        with self._lock:
            found = self._held.pop(word, None)
            if found is not None:
                self._held[word] = found  # now the last
                return found
        found = make(word)
        with self._lock:
            if word not in self._held:
                self._bytes += found.nbytes
            self._held[word] = found
            while self._bytes > self.MOST and len(self._held) > self.LEAST:
                oldest = next(iter(self._held))
                self._bytes -= self._held.pop(oldest).nbytes
        return found

    def find(self, word: str) -> Column | None:
        """The column of a word; None where it is not here."""
        with self._lock:
            return self._held.get(word)

    def rows(self, rows: NDArray[np.integer]) -> "KeptColumns":
        """The same of some rows alone."""
        found = KeptColumns()
        with self._lock:
            found._held = {word: column[rows] for word, column in self._held.items()}
        found._bytes = sum(column.nbytes for column in found._held.values())
        return found
