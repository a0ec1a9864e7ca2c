"""What a predictor's own last blocks of the CNN saw of pictures while these were captioned, kept until their
words are predicted: so the CNN passes over a picture once.

    seen-FINGERPRINT.rows   a row for each picture: its content hash, a checksum, D little-endian float16

It follows from the pictures: what is missing or damaged is read from them again.
"""

import logging
import os
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...decoding import Decoding
from ...errors import CaptionretError
from ...files import no_space_named
from ...records import CaptionResult, Failure, NoCaption
from ..protocols import Captioning, SeeingCaptioner, SeeingPredictor, WordPredicting
from ..surroundings import SURROUNDINGS

if TYPE_CHECKING:
    from ...images import Picture

log = logging.getLogger(__name__)

_HASH, _SUM = 32, 4  # bytes


class SeenRows:
    """The rows of one predictor in a library's folder."""

    def __init__(self, folder: Path, predictor: WordPredicting) -> None:
        """Of a predictor without last blocks of its own there are none."""
        self.folder = folder
        fingerprint = predictor.sees_with if isinstance(predictor, SeeingPredictor) else None
        self.file = folder / f"seen-{(fingerprint or '')[:16]}.rows"

    def append(self, results: Sequence[CaptionResult]) -> None:
        """Keep what was seen of pictures, where something was. errors: NoSpace"""
        rows = [(one.sha256, np.asarray(one.own, "<f2").tobytes()) for one in results if one.own is not None]
        if not rows:
            return
        values = [
            bytes.fromhex(sha256) + _sum_of(sha256, seen).to_bytes(_SUM, "little") + seen
            for sha256, seen in rows
        ]
        with no_space_named(self.file):
            handle = os.open(self.file, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666)
            with os.fdopen(handle, "r+b") as out:
                end = out.seek(0, os.SEEK_END)
                out.seek(end - end % len(values[0]))  # over what a killed run left half written
                out.write(b"".join(values))

    def take(self, dim: int) -> "Mapping[str, NDArray[np.float16]]":
        """By content hash what was seen, (dim,) each; whole rows alone."""
        size = _HASH + _SUM + 2 * dim
        count = self.file.stat().st_size // size if self.file.is_file() else 0
        if not count:
            return {}
        mapped = np.memmap(self.file, np.uint8, "r", shape=(count, size))
        return _Rows(mapped, {bytes(row).hex(): place for place, row in enumerate(mapped[:, :_HASH])})

    def remove(self) -> None:
        """Delete these, and those of other predictors: their words are predicted, or never will be."""
        for file in self.folder.glob("seen-*.rows"):
            file.unlink(missing_ok=True)


class _Rows(Mapping[str, NDArray[np.float16]]):
    """Rows in a mapped file. A damaged one is none."""

    def __init__(self, mapped: NDArray[np.uint8], places: Mapping[str, int]) -> None:
        self._mapped, self._places = mapped, places

    def __getitem__(self, sha256: str) -> NDArray[np.float16]:
        row = bytes(self._mapped[self._places[sha256]])
        seen = row[_HASH + _SUM :]
        if int.from_bytes(row[_HASH : _HASH + _SUM], "little") != _sum_of(sha256, seen):
            raise KeyError(sha256)
        return np.frombuffer(seen, "<f2")

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


def _sum_of(sha256: str, seen: bytes) -> int:
    return zlib.crc32(seen, zlib.crc32(sha256.encode()))


def keeping(
    captioner: Captioning, predicted_by: Callable[[], dict[str, Any] | None], folder: Path, device: str
) -> Captioning:
    """A captioner that keeps what the library's predictor sees beside it; the same where it sees for none.

    predicted_by: says what predicted the library's words, None: nothing yet
    """
    if not isinstance(captioner, SeeingCaptioner):
        return captioner
    return KeepingCaptioner(captioner, predicted_by, folder, device)


class KeepingCaptioner:
    """A captioner; what the library's predictor sees in the same pass of the CNN is kept for it."""

    def __init__(
        self,
        captioner: Captioning,
        predicted_by: Callable[[], dict[str, Any] | None],
        folder: Path,
        device: str,
    ) -> None:
        """As `keeping`."""
        self._captioner, self._predicted_by = captioner, predicted_by
        self._folder, self._device = folder, device
        self.name, self.fingerprint = captioner.name, captioner.fingerprint

    def describe(self) -> dict[str, Any]:
        """The captioner's facts."""
        return self._captioner.describe()

    def caption_stream(
        self, paths: "Sequence[Path | Picture]", *, decoding: Decoding, batch_size: int
    ) -> Iterator[Sequence[CaptionResult | Failure | NoCaption]]:
        """See Captioning."""
        rows = self._rows()
        for results in self._captioner.caption_stream(paths, decoding=decoding, batch_size=batch_size):
            if rows is not None:
                rows.append([one for one in results if isinstance(one, CaptionResult)])
            yield results

    def _rows(self) -> SeenRows | None:
        """Where to keep what is seen; None where captioner and predictor have nothing in common."""
        assert isinstance(self._captioner, SeeingCaptioner)
        try:
            predictor = SURROUNDINGS.predictor(self._predicted_by(), self._device)
        except CaptionretError as error:
            log.debug(f"Words will be predicted in a pass of their own: {error.message}")
            return None
        return SeenRows(self._folder, predictor) if self._captioner.see_for(predictor) else None


def words_of(
    predictor: WordPredicting,
    seen: Mapping[str, NDArray[np.float16]],
    paths: "Sequence[Path | Picture]",
    hashes: Sequence[str],
    features: NDArray[np.floating],
) -> NDArray[np.float32]:
    """(N, V): what a predictor predicts of pictures, of those alone read again of which nothing was seen.

    seen: by content hash, as SeenRows gives it; errors: BadImage for a picture that is read and cannot be
    """
    if not isinstance(predictor, SeeingPredictor) or not predictor.sees_with:
        return predictor.predict_words(paths, hashes, features)
    known = [seen.get(sha256) for sha256 in hashes]
    here = np.array([row is not None for row in known], np.bool_)
    found = np.zeros((len(hashes), len(predictor.words)), np.float32)
    if here.any():
        own = np.stack([row for row in known if row is not None])
        found[here] = predictor.predict_words(*_those(here, paths, hashes), features[here], own=own)
    if not here.all():
        found[~here] = predictor.predict_words(*_those(~here, paths, hashes), features[~here])
    return found


def _those(
    wanted: NDArray[np.bool_], paths: "Sequence[Path | Picture]", hashes: Sequence[str]
) -> "tuple[list[Path | Picture], list[str]]":
    rows = np.flatnonzero(wanted).tolist()
    return [paths[row] for row in rows], [hashes[row] for row in rows]
