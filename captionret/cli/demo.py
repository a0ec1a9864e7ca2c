"""The whole job in five minutes: draw, train, caption, retrieve, compare; then real photographs. Ends with
the path of one page.

make demo
make demo PHOTOS=~/Pictures QUERY=q.jpg       # only the last part, on your own pictures
"""

import argparse
import hashlib
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..app import comparisons
from ..app.galleries import gallery_library
from ..app.places import checkpoint_path
from ..app.searcher import Searcher
from ..datasets import Dataset, open_dataset
from ..errors import BadSetting
from ..home import data_folder
from ..images import open_image
from ..library import Library
from ..records import Hit, Item, Query
from ..report.page import (
    SearchSection,
    Section,
    TableSection,
    VariantAnswer,
    VariantsRow,
    VariantsSection,
    write_page,
)
from ..report.terminal import search_text, table
from ..text import words
from . import compare_variants, train_captioner
from .options import FOUND, parser, path_argument, say

VARIANTS = ("model2-lite", "model5-lite")
# A tenth of the usual data, so smaller batches and more epochs; chosen on the scenes' validation split.
TRAINING = (
    "--epochs 12 --batch-size 32 --patience 12 --augment 1 "
    "--set average=0 --set learning_rate=0.002 --set dropout=0.2 --set length_penalty=0"
).split()
QUERIES = 6
LEAD = (
    "Pictures found by what they say: a captioner describes every picture, and pictures are ranked by "
    "the words their captions share."
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Show the whole job, and print the path of its page."""
    options = parser("demo", __doc__ or "")
    options.add_argument(
        "--photos", type=path_argument, metavar="DIR", help="your own pictures, in place of all the rest"
    )
    options.add_argument(
        "--query",
        type=path_argument,
        metavar="FILE",
        help="the picture to search with (default: the first one found)",
    )
    options.add_argument(
        "--out", type=path_argument, default=Path("report"), metavar="DIR", help="(default: %(default)s)"
    )
    options.add_argument(
        "--work",
        type=path_argument,
        default=data_folder("demo"),
        metavar="DIR",
        help="where checkpoints lie (default: %(default)s)",
    )
    options.add_argument("--data", default="scenes", help="the drawn set (default: %(default)s)")
    given = options.parse_args(arguments)
    began = time.monotonic()
    if given.photos and not given.photos.is_dir():
        raise BadSetting(f"PHOTOS={given.photos} is not a folder. Give the folder that holds your pictures.")
    if given.query:
        open_image(given.query, at_least=1)  # before minutes of training have passed
    sections = [] if given.photos else scenes_part(given)
    sections += photographs_part(given)
    page = write_page(given.out / "index.html", "captionret", LEAD, sections)
    say(f"Done in {time.monotonic() - began:.0f} s. Open this page in a browser:")
    print(page)
    return FOUND


def scenes_part(given: argparse.Namespace) -> list[Section]:
    """Train two variants on drawn scenes, caption the test pictures, retrieve, compare."""
    say("1. Scenes, drawn from a seed")
    dataset = open_dataset(given.data)
    say(dataset.summary())
    say("2. Two variants, trained on their captions")
    checkpoints = [trained(variant, given.work, given.data) for variant in VARIANTS]
    say("3. Both variants caption the test pictures, each picture searches the others")
    compare = [
        "--data",
        given.data,
        "--checkpoints",
        *map(str, checkpoints),
        "--out",
        str(given.out / "variants"),
    ]
    settings = compare_variants.parse(compare)
    items = dataset.split("test")
    training = [caption for item in dataset.split("train") for caption in item.captions]
    how = compare_variants.measuring(settings)
    compared = [comparisons.compare_one(path, items, training, how) for path in checkpoints]
    compare_variants.report(dataset, items, compared, [], settings)
    return [*_retrieval_sections(dataset, items, compared), *_comparison_sections(items, compared)]


def trained(variant: str, work: Path, data: str) -> Path:
    """The variant's checkpoint, trained unless this very training is there already."""
    key = hashlib.sha256(json.dumps([variant, TRAINING, data]).encode()).hexdigest()[:8]
    out = work / "checkpoints" / f"{variant}-{key}"
    if (out / "training.png").exists():  # the last thing a training writes
        say(f"{variant}: trained before, {out}")
        return out
    resume = ["--resume"] if (out / "training" / "state.json").exists() else []
    train_captioner.main(["--variant", variant, "--data", data, "--out", str(out), *TRAINING, *resume])
    return out


def _retrieval_sections(dataset: Dataset, items: Sequence[Item], compared: Sequence[Any]) -> list[Section]:
    """How often the first hit is right over all pictures, and several queries in full."""
    columns = ["variant", "right first hits, %", "CIDEr-D", "distinct captions"]
    formats = dict.fromkeys(columns[1:3], ".1f")
    rows = []
    for one in compared:
        first = [comparisons.top_hits(one, picture, 1) for picture in range(len(items))]
        rows.append(
            [one.row["variant"], 100 * first_hit_rate(items, first), one.row["cider_d"], one.row["distinct"]]
        )
    print(table(columns, rows, formats))
    note = (
        f"Each of the {len(items)} test pictures of {dataset.spec} searches the others by the words of its "
        "generated caption. A first hit is right if it shows the same main object in the same colour."
    )
    sections: list[Section] = [
        TableSection("The first hit, measured", columns, rows, note, {columns[1]: "highest"}, formats)
    ]
    best = max(compared, key=lambda one: one.row["cider_d"])
    source = f"{best.row['variant']}, beam {best.row['beam']}"
    for picture in range(0, len(items), max(1, len(items) // QUERIES))[:QUERIES]:
        hits = comparisons.top_hits(best, picture, 6)
        query, caption = Query(items[picture].path), best.captions[picture]
        print(search_text(query, caption, words(caption), hits, source) + "\n")
        sections.append(
            SearchSection(
                items[picture].id,
                query,
                caption,
                words(caption),
                hits,
                comparisons.common_root(items),
                source,
            )
        )
    return sections


def first_hit_rate(items: Sequence[Item], hits: Sequence[Sequence[Hit]]) -> float:
    """The share of items whose first hit has the same two first labels: main object and colour."""
    labels = {item.id: item.labels[:2] for item in items}
    return sum(
        bool(found) and labels[found[0].id] == item.labels[:2]
        for item, found in zip(items, hits, strict=True)
    ) / len(items)


def _comparison_sections(items: Sequence[Item], compared: Sequence[Any]) -> list[Section]:
    columns = list(comparisons.SHOWN)
    rows = [[one.row[name] for name in columns] for one in compared]
    pictures = range(3, len(items), max(1, len(items) // 4))[:4]
    side_by_side = [
        VariantsRow(
            items[picture].path or Path(),
            [
                VariantAnswer(one.row["variant"], one.captions[picture], comparisons.top_hits(one, picture))
                for one in compared
            ],
            items[picture].captions,
        )
        for picture in pictures
    ]
    return [
        TableSection("The two variants compared", columns, rows, formats=comparisons.FORMATS),
        VariantsSection(
            "The same pictures, each variant's caption and its first five",
            side_by_side,
            comparisons.common_root(items),
        ),
    ]


def photographs_part(given: argparse.Namespace) -> list[Section]:
    """Caption and search real photographs with the shipped checkpoint: the user's own, or those of the sample
    gallery."""
    from ..models.captioning.captioner import Captioner

    say("Photographs: captioned by the shipped checkpoint, then searched")
    captioner = Captioner.load(checkpoint_path(None))
    with gallery_library(given.photos, captioner) as library:
        if not len(library):
            raise BadSetting(
                f"{library.root} holds no pictures that can be read. Give a folder with some: make demo "
                "PHOTOS=DIR"
            )
        queries = [given.query] if given.query else _first_pictures(library, 1 if given.photos else 3)
        sections = [_search_section(library, captioner, query) for query in queries]
        sections += [_everything(library)]
    return sections


def _first_pictures(library: Library, count: int) -> list[Path]:
    paths = library.gallery().paths
    preferred = [name for name in ("motorcycle-left.png", "astronaut.png", "cat.png") if name in paths]
    return [library.root / name for name in (preferred or paths)[:count]]


def _search_section(library: Library, captioner: Any, image: Path) -> Section:
    found = Searcher(library, captioner=captioner).search(image=image, top=6)
    hits = list(found)
    print(search_text(found.asked, found.caption, found.tokens, hits, found.source) + "\n")
    return SearchSection(image.name, found.asked, found.caption, found.tokens, hits, found.root, found.source)


def _everything(library: Library) -> Section:
    gallery = library.gallery()
    shown = 200
    rows = [
        [path, caption] for path, caption in zip(gallery.paths[:shown], gallery.captions[:shown], strict=True)
    ]
    note = f"The first {shown} of {len(gallery):,}." if len(gallery) > shown else ""
    return TableSection("Every photograph with its caption", ["picture", "caption"], rows, note)
