"""How well copies of pictures are found that were changed a little, and how long it takes: a folder of
pictures with 2,000 variants of some of them, scaled, as JPEG of quality 30, cropped by 5 %, and recoloured.

    python benchmarks/duplicates.py --pictures data/flickr8k/Flicker8k_Dataset
    python benchmarks/duplicates.py --pictures data/coco/train2014 --choose     # the limits were chosen by it
    python benchmarks/duplicates.py --pictures DIR --variants 40               # to try it
    python benchmarks/duplicates.py --pictures DIR --folder DIR                # features are made once

Bar: recall >= .97 of the pairs of a picture and its variant, precision >= .99 of all pairs that are named, in
     under 30 s when the features are there. Pairs of originals that are nearly the same count as wrong.
"""

import json
import random
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageEnhance
from results import anywhere, markdown_table, parser, write_section

from captionret.app.curating.duplicates import DuplicateGroup, find_duplicates
from captionret.app.curating.nearly_same import LIMITS, near_pairs
from captionret.decoding import Decoding
from captionret.images import Picture
from captionret.library import Library
from captionret.library.vectors.looks import Looks, looks_of
from captionret.models.captioning.captioner import Captioner
from captionret.models.vision.reading import read_ahead
from captionret.records import Caption, CaptionResult, Failure

KINDS = ("scaled", "JPEG 30", "cropped", "recoloured")
MARK = "variant-"


class FeaturesAlone:
    """The shipped captioner's features, and one caption for all pictures: captions tell no copies."""

    name, fingerprint = "features alone", "0" * 64

    def __init__(self) -> None:
        self._backbone = Captioner.load("photos-lite").backbone

    def describe(self) -> dict[str, str]:
        """No more than its name."""
        return {"name": self.name}

    def caption_stream(
        self, paths: Sequence[Path | Picture], *, decoding: Decoding, batch_size: int
    ) -> Iterator[list[CaptionResult | Failure]]:
        """The same caption each, and the picture's own feature."""
        for read in read_ahead(self._backbone, paths, batch_size):
            batch = read.batch
            rows = zip(batch.paths, batch.hashes, read.pooled.numpy(), batch.facts, strict=True)
            yield [
                CaptionResult(path, sha256, [Caption("a picture", ("a", "picture"), -1.0)], feature, facts)
                for path, sha256, feature, facts in rows
            ]


def scaled(image: Image.Image, chosen: random.Random) -> Image.Image:
    """By a factor from .5 to 1.5."""
    factor = chosen.choice([0.5, 0.7, 0.8, 1.5])
    size = (round(image.width * factor), round(image.height * factor))
    return image.resize(size, Image.Resampling.LANCZOS)


def cropped(image: Image.Image, chosen: random.Random) -> Image.Image:
    """Without 5 % of its width and of its height, anywhere."""
    width, height = round(0.95 * image.width), round(0.95 * image.height)
    left, top = chosen.randint(0, image.width - width), chosen.randint(0, image.height - height)
    return image.crop((left, top, left + width, top + height))


def recoloured(image: Image.Image, chosen: random.Random) -> Image.Image:
    """Colour, brightness and contrast a little more or less."""
    image = ImageEnhance.Color(image).enhance(chosen.choice([0.8, 1.2]))
    image = ImageEnhance.Brightness(image).enhance(chosen.choice([0.9, 1.1]))
    return ImageEnhance.Contrast(image).enhance(chosen.choice([0.9, 1.1]))


CHANGES: dict[str, Callable[[Image.Image, random.Random], Image.Image]] = {
    "scaled": scaled,
    "JPEG 30": lambda image, _: image,
    "cropped": cropped,
    "recoloured": recoloured,
}


def with_variants(pictures: Path, folder: Path, count: int) -> dict[str, str]:
    """Links to the pictures and variants of some of them; of each variant's name how it was changed."""
    chosen = random.Random(0)
    paths = sorted(pictures.glob("*.jpg"))
    for path in paths:
        (folder / path.name).symlink_to(path.absolute())
    made = {}
    for number, path in enumerate(chosen.sample(paths, count)):
        kind = KINDS[number % len(KINDS)]
        name = f"{MARK}{path.name}"
        with Image.open(path) as image:
            changed = CHANGES[kind](image.convert("RGB"), chosen)
        changed.save(folder / name, "JPEG", quality=30 if kind == "JPEG 30" else 90)
        made[name] = kind
    return made


def indexed(pictures: Path, variants: int, folder: Path) -> tuple[dict[str, str], Library]:
    """How each variant was changed, and the library of all, with features and without perceptual hashes. What
    an earlier run left in the folder is taken as it is."""
    note, of_both = folder / "made.json", folder / "pictures"
    if not note.is_file():
        of_both.mkdir(parents=True)
        note.write_text(json.dumps(with_variants(pictures, of_both, variants)), "utf-8")
    library = Library.open_or_create(folder / "library", of_both)
    library.update(captioner=FeaturesAlone(), batch_size=64)
    for hashes in library.path.glob("encoded-*"):
        hashes.unlink()
    return json.loads(note.read_text("utf-8")), library


def pairs_of(groups: Sequence[DuplicateGroup]) -> set[tuple[str, str]]:
    """All pairs of files that stand in one group."""
    found = set()
    for group in groups:
        names = sorted(one.path for one in group.pictures)
        found |= {(one, other) for one in names for other in names if one < other}
    return found


def measured(library: Library, made: dict[str, str]) -> list[list[object]]:
    """Rows of the table: recall of each kind, of all with the precision; whether originals are the best."""
    began, processor = time.perf_counter(), time.process_time()
    groups = find_duplicates(library, kinds=("near",), progress=False)
    seconds, processor = time.perf_counter() - began, time.process_time() - processor
    pairs, best = pairs_of(groups), {one.best.path for one in groups}
    true = {name: (name.removeprefix(MARK), name) for name in made}
    rows: list[list[object]] = []
    for kind in KINDS:
        names = [name for name, one in made.items() if one == kind]
        held = [true[name] in pairs for name in names]
        originals = [name.removeprefix(MARK) in best for name in names]
        rows.append([kind, len(names), share(held), None, share(originals), None, None])
    hit = len(pairs & set(true.values()))
    original = share([name.removeprefix(MARK) in best for name in made])
    row: list[object] = ["all", len(made), f"{hit / len(made):.4f}", f"{hit / max(1, len(pairs)):.4f}"]
    rows.append([*row, original, round(seconds, 1), round(processor, 1)])
    return rows


def share(held: Sequence[bool]) -> str:
    """The share of those that hold."""
    return f"{np.mean(held):.4f}"


def grid(looks: Looks, names: Sequence[str]) -> list[list[object]]:
    """Recall and precision over a grid of limits."""
    row_of = {name: row for row, name in enumerate(names)}
    wanted = {
        tuple(sorted((row_of[name], row_of[name.removeprefix(MARK)])))
        for name in names
        if name.startswith(MARK)
    }
    rows: list[list[object]] = []
    for first in (4, 6, 8, 10):
        for second in (14, 16, 18):
            for cosine in (0.80, 0.83, 0.86, 0.89):
                found = set(map(tuple, near_pairs(looks, ((first, 0.6), (second, cosine))).tolist()))
                hit = len(found & wanted)
                rows.append([first, second, cosine, hit / len(wanted), hit / max(1, len(found))])
    return sorted(rows, key=lambda row: -_f1(row))


def _f1(row: list[Any]) -> float:
    recall, precision = row[3], row[4]
    return float(2 * recall * precision / max(recall + precision, 1e-9))


def main() -> None:
    """Make the variants, index all, look for copies."""
    options = parser(__doc__)
    options.add_argument("--pictures", type=Path, required=True, metavar="DIR")
    options.add_argument("--variants", type=int, default=2000, metavar="N", help="(default: %(default)s)")
    options.add_argument("--folder", type=Path, metavar="DIR", help="keep what is made there")
    options.add_argument("--choose", action="store_true", help="print a grid of limits in place of measuring")
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as passing:
        made, library = indexed(given.pictures, given.variants, given.folder or Path(passing))
        if given.choose:
            gallery = library.gallery()
            looks = looks_of(library.snapshot(), gallery.hashes)
            columns = ["bits", "or bits", "and cosine", "recall", "precision"]
            rows = [
                [*row[:2], f"{row[2]:.2f}", f"{row[3]:.4f}", f"{row[4]:.4f}"]
                for row in grid(looks, gallery.paths)
            ]
            print(markdown_table(columns, rows[:12]))
            return
        rows = measured(library, made)
        count = len(library)
    columns = ["changed", "variants", "recall", "precision", "the original is best", "s", "processor's s"]
    limits = " or ".join(f"{bits} bits and cosine {cosine}" for bits, cosine in LIMITS)
    body = (
        f"{count:,} pictures, {len(made):,} of them variants of others; perceptual hashes are made in the "
        f"time that is given, features (photos-lite) are there. Limits: {limits}, chosen on COCO. "
        "Bars: recall .97, precision .99, 30 s.\n\n"
    )
    command = f"python benchmarks/duplicates.py --pictures {anywhere(given.pictures)}"
    write_section(given.results, "Copies of pictures", body + markdown_table(columns, rows), command)


if __name__ == "__main__":
    main()
