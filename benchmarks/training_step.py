"""A step of training against the same step in a minimal loop written by hand. Bar: at most 1.05 times as
long.

    python benchmarks/training_step.py

Features and captions are made up: only their number, size and lengths matter. By hand: gather the batch,
forward, cross-entropy, backward, clip, the optimizer's step. The project's loop does this, too, checks every
loss and gradient, and averages the weights where the variant says so. Both take the same batches in turn; the
figure is the median of the pairs' ratios.
"""

import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import torch
from results import markdown_table, parser, write_section
from torch import nn
from torch.nn import functional as F

from captionret.datasets import Dataset
from captionret.models.captioning.config import VARIANTS, CaptionerConfig
from captionret.models.captioning.decoders import Decoder, make_decoder
from captionret.models.device import choose_device
from captionret.models.vision.rows import BACKBONES
from captionret.text import END_ID, START_ID, Vocabulary
from captionret.training.captioning import CaptionerRun
from captionret.training.features import Features
from captionret.training.loop import Fit
from captionret.training.optimizer import autocast_to
from captionret.training.teacher_forcing import CaptionData, CaptioningTask

IMAGES, WORDS, LONGEST = 512, 4333, 24
Batch = tuple[np.ndarray, np.ndarray]
Cost = tuple[float, float]  # seconds by the clock, and of the processor


def made_up(config: CaptionerConfig, folder: Path) -> CaptionData:
    """Features in a mapped file, and five captions of each picture, as long as Flickr8k's."""
    random = np.random.default_rng(0)
    row = BACKBONES[config.backbone]
    shape = (row.grid[0] ** 2, row.grid[1]) if config.feature == "grid" else (row.dim,)
    file = folder / "features.npy"
    table = np.lib.format.open_memmap(file, "w+", np.float16, (IMAGES, *shape))
    table[:] = random.random((IMAGES, *shape), np.float32)
    table.flush()
    tokens = np.zeros((IMAGES, 5, LONGEST), np.int32)
    for caption in tokens.reshape(-1, LONGEST):
        length = int(np.clip(random.normal(11, 3), 4, LONGEST - 2))
        caption[: length + 2] = [START_ID, *random.integers(4, WORDS, length), END_ID]
    rows = np.tile(np.arange(IMAGES), (config.views, 1))
    mapped = [np.load(file, mmap_mode="r")] * config.views
    features = Features(rows, mapped, [f"{number:064x}" for number in range(IMAGES)], np.arange(IMAGES))
    return CaptionData(features, tokens, [("a b c",)] * IMAGES)


class ByHand:
    """The minimal loop."""

    def __init__(self, module: Decoder, config: CaptionerConfig, data: CaptionData, precision: str) -> None:
        self.module, self.config, self.tokens = module, config, data.tokens
        assert isinstance(data.features, Features)
        self.table = data.features.table[0]
        self.device = next(module.parameters()).device
        self.dtype = autocast_to(precision, self.device)
        self.optimizer = torch.optim.AdamW(module.parameters(), lr=config.learning_rate, fused=True)

    def step(self, batch: Batch) -> None:
        """One."""
        images, columns = batch[0].T
        together = self.config.captions_together
        tokens = self.tokens[images] if together else self.tokens[images, columns][:, None]
        read = torch.from_numpy(tokens[:, :, : int((tokens > 0).sum(-1).max())].astype(np.int64))
        features = torch.from_numpy(self.table[images]).to(self.device).float()
        self.optimizer.zero_grad(set_to_none=True)
        with torch.autocast(self.device.type, self.dtype or torch.bfloat16, enabled=self.dtype is not None):
            logits, targets = self.module(features, read.to(self.device))
            loss = F.cross_entropy(logits.float(), targets, label_smoothing=self.config.label_smoothing)
        loss.backward()
        nn.utils.clip_grad_norm_(self.module.parameters(), self.config.clip_norm)
        self.optimizer.step()


def cost(step: Callable[[Batch], object], batch: Batch, device: torch.device) -> Cost:
    """What a step takes, the device's work included."""
    began, busy = time.perf_counter(), time.process_time()
    step(batch)
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - began, time.process_time() - busy


def measure(
    name: str, steps: int, precision: str, device: torch.device, compiled: bool = False
) -> list[object]:
    """A row of the table."""
    config = VARIANTS[name]
    with tempfile.TemporaryDirectory() as folder:
        data = made_up(config, Path(folder))
        words = Vocabulary(["<pad>", "<start>", "<end>", "<unk>", *(f"w{i}" for i in range(WORDS - 4))])
        torch.manual_seed(0)
        modules = [make_decoder(config, WORDS).to(device).train() for _ in range(2)]
        hand = ByHand(modules[0], config, data, precision)
        run = CaptionerRun(
            name,
            config,
            Dataset("made:up", ()),
            Path(folder) / "out",
            precision=precision,
            progress=False,
            compile=compiled,
        )
        task = CaptioningTask(modules[1], config, data, data, 0, words)
        fit = Fit(task, run, {}, lambda module, history: None)
        ours: list[Cost] = []
        theirs: list[Cost] = []
        with closing(fit.log):
            epoch = 0
            while len(ours) < steps + 2:
                for batch in task.batches(epoch)[: steps + 2 - len(ours)]:
                    ours.append(cost(fit._step, batch, device))
                    theirs.append(cost(hand.step, batch, device))
                epoch += 1
    ours, theirs = ours[2:], theirs[2:]  # the first ones warm up
    ratios, busy = (
        sorted(mine[kind] / other[kind] for mine, other in zip(ours, theirs, strict=True)) for kind in (0, 1)
    )
    spread = f"{ratios[len(ratios) // 10]:.2f} to {ratios[-1 - len(ratios) // 10]:.2f}"
    middle = [1000 * statistics.median(clock for clock, _ in times) for times in (theirs, ours)]
    return [name, config.batch_size, *middle, statistics.median(ratios), spread, statistics.median(busy)]


def main() -> None:
    """Measure, and write the section of RESULTS.md."""
    options = parser(__doc__)
    options.add_argument("--variants", nargs="+", default=["model1-lite", "transformer-lite"], metavar="NAME")
    options.add_argument("--steps", type=int, default=40)
    options.add_argument("--precision", default="float32")
    options.add_argument("--device", default="cpu")
    options.add_argument("--compile", action="store_true", help="compile the project's network")
    options.add_argument("--threads", type=int, default=2)
    given = options.parse_args()
    torch.set_num_threads(given.threads)
    device = choose_device(given.device)
    rows = [measure(name, given.steps, given.precision, device, given.compile) for name in given.variants]
    columns = [
        "variant",
        "captions a batch",
        "by hand, ms",
        "captionret, ms",
        "times as long (median)",
        "80 % of the pairs",
        "as much of the processor (median)",
    ]
    how = f"{given.precision}, compiled" if given.compile else given.precision
    body = (
        f"{how}, {device.type}, {given.threads} threads, {given.steps} pairs of steps."
        f"\n\n{markdown_table(columns, rows)}"
    )
    command = f"python benchmarks/training_step.py --threads {given.threads}"
    write_section(given.results, "A step of training", body, command)


if __name__ == "__main__":
    main()
