"""What the kernel _float16.c is given: steps, weights, and where in the memory each step's result lies."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

PIXELS, POINTWISE, DEPTHWISE, FIRST = range(4)
LANES = 32  # numbers in a register
_ROWS = 32  # more than the kernel reads beyond the last row

Place: TypeAlias = tuple[int, int, int]
"""Where a result lies in the memory, the cells of a picture, and the channels of a cell."""


@dataclass(slots=True)
class Step:
    """A row of the list, as the kernel has it. from_, to, added: the grids' numbers until memory is laid
    out."""

    kind: int
    from_: int
    to: int
    added: int
    weights: int
    bias: int
    depth: int
    columns: int
    height: int
    width: int
    kernel: int
    stride: int
    top: int
    left: int
    high: int
    wide: int
    clipped: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """What the kernel is given.

    steps:   (S, 17) int64
    weights: all of them, float16
    memory:  numbers of two bytes that a piece of pictures takes
    pooled:  the grids whose means are the pooled feature; grid: the one that is given whole
    """

    steps: NDArray[np.int64]
    weights: NDArray[np.float16]
    memory: int
    pooled: tuple[Place, ...]
    grid: Place

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """For a file."""
        places = np.array([self.grid, *self.pooled], np.int64)
        return {
            "steps": self.steps,
            "weights": self.weights,
            "memory": np.array(self.memory),
            "places": places,
        }

    @classmethod
    def of_arrays(cls, stored: Mapping[str, NDArray[np.generic]]) -> "Plan":
        """From a file."""
        grid, *pooled = [(int(at), int(cells), int(depth)) for at, cells, depth in stored["places"]]
        steps, weights = stored["steps"].astype(np.int64), stored["weights"].astype(np.float16)
        return cls(steps, weights, int(stored["memory"]), tuple(pooled), grid)


def laid_out(steps: Sequence[Step], wanted: Sequence[int], pictures: int) -> tuple[dict[int, int], int]:
    """Where each step's result lies, and how much memory it takes: what is read no more makes room."""
    last = {number: len(steps) for number in wanted}
    for now, step in enumerate(steps):
        for number in (step.from_, step.added):
            if number >= 0:
                last[number] = max(now, last.get(number, 0))
    places: dict[int, int] = {}
    rooms: list[tuple[int, int, int]] = []  # where, how large, and the step after which it is free
    end = 0
    for now, step in enumerate(steps):
        size = -(-pictures * step.high * step.wide * step.columns // LANES) * LANES
        free = [room for room in rooms if room[2] < now and room[1] >= size]
        if free:
            room = min(free, key=lambda one: one[1])
            rooms.remove(room)
        else:
            room, end = (end, size, 0), end + size
        places[step.to] = room[0]
        rooms.append((room[0], room[1], last.get(step.to, now)))
    return places, end + _ROWS * max(step.depth * step.stride for step in steps) + 64
