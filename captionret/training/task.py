"""What a task is to the fit loop: an epoch's batches, their loss, and a measure of what has been learned."""

from collections.abc import Sequence
from typing import Any, Generic, TypeVar

import numpy as np
from torch import Tensor, nn

from ..config import C

# batches that are sorted by length together, so that a batch pads little and the order stays nearly random
_POOL = 20
Data = TypeVar("Data")


class Task(Generic[C, Data]):
    """What is trained.

    module, config, seed: what learns, on its device already, how, and the seed of its batches' order
    train, val: what to learn from and to validate on
    criterion: the measure that decides which epoch is kept, higher is better
    rates:     name of a part of the module -> factor of its learning rate, where that is not 1
    parts:     how often an epoch is validated; the loop's epochs are these parts
    epoch:     the one whose batches were asked for last
    """

    criterion: str

    def __init__(self, module: nn.Module, config: C, train: Data, val: Data, seed: int) -> None:
        self.module: Any = module
        self.config, self.train, self.val, self.seed = config, train, val, seed
        self.rates: dict[str, float] = {}
        self.epoch, self.parts = 0, 1
        self.device = next(module.parameters()).device

    def whole_epoch(self, random: np.random.Generator) -> Sequence[Any]:
        """All batches of an epoch, in random order; made tensors only by `loss`."""
        raise NotImplementedError

    def loss(self, batch: Any) -> Tensor:
        """The mean loss of a batch."""
        raise NotImplementedError

    def validate(self, module: Any) -> dict[str, float]:
        """What is measured after an epoch; `criterion` is among it."""
        raise NotImplementedError

    def batches(self, epoch: int) -> Sequence[Any]:
        """The batches of an epoch, or of a part of one, nearly equal stretches; the same ones whenever they
        are asked for."""
        self.epoch, part = divmod(epoch, self.parts)
        whole = self.whole_epoch(np.random.default_rng([self.seed, self.epoch]))
        start, end = (len(whole) * edge // self.parts for edge in (part, part + 1))
        return whole[start:end]


def stretches(rows: np.ndarray, size: int) -> list[np.ndarray]:
    """Rows in batches of `size`. One that would be left alone joins the batch before it: neither batch norm
    nor a contrast can learn from one."""
    starts = range(0, max(1, len(rows) - 1), size)
    return [rows[start : None if start == starts[-1] else start + size] for start in starts]


def by_length(lengths: np.ndarray, size: int, random: np.random.Generator) -> list[np.ndarray]:
    """The rows of an epoch in batches of `size` in random order, each of nearly equal lengths; every row
    once, none alone.

    lengths: (M,) of the sentences
    """
    order = random.permutation(len(lengths))
    pools = [order[start : start + _POOL * size] for start in range(0, len(order), _POOL * size)]
    batches = stretches(
        np.concatenate([pool[np.argsort(lengths[pool], kind="stable")] for pool in pools]), size
    )
    random.shuffle(batches)
    return batches


def with_views(
    batches: Sequence[np.ndarray], views: int, random: np.random.Generator
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Each batch beside a view for each of its rows, one of `views`."""
    return [(batch, random.integers(0, views, len(batch))) for batch in batches]
