"""Captioning and training on a GPU, in at most four minutes; where there is none, it says so and measures
nothing.

    python benchmarks/gpu.py

Captioning: JPEGs in a folder to captions (the sample photographs, many times), the CNN alone on pictures that
are decoded already in each precision, and the search alone on features that are there. Training: a step of
the fit loop on made-up features beside the same step by hand, see training_step.py. What the time does not
suffice for is left out, and named.
"""

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import torch
from results import markdown_table, parser, write_section
from training_step import measure

from captionret.datasets.samples import sample_gallery
from captionret.decoding import BeamSearch
from captionret.images import open_image
from captionret.models.captioning.captioner import Captioner
from captionret.models.device import choose_device

LIMIT = 240.0  # seconds for all
PRECISIONS = {"float32": None, "bfloat16": torch.bfloat16, "float16": torch.float16}


def main() -> None:
    """Measure what there is time for, and write the section of RESULTS.md."""
    options = parser(__doc__)
    options.add_argument("--pictures", type=int, default=2048)
    options.add_argument("--batch", type=int, default=128)
    options.add_argument("--steps", type=int, default=60)
    options.add_argument(
        "--device", default="cuda", help="cpu: only to see that this script works; nothing is written"
    )
    given = options.parse_args()
    if given.device != "cpu" and not torch.cuda.is_available():
        print("There is no GPU here, so nothing is measured. RESULTS.md stays as it is.")
        return
    device, deadline = choose_device(given.device), time.monotonic() + LIMIT
    rows: list[list[object]] = []
    left_out: list[str] = []
    for name, work in tasks(device, given.pictures, given.batch, given.steps):
        if time.monotonic() > deadline - 20:
            left_out.append(name)
            continue
        rows.append([name, *work()])
    columns = ["work", "a second (median)", "range", "beside it"]
    body = f"{_name(device)}, torch {torch.__version__}.\n\n{markdown_table(columns, rows)}"
    if left_out:
        body += f"\n\nLeft out, since the time was over: {', '.join(left_out)}."
    if device.type == "cpu":
        print(body)
        return
    write_section(given.results, "On a GPU", body, "python benchmarks/gpu.py")


def tasks(
    device: torch.device, pictures: int, batch: int, steps: int
) -> Iterator[tuple[str, Callable[[], list[object]]]]:
    """What is measured, the most important first."""
    captioner = Captioner.load("photos-lite", str(device))
    yield "pictures captioned, from JPEG files, beam 3", lambda: captioned(captioner, pictures, batch)
    for name, dtype in PRECISIONS.items():
        yield f"pictures through the CNN, {name}", partial(seen, captioner, batch, dtype)
    yield "captions found, features given, beam 3", lambda: found(captioner, batch)
    for variant in ("transformer-lite", "model1-lite"):
        for precision in ("float32", "bfloat16"):
            what = f"captions learned from, {variant}, {precision}"
            yield what, partial(learned, variant, steps, precision, device, False)
    what = "captions learned from, transformer-lite, bfloat16, compiled"
    yield what, lambda: learned("transformer-lite", steps, "bfloat16", device, True)


def captioned(captioner: Captioner, pictures: int, batch: int) -> list[object]:
    """A folder of JPEGs, end to end."""
    with tempfile.TemporaryDirectory() as folder:
        samples = sorted(sample_gallery(Path(folder) / "samples").iterdir())
        files: list[Path] = []
        for number in range(pictures):
            file = Path(folder) / f"{number}.jpg"
            if number < len(samples):
                with open_image(samples[number]) as picture:
                    picture.convert("RGB").resize((500, 375)).save(file, quality=90)
            else:
                file.write_bytes(files[number % len(samples)].read_bytes())
            files.append(file)

        def run(some: list[Path]) -> None:
            for _ in captioner.caption_stream(some, decoding=BeamSearch(3), batch_size=batch):
                pass

        run(files[:batch])
        return rates(lambda: run(files), pictures, captioner.device, 3)


def seen(captioner: Captioner, batch: int, dtype: torch.dtype | None) -> list[object]:
    """The CNN alone."""
    size = captioner.backbone.config.preprocessing.size
    pixels = torch.randint(0, 256, (batch, size, size, 3), dtype=torch.uint8, device=captioner.device)

    @torch.inference_mode()
    def run() -> None:
        with torch.autocast(captioner.device.type, dtype or torch.bfloat16, enabled=dtype is not None):
            captioner.backbone(captioner.backbone.normalise(pixels))

    run()
    return rates(run, batch, captioner.device, 10)


def found(captioner: Captioner, batch: int) -> list[object]:
    """The search alone."""
    side, depth = captioner.backbone.config.grid
    features = torch.rand((batch, side**2, depth), device=captioner.device)
    captioner.decode(features, BeamSearch(3))
    return rates(lambda: captioner.decode(features, BeamSearch(3)), batch, captioner.device, 5)


def learned(variant: str, steps: int, precision: str, device: torch.device, compiled: bool) -> list[object]:
    """Steps of training, as captions a second."""
    _, size, by_hand, ours, ratio, spread, _ = measure(variant, steps, precision, device, compiled)
    assert isinstance(size, int) and isinstance(ours, float) and isinstance(by_hand, float)
    return [
        1000 * size / ours,
        f"{spread} times as long",
        f"by hand {1000 * size / by_hand:,.0f}; {ratio:.2f} times as long",
    ]


def rates(work: Callable[[], object], count: int, device: torch.device, times: int) -> list[object]:
    """How many a second, the median of several runs, their range, and nothing beside it."""
    each = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        if device.type == "cuda":
            torch.cuda.synchronize()
        each.append(count / (time.perf_counter() - began))
    return [statistics.median(each), f"{min(each):,.0f} to {max(each):,.0f}", "–"]


def _name(device: torch.device) -> str:
    return torch.cuda.get_device_name() if device.type == "cuda" else "The processor, not a GPU"


if __name__ == "__main__":
    main()
