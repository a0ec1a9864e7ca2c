"""How often the first hit is right on the built-in scenes, after the demo's own training.

    python benchmarks/first_hit.py

Every test picture searches the others of its split by its generated caption (Jaccard, beam 3). Right: the
same main object in the same colour; another such picture always exists. Bar: 90 %.
"""

from pathlib import Path

from results import ROOT, kind_of, markdown_table, parser, write_section

from captionret.app import demo
from captionret.app.measuring import comparisons
from captionret.datasets import open_dataset


def main() -> None:
    """Train as the demo does (or take its checkpoints) and measure."""
    options = parser(__doc__, ROOT / "checkpoints/RESULTS.md")
    options.add_argument(
        "--work", type=Path, default=Path("data/demo"), metavar="DIR", help="where the demo's checkpoints lie"
    )
    options.add_argument("--data", default="scenes")
    given = options.parse_args()
    dataset = open_dataset(given.data)
    items = dataset.split("test")
    rows: list[list[object]] = []
    for variant in demo.VARIANTS:
        one = comparisons.compare_one(
            demo.trained(variant, given.work, given.data), items, [], comparisons.Measuring()
        )
        right = 100 * demo.right_first_hits(one, items)
        rows.append(
            [
                variant,
                right,
                one.row["train_seconds"],
                one.row["bleu4"],
                one.row["cider_d"],
                one.row["distinct"],
            ]
        )
    columns = ["variant", "right first hits, %", "training, s", "BLEU-4", "CIDEr-D", "distinct captions"]
    body = f"{len(items)} test pictures of {kind_of(given.data)}.\n\n{markdown_table(columns, rows)}"
    write_section(given.results, "The first hit on scenes", body, "python benchmarks/first_hit.py")


if __name__ == "__main__":
    main()
