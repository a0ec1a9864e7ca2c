"""What pictures look like in a few bytes, by which copies of one are found: perceptual hashes, made once of
every picture and kept with the library."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..snapshot import LibrarySnapshot
from .encoded import EncodedPictures, files_of

if TYPE_CHECKING:
    from PIL.Image import Image

LEAST_CONTRAST = 2.0  # of 255: below it a hash is of noise, as of a lens cap's picture
_AT_LEAST = 32  # pixels of the shorter side that a hash reads


@dataclass(frozen=True, slots=True, eq=False)
class Looks:
    """What N pictures look like.

    hashes:   (N,) uint64, see images.hashes
    plain:    (N,) whether one is of so little contrast, or so unreadable, that its hash says nothing
    features: (N, D) float32 unit rows of the backbone; None where the library has none
    mirrored: (N,) uint64, the hashes of the mirrored pictures; None where nobody asked for them
    """

    hashes: NDArray[np.uint64]
    plain: NDArray[np.bool_]
    features: NDArray[np.float32] | None = None
    mirrored: NDArray[np.uint64] | None = None


class PerceptualHash:
    """Perceptual hashes as a PictureSpace, so that a library keeps them as it keeps an encoder's vectors."""

    name = "perceptual hash"

    def __init__(self, mirrored: bool = False) -> None:
        self._mirrored = mirrored
        self.key = f"imagehash phash 8 bytes, contrast{', mirrored' if mirrored else ''}; 2"

    def describe(self) -> dict[str, object]:
        """What made them."""
        return {"hash": "pHash", "mirrored": self._mirrored}

    def encode_opened(self, images: "Sequence[Image]") -> NDArray[np.float32]:
        """N upright RGB pictures -> (N, 9): the hash's bytes as numbers, the lowest first, and the standard
        deviation of grey."""
        with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            found = list(pool.map(self._look, images))
        numbers = np.array([number for number, _ in found], np.dtype("<u8"))
        contrasts = np.array([contrast for _, contrast in found], np.float32)
        octets = numbers.view(np.uint8).reshape(-1, 8).astype(np.float32)
        return np.concatenate([octets, contrasts[:, None]], axis=1)

    def _look(self, image: "Image") -> tuple[int, float]:
        from PIL import ImageOps

        from ...images.hashes import hash_of_pixels

        grey = image.convert("L")
        coarse = grey.reduce(max(1, min(grey.size) // 32))  # noise is gone
        return hash_of_pixels(ImageOps.mirror(grey) if self._mirrored else grey), float(
            np.asarray(coarse).std()
        )


def looks_of(
    snapshot: LibrarySnapshot,
    contents: Sequence[str],
    *,
    mirrored: bool = False,
    progress: bool | None = None,
) -> Looks:
    """What pictures of a library look like, by their content hashes; of those that were not looked at yet the
    perceptual hashes are made now, and kept.

    errors: BadLibrary where none of them can be read
    """
    hashes, plain = _hashes_of(snapshot, contents, PerceptualHash(), progress)
    turned = _hashes_of(snapshot, contents, PerceptualHash(True), progress)[0] if mirrored else None
    return Looks(hashes, plain, unit_features(snapshot, contents), turned)


def _hashes_of(
    snapshot: LibrarySnapshot, contents: Sequence[str], kind: PerceptualHash, progress: bool | None
) -> tuple[NDArray[np.uint64], NDArray[np.bool_]]:
    kept = EncodedPictures(snapshot.folder, kind, at_least=_AT_LEAST)
    rows = kept.take(contents, files_of(snapshot.root, snapshot.pictures), progress)
    hashes = np.ascontiguousarray(rows[:, :8].astype(np.uint8)).view(np.dtype("<u8")).reshape(-1)
    return hashes.astype(np.uint64), rows[:, 8] < LEAST_CONTRAST


def unit_features(snapshot: LibrarySnapshot, contents: Sequence[str]) -> NDArray[np.float32] | None:
    """(N, D) the backbone's features of contents, each of length 1; None where the library has none."""
    found = snapshot.features(contents).astype(np.float32)
    if not found.shape[1]:
        return None
    lengths = np.linalg.norm(found, axis=1, keepdims=True)
    unit: NDArray[np.float32] = found / np.maximum(lengths, np.finfo(np.float32).tiny)
    return unit
