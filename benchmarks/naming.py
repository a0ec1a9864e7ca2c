"""What naming classes costs and gives: captions that name what the captioner has no word for, by how sure the
CNN's classifier has to be.

    python benchmarks/naming.py --data flickr8k:data/flickr8k

CIDEr-D on the split val, where people seldom use such names, and the sample photographs. Bar for naming by
default: CIDEr-D does not fall by more than 0.3.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
import torch
from results import ROOT, markdown_table, write_section

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
SHOWN = (NAMED_FROM, 0.1)  # on the sample photographs


def main() -> None:
    """Measure, and write the section of RESULTS.md."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--data", required=True, metavar="KIND:PATH")
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
        f"{captioner.name}, beam 3, {len(items):,} pictures of {given.data.partition(':')[0]} {given.split}."
        f"\n\n{markdown_table(columns, rows)}\n\n{photographs(captioner)}"
    )
    command = "python benchmarks/naming.py --data flickr8k:DIR"
    write_section(ROOT / "checkpoints/RESULTS.md", "Captions that name classes", body, command)


def measured(captioner: Captioner, items: list[Item], features: Path) -> list[list[object]]:
    """The rows of the table."""
    found, _ = extract(
        captioner.backbone, [item.path for item in items], captioner.config.feature, root=features
    )
    classifier = ImageClassifier.of(captioner.checkpoint.backbone)
    assert classifier is not None
    cider = CiderD([item.captions for item in items])
    plain: list[list[Caption]] = []
    named: dict[float, list[list[Caption]]] = {least: [] for least in PROBABILITIES}
    for start in range(0, len(items), 50):
        batch = found.of(np.arange(start, min(start + 50, len(items))))
        captions = captioner.decode(batch, BeamSearch(3))
        probabilities = classifier.predict(captioner.pooled(batch).numpy())
        plain += captions
        for least, all_captions in named.items():
            how = BeamSearch(3, name_classes=least)
            all_captions += with_names(captions, batch, probabilities, captioner.generator, how)
    whole, _ = cider.score([image[0].text for image in plain])
    rows: list[list[object]] = [["(nothing is named)", 0, 100 * whole, "–"]]
    for least, captions in named.items():
        score, _ = cider.score([image[0].text for image in captions])
        count = sum(one[0] != other[0] for one, other in zip(captions, plain, strict=True))
        rows.append([f"{least:g}", count, 100 * score, f"{100 * (score - whole):+.2f}"])
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
