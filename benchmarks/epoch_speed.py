"""An epoch of model1's decoder on cached features against the published epoch, in which every caption sends
its picture through the CNN.

    python benchmarks/epoch_speed.py --data flickr8k:data/flickr8k

ResNet-152 with random weights (a timing does not depend on them), the same pictures, captions, batch size and
decoder in both, one run.
Bar: at least 50 times faster. Filling the cache, which is done once, is measured beside it.
"""

import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from results import ROOT, markdown_table, parser, write_section
from tqdm import tqdm

from captionret.datasets import open_dataset
from captionret.models.captioning.config import VARIANTS
from captionret.models.captioning.decoders import make_decoder
from captionret.models.vision.backbones import load_backbone
from captionret.training.captioning import CaptionerRun, load_data
from captionret.training.features import augmented_views
from captionret.training.fine_tune import LiveFeatures
from captionret.training.loop import Fit
from captionret.training.teacher_forcing import CaptioningTask


class PublishedFeatures(LiveFeatures):
    """Features as the published training had them: every caption opens its picture, resizes it and sends it
    through the CNN, which learns nothing."""

    def of(
        self, pictures: np.ndarray, views: np.ndarray | None = None, device: torch.device | None = None
    ) -> torch.Tensor:
        """(len(pictures), D) float32."""
        with torch.no_grad():
            return super().of(pictures, views, device)


def epoch(task: CaptioningTask, label: str, run: CaptionerRun) -> float:
    """Seconds for one epoch of the task. run: says where the state goes that a training begins with."""
    fit = Fit(task, run, {}, lambda module, history: None)
    task.module.train()
    batches = task.batches(0)
    began = time.perf_counter()
    for batch in tqdm(batches, desc=label, unit="batch"):
        fit._step(batch)
    return time.perf_counter() - began


def main() -> None:
    """Measure both in one run."""
    options = parser(__doc__, ROOT / "checkpoints/RESULTS.md")
    options.add_argument("--data", required=True, metavar="KIND:PATH")
    options.add_argument("--images", type=int, default=200, metavar="N", help="(default: %(default)s)")
    options.add_argument("--threads", type=int, default=2)
    given = options.parse_args()
    torch.set_num_threads(given.threads)
    torch.manual_seed(0)
    dataset = open_dataset(given.data)
    items = [item for item in dataset.split("train") if item.path][: given.images]
    config = replace(VARIANTS["model1"], min_count=1)
    backbone = load_backbone("resnet152", random=True)
    with tempfile.TemporaryDirectory() as folder:
        run = CaptionerRun(
            "model1",
            config,
            dataset,
            Path(folder) / "out",
            features_root=Path(folder) / "features",
            precision="float32",
            progress=False,
        )
        began = time.perf_counter()
        data, vocabulary, _ = load_data(items, None, run, backbone, 1)
        cache = time.perf_counter() - began
        seconds = []
        paths = [item.path for item in items if item.path]
        live = PublishedFeatures(backbone, paths, "pooled", augmented_views(1))
        published = replace(data, features=live)
        for label, source in (("cached features", data), ("a CNN pass per caption", published)):
            torch.manual_seed(0)
            decoder = make_decoder(config, len(vocabulary))
            seconds.append(
                epoch(
                    CaptioningTask(decoder, config, source, data, 0, vocabulary),
                    label,
                    replace(run, out=Path(folder) / label),
                )
            )
    captions = int((data.tokens[:, :, 0] > 0).sum())
    columns = ["epoch", "seconds", "captions/s"]
    rows: list[list[object]] = [
        ["published: a CNN pass per caption", seconds[1], captions / seconds[1]],
        ["decoder on cached features", seconds[0], captions / seconds[0]],
        ["(filling the cache, once)", cache, captions / cache],
    ]
    body = (
        f"model1 (ResNet-152, random weights), {len(items)} images, {captions:,} captions, batch "
        f"{config.batch_size}, float32, "
        f"{given.threads} threads, one run "
        f"each.\n\n{markdown_table(columns, rows)}\n\n**{seconds[1] / seconds[0]:.0f} times faster.**"
    )
    command = "python benchmarks/epoch_speed.py --data flickr8k:DIR"
    write_section(given.results, "An epoch on cached features", body, command)


if __name__ == "__main__":
    main()
