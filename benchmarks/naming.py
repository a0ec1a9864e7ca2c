"""What naming classes costs and gives: captions that name what the captioner has no word for, by how sure the
CNN's classifier has to be.

    python benchmarks/naming.py --data flickr8k:data/flickr8k --labels labels:data/caltech

CIDEr-D on the split val, where people seldom use such names; how many captions say what pictures of other
things are labelled with; and the sample photographs. Bar for naming by default: CIDEr-D does not fall by more
than 0.3.
"""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from results import ROOT, kind_of, markdown_table, parser, write_section

from captionret.datasets import open_dataset
from captionret.datasets.samples import sample_gallery
from captionret.decoding import NAMED_FROM, BeamSearch
from captionret.evaluation.captions.cider import CiderD
from captionret.home import data_folder
from captionret.models.captioning.captioner import Captioner
from captionret.models.captioning.naming import with_names
from captionret.models.lexical.classes import ImageClassifier
from captionret.records import Caption, Item
from captionret.training.features import extract

PROBABILITIES = (0.9, 0.7, NAMED_FROM, 0.3, 0.2)
LABELLED = [
    "named from",
    "pictures",
    "captions with the label",
    "that name a class",
    "of these with the label",
]
SHOWN = (NAMED_FROM, 0.1)  # on the sample photographs


def main() -> None:
    """Measure, and write the section of RESULTS.md."""
    options = parser(__doc__, ROOT / "checkpoints/RESULTS.md")
    options.add_argument("--data", required=True, metavar="KIND:PATH")
    options.add_argument("--labels", metavar="KIND:PATH", help="labelled pictures, too")
    options.add_argument("--split", default="val")
    options.add_argument("--checkpoint", default="photos-lite", metavar="DIR")
    options.add_argument("--features", type=Path, default=data_folder("features"), metavar="DIR")
    options.add_argument("--threads", type=int, default=2)
    given = options.parse_args()
    torch.set_num_threads(given.threads)
    captioner = Captioner.load(given.checkpoint, "cpu")
    items = [item for item in open_dataset(given.data).split(given.split) if item.path and item.captions]
    rows = measured(captioner, items, given.features)
    columns = ["named from", "captions that name a class", "CIDEr-D", "change"]
    body = (
        f"{captioner.name}, beam 3, {len(items):,} pictures of {kind_of(given.data)} {given.split}."
        f"\n\n{markdown_table(columns, rows)}\n\n{photographs(captioner)}"
    )
    command = "python benchmarks/naming.py --data flickr8k:DIR"
    if given.labels:
        table = markdown_table(
            LABELLED, labelled(captioner, open_dataset(given.labels).items, given.features)
        )
        name = Path(given.labels.partition(":")[2]).name
        body += f"\n\nPictures of {name}, on which nothing was chosen:\n\n{table}"
        command += " --labels labels:DIR"
    write_section(given.results, "Captions that name classes", body, command)


def named_captions(
    captioner: Captioner, items: Sequence[Item], features: Path
) -> tuple[list[Caption], dict[float, list[Caption]]]:
    """Each picture's caption, and for each probability the one that names what is at least so sure."""
    paths = [item.path for item in items if item.path]
    found, _ = extract(captioner.backbone, paths, captioner.config.feature, root=features)
    classifier = ImageClassifier.of(captioner.checkpoint.backbone)
    assert classifier is not None
    plain: list[Caption] = []
    named: dict[float, list[Caption]] = {least: [] for least in PROBABILITIES}
    for start in range(0, len(paths), 50):
        batch = found.of(np.arange(start, min(start + 50, len(paths))))
        captions = captioner.decode(batch, BeamSearch(3))
        probabilities = classifier.predict(captioner.pooled(batch).numpy())
        plain += [image[0] for image in captions]
        for least, ours in named.items():
            how = BeamSearch(3, name_classes=least)
            after = with_names(captions, batch, probabilities, captioner.generator, how)
            ours += [image[0] for image in after]
    return plain, named


def measured(captioner: Captioner, items: Sequence[Item], features: Path) -> list[list[object]]:
    """What CIDEr-D becomes."""
    plain, named = named_captions(captioner, items, features)
    cider = CiderD([item.captions for item in items])
    whole, _ = cider.score([one.text for one in plain])
    rows: list[list[object]] = [["(nothing is named)", 0, 100 * whole, "–"]]
    for least, captions in named.items():
        score, _ = cider.score([one.text for one in captions])
        count = sum(one != other for one, other in zip(captions, plain, strict=True))
        rows.append([f"{least:g}", count, 100 * score, f"{100 * (score - whole):+.2f}"])
    return rows


def labelled(captioner: Captioner, items: Sequence[Item], features: Path) -> list[list[object]]:
    """How many captions hold their picture's label."""
    plain, named = named_captions(captioner, items, features)

    def right(captions: Sequence[Caption]) -> list[bool]:
        return [
            any(f" {label} " in f" {' '.join(one.tokens)} " for label in item.labels)
            for one, item in zip(captions, items, strict=True)
        ]

    rows: list[list[object]] = [["(nothing is named)", len(items), sum(right(plain)), 0, 0]]
    for least, captions in named.items():
        changed = [one != other for one, other in zip(captions, plain, strict=True)]
        hits = right(captions)
        both = sum(new and hit for new, hit in zip(changed, hits, strict=True))
        rows.append([f"{least:g}", len(items), sum(hits), sum(changed), both])
    return rows


def photographs(captioner: Captioner) -> str:
    """What changes on the sample photographs."""
    with tempfile.TemporaryDirectory() as folder:
        paths = sorted(sample_gallery(Path(folder)).iterdir())
        plain = captioner.caption(paths, decoding=BeamSearch(3))
        lines = [
            f"- {path.name}, from {least:g}: “{before[0].text}” becomes “{after[0].text}”"
            for least in SHOWN
            for path, before, after in zip(
                paths,
                plain,
                captioner.caption(paths, decoding=BeamSearch(3, name_classes=least)),
                strict=True,
            )
            if before[0] != after[0] and (least == SHOWN[0] or "espresso" not in after[0].tokens)
        ]
    return "The sample photographs whose captions change:\n\n" + "\n".join(lines)


if __name__ == "__main__":
    main()
