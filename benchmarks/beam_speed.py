"""Beam search for whole batches: in the compiled kernel, in PyTorch, one image at a time, and as it stands
in a textbook.

    python benchmarks/beam_speed.py --checkpoints checkpoints/photos-lite
    python benchmarks/beam_speed.py --data flickr8k:DIR   # how many captions of 500 val pictures are equal

Features are made up: only their number matters. "PyTorch": this search with --engine torch; what a
step costs beyond its matrix products is measured of it. "Batch of one": a single image. "Textbook": keeps
lists of captions and asks the decoder for each caption's next word by itself. "Published": the greedy sampler
of the published code, an LSTM and twenty forced steps, for the same batch. All in one run, medians.
"""

import statistics
import time
from collections.abc import Callable

import torch
from results import anywhere, kind_of, markdown_table, parser, write_section
from torch import Tensor, nn
from torch.profiler import ProfilerActivity, profile

from captionret.datasets import open_dataset
from captionret.decoding import BeamSearch
from captionret.models.captioning.beam_search import State, log_probabilities
from captionret.models.captioning.captioner import Captioner
from captionret.models.vision.reading import read_ahead
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


def step_cost(captioner: Captioner, features: Tensor, beam: int) -> tuple[float, list[str]]:
    """All of a batched search's time over that of its matrix products alone, and where the rest goes."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # the profiler does not see what was decoded in other threads
    with profile(activities=[ProfilerActivity.CPU]) as found:
        captioner.decode(features, BeamSearch(beam))
    torch.set_num_threads(threads)
    events = [(event.key, event.self_cpu_time_total) for event in found.key_averages()]
    whole = sum(time for _, time in events)
    products = sum(time for name, time in events if name.startswith(PRODUCTS))
    rest = sorted(
        (event for event in events if not event[0].startswith(PRODUCTS)), key=lambda event: -event[1]
    )[:5]
    return whole / products, [
        f"{name.removeprefix('aten::')} {100 * time / whole:.0f} %" for name, time in rest
    ]


class PublishedSampler(nn.Module):
    """The published decoder, without its weights: an LSTM of 512 numbers over words of 256, always twenty
    steps."""

    def __init__(self, words: int) -> None:
        super().__init__()
        self.embed, self.lstm = nn.Embedding(words, 256), nn.LSTM(256, 512, batch_first=True)
        self.linear = nn.Linear(512, words)

    def sample(self, features: Tensor) -> Tensor:
        """features (N, 256) -> (N, 20) ids"""
        found, states, inputs = [], None, features.unsqueeze(1)
        for _ in range(20):
            hidden, states = self.lstm(inputs, states)
            found.append(self.linear(hidden.squeeze(1)).max(1)[1])
            inputs = self.embed(found[-1]).unsqueeze(1)
        return torch.stack(found, 1)


@torch.inference_mode()
def measure(path: str, beam: int, batch: int, runs: int) -> list[object]:
    """A row of the table."""
    fast, captioner = Captioner.load(path, "cpu"), Captioner.load(path, "cpu", engine="torch")
    backbone = BACKBONES[captioner.config.backbone]
    shape = (
        (backbone.grid[0] ** 2, backbone.grid[1]) if captioner.config.feature == "grid" else (backbone.dim,)
    )
    features = torch.rand((batch, *shape), generator=torch.Generator().manual_seed(0))
    published, images = PublishedSampler(len(captioner.vocabulary)), torch.rand(batch, 256)
    ways: list[tuple[int, Callable[[Tensor], object]]] = [
        (batch, lambda some: fast.decode(some, BeamSearch(beam))),
        (batch, lambda some: captioner.decode(some, BeamSearch(beam))),
        (4, lambda some: [captioner.decode(one.unsqueeze(0), BeamSearch(beam)) for one in some]),
        (4, lambda some: [textbook(captioner, one.unsqueeze(0), beam) for one in some]),
        (batch, lambda _: published.sample(images)),
    ]
    for _, work in ways[:2]:
        work(features)  # once unmeasured
    speeds: list[list[float]] = [[] for _ in ways]
    processor: list[list[float]] = [[] for _ in ways]
    for run in range(runs):
        for place, (count, work) in enumerate(ways):
            some = features if count == batch else features[count * run % batch :][:count]
            clock, spent = time.perf_counter(), time.process_time()
            work(some)
            speeds[place].append(count / (time.perf_counter() - clock))
            processor[place].append(1000 * (time.process_time() - spent) / count)
    cost, rest = step_cost(captioner, features, beam)
    faster = [one / other for one, other in zip(*speeds[:2], strict=True)]
    less = [other / one for one, other in zip(*processor[:2], strict=True)]
    medians = [statistics.median(values) for values in (*speeds, faster, *processor[:2], less)]
    return [captioner.name, *medians, cost, ", ".join(rest)]


@torch.inference_mode()
def equality(path: str, data: str, beam: int) -> str:
    """How many captions of val pictures are the same by either."""
    fast, plain = (Captioner.load(path, "cpu", engine=engine) for engine in ("auto", "torch"))
    paths = [item.path for item in open_dataset(data).split("val") if item.path][:500]
    same, most = 0, 0.0
    for read in read_ahead(fast.backbone, paths, 32):
        features = read.grid if fast.config.feature == "grid" else read.pooled
        for ours, theirs in zip(
            *(one.decode(features, BeamSearch(beam)) for one in (fast, plain)), strict=True
        ):
            if ours[0].text == theirs[0].text:
                same += 1
                most = max(most, abs(ours[0].logprob - theirs[0].logprob))
    equal = 100 * same / len(paths)
    return (
        f"Of {len(paths)} pictures of {kind_of(data)} val, {equal:.1f} % have the same best caption "
        f"by {fast.name} in the kernel as in PyTorch (aimed at: 99), with log-probabilities that differ by "
        f"at most {most:.4f}."
    )


def main() -> None:
    """Measure, and write the section of RESULTS.md."""
    options = parser(__doc__)
    options.add_argument("--checkpoints", nargs="+", default=["checkpoints/photos-lite"], metavar="DIR")
    options.add_argument("--data", metavar="KIND:PATH", help="compare captions of its val pictures, too")
    options.add_argument("--beam", type=int, default=5)
    options.add_argument("--batch", type=int, default=64)
    options.add_argument("--runs", type=int, default=5)
    options.add_argument("--threads", type=int, default=2)
    given = options.parse_args()
    torch.set_num_threads(given.threads)
    columns = ["checkpoint", "kernel, images/s", "PyTorch", "batch of one", "textbook", "published"]
    columns += ["kernel / PyTorch", "kernel, processor ms an image", "PyTorch", "times less"]
    columns += ["PyTorch / its matrix products", "the rest, largest first"]
    table = markdown_table(
        columns, [measure(path, given.beam, given.batch, given.runs) for path in given.checkpoints]
    )
    body = (
        f"Features given, beam {given.beam}, batch {given.batch}, {given.threads} threads, medians of "
        f"{given.runs} runs.\n\n{table}"
    )
    command = f"python benchmarks/beam_speed.py --checkpoints {' '.join(given.checkpoints)}"
    if given.data:
        body += f"\n\n{equality(given.checkpoints[0], given.data, given.beam)}"
        command += f" --data {anywhere(given.data)}"
    write_section(given.results, "Beam search in batches", body, command)


if __name__ == "__main__":
    main()
