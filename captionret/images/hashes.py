"""Perceptual hashes: 64 bits that stay nearly the same when a picture is scaled, re-encoded or recoloured a
little. Two pictures are as alike as few of their bits differ.

The hash is pHash as `imagehash` computes it: which of a picture's 64 lowest frequencies (DCT) are above their
median.
"""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from ..errors import BadImage
from ..progress import bar
from ..records import Failure
from .pictures import ImageInput, Picture, as_picture

Hashes = NDArray[np.uint64]

BITS = 64
ALIKE = 8  # bits; of 64 within which copies differ, and hardly ever other pictures
_SIDE = 64  # pixels that are enough for a hash of 32 x 32
_ROWS = 1024  # hashes compared at a time with all others


def perceptual_hash(image: ImageInput | Picture, mirrored: bool = False) -> int:
    """The pHash of a picture as its EXIF turns it, from 0 to 2**64 - 1.

    mirrored: of the picture with left and right exchanged
    errors:   BadImage, naming the picture

    >>> red, blue = (Image.new("RGB", (80, 60), colour) for colour in ("red", "blue"))
    >>> differing_bits(perceptual_hash(red), perceptual_hash(blue))
    0
    """
    opened = as_picture(image).open(at_least=_SIDE)
    return hash_of_pixels(ImageOps.mirror(opened) if mirrored else opened)


def hash_of_pixels(image: Image.Image) -> int:
    """The same of pixels that are upright already."""
    from imagehash import phash  # it takes a command's start

    return int("".join("1" if bit else "0" for bit in phash(image).hash.ravel()), 2)


def differing_bits(one: int, other: int) -> int:
    """How many of the 64 bits of two hashes differ."""
    return (one ^ other).bit_count()


def perceptual_hashes(
    pictures: Sequence[Path | Picture], progress: bool | None = None
) -> Iterator[int | Failure]:
    """The hash of each picture in order, found in as many threads as there are processors; a Failure in its
    place where one cannot be read."""
    with (
        ThreadPoolExecutor(os.cpu_count() or 1) as pool,
        bar(total=len(pictures), unit="picture", desc="perceptual hashes", show=progress) as shown,
    ):
        for found in pool.map(_hashed, pictures):
            shown.update(1)
            yield found


def _hashed(picture: Path | Picture) -> int | Failure:
    try:
        return perceptual_hash(picture)
    except BadImage as error:
        path = picture if isinstance(picture, Path) else picture.path or picture.name
        return Failure(str(path), str(error))


def alike_pairs(hashes: Hashes, at_most: int = ALIKE, others: Hashes | None = None) -> NDArray[np.int64]:
    """Which hashes differ in few bits.

    hashes:  (N,)
    at_most: so many bits may differ
    others:  (M,) to compare with; None: the hashes with each other, each pair once
    returns: (P, 2) rows of `hashes` and of `others`, ascending; all N * M pairs are compared, in blocks

    >>> alike_pairs(np.array([0b1, 0b11, 0xFFFF], np.uint64), 2).tolist()
    [[0, 1]]
    """
    signs = _signs(hashes)
    compared = signs if others is None else _signs(others)
    found = [np.zeros((0, 2), np.int64)]
    for start in range(0, len(hashes), _ROWS):
        first = start if others is None else 0
        # equal signs less different ones: 64 - 2 * differing bits, exact in float32
        agreement = signs[start : start + _ROWS] @ compared[first:].T
        rows, columns = np.nonzero(agreement >= BITS - 2 * at_most)
        pairs = np.stack([rows + start, columns + first], axis=1)
        found.append(pairs if others is not None else pairs[pairs[:, 0] < pairs[:, 1]])
    return np.concatenate(found)


def _signs(hashes: Hashes) -> NDArray[np.float32]:
    """(N,) hashes as (N, 64) of 1 and -1."""
    octets = np.ascontiguousarray(hashes, np.dtype("<u8")).view(np.uint8).reshape(-1, 8)
    return np.unpackbits(octets, axis=1).astype(np.float32) * 2 - 1
