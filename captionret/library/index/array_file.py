"""A file of named arrays, memory-mapped, each block of which is checked when it is first read.

The layout, all numbers little-endian, is in docs/search-index.md.
"""

import json
import mmap
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...counting import counted
from ...errors import BadLibrary
from ...files import publishing
from ...remedies import remedy

MAGIC = b"captidx1"
BLOCK = 1 << 16  # bytes that share a checksum
MOST_HELD = 4 << 20  # bytes: to take them from a process and to give them back costs more than to read them
_ALIGNED = 64
_HEAD = np.dtype([("magic", "S8"), ("length", "<u4"), ("crc", "<u4")])
_TYPES = {"|u1", "<u2", "<u4", "<i4", "<i8", "<u8", "<f2", "<f4", "<f8"}


class DamagedIndex(BadLibrary):
    """A file of the search index is not what was written. It can always be made again."""


@dataclass(frozen=True, slots=True)
class _Place:
    dtype: np.dtype[Any]
    count: int
    offset: int  # from the first array on


class IndexFile:
    """One such file, open. What is written in its place later is not seen.

    facts: what else the file says of itself
    """

    def __init__(self, file: Path) -> None:
        """Map it, reading nothing but its head. errors: DamagedIndex; FileNotFoundError"""
        self.file = file
        with file.open("rb") as opened:
            try:
                self._map = mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ)
            except (ValueError, OSError) as error:  # ValueError: it is empty
                raise self.damaged(str(error)) from None
        self._bytes = np.frombuffer(self._map, np.uint8)
        try:
            self.facts, self._places, self._sums = self._head()
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise self.damaged(f"its head cannot be read: {error}") from None
        self._checked = bytearray(len(self._sums))  # of each block 1, where it was found whole
        self._arrays: dict[str, tuple[NDArray[Any], _Place]] = {}  # all of each array that was asked for
        self._read = 0  # bytes that may count as this process's memory

    def length(self, name: str) -> int:
        """How many numbers an array holds."""
        return self._place(name).count

    def part(self, name: str, start: int, stop: int) -> NDArray[Any]:
        """Some of them; DamagedIndex where these are not what was written."""
        known = self._arrays.get(name)
        array, place = self._array(name) if known is None else known
        width = place.dtype.itemsize
        first, last = place.offset + start * width, place.offset + min(stop, place.count) * width
        if last > first:
            self._check(first, last)
        return array[start:stop]

    def whole(self, name: str) -> NDArray[Any]:
        """All of them."""
        return self.part(name, 0, self.length(name))

    def check(self) -> None:
        """Read all of it. errors: DamagedIndex"""
        if len(self._sums):
            self._check(0, len(self._bytes) - self._data)

    def let_go(self, read: int | None = None) -> None:
        """Let the system count none of it as this process's memory until it is read again; it is kept at
        hand while there is room.

        read: bytes that were read since the last call; nothing is done before they are many together
        """
        self._read += MOST_HELD if read is None else read
        if self._read < MOST_HELD:
            return
        self._read = 0
        if hasattr(mmap, "MADV_DONTNEED"):
            self._map.madvise(mmap.MADV_DONTNEED)

    def names(self) -> tuple[str, ...]:
        """Of all arrays."""
        return tuple(self._places)

    def __contains__(self, name: str) -> bool:
        return name in self._places

    def damaged(self, why: str) -> BadLibrary:
        """The error for a file that is not what was written."""
        return DamagedIndex(f"{self.file} is damaged ({why}).", remedy("index again"))

    def _array(self, name: str) -> tuple[NDArray[Any], _Place]:
        """All of an array, of which nothing is read or checked yet."""
        place = self._place(name)
        first = self._data + place.offset
        found = self._bytes[first : first + place.count * place.dtype.itemsize].view(place.dtype)
        self._arrays[name] = found, place
        return found, place

    def _place(self, name: str) -> _Place:
        try:
            return self._places[name]
        except KeyError:
            raise self.damaged(f"it has no array {name}") from None

    def _head(self) -> tuple[dict[str, Any], dict[str, _Place], NDArray[np.uint32]]:
        head = self._bytes[: _HEAD.itemsize].view(_HEAD)[0]
        if head["magic"] != MAGIC:
            raise ValueError("it is no index, or of another format")
        text = self._bytes[_HEAD.itemsize : _HEAD.itemsize + int(head["length"])].tobytes()
        if zlib.crc32(text) != int(head["crc"]):
            raise ValueError("its head is not what was written")
        record = json.loads(text)
        first = _aligned(_HEAD.itemsize + len(text))
        blocks = -(-int(record["size"]) // BLOCK)
        self._data = _aligned(first + 4 * blocks)
        if len(self._bytes) != self._data + int(record["size"]):
            raise ValueError(
                f"it has {counted(len(self._bytes), 'bytes')}, not {self._data + record['size']:,}"
            )
        sums = self._bytes[first : first + 4 * blocks].view("<u4")
        if zlib.crc32(sums.tobytes()) != record["sums"]:
            raise ValueError("its checksums are not what was written")
        return dict(record["facts"]), {name: _placed(*one) for name, one in record["arrays"].items()}, sums

    def _check(self, first: int, last: int) -> None:
        """Compare the blocks of some bytes, at least one, with their checksums, those that were not read
        before."""
        block, end = first // BLOCK, (last - 1) // BLOCK + 1
        while (block := self._checked.find(0, block, end)) >= 0:
            start = self._data + block * BLOCK
            if zlib.crc32(self._bytes[start : start + BLOCK].data) != int(self._sums[block]):
                raise self.damaged(
                    f"bytes {start:,} to {start + BLOCK - 1:,} are not those that were written"
                )
            self._checked[block] = 1


def write_index_file(file: Path, facts: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
    """Publish such a file. errors: NoSpace, OSError"""
    places: dict[str, tuple[str, int, int]] = {}
    size = 0
    for name, array in arrays.items():
        size = _aligned(size)
        places[name] = (array.dtype.newbyteorder("<").str, len(array), size)
        size += array.nbytes
    data = np.zeros(size, np.uint8)
    for name, array in arrays.items():
        start = places[name][2]
        data[start : start + array.nbytes] = np.ascontiguousarray(array, array.dtype.newbyteorder("<")).view(
            np.uint8
        )
    sums = np.array([zlib.crc32(data[start : start + BLOCK].data) for start in range(0, size, BLOCK)], "<u4")
    record = {"facts": dict(facts), "arrays": places, "size": size, "sums": zlib.crc32(sums.tobytes())}
    text = json.dumps(record).encode()
    head = np.array([(MAGIC, len(text), zlib.crc32(text))], _HEAD)
    with publishing(file) as out:
        for part in (head.tobytes() + text, sums.tobytes()):
            out.write(part + bytes(_aligned(out.tell() + len(part)) - out.tell() - len(part)))
        out.write(data.data)


def _aligned(size: int) -> int:
    return -(-size // _ALIGNED) * _ALIGNED


def _placed(dtype: str, count: int, offset: int) -> _Place:
    if dtype not in _TYPES or count < 0 or offset < 0:
        raise ValueError(f"it holds an array of {dtype}")
    return _Place(np.dtype(dtype), int(count), int(offset))
