"""Whole pictures as squares, as Pillow resizes them to the bit (bicubic, antialiased), in half of its time.

What Pillow computes in turn for each number, a compiled kernel computes for many at a time. Where it was not
compiled, Pillow does it, as it does for pictures several times as large, which it is faster with, or which it
first takes means of, and for high ones, which some of its releases resize along columns first.
"""

from functools import lru_cache
from typing import Protocol, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..compiled import compiled

REDUCING_GAP = 3.0
_MOST = 3  # times the square's side: from there on Pillow is as fast
_BITS = 22  # behind the point, of weights
_SUPPORT = 2.0  # of a bicubic curve, in pixels

_Weights: TypeAlias = tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]


class Kernel(Protocol):
    """What _resize.c gives."""

    def resize(
        self, pixels: NDArray[np.uint8], height: int, width: int, *weights_and_room: NDArray[np.generic]
    ) -> None:
        """Put a picture (height, width, 3) into the room that is given last."""


KERNEL = cast("Kernel | None", compiled("_resize", 1, __package__))


def squared(image: Image.Image, size: int) -> NDArray[np.uint8]:
    """The whole picture squeezed into a square. image: 8-bit RGB; returns: (size, size, 3) uint8"""
    width, height = image.size
    several_times = max(width, height) > _MOST * size
    if KERNEL is None or several_times or height > max(width, size) or width == height == size:
        return np.array(image.resize((size, size), Image.Resampling.BICUBIC, reducing_gap=REDUCING_GAP))
    square = np.empty((size, size, 3), np.uint8)
    KERNEL.resize(np.asarray(image), height, width, *_weights(width, size), *_weights(height, size), square)
    return square


@lru_cache(256)
def _weights(length: int, size: int) -> _Weights:
    """For each of `size` places the first of `length` pixels that it is made of, how many they are, and the
    weight of each, in 1 / 2**22; by Pillow's arithmetic, in its order."""
    scale = length / size
    wider = max(scale, 1.0)
    support = _SUPPORT * wider
    firsts, rows = [], []
    for place in range(size):
        centre = (place + 0.5) * scale
        first = max(0, int(centre - support + 0.5))
        end = min(length, int(centre + support + 0.5))
        curve = [_bicubic((one + first - centre + 0.5) * (1 / wider)) for one in range(end - first)]
        total = 0.0
        for one in curve:
            total += one
        firsts.append(first)
        rows.append([_whole(one / total if total else one) for one in curve])
    weights = np.zeros((size, max(map(len, rows))), np.int32)
    for row, own in zip(weights, rows, strict=True):
        row[: len(own)] = own
    return np.array(firsts, np.int32), np.array([len(own) for own in rows], np.int32), weights


def _whole(weight: float) -> int:
    return int(weight * (1 << _BITS) + (0.5 if weight >= 0 else -0.5))


def _bicubic(distance: float) -> float:
    """Keys' curve with a = -0.5."""
    a, x = -0.5, abs(distance)
    if x < 1.0:
        return ((a + 2.0) * x - (a + 3.0)) * x * x + 1
    return (((x - 5) * x + 8) * x - 4) * a if x < 2.0 else 0.0
