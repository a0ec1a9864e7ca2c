"""One training, from its description to a checkpoint with a card, and one fit loop, for everything that is
trained here.

A task says what a batch is, what its loss is and how good the network has become; the loop does the rest:
optimizer, schedule, clipping, averaged weights, mixed precision, validation after each epoch, the best kept,
early stop, a log, and a state from which a cut training goes on bit for bit (on a CPU). Ctrl-C saves that
state and stops; at most a batch is lost.
"""

import contextlib
import logging
import math
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from .. import progress
from ..config import C
from ..errors import BadSetting
from ..models.card import write_card
from ..models.checkpoint import Checkpoint, read_checkpoint, save_checkpoint
from ..models.record import add_training
from ..models.vision.backbones import Backbone
from ..remedies import remedy
from .optimizer import autocast_to, averaged, make_optimizer, rate_at
from .run import Run
from .state import Log, check_identity, cut_training, load_tensors, save_state, under
from .task import Task

SAVE_EVERY = 300.0  # seconds between two saved states within an epoch
logger = logging.getLogger(__name__)
History = list[dict[str, float]]


def train(
    run: Run[C], device: torch.device, backbone: Backbone | None = None, resume: bool = False
) -> tuple[Checkpoint[C], list[str]]:
    """Prepare and train, and save the epoch that was best in validation, with its card, to run.out.

    Without a val split, every 20th training image is held out instead (and the checkpoint says so).
    backbone: the CNN whose features are read, where it is loaded already; it must fit the run's config
    resume:   go on with the training that was cut there, or for more epochs
    returns:  the checkpoint that was kept, and why pictures were left out
    """
    if resume:
        # better refused before every picture has passed through the CNN
        cut_training(run.folder)
    ready = run.prepare(device, backbone)
    facts = {"data": run.data, **ready.facts, "seed": run.seed}

    def keep(module: nn.Module, history: History) -> None:
        tensors = ready.tensors(module)  # of a fine-tuned CNN this saves the backbone and notes its hash
        training = {
            **facts,
            "command": run.command,
            "description": run.description,
            "history": history,
            "best_epoch": len(history),
            "seconds": history[-1]["seconds"],
        }
        checkpoint = Checkpoint(
            run.name, run.config, ready.vocabulary, ready.backbone, tensors, training, kind=run.kind.name
        )
        save_checkpoint(run.out, checkpoint, torch.float16 if run.fp16 else torch.float32, run.eight_bits)

    identity = {run.kind.row: run.name, **facts}
    if ready.backbone["sha256"]:
        identity["backbone weights"] = ready.backbone["sha256"]
    done = Fit(ready.task, run, identity, keep, resume).run()
    add_training(run.out, {"history": done.history, "seconds": done.seconds})
    write_card(run.out)
    return read_checkpoint(run.out, run.kind), ready.left_out


@dataclass
class Progress:
    """Where a training stands; saved beside its tensors."""

    epoch: int = 0
    batch: int = 0
    loss_sum: float = 0.0
    seconds: float = 0.0
    best: float = -math.inf
    best_epoch: int = 0
    history: History = field(default_factory=list)


class Interrupted(KeyboardInterrupt):
    """The user stopped the training; its state is saved."""

    def in_shell(self) -> str:
        """The message as the command line prints it."""
        return f"{self} {remedy('resume').shell}"


class Fit:
    """One training, new or resumed from run.folder/state.json and the tensors it names."""

    def __init__(
        self,
        task: Task[Any, Any],
        run: Run[Any],
        identity: dict[str, Any],
        keep: Callable[[nn.Module, History], None],
        resume: bool = False,
    ) -> None:
        """identity: what must be equal for a state to be gone on from (variant, data, vocabulary ...)
        keep: saves the best so far."""
        self.task, self.config, self.keep = task, run.config, keep
        self.folder, self.show = run.folder, run.progress
        self.epochs, self.patience = self.config.epochs * task.parts, run.patience * task.parts
        more = {"epochs": self.epochs, "patience": self.patience, "precision": run.precision}
        self.identity = {**identity, **self.config.to_json(), "seed": run.seed, **more}
        torch.manual_seed(run.seed)
        self.device = next(task.module.parameters()).device
        self.optimizer = make_optimizer(task.module, self.config, task.rates)
        self.averaged = averaged(task.module, self.config.average)
        # what is validated and kept
        self.learned = self.averaged.module if self.averaged else task.module
        self.modules = {"module": task.module, **({"averaged": self.averaged} if self.averaged else {})}
        self.dtype = autocast_to(run.precision, self.device)
        # does nothing unless it is enabled
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=self.dtype is torch.float16)
        self.at = Progress()
        self.stop_asked = False
        if run.compile:
            # in place, so that its weights keep their names; captions of all lengths share one kernel
            task.module.compile(dynamic=True)
        if resume:
            self._load()
        else:
            self._save()  # so that whatever cuts this training, it can be resumed
        self.log = Log(self.folder, run.tensorboard, self.at.epoch)

    def run(self) -> Progress:
        """Train to the end (or to the early stop). Interrupted where the user stops it."""
        with self._listening(), contextlib.closing(self.log):
            while self.at.epoch < self.epochs and self.at.epoch - self.at.best_epoch < self.patience:
                self._epoch()
                self._validate()
                self._save()
        return self.at

    def _epoch(self) -> None:
        batches = self.task.batches(self.at.epoch)
        steps = self.epochs * len(batches)
        started = saved = time.monotonic()
        self.task.module.train()
        desc, done = f"epoch {self.at.epoch + 1}/{self.epochs}", self.at.batch
        with progress.bar(desc=desc, unit="batch", total=len(batches), initial=done, show=self.show) as bar:
            for index in range(done, len(batches)):
                rate = self.config.learning_rate * rate_at(
                    (self.at.epoch * len(batches) + index) / steps, self.config
                )
                for group in self.optimizer.param_groups:
                    group["lr"] = rate * group["rate"]
                self.at.loss_sum += self._step(batches[index])
                self.at.batch = index + 1
                bar.set_postfix(loss=f"{self.at.loss_sum / self.at.batch:.3f}", refresh=False)
                bar.update()
                now = time.monotonic()
                if self.stop_asked or now - saved > SAVE_EVERY:
                    self.at.seconds += now - started
                    started = saved = now
                    self._save()
                if self.stop_asked:
                    place = f"epoch {self.at.epoch + 1}, after batch {self.at.batch}"
                    raise Interrupted(f"Stopped in {place}; its state is saved.")
        self.at.seconds += time.monotonic() - started

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, self.dtype or torch.bfloat16, enabled=self.dtype is not None)

    def _step(self, batch: Any) -> float:
        self.optimizer.zero_grad(set_to_none=True)
        with self._autocast():
            loss = self.task.loss(batch)
        self.scaler.scale(loss).backward()
        self.scaler.unscale_(self.optimizer)
        found = nn.utils.clip_grad_norm_(self.task.module.parameters(), self.config.clip_norm)
        # together, so that a GPU is waited for only once
        value, norm = map(float, torch.stack([loss.detach().float(), found.float()]).tolist())
        # with float16 a scale that was too large shows as an infinite gradient: that step is left out
        overflown = self.scaler.is_enabled() and self.scaler.get_scale() > 1
        if not math.isfinite(value) or not (math.isfinite(norm) or overflown):
            raise BadSetting(
                f"The loss became {value} (its gradient {norm}) in epoch {self.at.epoch + 1}, after batch "
                f"{self.at.batch}.",
                remedy("lower the rate"),
            )
        self.scaler.step(self.optimizer)
        self.scaler.update()
        if self.averaged:
            self.averaged.update_parameters(self.task.module)
        return value

    def _validate(self) -> None:
        started = time.monotonic()
        self.learned.eval()
        with torch.no_grad(), self._autocast():
            measures = self.task.validate(self.learned)
        self.at.seconds += time.monotonic() - started
        row = {
            "epoch": self.at.epoch + 1,
            "train_loss": self.at.loss_sum / max(1, self.at.batch),
            **measures,
            "seconds": round(self.at.seconds, 1),
        }
        self.at.history.append(row)
        self.at.epoch, self.at.batch, self.at.loss_sum = self.at.epoch + 1, 0, 0.0
        if measures[self.task.criterion] > self.at.best:
            self.at.best, self.at.best_epoch = measures[self.task.criterion], self.at.epoch
            self.keep(self.learned, self.at.history)
        self.log.write(self.at.history)
        logger.info("  ".join(f"{key} {value:.4g}" for key, value in row.items()))

    def _save(self) -> None:
        tensors = {
            f"{part}.{key}": value
            for part, module in self.modules.items()
            for key, value in module.state_dict().items()
        }
        for index, slots in self.optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{index}.{key}": value for key, value in slots.items()}
        tensors["random"] = torch.get_rng_state()
        record = {"identity": self.identity, "progress": asdict(self.at), "scaler": self.scaler.state_dict()}
        save_state(self.folder, record, tensors)

    def _load(self) -> None:
        record = cut_training(self.folder)
        known = self.config.known_fields()
        # what a setting was before it was one, and what it was called
        usual = {one.name: one.default for one in known}
        renamed = {one.metadata["was"]: one.name for one in known if one.metadata["was"]}
        cut = {renamed.get(name, name): value for name, value in record["identity"].items()}
        check_identity(self.folder, cut, self.identity, usual)
        tensors = load_tensors(self.folder, record)
        for part, module in self.modules.items():
            module.load_state_dict(under(f"{part}.", tensors))
        slots: dict[int, dict[str, Tensor]] = {}
        for key, value in under("optimizer.", tensors).items():
            index, name = key.split(".", 1)
            slots.setdefault(int(index), {})[name] = value
        self.optimizer.load_state_dict({**self.optimizer.state_dict(), "state": slots})
        self.scaler.load_state_dict(record.get("scaler", {}))
        torch.set_rng_state(tensors["random"])
        self.at = Progress(**record["progress"])

    @contextlib.contextmanager
    def _listening(self) -> Iterator[None]:
        """Turn the first Ctrl-C (or a polite kill) into a stop after this batch; a second one stops at
        once."""

        def ask(number: int, frame: object) -> None:
            if self.stop_asked:
                raise KeyboardInterrupt
            self.stop_asked = True

        try:
            before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
        except ValueError:  # not in the main thread: then nobody can press Ctrl-C here
            before = {}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
