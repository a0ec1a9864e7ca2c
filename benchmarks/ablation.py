"""What each setting of a variant brings: it is trained again without (or with) it, and scored on val; a
section of checkpoints/RESULTS.md.

    python benchmarks/ablation.py --data flickr8k:data/flickr8k
    python benchmarks/ablation.py --data flickr8k:data/flickr8k --note checkpoints/photos-lite

With --note the section is written into that checkpoint's card, too.

Every training is shorter than the variant's own, and all are of the same length. A training that was cut goes
on where it stopped.
Intervals: paired bootstrap over the pictures.
"""

import json
from pathlib import Path
from typing import Any

import torch
from results import ROOT, anywhere, kind_of, markdown_table, parser, write_section

from captionret.app.measuring.scored_captions import CaptionScoring, score_captions
from captionret.app.trainings import CaptionerTraining, trained_captioner
from captionret.datasets import open_dataset
from captionret.decoding import BeamSearch
from captionret.evaluation.captions.results_file import write_results
from captionret.evaluation.captions.scorer import CaptionScorer
from captionret.evaluation.significance import paired_interval
from captionret.models.captioning.config import VARIANTS
from captionret.models.card import write_card
from captionret.models.record import add_training

AS_IT_IS = "as it is"
# What is changed, by what the row says of it; a field that the variant has at the value already is left out.
CHANGES: dict[str, dict[str, Any]] = {
    AS_IT_IS: {},
    "without label smoothing": {"label_smoothing": 0.0},
    "without dropout": {"dropout": 0.0},
    "without averaged weights": {"average": 0.0},
    "with scheduled sampling, up to 0.25": {"scheduled_sampling": 0.25},
}


def train(variant: str, data: str, epochs: int, change: dict[str, Any], out: Path) -> Path:
    """The checkpoint directory of a training with a change, trained if it is not there."""
    settings = (f"epochs={epochs}", *(f"{name}={value}" for name, value in change.items()))
    command = f"python benchmarks/ablation.py --data {anywhere(data)} --variant {variant} --epochs {epochs}"
    return trained_captioner(CaptionerTraining(variant, data, settings, fp16=True, command=command), out)


def captions_of(checkpoint: Path, data: str) -> dict[str, str]:
    """Its captions of the val pictures, beam 3, by the pictures' ids."""
    file = checkpoint / "val.json"
    if not file.exists():
        how = CaptionScoring([str(checkpoint)], decoding=BeamSearch(3), java=False)
        write_results(file, score_captions(open_dataset(data), "val", how).captions)
    return {str(row["image_id"]): row["caption"] for row in json.loads(file.read_text(encoding="utf-8"))}


def main() -> None:
    """Train, score, write the section and, if asked to, the card."""
    options = parser(__doc__, ROOT / "checkpoints/RESULTS.md")
    options.add_argument("--data", required=True, metavar="KIND:PATH")
    options.add_argument("--variant", default="transformer-lite")
    options.add_argument("--epochs", type=int, default=5, help="of every training (default: %(default)s)")
    options.add_argument(
        "--folder", type=Path, default=Path("data/ablation"), metavar="DIR", help="where the checkpoints lie"
    )
    options.add_argument(
        "--note", type=Path, nargs="*", default=[], metavar="DIR", help="checkpoints whose card shall say it"
    )
    options.add_argument("--threads", type=int, default=2)
    given = options.parse_args()
    torch.set_num_threads(given.threads)
    items = [
        item for item in open_dataset(given.data).split("val") if item.captions and item.path is not None
    ]
    scorer = CaptionScorer({item.id: item.captions for item in items}, [])
    base = VARIANTS[given.variant].to_json()
    rows: list[dict[str, Any]] = []
    plain = None
    folder = given.folder / f"{given.variant}-{kind_of(given.data)}-{given.epochs}"
    for name, change in CHANGES.items():
        if change and all(base[field] == value for field, value in change.items()):
            continue
        checkpoint = train(
            given.variant, given.data, given.epochs, change, folder / name.replace(" ", "-").replace(",", "")
        )
        scores = scorer.score(captions_of(checkpoint, given.data))
        plain = scores.cider_d_each if plain is None else plain
        mean, low, high = paired_interval(scores.cider_d_each, plain)
        against = "" if not change else f"{mean:+.1f} ({low:+.1f} to {high:+.1f})"
        rows.append(
            {
                "change": name,
                "bleu4": scores.bleu4,
                "cider_d": scores.cider_d,
                "distinct": scores.distinct,
                "against": against,
            }
        )
    kind = kind_of(given.data)
    command = (
        f"python benchmarks/ablation.py --data {kind}:DIR --variant {given.variant} --epochs {given.epochs}"
    )
    how = (
        f"{given.variant}, {given.epochs} epochs on {kind}, one training each, seed 0; captions of the "
        f"{len(items):,} val pictures, beam 3; x100, paired bootstrap over the pictures. In a training this "
        f"short little is learned by heart yet; the row has {base['epochs']} epochs."
    )
    table = markdown_table(
        ["trained", "BLEU-4", "CIDEr-D", "distinct", "CIDEr-D against the settings as they are"],
        [
            [row["change"], row["bleu4"], row["cider_d"], row["distinct"], row["against"] or None]
            for row in rows
        ],
    )
    write_section(
        given.results,
        f"What each setting of {given.variant} brings",
        f"{how}\n\n{table}",
        command,
    )
    for checkpoint in given.note:
        add_training(
            checkpoint, {"brought": {"variant": given.variant, "how": f"{how} `{command}`", "rows": rows}}
        )
        write_card(checkpoint)


if __name__ == "__main__":
    main()
