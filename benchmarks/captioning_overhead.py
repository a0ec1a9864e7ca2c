"""What captioning a folder costs beyond the backbone's forward pass over the same files, decoded the same
way.

    python benchmarks/captioning_overhead.py --pictures DIR --checkpoints checkpoints/photos-lite

Bar: at most 25 % more, batch 32, beam 3. Both are run in turn, in one process; the figure is the median of
     the pairs' ratios.
"""

import statistics
import time
from pathlib import Path

import torch
from results import ROOT, markdown_table, parser, write_section

from captionret.decoding import BeamSearch
from captionret.images import decoded_batches, find_images
from captionret.models.captioning.captioner import Captioner


def backbone_only(captioner: Captioner, paths: list[Path], batch_size: int) -> float:
    """Seconds for decoding and the CNN."""
    began = time.perf_counter()
    with torch.inference_mode():
        for batch in decoded_batches(paths, captioner.backbone.config.preprocessing.size, batch_size):
            captioner.backbone(captioner.backbone.normalise(torch.from_numpy(batch.pixels[0])))
    return time.perf_counter() - began


def captioning(captioner: Captioner, paths: list[Path], batch_size: int, beam: int) -> float:
    """Seconds for captions."""
    began = time.perf_counter()
    for _ in captioner.caption_stream(paths, decoding=BeamSearch(beam), batch_size=batch_size):
        pass
    return time.perf_counter() - began


def main() -> None:
    """Measure every checkpoint given."""
    options = parser(__doc__, ROOT / "checkpoints/RESULTS.md")
    options.add_argument("--pictures", type=Path, required=True, metavar="DIR")
    options.add_argument("--checkpoints", nargs="+", default=["checkpoints/photos-lite"], metavar="DIR")
    options.add_argument(
        "--count", type=int, default=320, metavar="N", help="pictures (default: %(default)s)"
    )
    options.add_argument(
        "--pairs", type=int, default=5, metavar="N", help="runs of each, in turn (default: %(default)s)"
    )
    options.add_argument("--beam", type=int, default=3)
    options.add_argument("--batch-size", type=int, default=32)
    options.add_argument("--threads", type=int, default=2)
    given = options.parse_args()
    torch.set_num_threads(given.threads)
    paths = [path for path, _ in zip(find_images(given.pictures), range(given.count), strict=False)]
    rows: list[list[object]] = []
    for checkpoint in given.checkpoints:
        captioner = Captioner.load(checkpoint)
        captioning(captioner, paths[: given.batch_size], given.batch_size, given.beam)  # warm-up
        pairs = [
            (
                backbone_only(captioner, paths, given.batch_size),
                captioning(captioner, paths, given.batch_size, given.beam),
            )
            for _ in range(given.pairs)
        ]
        more = [100 * (full / alone - 1) for alone, full in pairs]
        alone, full = (len(paths) / statistics.median(column) for column in zip(*pairs, strict=True))
        spread = f"{min(more):.1f} to {max(more):.1f}"
        rows.append(
            [Path(checkpoint).name, captioner.config.backbone, alone, full, statistics.median(more), spread]
        )
    columns = [
        "checkpoint",
        "CNN",
        "CNN alone, pictures/s",
        "captioned, pictures/s",
        "more time, % (median)",
        "range",
    ]
    body = (
        f"{len(paths)} pictures, batch {given.batch_size}, beam {given.beam}, {given.threads} threads, "
        f"{given.pairs} pairs of runs."
    )
    command = (
        f"python benchmarks/captioning_overhead.py --pictures DIR --checkpoints {' '.join(given.checkpoints)}"
    )
    body += f"\n\n{markdown_table(columns, rows)}"
    write_section(given.results, "What captioning costs beyond the CNN", body, command)


if __name__ == "__main__":
    main()
