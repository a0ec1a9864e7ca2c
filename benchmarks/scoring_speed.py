"""How long the scores of 5,000 captions take without Java: BLEU, ROUGE-L and CIDEr-D of a split as large as
Karpathy's COCO test.

    python benchmarks/scoring_speed.py

The first 5,000 images of COCO val2014 with five captions, out of pycocoevalcap's wheel. Each candidate is
half of its image's first caption
and half of the second: as long and as near to the references as a captioner's. Median of three whole runs of
                        `score`, tokenizing included.
"""

import statistics
import sys
import time

from coco import annotations
from results import markdown_table, parser, write_section

from captionret.evaluation.captions import ptb
from captionret.evaluation.captions.scorer import score

REFERENCES = 5


def main() -> None:
    """Measure, print and write the section."""
    options = parser(__doc__)
    options.add_argument("--images", type=int, default=5000, metavar="N", help="(default: %(default)s)")
    options.add_argument("--runs", type=int, default=3, metavar="N", help="(default: %(default)s)")
    given = options.parse_args()
    candidates, references = coco(given.images)
    seconds = []
    for _ in range(given.runs):
        clear_caches()
        began = time.perf_counter()
        scores = score(candidates, references)
        seconds.append(time.perf_counter() - began)
    columns = ["images", "references", "seconds (median)", "fastest", "slowest", "BLEU-4", "CIDEr-D"]
    row: list[object] = [
        len(candidates),
        REFERENCES * len(candidates),
        statistics.median(seconds),
        min(seconds),
        max(seconds),
    ]
    body = (
        f"{given.runs} runs, one thread, without "
        f"Java.\n\n{markdown_table(columns, [[*row, scores.bleu4, scores.cider_d]])}"
    )
    write_section(given.results, "Scoring speed", body, "python benchmarks/scoring_speed.py")


def clear_caches() -> None:
    """Forget what the tokenizer may have kept of the run before."""
    for part in vars(ptb).values():
        if hasattr(part, "cache_clear"):
            part.cache_clear()


def coco(images: int) -> tuple[dict[int, str], dict[int, list[str]]]:
    """For each image a candidate and the five human captions that it is scored against."""
    captions: dict[int, list[str]] = {}
    for annotation in annotations("val"):
        captions.setdefault(annotation["image_id"], []).append(annotation["caption"])
    chosen = [image for image, texts in captions.items() if len(texts) >= REFERENCES][:images]
    if len(chosen) < images:
        sys.exit(f"There are only {len(chosen):,} images with {REFERENCES} captions.")
    return candidates_of(chosen, captions), {image: captions[image][:REFERENCES] for image in chosen}


def candidates_of(images: list[int], captions: dict[int, list[str]]) -> dict[int, str]:
    """The first half of each image's first caption with the second half of its second."""
    candidates = {}
    for image in images:
        first, second = (captions[image][index].rstrip(" .").split() for index in (0, 1))
        candidates[image] = " ".join([*first[: len(first) // 2], *second[len(second) // 2 :]])
    return candidates


if __name__ == "__main__":
    main()
