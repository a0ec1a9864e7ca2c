"""Captioning a folder of photographs end to end, beside the path of earlier releases and the published one.

    python benchmarks/captioning.py --pictures data/flickr8k/Flicker8k_Dataset

before:    this captioner as release 0.7 ran it: the CNN in PyTorch, one batch after another, only decoding of
           files overlaps
now:       as `captionret index` runs it, engine auto; and at bfloat16
CNN alone: the same engine over the same files, decoded the same way, no captions
published: ResNet-152 in PyTorch, one picture at a time, an LSTM forced through twenty greedy steps; the same
           networks as `captionret index` would run them beside it. Weights are random: only their number
           matters

All in turn in one process, in rounds; medians, and the range of the ratios of a round.
"""

import argparse
import os
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import torch
from results import ROOT, markdown_table, write_section
from torch import Tensor, nn

from captionret.decoding import BeamSearch
from captionret.images import decoded_batches, find_images, load_views
from captionret.models.captioning.beam_search import beam_search
from captionret.models.captioning.captioner import Captioner
from captionret.models.captioning.config import VARIANTS
from captionret.models.captioning.decoders import make_decoder
from captionret.models.device import in_one_thread
from captionret.models.vision.backbones import Backbone, load_backbone
from captionret.models.vision.reading import read_ahead

BATCH, BEAM = 32, 3
Way = Callable[[Sequence[Path]], None]


def now(captioner: Captioner) -> Way:
    """As `captionret index` captions."""

    def run(paths: Sequence[Path]) -> None:
        for _ in captioner.caption_stream(paths, decoding=BeamSearch(BEAM), batch_size=BATCH):
            pass

    return run


def before(captioner: Captioner) -> Way:
    """The same, batch by batch."""
    size = captioner.backbone.config.preprocessing.size

    def run(paths: Sequence[Path]) -> None:
        for batch in decoded_batches(paths, size, BATCH):
            captioner.decode(captioner.features(batch.pixels[0])[0], BeamSearch(BEAM), batch.hashes)

    return run


def cnn_alone(backbone: Backbone) -> Way:
    """Files, decoding and the CNN."""

    def run(paths: Sequence[Path]) -> None:
        for _ in read_ahead(backbone, paths, BATCH):
            pass

    return run


def published(backbone: Backbone) -> Way:
    """Yunjey's tutorial and its descendants: sample.py in a loop."""
    embed, lstm, output = nn.Embedding(9956, 256), nn.LSTM(256, 512, batch_first=True), nn.Linear(512, 9956)
    project = nn.Linear(backbone.config.dim, 256)

    @torch.inference_mode()
    def run(paths: Sequence[Path]) -> None:
        for path in paths:
            _, pixels = load_views(path, backbone.config.preprocessing.size)
            pooled, _ = backbone(backbone.normalise(torch.from_numpy(pixels)))
            inputs, states = project(pooled).unsqueeze(1), None
            for _ in range(20):
                hidden, states = lstm(inputs, states)
                inputs = embed(output(hidden.squeeze(1)).argmax(1)).unsqueeze(1)

    return run


def published_here(backbone: Backbone) -> Way:
    """The same networks in batches, read ahead, in the fastest engine, greedy."""
    decoder = make_decoder(VARIANTS["model1"], 9956).eval()

    def decode(features: Tensor) -> None:
        first, state = decoder.begin(features)
        beam_search(first, state, decoder.step, beam=1, max_words=20, predict_bos=True)

    def run(paths: Sequence[Path]) -> None:
        for read in read_ahead(backbone, paths, BATCH):
            in_one_thread(partial(decode, read.pooled))

    return run


def measured(run: Way, paths: Sequence[Path]) -> tuple[float, float]:
    """Pictures a second by the clock, and processor milliseconds a picture."""
    clock, work = time.perf_counter(), time.process_time()
    run(paths)
    work = time.process_time() - work
    return len(paths) / (time.perf_counter() - clock), 1000 * work / len(paths)


def peak() -> float:
    """Peak memory of this process so far, in MB."""
    each = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * each / 1e6


def main() -> None:
    """Measure, and write the section of RESULTS.md."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--pictures", type=Path, required=True, metavar="DIR")
    options.add_argument("--checkpoint", default="checkpoints/photos-lite", metavar="DIR")
    options.add_argument(
        "--count", type=int, default=1000, metavar="N", help="photographs (default: %(default)s)"
    )
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--threads", type=int, default=2)
    options.add_argument("--results", type=Path, default=ROOT / "benchmarks/RESULTS.md", metavar="FILE")
    given = options.parse_args()
    torch.set_num_threads(given.threads)
    with tempfile.TemporaryDirectory() as home:  # a network of random weights is not worth keeping
        os.environ["CAPTIONRET_HOME"] = home
        measure(given)


def measure(given: argparse.Namespace) -> None:
    """All ways in rounds."""
    paths = [path for path, _ in zip(find_images(given.pictures), range(given.count), strict=False)]

    def captioner(engine: str, precision: str = "float32") -> Captioner:
        return Captioner.load(given.checkpoint, "cpu", engine=engine, precision=precision)

    automatic = captioner("auto")
    now(automatic)(paths[:BATCH] * 3)
    memory = peak()
    some = paths[: max(2 * BATCH, len(paths) // 8)]
    few = paths[: max(1, len(paths) // 50)]  # the published path takes a second for a picture or two
    ways: dict[str, tuple[Way, Sequence[Path]]] = {
        "before": (before(captioner("torch")), paths[: max(BATCH, len(paths) // 4)]),
        "now": (now(automatic), paths),
        "now, bfloat16": (now(captioner("auto", "bfloat16")), paths),
        "now, int8": (now(captioner("auto", "int8")), paths),
        "CNN alone": (cnn_alone(automatic.backbone), paths),
        "published": (published(load_backbone("resnet152", random=True)), few),
        "published networks, here": (published_here(load_backbone("resnet152", random=True)), some),
    }
    for run, some in ways.values():
        run(some[: 2 * BATCH])  # once unmeasured, and enough for `auto` to start its engine
    rounds = [{name: measured(run, some) for name, (run, some) in ways.items()} for _ in range(given.rounds)]
    rows: list[list[object]] = []
    for name in ways:
        speeds = [found[name][0] for found in rounds]
        ratios = [found[name][0] / found["before"][0] for found in rounds]
        rows.append(
            [
                name,
                statistics.median(speeds),
                statistics.median(found[name][1] for found in rounds),
                statistics.median(ratios),
                f"{min(ratios):.2f} to {max(ratios):.2f}",
            ]
        )
    speed, work = ({str(row[0]): float(str(row[place])) for row in rows} for place in (1, 2))
    columns = ["path", "pictures/s", "processor ms a picture", "times before", "range"]
    body = (
        f"{len(paths)} photographs, batch {BATCH}, beam {BEAM}, {given.threads} threads, {given.rounds} "
        f"rounds; engine auto took {automatic.backbone.reader.engine}. Peak memory so far: "
        f"{memory:,.0f} MB. Of the processor's time of captioning the CNN alone is "
        f"{100 * work['CNN alone'] / work['now']:.0f} % (aimed at: 80), of the CNN's pictures a second "
        f"it has {100 * speed['now'] / speed['CNN alone']:.0f} %.\n\n"
        f"{markdown_table(columns, rows)}"
    )
    command = "python benchmarks/captioning.py --pictures DIR"
    write_section(given.results, "Captioning a folder", body, command)


if __name__ == "__main__":
    main()
