"""A task small enough to train in a blink, with everything in it whose state could be forgotten: dropout, a
batch norm, an embedding."""

import os
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from captionret.config import TrainingConfig
from captionret.datasets import Dataset
from captionret.training.loop import Fit
from captionret.training.run import Run
from captionret.training.task import Task

BATCHES = 6


class Network(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(12, 8)
        self.norm = nn.BatchNorm1d(8)
        self.dropout = nn.Dropout(0.3)
        self.output = nn.Linear(8, 12)

    def forward(self, tokens: Tensor) -> Tensor:
        scores: Tensor = self.output(self.dropout(self.norm(self.embed(tokens))))
        return scores


class Toy(Task[TrainingConfig, None]):
    """Learn each token's successor.

    scores:  what validation answers, epoch by epoch; without them the negative loss
    on_loss: called with (epoch, number of the batch) before each loss
    kept:    the weights that were kept, with their epoch
    """

    criterion = "score"

    def __init__(
        self, scores: Sequence[float] = (), on_loss: Callable[[int, int], None] | None = None
    ) -> None:
        torch.manual_seed(1)
        super().__init__(Network(), TrainingConfig(), None, None, 7)
        self.scores, self.on_loss = scores, on_loss
        self.validated = 0
        self.kept: list[tuple[int, dict[str, Tensor]]] = []
        self.seen: list[tuple[int, int]] = []

    def whole_epoch(self, random: np.random.Generator) -> list[tuple[int, np.ndarray]]:
        order = random.permutation(np.arange(8 * BATCHES) % 12)
        return list(enumerate(np.split(order, BATCHES)))

    def loss(self, batch: Any) -> Tensor:
        number, tokens = batch
        self.seen.append((self.epoch, number))
        if self.on_loss:
            self.on_loss(self.epoch, number)
        return self.cross_entropy(self.module, tokens)

    def cross_entropy(self, module: nn.Module, tokens: np.ndarray) -> Tensor:
        known = torch.from_numpy(tokens)
        return nn.functional.cross_entropy(module(known).float(), (known + 1) % 12)

    def validate(self, module: nn.Module) -> dict[str, float]:
        loss = float(self.cross_entropy(module, np.arange(12)))
        self.validated += 1
        return {"val_loss": loss, "score": self.scores[self.validated - 1] if self.scores else -loss}

    def keep(self, module: nn.Module, history: list[dict[str, float]]) -> None:
        self.kept.append(
            (len(history), {key: value.detach().clone() for key, value in module.state_dict().items()})
        )


class ToyRun(Run[TrainingConfig]):
    """A run whose state lies in `out` itself."""

    @property
    def folder(self) -> Path:
        return self.out


def run_of(folder: Path, show: bool = False, **changes: Any) -> ToyRun:
    """A run of the toy. changes: of TrainingConfig's fields, or of Run's"""
    fields = {
        name: changes.pop(name) for name in list(changes) if name in TrainingConfig.__dataclass_fields__
    }
    config = TrainingConfig(**{"epochs": 4, "learning_rate": 0.02, "weight_decay": 0.01, **fields})
    return ToyRun("toy", config, Dataset("toy", ()), folder, progress=show, **changes)


def fit(task: Toy, folder: Path, resume: bool = False, data: str = "toy", **changes: Any) -> Fit:
    return Fit(task, run_of(folder, **changes), {"data": data}, task.keep, resume)


def interrupt_at(epoch: int, number: int, how: signal.Signals = signal.SIGINT) -> Callable[[int, int], None]:
    """Press Ctrl-C (or kill) while that batch is computed."""

    def on_loss(at_epoch: int, at_number: int) -> None:
        if (at_epoch, at_number) == (epoch, number):
            os.kill(os.getpid(), how)

    return on_loss


def equal(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    """Whether two state dicts are equal in every bit."""
    return one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one)
