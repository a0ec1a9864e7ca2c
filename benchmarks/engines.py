"""What each engine and precision of the CNN costs, and whether the captions stay: by this `--engine auto` is
chosen.

    python benchmarks/engines.py --data flickr8k:data/flickr8k

Pictures of the split val through each engine in turn, one batch after another, so that all meet the same
machine; then the captions of each, by the shipped captioner's beam of 3. The reference is PyTorch at float32.
An engine may stand in captionret.models.vision.engines.rows.FASTEST if at least 99 % of the captions are the
reference's, to the letter.
"""

import argparse
import statistics
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from results import ROOT, markdown_table, write_section

from captionret.datasets import open_dataset
from captionret.errors import BadSetting
from captionret.evaluation.captions.scorer import CaptionScorer
from captionret.evaluation.significance import paired_interval
from captionret.images import decoded_batches
from captionret.models.captioning.captioner import Captioner
from captionret.models.vision.backbones import Backbone, load_backbone
from captionret.models.vision.engines.rows import ENGINES, Compute
from captionret.records import Item

BATCH = 32


class Engine:
    """One engine at one precision, and what came of it.

    grids: of each batch (n, cells, D) float32; seconds: of a picture, by the clock; work: of processor time
    """

    def __init__(self, name: str, precision: str, backbone: Backbone) -> None:
        self.name, self.precision, self.backbone = name, precision, backbone
        self.grids: list[torch.Tensor] = []
        self.seconds: list[float] = []
        self.work: list[float] = []

    def read(self, pixels: np.ndarray) -> None:
        """One batch."""
        clock, work = time.perf_counter(), time.process_time()
        _, grid = self.backbone.read(pixels)
        self.seconds.append((time.perf_counter() - clock) / len(pixels))
        self.work.append((time.process_time() - work) / len(pixels))
        self.grids.append(grid.half())


def engines(name: str, size: int) -> list[Engine]:
    """All that run here, PyTorch at float32 first."""
    found = []
    for engine in ENGINES.values():
        for precision in engine.precisions:
            try:
                backbone = load_backbone(name, compute=Compute(engine.name, precision))
                backbone.read(np.zeros((BATCH, size, size, 3), np.uint8))  # started, and once unmeasured
            except BadSetting as error:
                print(error)
                continue
            found.append(Engine(engine.name, precision, backbone))
    return found


def captions_of(captioner: Captioner, engine: Engine) -> list[str]:
    """The best caption of each picture."""
    return [found[0].text for grid in engine.grids for found in captioner.decode(grid.float())]


def row_of(
    engine: Engine, first: Engine, texts: Sequence[Sequence[str]], items: Sequence[Item]
) -> list[object]:
    """A row of the table. texts: the engine's captions, and the reference's"""
    ours, theirs = texts
    equal = 100 * sum(a == b for a, b in zip(ours, theirs, strict=True)) / len(ours)
    largest = max(
        float((a.float() - b.float()).abs().max()) for a, b in zip(engine.grids, first.grids, strict=True)
    )
    scale = max(float(grid.abs().max()) for grid in first.grids)
    scorer = CaptionScorer({item.id: item.captions for item in items}, [])
    scores = [
        scorer.score({item.id: text for item, text in zip(items, some, strict=True)}, with_java=False)
        for some in texts
    ]
    mean, low, high = paired_interval(scores[0].cider_d_each, scores[1].cider_d_each)
    faster = [slow / fast for slow, fast in zip(first.work, engine.work, strict=True)]
    return [
        engine.name,
        engine.precision,
        1 / statistics.median(engine.seconds),
        1000 * statistics.median(engine.work),
        statistics.median(faster),
        100 * largest / scale,
        equal,
        f"{mean:+.2f} ({low:+.2f} to {high:+.2f})",
    ]


def main() -> None:
    """Measure, and write the section of RESULTS.md."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--data", default="flickr8k:data/flickr8k", metavar="KIND:PATH")
    options.add_argument("--checkpoint", default="checkpoints/photos-lite", metavar="DIR")
    options.add_argument(
        "--count", type=int, default=500, metavar="N", help="pictures (default: %(default)s)"
    )
    options.add_argument("--threads", type=int, default=1)
    given = options.parse_args()
    torch.set_num_threads(given.threads)
    captioner = Captioner.load(given.checkpoint, "cpu")
    items = [item for item in open_dataset(given.data).split("val") if item.path][: given.count]
    size = captioner.backbone.config.preprocessing.size
    measured = engines(captioner.config.backbone, size)
    paths: list[Path] = [item.path for item in items if item.path]
    for number, batch in enumerate(decoded_batches(paths, size, BATCH)):
        turn = number % len(measured)
        for engine in measured[turn:] + measured[:turn]:
            engine.read(batch.pixels[0])
    first = measured[0]
    theirs = captions_of(captioner, first)
    rows = [row_of(engine, first, (captions_of(captioner, engine), theirs), items) for engine in measured]
    columns = [
        "engine",
        "precision",
        "pictures/s",
        "processor ms a picture",
        "times PyTorch's float32",
        "largest error, % of the largest feature",
        "captions equal, %",
        "CIDEr-D more (95 %)",
    ]
    body = (
        f"{captioner.config.backbone}, {len(items)} pictures of {given.data.partition(':')[0]} val, batches "
        f"of {BATCH}, {given.threads} thread{'s' if given.threads > 1 else ''}, medians over batches; each "
        "batch goes through every engine in turn, and speeds are compared by processor time. Captions by "
        f"{captioner.name}, beam 3, CIDEr-D x100.\n\n{markdown_table(columns, rows)}"
    )
    command = f"python benchmarks/engines.py --data {given.data.partition(':')[0]}:DIR"
    write_section(ROOT / "benchmarks/RESULTS.md", "The engines of the CNN", body, command)


if __name__ == "__main__":
    main()
