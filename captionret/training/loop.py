"""One fit loop for everything that is trained here.

A task says what a batch is, what its loss is and how good the network has become; the loop does the rest:
optimizer, schedule, clipping, averaged weights, mixed precision, validation after each epoch, the best kept,
early stop, a log, and a state from which a cut training goes on bit for bit (on a CPU). Ctrl-C saves that
state and stops; at most a batch is lost.
"""

import contextlib
import hashlib
import json
import math
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

import safetensors.torch
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel
from tqdm import tqdm

from .. import files
from ..errors import BadCheckpoint, BadSetting

# What trainings were like before these were settings.
_BEFORE_NOTED = {
    "optimizer": "adam",
    "word_states": "last",
    "bidirectional": False,
    "first_loss": None,
    "first_epochs": 0,
}
SAVE_EVERY = 300.0  # seconds between two saved states within an epoch


@dataclass(frozen=True, slots=True)
class FitConfig:
    """How long and how fast; the fields are explained in models.variants.CaptionerConfig.

    patience:  stop after so many epochs without a better score
    precision: "float32", "bfloat16" (autocast), or "auto": bfloat16 where the hardware multiplies it
    optimizer: "adam" (AdamW), "sgd" (momentum 0.9), or "nesterov" (the same with Nesterov's)
    """

    epochs: int
    learning_rate: float
    weight_decay: float = 0.0
    clip_norm: float = 5.0
    schedule: str = "constant"
    warmup: float = 0.0
    average: float = 0.0
    patience: int = 5
    seed: int = 0
    precision: str = "auto"
    optimizer: str = "adam"


class Task(Protocol):
    """What is trained.

    module:    on its device already
    rates:     name of a part of the module -> factor of its learning rate, where that is not 1
    criterion: the measure that decides which epoch is kept, higher is better
    """

    module: nn.Module
    rates: dict[str, float]
    criterion: str

    def batches(self, epoch: int) -> Sequence[Any]:
        """The epoch's batches, the same ones whenever the epoch is asked for; made tensors only by `loss`."""
        ...

    def loss(self, batch: Any) -> Tensor:
        """The mean loss of a batch."""
        ...

    def validate(self, module: nn.Module) -> dict[str, float]:
        """What is measured after an epoch; `criterion` is among it."""
        ...

    def keep(self, module: nn.Module, history: list[dict[str, float]]) -> None:
        """Save the best so far."""
        ...


@dataclass
class Progress:
    """Where a training stands; saved beside its tensors."""

    epoch: int = 0
    batch: int = 0
    loss_sum: float = 0.0
    seconds: float = 0.0
    best: float = -math.inf
    best_epoch: int = 0
    history: list[dict[str, float]] = field(default_factory=list)


class Interrupted(KeyboardInterrupt):
    """The user stopped the training; its state is saved."""


def check_patience_and_seed(patience: int, seed: int) -> None:
    """BadSetting for a run that could not begin; said before anything is read."""
    if patience < 1:
        raise BadSetting(f"patience must be at least 1, not {patience}.")
    if not 0 <= seed < 2**63:
        raise BadSetting(f"The seed must be at least 0 and below 2**63, not {seed}.")


def uses_bfloat16(precision: str, device: torch.device) -> bool:
    """Whether to autocast: asked for, or "auto" on hardware that gains by it."""
    if precision not in ("auto", "float32", "bfloat16"):
        raise BadSetting(f"precision is auto, float32 or bfloat16, not {precision!r}.")
    if precision != "auto":
        return precision == "bfloat16"
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported()
    return device.type == "cpu" and torch.cpu._is_avx512_bf16_supported()


def cut_training(folder: Path) -> Any:
    """What `folder` says of the training that was cut there; BadCheckpoint where none was: best asked before
    the pictures are read."""
    return files.read_json(
        folder / "state.json", BadCheckpoint, "There is no cut training to go on with; leave --resume out."
    )


class Fit:
    """One training, new or resumed from `folder`/state.json and the tensors it names."""

    def __init__(
        self,
        task: Task,
        config: FitConfig,
        folder: Path,
        identity: dict[str, Any],
        resume: bool = False,
        progress: bool = True,
    ) -> None:
        """identity: what must be equal for a state to be gone on from (variant, data, vocabulary ...)."""
        self.task, self.config, self.folder, self.show = task, config, folder, progress
        self.identity = {**identity, **asdict(config)}
        torch.manual_seed(config.seed)
        self.device = next(task.module.parameters()).device
        self.optimizer = _optimizer(task, config)
        self.averaged = (
            AveragedModel(task.module, avg_fn=_warming_average(config.average), use_buffers=True)
            if config.average
            else None
        )
        self.at = Progress()
        self.autocast = uses_bfloat16(config.precision, self.device)
        self.stop_asked = False
        if resume:
            self._load()
        else:
            self._save()  # so that whatever cuts this training, --resume is the answer

    def run(self) -> Progress:
        """Train to the end (or to the early stop). Interrupted where the user stops it."""
        with self._listening():
            while (
                self.at.epoch < self.config.epochs
                and self.at.epoch - self.at.best_epoch < self.config.patience
            ):
                self._epoch()
                self._validate()
                self._save()
        return self.at

    def _epoch(self) -> None:
        batches = self.task.batches(self.at.epoch)
        steps = self.config.epochs * len(batches)
        started = saved = time.monotonic()
        self.task.module.train()
        with tqdm(
            total=len(batches),
            initial=self.at.batch,
            desc=f"epoch {self.at.epoch + 1}/{self.config.epochs}",
            unit="batch",
            disable=not self.show,
        ) as bar:
            for index in range(self.at.batch, len(batches)):
                rate = self.config.learning_rate * self._rate((self.at.epoch * len(batches) + index) / steps)
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
                    raise Interrupted(
                        f"Stopped in epoch {self.at.epoch + 1}, after batch {self.at.batch}. Go on with "
                        "--resume."
                    )
        self.at.seconds += time.monotonic() - started

    def _step(self, batch: Any) -> float:
        self.optimizer.zero_grad(set_to_none=True)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.autocast):
            loss = self.task.loss(batch)
        loss.backward()
        value, norm = (
            float(loss.detach()),
            float(nn.utils.clip_grad_norm_(self.task.module.parameters(), self.config.clip_norm)),
        )
        if not math.isfinite(value) or not math.isfinite(norm):
            raise BadSetting(
                f"The loss became {value} (its gradient {norm}) in epoch {self.at.epoch + 1}, after batch "
                f"{self.at.batch}. Lower the rate (--set learning_rate=...) and train again into another "
                "--out."
            )
        self.optimizer.step()
        if self.averaged is not None:
            self.averaged.update_parameters(self.task.module)
        return value

    def _rate(self, done: float) -> float:
        """The learning rate's factor when `done` (0 to 1) of the training is over."""
        if done < self.config.warmup:
            return max(done / self.config.warmup, 1e-3)
        if self.config.schedule == "constant":
            return 1.0
        done = (done - self.config.warmup) / (1 - self.config.warmup)
        return 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * done))

    def _validate(self) -> None:
        started = time.monotonic()
        module = self.averaged.module if self.averaged is not None else self.task.module
        module.eval()
        with torch.no_grad(), torch.autocast(self.device.type, torch.bfloat16, enabled=self.autocast):
            measures = self.task.validate(module)
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
            self.task.keep(module, self.at.history)
        # whole: appended, a resumed epoch would stand there twice
        with files.publishing(self.folder / "log.jsonl", "w") as log:
            log.writelines(json.dumps(epoch) + "\n" for epoch in self.at.history)
        if self.show:
            tqdm.write("  ".join(f"{key} {value:.4g}" for key, value in row.items()), file=sys.stderr)

    def _save(self) -> None:
        """Write the tensors under a name of their own, then state.json, which names them: a kill leaves the
        old pair or the new one."""
        tensors = {f"module.{key}": value for key, value in self.task.module.state_dict().items()}
        if self.averaged is not None:
            tensors |= {f"averaged.{key}": value for key, value in self.averaged.state_dict().items()}
        for index, slots in self.optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{index}.{key}": value for key, value in slots.items()}
        tensors["random"] = torch.get_rng_state()
        content = safetensors.torch.save(
            {key: value.detach().cpu().clone().contiguous() for key, value in tensors.items()}
        )
        sha256 = hashlib.sha256(content).hexdigest()
        name = f"state-{sha256[:16]}.safetensors"
        with files.publishing(self.folder / name) as file:
            file.write(content)
        files.publish_json(
            self.folder / "state.json",
            {"identity": self.identity, "progress": asdict(self.at), "tensors": name, "sha256": sha256},
        )
        for old in self.folder.glob("state-*.safetensors"):
            if old.name != name:
                old.unlink()

    def _load(self) -> None:
        path = self.folder / "state.json"
        record = cut_training(self.folder)
        if not isinstance(record, dict) or not {"identity", "progress", "tensors", "sha256"} <= record.keys():
            raise BadCheckpoint(
                f"{path} is not a training's state as this release writes it. Train again into another --out."
            )
        cut = _BEFORE_NOTED | record["identity"]
        differing = [
            key for key, value in json.loads(json.dumps(self.identity)).items() if cut.get(key) != value
        ]
        if differing:
            raise BadCheckpoint(
                f"{path} is of a training with another {', '.join(differing)}. Give the same settings, or "
                "another --out."
            )
        state = files.inside(self.folder, record["tensors"])
        content = state.read_bytes() if state.is_file() else b""
        if hashlib.sha256(content).hexdigest() != record["sha256"]:
            raise BadCheckpoint(
                f"{state} is missing, cut short or altered, so nothing can go on from it. Train again into "
                "another --out."
            )
        tensors = safetensors.torch.load(content)
        self.task.module.load_state_dict(_under("module.", tensors))
        if self.averaged is not None:
            self.averaged.load_state_dict(_under("averaged.", tensors))
        slots: dict[int, dict[str, Tensor]] = {}
        for key, value in _under("optimizer.", tensors).items():
            index, name = key.split(".", 1)
            slots.setdefault(int(index), {})[name] = value
        self.optimizer.load_state_dict({**self.optimizer.state_dict(), "state": slots})
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


def _optimizer(task: Task, config: FitConfig) -> torch.optim.Optimizer:
    groups = _groups(task, config.weight_decay)
    if config.optimizer == "adam":
        return torch.optim.AdamW(groups, lr=config.learning_rate, fused=True)
    if config.optimizer not in ("sgd", "nesterov"):
        raise BadSetting(f"The optimizer is adam, sgd or nesterov, not {config.optimizer!r}.")
    return torch.optim.SGD(
        groups, lr=config.learning_rate, momentum=0.9, nesterov=config.optimizer == "nesterov"
    )


def _groups(task: Task, weight_decay: float) -> list[dict[str, Any]]:
    """Weight decay for matrices only; biases, norms and embeddings are left alone. "rate": see Task.rates."""
    embeddings = {id(part.weight) for part in task.module.modules() if isinstance(part, nn.Embedding)}
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in task.module.named_parameters():
        if parameter.requires_grad:
            decay = weight_decay if parameter.ndim > 1 and id(parameter) not in embeddings else 0.0
            groups.setdefault((decay, task.rates.get(name.split(".")[0], 1.0)), []).append(parameter)
    return [
        {"params": parameters, "weight_decay": decay, "rate": rate}
        for (decay, rate), parameters in groups.items()
    ]


def _warming_average(decay: float) -> Any:
    """An exponential average that forgets the first steps sooner: decay min(decay, (1 + n) / (10 + n))."""

    def average(past: Tensor, new: Tensor, count: Tensor | int) -> Tensor:
        if not past.is_floating_point():
            return new
        weight = min(decay, (1 + int(count)) / (10 + int(count)))
        return past.lerp(new.to(past.dtype), 1 - weight)

    return average


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}
