"""The vectors of a library's pictures in an embedding space, kept beside their features.

They follow from the features and can always be made again: what is missing, stale or damaged is computed
from these, and where nothing can be written it is computed each time. Two files a space:

    vectors-SPACE-FEATURES.f32    a row of little-endian float32 for each row of the feature file
    vectors-SPACE-FEATURES.json   which blocks of BLOCK rows count: the checksum of the features that each was
                                  made of, and its own

Rows are written before the record that counts on them, by one process at a time; the others compute.
"""

import contextlib
import hashlib
import logging
import os
import zlib
from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ..errors import BadLibrary, BadSetting, CaptionretError
from ..files import publish_json, read_json
from ..locks import InUse, locked
from .checksums import BLOCK
from .features import FeatureFile
from .protocols import Space

LOCK = "vectors.lock"
_FLOAT32 = np.dtype("<f4")
_FORMAT = 1

log = logging.getLogger(__name__)


@runtime_checkable
class KeyedSpace(Protocol):
    """A space whose vectors can be kept. key: changes with everything that changes one"""

    key: str


def vectors_in(
    space: Space,
    features: FeatureFile,
    rows: Sequence[int] | NDArray[np.integer],
    checked: set[tuple[str, int, int]],
) -> NDArray[np.float32]:
    """(N, D) float32 unit rows: pictures in a space, by the numbers of their rows in the feature file.

    checked: see FeatureFile.take
    errors:  BadLibrary where features that are read are damaged; as Space.encode_features
    """
    if isinstance(space, KeyedSpace) and len(rows) and not features.problem:
        kept = _Kept(space, space.key, features, checked)
        with contextlib.suppress(
            BadSetting
        ):  # of a picture that is not asked for: the others need not suffer
            return kept.take(np.asarray(rows, np.int64))
    return space.encode_features(features.take(rows, checked))


class _Kept:
    """The files of one space and one feature file."""

    def __init__(
        self, space: Space, key: str, features: FeatureFile, checked: set[tuple[str, int, int]]
    ) -> None:
        self._space, self._features, self._checked = space, features, checked
        self._made_of = {"format": _FORMAT, "space": key, "features": features.file.name}
        name = hashlib.sha256(f"{key} {features.file.name}".encode()).hexdigest()[:24]
        self._rows_file = features.file.with_name(f"vectors-{name}.f32")
        self._record_file = features.file.with_name(f"vectors-{name}.json")

    def take(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Those rows, the missing ones made and kept."""
        needed = np.unique(rows // BLOCK).tolist()
        table, blocks = self._read()
        missing = [block for block in needed if not self._is_whole(table, blocks, block)]
        if not missing:
            assert table is not None
            in_order = len(rows) and bool((np.diff(rows) == 1).all())
            return table[rows[0] : rows[-1] + 1] if in_order else table[rows]
        made = self._made(missing)
        self._keep(made)
        found = np.empty((len(rows), next(iter(made.values())).shape[1]), np.float32)
        for block in needed:
            places = np.flatnonzero(rows // BLOCK == block)
            source = made[block] if table is None or block in made else table[block * BLOCK :]
            found[places] = source[rows[places] - block * BLOCK]
        return found

    def _made(self, blocks: Sequence[int]) -> dict[int, NDArray[np.float32]]:
        """The vectors of whole blocks, by block."""
        numbers = [range(block * BLOCK, min((block + 1) * BLOCK, self._features.rows)) for block in blocks]
        rows = [row for of_block in numbers for row in of_block]
        vectors = self._space.encode_features(self._features.take(rows, self._checked))
        ends = np.cumsum([len(of_block) for of_block in numbers])
        return dict(zip(blocks, np.split(vectors.astype(_FLOAT32), ends[:-1]), strict=True))

    def _read(self) -> tuple[NDArray[np.float32] | None, Mapping[int, tuple[int, int]]]:
        """The rows that are there, mapped, and the checksums by block; nothing where these are of something
        else, or cannot be read."""
        try:
            record = read_json(self._record_file, BadLibrary)
            if {name: record[name] for name in self._made_of} != self._made_of:
                return None, {}
            width = int(record["dim"])
            blocks = {int(block): (int(one), int(other)) for block, (one, other) in record["blocks"].items()}
            count = self._rows_file.stat().st_size // (width * _FLOAT32.itemsize)
            return np.memmap(self._rows_file, _FLOAT32, "r", shape=(count, width)), blocks
        except (
            CaptionretError,
            OSError,
            ValueError,
            TypeError,
            LookupError,
            AttributeError,
            ArithmeticError,
        ):
            return None, {}

    def _is_whole(
        self, table: NDArray[np.float32] | None, blocks: Mapping[int, tuple[int, int]], block: int
    ) -> bool:
        """Whether a block was made of the features as they are, and is what was written."""
        if table is None or block not in blocks or block not in self._features.sums:
            return False
        of_features, own = blocks[block]
        last = min((block + 1) * BLOCK, self._features.rows)
        if of_features != self._features.sums[block] or len(table) < last:
            return False
        seen = (self._rows_file.name, block, own)
        if seen not in self._checked and zlib.crc32(table[block * BLOCK : last].data) != own:
            return False
        self._checked.add(seen)
        return True

    def _keep(self, made: Mapping[int, NDArray[np.float32]]) -> None:
        """Write blocks. Where that cannot be, they are made again the next time."""
        try:
            with locked(self._features.file.with_name(LOCK)):
                self._write(made)
        except InUse:
            pass  # another process keeps them
        except (OSError, CaptionretError) as error:
            log.debug(f"{self._rows_file.name} could not be kept: {error}")

    def _write(self, made: Mapping[int, NDArray[np.float32]]) -> None:
        _, blocks = self._read()
        sums = self._features.sums
        new = {block: (sums[block], zlib.crc32(made[block].data)) for block in made if block in sums}
        handle = os.open(self._rows_file, os.O_WRONLY | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666)
        with os.fdopen(handle, "wb") as out:
            for block, vectors in made.items():
                out.seek(block * BLOCK * vectors.shape[1] * _FLOAT32.itemsize)
                out.write(vectors.data)
            out.flush()
            os.fsync(out.fileno())
        width = next(iter(made.values())).shape[1]
        record = {str(block): [one, other] for block, (one, other) in sorted({**blocks, **new}.items())}
        publish_json(self._record_file, {**self._made_of, "dim": width, "blocks": record})
        self._remove_of_files_that_are_gone()

    def _remove_of_files_that_are_gone(self) -> None:
        """Vectors of features that were deleted are of no use to anybody."""
        for record_file in self._record_file.parent.glob("vectors-*.json"):
            with contextlib.suppress(CaptionretError, OSError, KeyError, TypeError):
                record = read_json(record_file, BadLibrary)
                if not record_file.with_name(str(record["features"])).is_file():
                    record_file.unlink()
                    record_file.with_suffix(".f32").unlink(missing_ok=True)
