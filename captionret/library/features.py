"""The backbone's features of a library's images: plain rows of little-endian float16, read through a memory
map."""

import os
from pathlib import Path

import numpy as np

from ..errors import BadLibrary
from ..files import no_space_named

_FLOAT16 = np.dtype("<f2")


def append(file: Path, first: int, features: np.ndarray) -> None:
    """Write rows (K, D) from row `first` on, over whatever a killed run left there, and see them safely on
    the disk."""
    values = np.ascontiguousarray(features, _FLOAT16)
    with no_space_named(file):
        handle = os.open(file, os.O_WRONLY | os.O_CREAT, 0o666)
        with os.fdopen(handle, "wb") as out:
            out.seek(first * values.shape[1] * _FLOAT16.itemsize)
            out.write(values.tobytes())
            out.flush()
            os.fsync(out.fileno())


def read(file: Path, rows: int, dim: int) -> np.ndarray:
    """The first `rows` rows: (rows, dim) float16, mapped rather than read; BadLibrary where the file is too
    short."""
    if rows == 0:
        return np.empty((0, dim), _FLOAT16)
    problem = check(file, rows, dim)
    if problem:
        raise BadLibrary(f"{problem} Restore a copy, or delete {file.parent} and caption the folder again.")
    return np.memmap(file, _FLOAT16, "r", shape=(rows, dim))


def check(file: Path, rows: int, dim: int) -> str | None:
    """What is wrong with the file, None if nothing is."""
    needed = rows * dim * _FLOAT16.itemsize
    size = file.stat().st_size if file.is_file() else 0
    return f"{file} has {size:,} bytes, the catalogue counts on {needed:,}." if size < needed else None
