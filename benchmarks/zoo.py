"""Train every lite variant on a captioned collection and score it: the table of checkpoints/RESULTS.md.

    python benchmarks/zoo.py --data flickr8k:data/flickr8k                     # all lite variants; trained ones are only scored
    python benchmarks/zoo.py --data flickr8k:data/flickr8k --only model2-lite

Nothing is chosen on the test split: the epoch is chosen in training on val (greedy), every setting of a variant's row was chosen on
val, too. A training that was cut goes on where it stopped.
"""

import argparse
import csv
from pathlib import Path

import numpy as np
import torch
from results import ROOT, markdown_table, write_section

from captionret.cli import compare_variants, train_captioner
from captionret.datasets import open_dataset
from captionret.evaluation.bootstrap import paired_interval
from captionret.evaluation.captions import CaptionScorer
from captionret.models.variants import VARIANTS

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
LITE = [name for name, row in VARIANTS.items() if name.endswith("-lite") and row.decoder != "words"]


def train(variant: str, data: str, folder: Path) -> Path:
    """The variant's checkpoint directory, trained if it is not there."""
    out = folder / variant
    if not (out / "training.png").exists():  # the last thing a training writes
        resume = ["--resume"] if (out / "training/state.json").exists() else []
        train_captioner.main(["--variant", variant, "--data", data, "--out", str(out), "--half", *resume])
    return out


def measure(path: Path, data: str, beam: int) -> compare_variants.Compared:
    """Score test, and note it in the checkpoint's record and card."""
    dataset = open_dataset(data)
    training = [caption for item in dataset.split("train") for caption in item.captions]
    settings = compare_variants.parse(["--data", data, "--beam", str(beam), "--note", "--relevance", "sbert"])
    return compare_variants.compare_one(path, dataset.split("test"), training, settings)


def against_baseline(folder: Path, variant: str, captions: list[str], data: str) -> str:
    """The paired bootstrap of CIDEr-D against model1-lite on the same images: "+5.1 (+2.0 to +7.9)"; "" before that one is measured."""
    items = [item for item in open_dataset(data).split("test") if item.captions and item.path is not None]
    scorer = CaptionScorer({item.id: item.captions for item in items}, [])
    each = scorer.score({item.id: caption for item, caption in zip(items, captions, strict=True)}).cider_d_each
    np.save(folder / f"{variant}.cider.npy", each)
    baseline = folder / f"{BASELINE}.cider.npy"
    if variant == BASELINE or not baseline.exists():
        return ""
    mean, low, high = paired_interval(each, np.load(baseline))
    return f"{mean:+.1f} ({low:+.1f} to {high:+.1f})"


def main() -> None:
    """Train, score, write the table and its CSV."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--data", required=True, metavar="KIND:PATH")
    options.add_argument(
        "--only",
        nargs="+",
        metavar="VARIANT",
        default=LITE,
    )
    options.add_argument(
        "--folder", type=Path, default=Path("data/zoo"), metavar="DIR", help="where the checkpoints lie (default: %(default)s)"
    )
    options.add_argument("--beam", type=int, default=3)
    options.add_argument("--threads", type=int, default=2)
    given = options.parse_args()
    torch.set_num_threads(given.threads)
    file = ROOT / "checkpoints/variants.csv"
    rows = {row["variant"]: row for row in csv.DictReader(file.open(encoding="utf-8"))} if file.exists() else {}
    for variant in given.only:
        compared = measure(train(variant, given.data, given.folder), given.data, given.beam)
        rows[variant] = {name: compared.row[name] for name in compare_variants.COLUMNS if name != "checkpoint"}
        rows[variant]["against"] = against_baseline(given.folder, variant, compared.captions, given.data)
        write(file, rows, given.data)


def write(file: Path, rows: dict[str, dict[str, object]], data: str) -> None:
    """The CSV, and the section of RESULTS.md made from it."""
    ordered = [rows[name] for name in VARIANTS if name in rows]
    with file.open("w", encoding="utf-8", newline="") as target:
        writer = csv.DictWriter(target, [*(name for name in compare_variants.COLUMNS if name != "checkpoint"), "against"], restval="")
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
            *(100 * float(str(row[name])) if row.get(name) else None for name in ("ndcg10_jaccard", "ndcg10_jaccard_idf")),
        ]
        for row in ordered
    ]
    kind = data.partition(":")[0]
    body = (
        f"Trained on the train split, the epoch and every setting chosen on val, scored on test ({ordered[0]['images']} images); "
        "x100, PTB tokens; seed 0. Parameters that learn; seconds of training on cached features, validation included, on a machine "
        "that did other work beside it. NDCG@10: each caption's words retrieve the other images by Jaccard similarity, relevance "
        f"sbert.\n\n{markdown_table(COLUMNS, table)}"
    )
    write_section(ROOT / "checkpoints/RESULTS.md", f"Variants on {kind}", body, f"python benchmarks/zoo.py --data {kind}:DIR")


if __name__ == "__main__":
    main()
