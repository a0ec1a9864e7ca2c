"""Train every lite variant on a captioned collection, where it is not trained yet, and score it: the table of
checkpoints/RESULTS.md.

    python benchmarks/zoo.py --data flickr8k:data/flickr8k
    python benchmarks/zoo.py --data flickr8k:data/flickr8k --only model2-lite
    python benchmarks/zoo.py --data coco:data/coco --split val --hold-out --epochs 6 --folder data/zoo-coco \\
        --only transformer-lite adaptive-lite

Nothing is chosen on the split that is scored: the epoch is chosen in training on val, or with --hold-out on
training pictures held out (greedy); every setting of a variant's row was chosen on Flickr8k's val. A training
that was cut goes on where it stopped.
"""

import argparse
import csv
from pathlib import Path

import numpy as np
import torch
from results import ROOT, anywhere, kind_of, markdown_table, parser, write_section

from captionret.app.measuring import comparisons
from captionret.app.measuring.captioned_split import note_scores
from captionret.app.measuring.compared_captions import COLUMNS as COMPARED
from captionret.app.measuring.compared_captions import Compared
from captionret.app.trainings import CaptionerTraining, trained_captioner
from captionret.datasets import open_dataset
from captionret.decoding import BeamSearch
from captionret.evaluation.captions.scorer import CaptionScorer
from captionret.evaluation.significance import paired_interval
from captionret.models.captioning.config import VARIANTS

COLUMNS = [
    "variant",
    "parameters",
    "training, s",
    "beam",
    "length penalty",
    "BLEU-1",
    "BLEU-2",
    "BLEU-3",
    "BLEU-4",
    "ROUGE-L",
    "CIDEr-D",
    "distinct",
    "CIDEr-D less model1-lite's",
    "NDCG@10",
    "by idf",
]
BASELINE = "model1-lite"
LITE = [name for name in VARIANTS if name.endswith("-lite")]


def train(variant: str, given: argparse.Namespace) -> Path:
    """The variant's checkpoint directory, trained if it is not there."""
    folder: Path = given.folder
    training = CaptionerTraining(
        variant,
        given.data,
        (f"epochs={given.epochs}",) if given.epochs else (),
        hold_out=given.hold_out,
        fp16=True,
        command=f"python benchmarks/zoo.py --data {anywhere(given.data)} --only {variant}",
    )
    return trained_captioner(training, folder / variant)


def measure(path: Path, given: argparse.Namespace) -> Compared:
    """Score the split, and note it in the checkpoint's record and card."""
    dataset = open_dataset(given.data)
    training = [caption for item in dataset.split("train") for caption in item.captions]
    how = comparisons.Measuring(BeamSearch(given.beam), relevance="sbert")
    compared = comparisons.compare_one(path, dataset.split(given.split), training, how)
    note_scores(path, given.data, given.split, compared.setting, compared.row)
    return compared


def against_baseline(variant: str, captions: list[str], given: argparse.Namespace) -> str:
    """The paired bootstrap of CIDEr-D against model1-lite on the same images: "+5.1 (+2.0 to +7.9)"; ""
    before that one is measured."""
    folder: Path = given.folder
    items = [
        item
        for item in open_dataset(given.data).split(given.split)
        if item.captions and item.path is not None
    ]
    scorer = CaptionScorer({item.id: item.captions for item in items}, [])
    each = scorer.score(
        {item.id: caption for item, caption in zip(items, captions, strict=True)}
    ).cider_d_each
    np.save(folder / f"{variant}.cider.npy", each)
    baseline = folder / f"{BASELINE}.cider.npy"
    if variant == BASELINE or not baseline.exists():
        return ""
    mean, low, high = paired_interval(each, np.load(baseline))
    return f"{mean:+.1f} ({low:+.1f} to {high:+.1f})"


def main() -> None:
    """Train, score, write the table and its CSV."""
    options = parser(__doc__, ROOT / "checkpoints/RESULTS.md")
    options.add_argument("--data", required=True, metavar="KIND:PATH")
    options.add_argument(
        "--only",
        nargs="+",
        metavar="VARIANT",
        default=LITE,
    )
    options.add_argument(
        "--folder",
        type=Path,
        default=Path("data/zoo"),
        metavar="DIR",
        help="where the checkpoints lie (default: %(default)s)",
    )
    options.add_argument("--split", default="test", help="what is scored (default: %(default)s)")
    options.add_argument(
        "--hold-out",
        action="store_true",
        help="choose the epoch on training pictures, so that val can be scored",
    )
    options.add_argument("--epochs", type=int, metavar="N", help="of each training, in place of the row's")
    options.add_argument("--beam", type=int, default=3)
    options.add_argument("--threads", type=int, default=2)
    given = options.parse_args()
    torch.set_num_threads(given.threads)
    kind = kind_of(given.data)
    if kind == "flickr8k" and (given.epochs or given.hold_out or given.split != "test"):
        raise SystemExit(
            "Flickr8k's table is of the rows as they are, scored on test. Leave --epochs, --hold-out and "
            "--split out."
        )
    file = ROOT / "checkpoints" / ("variants.csv" if kind == "flickr8k" else f"variants-{kind}.csv")
    rows = (
        {row["variant"]: row for row in csv.DictReader(file.open(encoding="utf-8"))} if file.exists() else {}
    )
    for variant in given.only:
        compared = measure(train(variant, given), given)
        rows[variant] = {name: compared.row[name] for name in COMPARED if name != "checkpoint"}
        rows[variant]["against"] = against_baseline(variant, compared.captions, given)
        write(file, rows, kind, given)


def write(file: Path, rows: dict[str, dict[str, object]], kind: str, given: argparse.Namespace) -> None:
    """The CSV, and the section of RESULTS.md made from it."""
    ordered = [rows[name] for name in VARIANTS if name in rows]
    with file.open("w", encoding="utf-8", newline="") as target:
        writer = csv.DictWriter(
            target,
            [*(name for name in COMPARED if name != "checkpoint"), "against"],
            restval="",
        )
        writer.writeheader()
        writer.writerows(ordered)
    numbers = ("bleu1", "bleu2", "bleu3", "bleu4", "rouge_l", "cider_d")
    table = [
        [
            row["variant"],
            int(float(str(row["parameters"]))),
            round(float(str(row["train_seconds"]))),
            int(str(row["beam"])),
            float(str(row["length_penalty"])),
            *(float(str(row[name])) for name in numbers),
            int(str(row["distinct"])),
            row.get("against") or None,
            *(
                100 * float(str(row[name])) if row.get(name) else None
                for name in ("ndcg10_jaccard", "ndcg10_jaccard_idf")
            ),
        ]
        for row in ordered
    ]
    chosen = "on training pictures held out" if given.hold_out else "on val"
    settings = "Flickr8k's val" if kind != "flickr8k" else "val"
    body = (
        f"Trained on the train split{f' for {given.epochs} epochs' if given.epochs else ''}, the epoch "
        f"chosen {chosen}, every setting on "
        f"{settings}; scored on {given.split} ({ordered[0]['images']} images); x100, PTB tokens; seed 0. "
        "Parameters that learn; seconds of "
        "training on cached features, validation included, on a machine that did other work beside it. "
        "NDCG@10: each caption's words "
        "retrieve the other images by Jaccard similarity, relevance "
        f"sbert.\n\n{markdown_table(COLUMNS, table)}"
    )
    epochs = f" --epochs {given.epochs}" if given.epochs else ""
    held_out = " --hold-out" if given.hold_out else ""
    again = (
        ""
        if kind == "flickr8k"
        else f" --split {given.split}{held_out}{epochs} --folder {given.folder} --only {' '.join(rows)}"
    )
    write_section(
        given.results,
        f"Variants on {kind}",
        body,
        f"python benchmarks/zoo.py --data {kind}:DIR{again}",
    )


if __name__ == "__main__":
    main()
