"""The backbone's features of a library's images: plain rows of little-endian float16, read through a memory
map."""

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...counting import counted
from ...errors import BadLibrary
from ...files import no_space_named
from .. import checksums

_FLOAT16 = np.dtype("<f2")
_EXPONENT = np.uint16(0x7C00)  # all of its bits are set in infinities and NaN alone


def file_of(folder: Path, captioner: int, fingerprint: str) -> Path:
    """Where the features lie that one captioner's backbone gave."""
    return folder / f"features-{fingerprint[:16]}-{captioner}.f16"


def rows_to_store(features: Sequence[np.ndarray]) -> NDArray[np.float16]:
    """(K, D) rows as they are written, of K features (D,)."""
    return np.ascontiguousarray(np.stack(features), _FLOAT16)


def append(file: Path, first: int, features: NDArray[np.float16]) -> None:
    """Write rows (K, D) from row `first` on, over whatever a killed run left there, and see them safely on
    the disk."""
    values = np.ascontiguousarray(features, _FLOAT16)
    with no_space_named(file):
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666)
        with os.fdopen(handle, "wb") as out:
            out.seek(first * values.shape[1] * _FLOAT16.itemsize)
            out.write(values.tobytes())
            out.flush()
            os.fsync(out.fileno())


def is_finite(values: NDArray[np.float16]) -> bool:
    """Whether all numbers are finite; several times faster than numpy's own test of float16."""
    return not bool(((values.view(np.uint16) & _EXPONENT) == _EXPONENT).any())


def check_size(file: Path, rows: int, dim: int) -> str | None:
    """What is wrong with the file's length, None if nothing is."""
    needed = rows * dim * _FLOAT16.itemsize
    if not file.is_file():
        return f"{file} is missing."
    size = file.stat().st_size
    if size >= needed:
        return None
    return f"{file} has {counted(size, 'bytes')}, the catalogue counts on {needed:,}."


class FeatureFile:
    """The rows of one feature file as one moment of the catalogue counts them. What is appended later, or a
    file of the same name that takes its place, does not change them."""

    def __init__(self, file: Path, rows: int, dim: int, sums: Mapping[int, int]) -> None:
        """Map the file, reading nothing yet.

        sums: the checksum of each block of rows; a block without one is not compared
        """
        self.file, self.rows, self.dim, self.sums = file, rows, dim, sums
        self.problem = check_size(file, rows, dim) if rows else None
        self._mapped: NDArray[np.float16] = np.empty((0, dim), _FLOAT16)
        if rows and self.problem is None:
            try:
                self._mapped = np.memmap(file, _FLOAT16, "r", shape=(rows, dim))
            except (OSError, ValueError) as error:  # ValueError: it was cut short just now
                self.problem = f"{file} cannot be read ({error})."

    def take(
        self, rows: Sequence[int] | NDArray[np.integer], checked: set[tuple[str, int, int]]
    ) -> NDArray[np.float16]:
        """(N, D) float16: the rows of these numbers.

        checked: the blocks that need no second look, which are added to
        errors:  BadLibrary where the file is cut short, altered, or holds what is not finite
        """
        if self.problem:
            raise self._damaged(self.problem)
        numbers = np.asarray(rows, np.int64)
        if len(numbers) and not 0 <= numbers.min() <= numbers.max() < self.rows:
            raise self._damaged(
                f"{self.file} has {counted(self.rows, 'rows')}, the catalogue names row {numbers.max():,}."
            )
        for block in np.unique(numbers // checksums.BLOCK).tolist():
            key = (self.file.name, block, self.sums.get(block, -self.rows))
            if key not in checked:
                problem = self._problem_of(block)
                if problem:
                    raise self._damaged(problem)
                checked.add(key)
        return self._mapped[numbers]

    def problems(self) -> Iterator[str]:
        """What is wrong with it, one sentence each; reads it all."""
        if self.problem:
            yield self.problem
            return
        for block in range(-(-self.rows // checksums.BLOCK)):
            problem = self._problem_of(block)
            if problem:
                yield problem

    def block_sums(self) -> dict[int, int]:
        """The checksum of every block as it is now."""
        return {block: checksums.of_block(rows) for block, rows in self._blocks()}

    def _blocks(self) -> Iterator[tuple[int, NDArray[np.float16]]]:
        for first in range(0, len(self._mapped), checksums.BLOCK):
            yield first // checksums.BLOCK, self._mapped[first : first + checksums.BLOCK]

    def _problem_of(self, block: int) -> str | None:
        first = block * checksums.BLOCK
        rows = self._mapped[first : first + checksums.BLOCK]
        place = f"{self.file}, rows {first:,} to {first + len(rows) - 1:,}"
        if block in self.sums and checksums.of_block(rows) != self.sums[block]:
            return f"{place}: the features are not those that were written."
        if not is_finite(rows):
            return f"{place}: a feature is not a finite number."
        return None

    def _damaged(self, problem: str) -> BadLibrary:
        return BadLibrary(
            f"{problem} Restore a copy of the library, or delete {self.file.parent} and caption the folder "
            "again."
        )


def remove(file: Path) -> None:
    """Delete a feature file that nothing counts on. Where a reader holds it and the system doesn't allow that
    (Windows), the next update does."""
    with contextlib.suppress(PermissionError):
        file.unlink(missing_ok=True)
