"""A training from its description to a checkpoint with a card, the same for everything that is trained here.

What differs stands in `prepare` of each kind: which data, which network, which task.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from ..config import C
from ..models.card import write_card
from ..models.checkpoint import Checkpoint, read_checkpoint, save_checkpoint
from ..models.record import NO_BACKBONE, Kind, add_training
from ..text import Vocabulary
from .loop import Fit, History, Task
from .optimizer import autocast_to
from .run import Run
from .state import cut_training


@dataclass
class Prepared:
    """What a training has before its first step.

    facts:    of its data and its network, for the card; a training that is gone on with must have the same
    backbone: {"name", "sha256", "preprocessing"}: what the features come from
    left_out: why pictures or captions could not be read
    tensors:  of the trained module, what is saved
    """

    task: Task
    vocabulary: Vocabulary
    facts: dict[str, Any]
    backbone: dict[str, Any] = field(default_factory=NO_BACKBONE.copy)
    left_out: list[str] = field(default_factory=list)
    tensors: Callable[[nn.Module], dict[str, Tensor]] = lambda module: module.state_dict()


def train(
    run: Run[C],
    kind: Kind[C],
    device: torch.device,
    prepare: Callable[[], Prepared],
    resume: bool = False,
) -> tuple[Checkpoint[C], list[str]]:
    """Train what `prepare` has made ready, and save the epoch that was best in validation, with its card, to
    run.out.

    resume:  go on with the training that was cut there, or for more epochs
    returns: the checkpoint that was kept, and what was left out
    """
    # what cannot be is better refused before every picture has passed through the CNN
    autocast_to(run.precision, device)
    if resume:
        cut_training(run.folder)
    ready = prepare()
    facts = {"data": run.data, **ready.facts, "seed": run.seed}

    def keep(module: nn.Module, history: History) -> None:
        tensors = ready.tensors(module)  # of a fine-tuned CNN this saves the backbone and notes its hash
        training = {
            **facts,
            "command": run.command,
            **({"description": run.description} if run.description else {}),
            "history": history,
            "best_epoch": len(history),
            "seconds": history[-1]["seconds"],
        }
        checkpoint = Checkpoint(
            run.name, run.config, ready.vocabulary, ready.backbone, tensors, training, kind=kind.name
        )
        save_checkpoint(run.out, checkpoint, torch.float16 if run.fp16 else torch.float32)

    identity = {kind.row: run.name, **facts}
    if ready.backbone["sha256"]:
        identity["backbone weights"] = ready.backbone["sha256"]
    progress = Fit(ready.task, run, identity, keep, resume).run()
    add_training(run.out, {"history": progress.history, "seconds": progress.seconds})
    write_card(run.out)
    return read_checkpoint(run.out, kind), ready.left_out
