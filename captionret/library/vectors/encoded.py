"""The vectors that an encoder made of a library's pictures, kept by content.

What is missing or damaged is made again of the pictures; where nothing can be written it is made each time.
Two files for each encoder:

    encoded-KEY.json    what made them, and how long a vector is
    encoded-KEY.rows    a row for each content: its SHA-256, a checksum, little-endian float32; only appended
                        to, batch by batch, so that what a killed run has done counts
"""

import contextlib
import hashlib
import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...counting import counted
from ...errors import BadImage, BadLibrary, CaptionretError
from ...files import publish_json, read_json
from ...locks import InUse, locked
from ...progress import bar
from ...retrieval.table import PictureTable
from ..protocols import PictureSpace

if TYPE_CHECKING:  # importing every decoder of pictures takes as long as a text query
    from PIL.Image import Image

LOCK = "encoded.lock"
_FORMAT = 1
_BATCH = 32  # pictures that are encoded together
_SMALL_BATCH = 512  # of pictures that are scaled down
_CHECKED = 8192  # rows whose checksums are computed together

_UNREADABLE = (CaptionretError, OSError, ValueError, TypeError, LookupError, ArithmeticError)

log = logging.getLogger(__name__)


class EncodedPictures:
    """The vectors of one encoder in a library's folder."""

    def __init__(self, folder: Path, encoder: PictureSpace, at_least: int | None = None) -> None:
        """at_least: the shorter side in pixels that the encoder reads of a picture, which are given twice
        over where there are so many; None: all of it"""
        self._encoder, self._at_least = encoder, at_least
        name = hashlib.sha256(encoder.key.encode()).hexdigest()[:24]
        self._facts, self._rows = folder / f"encoded-{name}.json", folder / f"encoded-{name}.rows"

    def take(
        self, hashes: Sequence[str], file_of: Callable[[str], Path], progress: bool | None = False
    ) -> NDArray[np.float32]:
        """(N, D) unit rows of these contents; those that are missing are made, and kept. A picture that
        cannot be read any more has a row of zeros, which is logged.

        file_of: where a content lies
        errors:  BadLibrary where none of them can be read
        """
        table = self._read()
        places = _places(table, hashes)
        missing = [sha256 for sha256, place in zip(hashes, places.tolist(), strict=True) if place < 0]
        made = self._made(dict.fromkeys(missing), file_of, progress) if missing else {}
        if table is not None:
            width = table.dtype["vector"].shape[0]
        elif made:
            width = len(next(iter(made.values())))
        else:
            raise BadLibrary(f"None of the pictures of {self._rows.parent} can be read. Run the update.")
        found = np.zeros((len(hashes), width), np.float32)
        if table is not None:
            there = np.flatnonzero(places >= 0)
            found[there] = table["vector"][places[there]]
        for row in np.flatnonzero(places < 0).tolist():
            if hashes[row] in made:
                found[row] = made[hashes[row]]
        return found

    def missing(self, hashes: Sequence[str]) -> int:
        """Of how many of these contents there is no vector."""
        return int((_places(self._read(), hashes) < 0).sum())

    def keep_only(self, hashes: Sequence[str]) -> None:
        """Write the file anew where most of its rows are of contents that are gone."""
        table = self._read()
        if table is None or len(table) <= 2 * len(hashes):
            return
        with locked(self._rows.with_name(LOCK)):
            kept = _places(table, hashes)
            _replace(self._rows, table[kept[kept >= 0]])

    def _made(
        self, missing: Mapping[str, None], file_of: Callable[[str], Path], progress: bool | None
    ) -> dict[str, NDArray[np.float32]]:
        """The vectors of these contents, but for those that cannot be read."""
        name = self._encoder.name
        if progress is not False or len(missing) > 1:
            log.info(f"{counted(len(missing), 'pictures are')} encoded by {name}, once.")
        made: dict[str, NDArray[np.float32]] = {}
        with bar(total=len(missing), unit="picture", desc="encoding", show=progress) as shown:
            for batch in _batches(list(missing), _SMALL_BATCH if self._at_least else _BATCH):
                opened = dict(self._opened(batch, file_of))
                if opened:
                    new = dict(zip(opened, self._encoder.encode_opened(list(opened.values())), strict=True))
                    self._keep(new)
                    made |= new
                shown.update(len(batch))
        if gone := len(missing) - len(made):
            log.warning(
                f"{counted(gone, 'pictures')} cannot be read any more, so {name} makes nothing of them."
            )
        return made

    def _opened(self, hashes: Sequence[str], file_of: Callable[[str], Path]) -> Iterator[tuple[str, "Image"]]:
        """The pictures of these contents that still are what they were, decoded side by side."""
        from ...images import as_picture

        def opened(sha256: str) -> "Image | None":
            with contextlib.suppress(BadImage, OSError):
                picture = as_picture(file_of(sha256))
                image = picture.open(self._at_least)
                if self._at_least:
                    image = image.reduce(max(1, min(image.size) // (2 * self._at_least)))
                return image if picture.sha256 == sha256 else None
            return None

        with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            for sha256, image in zip(hashes, pool.map(opened, hashes), strict=True):
                if image is not None:
                    yield sha256, image

    def _read(self) -> NDArray[np.void] | None:
        """The rows that are there, mapped; None where they are none, or of something else."""
        try:
            facts = read_json(self._facts, BadLibrary)
            if (facts["format"], facts["key"]) != (_FORMAT, self._encoder.key):
                return None
            kind = _row_of(int(facts["dim"]))
            count = self._rows.stat().st_size // kind.itemsize
            return np.memmap(self._rows, kind, "r", shape=(count,)) if count else None
        except _UNREADABLE:
            return None

    def _keep(self, made: Mapping[str, NDArray[np.float32]]) -> None:
        try:
            with locked(self._rows.with_name(LOCK)):
                self._append(made)
        except InUse:
            pass  # another process keeps them
        except (OSError, CaptionretError) as error:
            log.debug(f"{self._rows.name} could not be kept: {error}")

    def _append(self, made: Mapping[str, NDArray[np.float32]]) -> None:
        width = len(next(iter(made.values())))
        rows = np.zeros(len(made), _row_of(width))
        rows["sha256"] = _as_bytes(list(made))
        rows["vector"] = list(made.values())
        rows["sum"] = _sums(rows)
        if self._read() is None:  # nothing there counts
            self._rows.unlink(missing_ok=True)
            facts = {"format": _FORMAT, "key": self._encoder.key, "dim": width}
            publish_json(self._facts, {**self._encoder.describe(), **facts})
        handle = os.open(self._rows, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666)
        with os.fdopen(handle, "r+b") as out:
            out.seek(0, os.SEEK_END)
            whole = out.tell() // rows.itemsize * rows.itemsize  # a killed run may have left part of a row
            out.truncate(whole)
            out.seek(whole)
            out.write(rows.tobytes())
            out.flush()
            os.fsync(out.fileno())


def files_of(root: Path, pictures: PictureTable) -> Callable[[str], Path]:
    """Where each content of a library lies."""
    return lambda sha256: root / pictures.paths[pictures.row_of[sha256]]


def damaged_rows(folder: Path) -> Iterator[str]:
    """What is wrong with the vectors in a library's folder, one sentence for each encoder."""
    for file in sorted(folder.glob("encoded-*.json")):
        try:
            kind = _row_of(int(read_json(file, BadLibrary)["dim"]))
            rows = file.with_suffix(".rows")
            count = rows.stat().st_size // kind.itemsize
            table = np.memmap(rows, kind, "r", shape=(count,)) if count else np.zeros(0, kind)
            bad = int((~_whole(table)).sum())
        except _UNREADABLE as error:
            yield f"{file} cannot be read ({getattr(error, 'message', error)}); its vectors are made again."
            continue
        if bad:
            yield (
                f"{rows}: {counted(bad, 'vectors are')} not what was written; they are made again by the "
                "next search."
            )


def drop_gone(folder: Path, hashes: Sequence[str], dry_run: bool) -> tuple[int, int]:
    """Write the vectors in a library's folder anew without those of other contents than these; how many rows
    and bytes that gives back. What is damaged is left to `damaged_rows`."""
    count = room = 0
    for file in sorted(folder.glob("encoded-*.json")):
        with contextlib.suppress(
            CaptionretError, OSError, ValueError, TypeError, LookupError, ArithmeticError
        ):
            kind, rows = _row_of(int(read_json(file, BadLibrary)["dim"])), file.with_suffix(".rows")
            table = np.fromfile(rows, kind, rows.stat().st_size // kind.itemsize)
            kept = _places(table, hashes)
            kept = np.sort(kept[kept >= 0])
            if not dry_run and len(kept) < len(table):
                with locked(rows.with_name(LOCK)):
                    _replace(rows, table[kept])
            count += len(table) - len(kept)
            room += (len(table) - len(kept)) * kind.itemsize
    return count, room


def _replace(file: Path, rows: NDArray[np.void]) -> None:
    new = file.with_suffix(".tmp")
    new.write_bytes(rows.tobytes())
    os.replace(new, file)


def _row_of(width: int) -> np.dtype[np.void]:
    if not 0 < width < 2**20:
        raise ValueError(f"{width} is no length of a vector")
    return np.dtype([("sha256", "S32"), ("sum", "<u4"), ("vector", "<f4", (width,))])


def _as_bytes(hashes: Sequence[str]) -> NDArray[np.bytes_]:
    """SHA-256 as text -> (N,) S32."""
    return np.frombuffer(bytes.fromhex("".join(hashes)), "S32")


def _places(table: NDArray[np.void] | None, hashes: Sequence[str]) -> NDArray[np.int64]:
    """(N,) the last whole row of each content; -1 where there is none."""
    places = np.full(len(hashes), -1, np.int64)
    if table is None or not len(hashes):
        return places
    whole = np.flatnonzero(_whole(table))
    known = np.ascontiguousarray(table["sha256"])[whole]
    order = np.argsort(known, kind="stable")
    if not len(order):
        return places
    asked = _as_bytes(hashes)
    found = np.searchsorted(known, asked, side="right", sorter=order) - 1
    rows = order[np.maximum(found, 0)]
    there = (found >= 0) & (known[rows] == asked)
    places[there] = whole[rows[there]]
    return places


def _whole(table: NDArray[np.void]) -> NDArray[np.bool_]:
    """(N,) whether each row is what was written."""
    starts = range(0, len(table), _CHECKED)
    parts = [table[start : start + _CHECKED] for start in starts]
    return np.concatenate([_sums(part) == part["sum"] for part in parts] or [np.zeros(0, bool)])


def _sums(rows: NDArray[np.void]) -> NDArray[np.uint32]:
    """(N,) a checksum of each row's hash and vector: their 32-bit words by odd factors, so that one that is
    altered always shows."""
    vectors = np.ascontiguousarray(rows["vector"]).view("<u4")
    hashes = np.ascontiguousarray(rows["sha256"]).view("<u4").reshape(len(rows), 8)
    words = np.concatenate([hashes, vectors], 1)
    factors = (2 * np.arange(words.shape[1], dtype=np.uint32) + 1) * np.uint32(2_654_435_761)
    sums: NDArray[np.uint32] = (words * factors).sum(1, dtype=np.uint32)
    return sums


def _batches(hashes: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    return (hashes[start : start + size] for start in range(0, len(hashes), size))
