"""The vectors of a library's pictures in an embedding space, kept beside their features.

They follow from the features, and from words where a space reads these, see with_words, and can always be
made again: what is missing, stale or damaged is computed, and where nothing can be written it is computed
each time. Two files a space:

    vectors-SPACE-FEATURES.f32    a row of little-endian float32 for each row of the feature file
    vectors-SPACE-FEATURES.json   which blocks of BLOCK rows count: the checksum of what each was made of,
                                  and its own

Two more, ending with -halves, hold the same in float16 where there are very many pictures; see vector_tables.

Rows are written before the record that counts on them, by one process at a time; the others compute.
"""

import contextlib
import hashlib
import logging
import os
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Generic, Protocol, TypeVar, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ...errors import BadLibrary, BadSetting, CaptionretError
from ...files import publish_json, read_json
from ...locks import InUse, locked
from ...retrieval.index.halves import in_parts
from ..checksums import BLOCK
from ..protocols import Space

LOCK = "vectors.lock"
Number = TypeVar("Number", np.float16, np.float32)
Blocks = Mapping[int, tuple[int, int]]  # of each the checksum of what it was made of, and its own
_AT_ONCE = 64  # blocks that are made together
_AT_A_TIME = 2048  # rows that are in memory with what they are made of
_FLOAT32 = np.dtype("<f4")
_FORMAT = 1

log = logging.getLogger(__name__)


class Rows(Protocol):
    """What vectors are made of: a FeatureFile, or one with words behind the features.

    rows:    how many
    problem: why they cannot be read; None: they can
    sums:    of each block a checksum that changes with anything that changes a row of it
    """

    @property
    def file(self) -> Path:
        """See the class."""
        ...

    @property
    def rows(self) -> int:
        """See the class."""
        ...

    @property
    def problem(self) -> str | None:
        """See the class."""
        ...

    @property
    def sums(self) -> Mapping[int, int]:
        """See the class."""
        ...

    def take(
        self, rows: Sequence[int] | NDArray[np.integer], checked: set[tuple[str, int, int]]
    ) -> NDArray[np.float16]:
        """See FeatureFile.take."""
        ...


@runtime_checkable
class KeyedSpace(Space, Protocol):
    """A space whose vectors can be kept. key: changes with everything that changes one"""

    key: str


def vectors_in(
    space: Space,
    features: Rows,
    rows: Sequence[int] | NDArray[np.integer],
    checked: set[tuple[str, int, int]],
) -> NDArray[np.float32]:
    """(N, D) float32 unit rows: pictures in a space, by the numbers of their rows in the feature file.

    checked: see FeatureFile.take
    errors:  BadLibrary where features that are read are damaged; as Space.encode_features
    """
    if isinstance(space, KeyedSpace) and len(rows) and not features.problem:
        kept = kept_vectors(space, features, checked)
        with contextlib.suppress(
            BadSetting
        ):  # of a picture that is not asked for: the others need not suffer
            return kept.take(np.asarray(rows, np.int64))
    return space.encode_features(features.take(rows, checked))


def kept_vectors(
    space: KeyedSpace, features: Rows, checked: set[tuple[str, int, int]]
) -> "KeptRows[np.float32]":
    """The file of a space's vectors of one feature file.

    errors: as Space.encode_features and FeatureFile.take, when it is read
    """

    def made(rows: Sequence[int]) -> NDArray[np.float32]:
        some = (rows[start : start + _AT_A_TIME] for start in range(0, len(rows), _AT_A_TIME))
        found = [space.encode_features(features.take(one, checked)) for one in some]
        return np.asarray(np.concatenate(found), _FLOAT32)

    return KeptRows(features, space.key, "", _FLOAT32, features.sums, made, checked)


class KeptRows(Generic[Number]):
    """A row for each of a feature file, in a file and a record of it."""

    def __init__(
        self,
        features: Rows,
        key: str,
        kind: str,
        dtype: "np.dtype[Number]",
        sums: Mapping[int, int],
        make: Callable[[Sequence[int]], NDArray[Number]],
        checked: set[tuple[str, int, int]],
    ) -> None:
        """key: of the space; kind: of these rows, behind the files' names

        sums: the checksum of each block of what the rows are made of; one without is never kept
        make: the rows of these numbers
        """
        self._features, self._checked, self._sums = features, checked, sums
        self._dtype: np.dtype[Number] = dtype
        # the record that was read last, and what was found by it
        self._last: tuple[tuple[int, ...], NDArray[Number], Blocks] | None = None
        self._make: Callable[[Sequence[int]], NDArray[Number]] = make
        self._made_of = {"format": _FORMAT, "space": key, "features": features.file.name}
        name = hashlib.sha256(f"{key} {features.file.name}".encode()).hexdigest()[:24]
        self._rows_file = features.file.with_name(f"vectors-{name}{kind}.f{8 * dtype.itemsize}")
        self._record_file = self._rows_file.with_suffix(".json")

    def take(self, rows: NDArray[np.int64]) -> NDArray[Number]:
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
        found = np.empty((len(rows), next(iter(made.values())).shape[1]), self._dtype)
        for block in needed:
            places = np.flatnonzero(rows // BLOCK == block)
            source = made[block] if table is None or block in made else table[block * BLOCK :]
            found[places] = source[rows[places] - block * BLOCK]
        return found

    def whole(self, unread: bool = False) -> tuple[NDArray[Number], Mapping[int, int]] | None:
        """All rows as they lie in the file, and the checksum of each block; None where they cannot be kept.
        What is missing is made, some blocks at a time.

        unread: go by the record; what is read of them later is to be read by `take`
        """
        for final in (False, True):
            table, blocks = self._read()
            missing = self._missing(table, blocks, unread)
            if not missing:
                assert table is not None
                return table, {block: own for block, (_, own) in blocks.items()}
            if final:
                return None
            for first in range(0, len(missing), _AT_ONCE):
                if not self._keep(self._made(missing[first : first + _AT_ONCE])):
                    return None
        return None

    def _missing(self, table: NDArray[Number] | None, blocks: Blocks, unread: bool) -> list[int]:
        """The blocks that are not there, of all."""
        is_there = self._is_recorded if unread else self._is_whole
        there = np.zeros(-(-self._features.rows // BLOCK), np.bool_)

        def look(first: int, last: int) -> None:
            there[first:last] = [is_there(table, blocks, block) for block in range(first, last)]

        in_parts(look, len(there))
        missing: list[int] = np.flatnonzero(~there).tolist()
        return missing

    def _made(self, blocks: Sequence[int]) -> dict[int, NDArray[Number]]:
        """The rows of whole blocks, by block."""
        numbers = [range(block * BLOCK, min((block + 1) * BLOCK, self._features.rows)) for block in blocks]
        made = self._make([row for of_block in numbers for row in of_block])
        ends = np.cumsum([len(of_block) for of_block in numbers])
        return dict(zip(blocks, np.split(made, ends[:-1]), strict=True))

    def _read(self) -> tuple[NDArray[Number] | None, Blocks]:
        """The rows that are there, mapped, and the checksums by block; nothing where these are of something
        else, or cannot be read."""
        try:
            facts = self._record_file.stat()
            stamp = facts.st_ino, facts.st_size, facts.st_mtime_ns
            if self._last is not None and self._last[0] == stamp:
                return self._last[1:]
            record = read_json(self._record_file, BadLibrary)
            if {name: record[name] for name in self._made_of} != self._made_of:
                return None, {}
            width = int(record["dim"])
            blocks = {int(block): (int(one), int(other)) for block, (one, other) in record["blocks"].items()}
            count = self._rows_file.stat().st_size // (width * self._dtype.itemsize)
            table = np.memmap(self._rows_file, self._dtype, "r", shape=(count, width))
            self._last = stamp, table, blocks
            return table, blocks
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

    def _is_recorded(self, table: NDArray[Number] | None, blocks: Blocks, block: int) -> bool:
        """Whether a block was made of what there is now."""
        if table is None or block not in blocks or block not in self._sums:
            return False
        last = min((block + 1) * BLOCK, self._features.rows)
        return blocks[block][0] == self._sums[block] and len(table) >= last

    def _is_whole(self, table: NDArray[Number] | None, blocks: Blocks, block: int) -> bool:
        """Whether it was, and is what was written."""
        if table is None or not self._is_recorded(table, blocks, block):
            return False
        own, last = blocks[block][1], min((block + 1) * BLOCK, self._features.rows)
        seen = (self._rows_file.name, block, own)
        if seen not in self._checked and zlib.crc32(table[block * BLOCK : last].data) != own:
            return False
        self._checked.add(seen)
        return True

    def _keep(self, made: Mapping[int, NDArray[Number]]) -> bool:
        """Write blocks. Where that cannot be, they are made again the next time."""
        try:
            with locked(self._features.file.with_name(LOCK)):
                self._write(made)
        except InUse:
            return False  # another process keeps them
        except (OSError, CaptionretError) as error:
            log.debug(f"{self._rows_file.name} could not be kept: {error}")
            return False
        return True

    def _write(self, made: Mapping[int, NDArray[Number]]) -> None:
        _, blocks = self._read()
        sums = self._sums
        new = {block: (sums[block], zlib.crc32(made[block].data)) for block in made if block in sums}
        handle = os.open(self._rows_file, os.O_WRONLY | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666)
        with os.fdopen(handle, "wb") as out:
            for block, vectors in made.items():
                out.seek(block * BLOCK * vectors.shape[1] * self._dtype.itemsize)
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
                    for end in (".f32", ".f16"):
                        record_file.with_suffix(end).unlink(missing_ok=True)
