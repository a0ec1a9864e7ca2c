"""What the CIDEr-D reward costs in a step of self-critical training.

python benchmarks/self_critical_speed.py --checkpoint checkpoints/photos-lite --data flickr8k:data/flickr8k
"""

import argparse
import statistics
import time
from dataclasses import replace
from pathlib import Path

import torch
from results import ROOT, markdown_table, write_section

from captionret.datasets import open_dataset
from captionret.models.captioning.captioner import Captioner
from captionret.models.vision.backbones import load_backbone
from captionret.training.captioning import CaptionerRun, load_data
from captionret.training.self_critical import CHANGES, SelfCritical, SelfCriticalTask


def main() -> None:
    """Time some steps, and write the section of RESULTS.md."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--checkpoint", default="checkpoints/photos-lite", metavar="DIR")
    options.add_argument("--data", required=True, metavar="KIND:PATH")
    options.add_argument("--steps", type=int, default=10)
    options.add_argument("--threads", type=int, default=2)
    given = options.parse_args()
    torch.set_num_threads(given.threads)
    captioner = Captioner.load(given.checkpoint, "cpu")
    config, dataset = replace(captioner.config, **{**CHANGES, "views": 1}), open_dataset(given.data)
    run = CaptionerRun(captioner.checkpoint.variant, config, dataset, Path("unused"))
    train, *_ = load_data(
        dataset.split("train"), captioner.vocabulary, run, load_backbone(config.backbone), 1
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
        batches = task.batches(0)[: given.steps + 1]
        # all the work of a step, and no change
        optimizer = torch.optim.AdamW(captioner.decoder.parameters(), lr=0.0)
        steps, shares = [], []
        for number, batch in enumerate(batches):
            before, began = task.seconds["reward"], time.perf_counter()
            optimizer.zero_grad()
            task.loss(batch).backward()
            optimizer.step()
            if number:  # the first warms up
                steps.append(time.perf_counter() - began)
                shares.append(100 * (task.seconds["reward"] - before) / steps[-1])
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
        f"{given.data.partition(':')[0]}:DIR"
    )
    write_section(
        ROOT / "benchmarks/RESULTS.md", "The reward in self-critical training", f"{body}\n\n{table}", command
    )


if __name__ == "__main__":
    main()
