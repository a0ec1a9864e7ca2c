"""What the CIDEr-D reward costs in a step of self-critical training.

python benchmarks/self_critical_speed.py --checkpoint checkpoints/photos-lite --data flickr8k:data/flickr8k
"""

import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from results import anywhere, markdown_table, parser, write_section

from captionret.datasets import open_dataset
from captionret.models.captioning.captioner import Captioner
from captionret.models.vision.backbones import load_backbone
from captionret.training.captioning import CaptionerRun, load_data
from captionret.training.self_critical import CHANGES, SelfCritical, SelfCriticalTask


class Timed:
    """A function, with the seconds that it has taken."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function, self.seconds = function, 0.0

    def __call__(self, *arguments: Any) -> Any:
        """As the function's."""
        began = time.perf_counter()
        answer = self.function(*arguments)
        self.seconds += time.perf_counter() - began
        return answer


def main() -> None:
    """Time some steps, and write the section of RESULTS.md."""
    options = parser(__doc__)
    options.add_argument("--checkpoint", default="checkpoints/photos-lite", metavar="DIR")
    options.add_argument("--data", required=True, metavar="KIND:PATH")
    options.add_argument("--images", type=int, metavar="N", help="of the split train (default: all)")
    options.add_argument("--steps", type=int, default=10)
    options.add_argument("--threads", type=int, default=2)
    given = options.parse_args()
    torch.set_num_threads(given.threads)
    captioner = Captioner.load(given.checkpoint, "cpu")
    config, dataset = replace(captioner.config, **{**CHANGES, "views": 1}), open_dataset(given.data)
    run = CaptionerRun(captioner.checkpoint.variant, config, dataset, Path("unused"))
    train, *_ = load_data(
        dataset.split("train")[: given.images], captioner.vocabulary, run, load_backbone(config.backbone), 1
    )
    rows: list[list[object]] = []
    for baseline in ("mean", "greedy"):
        how = SelfCritical(baseline)
        task = SelfCriticalTask(
            captioner.decoder,
            config,
            train,
            train,
            0,
            captioner.vocabulary,
            how=how,
        )
        task.reward = reward = Timed(task.reward)  # type: ignore[assignment]
        batches = task.batches(0)[: given.steps + 1]
        # all the work of a step, and no change
        optimizer = torch.optim.AdamW(captioner.decoder.parameters(), lr=0.0)
        steps, shares = [], []
        for number, batch in enumerate(batches):
            before, began = reward.seconds, time.perf_counter()
            optimizer.zero_grad()
            task.loss(batch).backward()
            optimizer.step()
            if number:  # the first warms up
                steps.append(time.perf_counter() - began)
                shares.append(100 * (reward.seconds - before) / steps[-1])
        rows.append([baseline, len(steps), statistics.median(steps), statistics.median(shares), max(shares)])
    table = markdown_table(
        ["baseline", "steps", "seconds a step (median)", "reward, % of it (median)", "reward, % (largest)"],
        rows,
    )
    body = (
        f"{config.batch_size // 5} images, 5 samples of each, {given.threads} threads, CIDEr-D against "
        f"{len(train):,} images' captions."
    )
    command = (
        f"python benchmarks/self_critical_speed.py --checkpoint {given.checkpoint} --data "
        f"{anywhere(given.data)}"
    )
    write_section(given.results, "The reward in self-critical training", f"{body}\n\n{table}", command)


if __name__ == "__main__":
    main()
