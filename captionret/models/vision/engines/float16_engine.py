"""The CNN in float16, by a compiled kernel of our own: EfficientNet-Lite on processors that multiply float16
(AVX-512 FP16), where it takes half the time of float32. See float16_steps.py for what the kernel is given."""

from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from typing import Protocol, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ....compiled import compiled
from .export import exported
from .float16_plan import Place, Plan
from .float16_steps import plan_of
from .protocols import CannotRun, Run, Source

# Pictures that a thread takes through the network at a time: more read the weights less often, but then what
# lies between two convolutions is no longer near the processor, which costs more.
PIECE = 1


class Kernel(Protocol):
    """What _float16.c gives."""

    def runs(self) -> bool:
        """Whether this processor computes in float16."""

    def run(
        self,
        steps: NDArray[np.int64],
        weights: NDArray[np.float16],
        memory: NDArray[np.float16],
        pixels: NDArray[np.uint8],
        pictures: int,
    ) -> None:
        """Run the steps over pictures (N, S, S, 3); what they give lies in `memory`."""


KERNEL = cast("Kernel | None", compiled("_float16", 1, __package__))


def start(source: Source, precision: str) -> Run:
    """See protocols.Start."""
    if KERNEL is None or not KERNEL.runs():
        raise CannotRun(f"This processor, or this installation, does not compute in {precision}.")
    with exported(source, f"compiled-by-{PIECE}", "network.npz", _save) as file, np.load(file) as stored:
        plan = Plan.of_arrays(stored)
    return _Pieces(KERNEL, plan, torch.get_num_threads()).run


def _save(source: Source, path: str) -> None:
    np.savez(path, **plan_of(source, PIECE).arrays())  # type: ignore[arg-type]


class _Pieces:
    """Batches cut into pieces, which threads take in turn, each with its own memory."""

    def __init__(self, kernel: Kernel, plan: Plan, threads: int) -> None:
        self._kernel, self._plan = kernel, plan
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="cnn")
        self._free: SimpleQueue[NDArray[np.float16]] = SimpleQueue()
        for _ in range(threads):
            self._free.put(np.zeros(plan.memory, np.float16))

    def run(self, pixels: NDArray[np.uint8]) -> tuple[Tensor, Tensor]:
        """See protocols.Run."""
        _, cells, depth = self._plan.grid
        width = sum(columns for _, _, columns in self._plan.pooled)
        pooled = np.empty((len(pixels), width), np.float32)
        grid = np.empty((len(pixels), cells, depth), np.float32)
        pieces = [slice(start, start + PIECE) for start in range(0, len(pixels), PIECE)]
        for _ in self._pool.map(lambda rows: self._piece(pixels[rows], pooled[rows], grid[rows]), pieces):
            pass
        return torch.from_numpy(pooled), torch.from_numpy(grid)

    def _piece(
        self, pixels: NDArray[np.uint8], pooled: NDArray[np.float32], grid: NDArray[np.float32]
    ) -> None:
        memory, plan = self._free.get(), self._plan
        try:
            self._kernel.run(plan.steps, plan.weights, memory, np.ascontiguousarray(pixels), len(pixels))
            grid[:] = _at(memory, plan.grid, len(pixels))
            means = [
                (grid if place == plan.grid else _at(memory, place, len(pixels)).astype(np.float32)).mean(1)
                for place in plan.pooled
            ]
        finally:
            self._free.put(memory)
        np.concatenate(means, 1, out=pooled)


def _at(memory: NDArray[np.float16], place: Place, pictures: int) -> NDArray[np.float16]:
    """A grid that the kernel gave, (N, cells, depth)."""
    start, cells, depth = place
    return memory[start : start + pictures * cells * depth].reshape(pictures, cells, depth)
