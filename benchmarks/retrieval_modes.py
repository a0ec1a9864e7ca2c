"""How far captions carry image retrieval: every mode on Flickr8k test and COCO val, and whether the best of
them beats the CNN for sure.

    python benchmarks/retrieval_modes.py --flickr8k data/flickr8k --coco data/coco

Nothing is chosen on these splits: the lexical head's epoch, the hybrid's weights and every constant of a mode
come from Flickr8k val.
"""

import csv
from pathlib import Path

from results import kind_of, markdown_table, parser, write_section

from captionret.app.measuring.measured_modes import measure_modes
from captionret.app.measuring.measured_split import ModesMeasuring
from captionret.app.measuring.retrieval_report import write_report
from captionret.datasets import open_dataset

BEST, HYBRID = "expected-cosine", "hybrid"
KINDS = ("sbert", "tfidf", "cider")


def rows_of(file: Path) -> list[dict[str, str]]:
    """A CSV's lines."""
    with file.open(encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def measure(data: str, split: str, out: Path, spaces: list[str]) -> str:
    """One split's tables as Markdown."""
    found = measure_modes(open_dataset(data), split, ModesMeasuring(relevance=KINDS, spaces=spaces))
    for error in found.left_out:
        print(error)
    write_report(out, found, 0)
    modes, differences = rows_of(out / "modes.csv"), rows_of(out / "differences.csv")
    of = {(row["mode"], row["relevance"]): row for row in modes}
    table: list[list[object]] = []
    for name in dict.fromkeys(row["mode"] for row in modes):
        first = of[name, "sbert"]
        interval = f"{100 * float(first['ndcg10_low']):.1f}–{100 * float(first['ndcg10_high']):.1f}"
        others = [100 * float(of[name, kind]["ndcg10"]) for kind in KINDS[1:]]
        table.append(
            [
                name,
                100 * float(first["ndcg10"]),
                interval,
                100 * float(first["ndcg50"]),
                float(first["pcc"]),
                float(first["ties10"]),
                *others,
            ]
        )
    columns = ["mode", "NDCG@10 sbert", "95 %", "NDCG@50", "PCC", "ties@10", "NDCG@10 tfidf", "NDCG@10 cider"]
    compared = [
        [
            row["mode"],
            row["against"],
            row["relevance"],
            *(100 * float(row[name]) for name in ("ndcg10", "low", "high")),
        ]
        for row in differences
        if row["mode"] in (BEST, HYBRID) and row["against"] in ("jaccard", "cnn", "cnn-centred")
    ]
    versus = markdown_table(["mode", "against", "relevance", "NDCG@10 more", "from", "to"], compared)
    return f"**{kind_of(data)} {split}**\n\n{markdown_table(columns, table)}\n\n{versus}"


def main() -> None:
    """Measure and write the section."""
    options = parser(__doc__)
    options.add_argument("--flickr8k", default="data/flickr8k", metavar="DIR")
    options.add_argument("--coco", default="data/coco", metavar="DIR")
    options.add_argument(
        "--out", type=Path, default=Path("data/retrieval"), metavar="DIR", help="where tables and pages go"
    )
    options.add_argument(
        "--embedding", nargs="+", default=[], metavar="DIR", help="further spaces, one for each mode"
    )
    given = options.parse_args()
    body = "\n\n".join(
        [
            "Every image asks for the others; relevance comes from people's captions alone. x100; 95 % "
            "bootstrap intervals, of differences paired over queries. Captions by the shipped captioner "
            "(beam 5), word probabilities by the shipped lexical head and 30 drawn captions; mode "
            "embedding is the shipped space, whose sentence encoder is the one that makes the "
            "relevance sbert.",
            measure(f"flickr8k:{given.flickr8k}", "test", given.out / "flickr8k-test", given.embedding),
            measure(f"coco:{given.coco}", "val", given.out / "coco-val", given.embedding),
        ]
    )
    more = f" --embedding {' '.join(given.embedding)}" if given.embedding else ""
    write_section(
        given.results,
        "Retrieval by mode",
        body,
        f"python benchmarks/retrieval_modes.py{more}",
    )


if __name__ == "__main__":
    main()
