"""What an engine is given, and what it gives back."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

Run: TypeAlias = Callable[[NDArray[np.uint8]], tuple[Tensor, Tensor]]
"""pixels (N, S, S, 3) uint8 -> pooled (N, dim) and grid (N, cells, depth), float32. Several threads may call
it."""


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """A backbone as an engine sees it.

    network:  (N, S, S, 3) uint8 -> pooled, grid; with its preprocessing
    name:     what people call it: "efficientnet_lite2"
    identity: 64 hex digits: a hash over everything that changes a feature
    size:     the height and width of the pictures that it reads, in pixels
    frozen:   the identity of the backbone alone, whatever other last blocks stand beside its own
    """

    network: nn.Module
    name: str
    identity: str
    size: int
    frozen: str


class Start(Protocol):
    """The function `start` of an engine's module."""

    def __call__(self, source: Source, precision: str) -> Run:
        """Make ready.

        errors: CannotRun where this machine cannot
        """
        ...


class CannotRun(Exception):
    """An engine that does not run here, with a sentence that says why."""


def last_line(error: Exception) -> str:
    """The end of an engine's error, which may be pages long."""
    return (str(error).strip() or type(error).__name__).splitlines()[-1]
