"""How well trained embedding spaces find images and sentences by each other, and labels: a section of
RESULTS.md.

    python benchmarks/spaces.py --data flickr8k:DIR --spaces checkpoints/photos-space data/zoo-joint/*

Nothing is chosen on this split: the epoch and every setting of a row come from val.
"""

from pathlib import Path
from typing import Any

import torch
from results import kind_of, markdown_table, parser, write_section

from captionret.app.measuring.encoded_split import encode_split
from captionret.app.measuring.ranked_split import measure_ranking
from captionret.datasets import open_dataset
from captionret.models.embedding.model import EmbeddingModel

PUBLISHED: list[object] = ["*published VSE, VGG-19*", 22.3, 48.7, 59.8, 6, 14.9, 38.3, 51.6, 10, 235.6, None]


def measure(space: Path, data: str, split: str, features: Path) -> dict[str, Any]:
    """The figures of one space on a split."""
    model, dataset = EmbeddingModel.load(space), open_dataset(data)
    return measure_ranking(model, encode_split(model, dataset, dataset.split(split), features))


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share


def main() -> None:
    """Measure each space and write the section."""
    options = parser(__doc__)
    options.add_argument("--data", required=True, metavar="KIND:PATH")
    options.add_argument("--split", default="test")
    options.add_argument("--spaces", nargs="+", type=Path, required=True, metavar="DIR")
    options.add_argument("--features", type=Path, default=Path("data/features"), metavar="DIR")
    options.add_argument("--threads", type=int, default=2)
    given = options.parse_args()
    torch.set_num_threads(given.threads)
    ranked: list[list[object]] = [PUBLISHED]
    labelled: list[list[object]] = []
    for space in given.spaces:
        found = measure(space, given.data, given.split, given.features)
        ways = [found[way][name] for way in ("i2t", "t2i") for name in ("r1", "r5", "r10", "medr")]
        ranked.append([space.name, *ways, found["rsum"], _percent(found.get("triple_accuracy"))])
        for task, values in found.get("labels", {}).items():
            labelled.append(
                [
                    space.name,
                    task.replace("_", " "),
                    ", ".join(f"{name} {value:.4g}" for name, value in values.items()),
                ]
            )
    columns = [
        "space",
        *(f"{way} {name}" for way in ("annotation", "search") for name in ("R@1", "R@5", "R@10", "medr")),
    ]
    body = (
        f"{kind_of(given.data)} {given.split}, recalls x100. Triple accuracy, in %: how often the "
        "right image of a caption scores above another "
        f"one.\n\n{markdown_table([*columns, 'sum of recalls', 'triple accuracy'], ranked)}"
    )
    if labelled:
        body += (
            "\n\nLabels, in %; chance is that of a random "
            f"order:\n\n{markdown_table(['space', 'task', 'measured'], labelled)}"
        )
    write_section(
        given.results,
        "Embedding spaces",
        body,
        "python benchmarks/spaces.py --data flickr8k:DIR --spaces ...",
    )


if __name__ == "__main__":
    main()
