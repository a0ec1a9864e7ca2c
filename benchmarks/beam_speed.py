"""Beam search for whole batches against one image at a time, and what a step costs beyond its matrix
products.

    python benchmarks/beam_speed.py --checkpoints checkpoints/photos-lite

Features are made up: only their number matters. "textbook" keeps lists of captions and asks the decoder for
                      each caption's next word by
itself, as a beam search is written in a textbook; "batch of one" is this project's search with a single
image. All in one run, medians.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch
from results import ROOT, markdown_table, write_section
from torch import Tensor
from torch.profiler import ProfilerActivity, profile

from captionret.decoding import BeamSearch
from captionret.models.captioning.beam_search import State, log_probabilities
from captionret.models.captioning.captioner import Captioner
from captionret.models.vision.rows import BACKBONES
from captionret.text import END_ID

PRODUCTS = (
    "aten::mm",
    "aten::addmm",
    "aten::bmm",
    "aten::baddbmm",
    "aten::linear",
    "aten::mkldnn_rnn_layer",
    "aten::_scaled_dot_product",
)


def textbook(captioner: Captioner, features: Tensor, beam: int) -> list[list[int]]:
    """The best caption of one image. features: (1, ...)."""
    first, state = captioner.decoder.begin(features)
    live: list[tuple[float, list[int], Tensor, State]] = [(0.0, [], first, state)]
    ended: list[tuple[float, list[int]]] = []
    for _ in range(captioner.config.max_words):
        longer: list[tuple[float, list[int], State]] = []
        for score, words, logits, state in live:
            logprob = log_probabilities(
                logits,
                torch.tensor([words], dtype=torch.long),
                None,
                captioner.config.predict_bos and not words,
            )[0]
            best, tokens = logprob.topk(2 * beam)
            longer += [
                (score + more, [*words, token], state)
                for more, token in zip(best.tolist(), tokens.tolist(), strict=True)
            ]
        longer.sort(key=lambda one: -one[0])
        ended += [(score, words[:-1]) for score, words, _ in longer[:beam] if words[-1] == END_ID]
        if len(ended) >= beam:
            break
        going = [one for one in longer if one[1][-1] != END_ID][:beam]
        live = [
            (score, words, *captioner.decoder.step(torch.tensor(words[-1:]), state))
            for score, words, state in going
        ]
    return [words for _, words in sorted(ended, reverse=True)] or [live[0][1]]


def seconds(work: Callable[[], object]) -> float:
    """How long it takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def step_cost(captioner: Captioner, features: Tensor, beam: int) -> tuple[float, list[str]]:
    """All of a batched search's time over that of its matrix products alone, and where the rest goes."""
    with profile(activities=[ProfilerActivity.CPU]) as found:
        captioner.decode(features, BeamSearch(beam))
    events = [(event.key, event.self_cpu_time_total) for event in found.key_averages()]
    whole = sum(time for _, time in events)
    products = sum(time for name, time in events if name.startswith(PRODUCTS))
    rest = sorted(
        (event for event in events if not event[0].startswith(PRODUCTS)), key=lambda event: -event[1]
    )[:5]
    return whole / products, [
        f"{name.removeprefix('aten::')} {100 * time / whole:.0f} %" for name, time in rest
    ]


@torch.inference_mode()
def measure(path: str, beam: int, batch: int, runs: int) -> list[object]:
    """A row of the table."""
    captioner = Captioner.load(path, "cpu")
    backbone = BACKBONES[captioner.config.backbone]
    shape = (
        (backbone.grid[0] ** 2, backbone.grid[1]) if captioner.config.feature == "grid" else (backbone.dim,)
    )
    features = torch.rand((batch, *shape), generator=torch.Generator().manual_seed(0))
    captioner.decode(features, BeamSearch(beam))  # once unmeasured
    batched, single, book = [], [], []
    for run in range(runs):
        batched.append(batch / seconds(lambda: captioner.decode(features, BeamSearch(beam))))
        few = features[4 * run % batch :][:4]
        single.append(
            4 / seconds(lambda few=few: [captioner.decode(one.unsqueeze(0), BeamSearch(beam)) for one in few])
        )
        book.append(4 / seconds(lambda few=few: [textbook(captioner, one.unsqueeze(0), beam) for one in few]))
    ratio = [whole / slow for whole, slow in zip(batched, book, strict=True)]
    one = [whole / slow for whole, slow in zip(batched, single, strict=True)]
    cost, rest = step_cost(captioner, features, beam)
    medians = [statistics.median(values) for values in (batched, single, book, ratio, one)]
    return [captioner.name, *medians, cost, ", ".join(rest)]


def main() -> None:
    """Measure, and write the section of RESULTS.md."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--checkpoints", nargs="+", default=["checkpoints/photos-lite"], metavar="DIR")
    options.add_argument("--beam", type=int, default=5)
    options.add_argument("--batch", type=int, default=64)
    options.add_argument("--runs", type=int, default=5)
    options.add_argument("--threads", type=int, default=2)
    options.add_argument("--results", type=Path, default=ROOT / "benchmarks/RESULTS.md", metavar="FILE")
    given = options.parse_args()
    torch.set_num_threads(given.threads)
    columns = [
        "checkpoint",
        "batched, images/s",
        "batch of one",
        "textbook",
        "batched / textbook",
        "batched / batch of one",
    ]
    columns += ["search / its matrix products", "the rest, largest first"]
    table = markdown_table(
        columns, [measure(path, given.beam, given.batch, given.runs) for path in given.checkpoints]
    )
    body = (
        f"Features given, beam {given.beam}, batch {given.batch}, {given.threads} threads, medians of "
        f"{given.runs} runs.\n\n{table}"
    )
    command = f"python benchmarks/beam_speed.py --checkpoints {' '.join(given.checkpoints)}"
    write_section(given.results, "Beam search in batches", body, command)


if __name__ == "__main__":
    main()
