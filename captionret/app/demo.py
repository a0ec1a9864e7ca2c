"""The whole job on drawn scenes: train, caption, retrieve, compare; then real photographs.

Each part gives sections of a page, and texts for the terminal.
"""

import hashlib
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..datasets import open_dataset
from ..errors import BadSetting, CaptionretError
from ..images import open_image
from ..library import Library
from ..records import Hit, Item, Query
from ..report.page import SearchSection, Section, TableSection, write_page
from ..report.terminal import search_text, table
from ..text import words
from .curating.words import library_words
from .galleries import gallery_library
from .measuring.compared_captions import FORMATS, SHOWN, Compared, common_root, top_hits
from .measuring.comparison_report import side_by_side, write_comparison
from .measuring.comparisons import Comparison, Measuring, compare
from .places import checkpoint_path
from .result import SearchResult
from .searcher import Searcher
from .trainings import CaptionerTraining, trained_captioner

VARIANTS = ("model2-lite", "model5-lite")
# A tenth of the usual data, so smaller batches and more epochs; chosen on the scenes' validation split.
SETTINGS: tuple[str, ...] = (
    "epochs=12",
    "batch_size=32",
    "views=1",
    "average=0",
    "learning_rate=0.002",
    "dropout=0.2",
    "length_penalty=0",
)
PATIENCE = 12
QUERIES = 6
# searched for among the sample photographs; there is no zebra
TYPED = ("a motorcycle beside a road", "rocket", "coffee", "zebra")
LEAD = (
    "Pictures found by what they say: a captioner describes every picture, and pictures are ranked by "
    "the words that their captions share, or by how probable it is that people say the words typed."
)

log = logging.getLogger(__name__)


@dataclass
class Part:
    """A part of the demo: what a terminal shows of it, and its sections of the page."""

    texts: list[str] = field(default_factory=list)
    sections: list[Section] = field(default_factory=list)

    def __add__(self, other: "Part") -> "Part":
        return Part(self.texts + other.texts, self.sections + other.sections)


def check_inputs(photos: Path | None, query: Path | None) -> None:
    """Refuse what cannot be shown, before minutes of training have passed. errors: BadSetting, BadImage"""
    if photos is not None and not photos.is_dir():
        raise BadSetting(f"PHOTOS={photos} is not a folder. Give the folder that holds your pictures.")
    if query is not None:
        open_image(query, at_least=1)


def write_demo(out: Path, part: Part) -> Path:
    """The page of what was shown."""
    return write_page(out / "index.html", "captionret", LEAD, part.sections)


def scenes_part(data: str, work: Path, out: Path) -> Part:
    """Train two variants on drawn scenes, caption the test pictures, retrieve, compare.

    work: where the checkpoints lie; out: the folder of the page
    """
    log.info("1. Scenes, drawn from a seed")
    dataset = open_dataset(data)
    log.info(dataset.summary())
    log.info("2. Two variants, trained on their captions")
    checkpoints = [trained(variant, work, data) for variant in VARIANTS]
    log.info("3. Both variants caption the test pictures, each picture searches the others")
    comparison = compare(dataset, "test", checkpoints, Measuring())
    write_comparison(out / "variants", comparison)
    rows = [[one.row[name] for name in SHOWN] for one in comparison.compared]
    first = Part([table(SHOWN, rows, FORMATS)])
    pictures = range(3, len(comparison.items), max(1, len(comparison.items) // 4))[:4]
    last = Part(
        [],
        [
            TableSection("The two variants compared", SHOWN, rows, formats=FORMATS),
            side_by_side(comparison, pictures, named_by="variant"),
        ],
    )
    return first + _first_hits(comparison) + _queries(comparison) + last


def trained(variant: str, work: Path, data: str) -> Path:
    """The variant's checkpoint, trained unless this very training is there already."""
    training = CaptionerTraining(variant, data, SETTINGS, PATIENCE, command="captionret demo")
    key = hashlib.sha256(json.dumps(training.identity(), sort_keys=True).encode()).hexdigest()[:8]
    return trained_captioner(training, work / "checkpoints" / f"{variant}-{key}")


def _first_hits(comparison: Comparison) -> Part:
    """How often the first hit is right, over all pictures."""
    columns = ["variant", "right first hits, %", "CIDEr-D", "distinct captions"]
    formats = dict.fromkeys(columns[1:3], ".1f")
    rows = [
        [
            one.row["variant"],
            100 * right_first_hits(one, comparison.items),
            one.row["cider_d"],
            one.row["distinct"],
        ]
        for one in comparison.compared
    ]
    note = (
        f"Each of the {len(comparison.items):,} test pictures searches the others by the words of its "
        "generated caption. A first hit is right if it shows the same main object in the same colour."
    )
    section = TableSection("The first hit, measured", columns, rows, note, {columns[1]: "highest"}, formats)
    return Part([table(columns, rows, formats)], [section])


def _queries(comparison: Comparison) -> Part:
    """Several queries in full, by the variant whose captions are better."""
    items, shown = comparison.items, Part()
    best = max(comparison.compared, key=lambda one: float(one.row["cider_d"]))
    source = f"{best.row['variant']}, beam {best.row['beam']}"
    root = common_root(items)
    for picture in range(0, len(items), max(1, len(items) // QUERIES))[:QUERIES]:
        hits = top_hits(best, picture, 6)
        query, caption = Query(items[picture].path), best.captions[picture]
        tokens = words(caption)
        shown.texts.append(search_text(query, caption, tokens, hits, source) + "\n")
        shown.sections.append(SearchSection(items[picture].id, query, caption, tokens, hits, root, source))
    return shown


def right_first_hits(compared: Compared, items: Sequence[Item]) -> float:
    """The share of items whose first hit is right, see first_hit_rate."""
    return first_hit_rate(items, [top_hits(compared, picture, 1) for picture in range(len(items))])


def first_hit_rate(items: Sequence[Item], hits: Sequence[Sequence[Hit]]) -> float:
    """The share of items whose first hit has the same two first labels: main object and colour."""
    labels = {item.id: item.labels[:2] for item in items}
    return sum(
        bool(found) and labels[found[0].id] == item.labels[:2]
        for item, found in zip(items, hits, strict=True)
    ) / len(items)


def photographs_part(photos: Path | None, query: Path | None) -> Part:
    """Caption and search real photographs with the shipped checkpoints, by typed words and by pictures: those
    of a folder, or the sample gallery's.

    query:  the picture to search with; None: the first one found
    errors: BadSetting for a folder without pictures
    """
    from ..models.captioning.captioner import Captioner

    log.info("Photographs: captioned by the shipped checkpoint, then searched")
    captioner = Captioner.load(checkpoint_path(None))
    with gallery_library(photos, captioner) as library:
        if not len(library):
            raise BadSetting(
                f"{library.root} holds no pictures that can be read. Give a folder with some: make demo "
                "PHOTOS=DIR"
            )
        queries = [query] if query else _first_pictures(library, 1 if photos else 3)
        searcher, shown = Searcher(library, captioner=captioner), Part()
        for text in _common_words(searcher) if photos else TYPED:
            shown += _found(searcher.search(text=text, top=3), f"Typed: {text}")
        for image in queries:
            shown += _found(searcher.search(image=image, top=6), image.name)
        shown.sections.append(_everything(library))
        return shown


def _common_words(searcher: Searcher) -> list[str]:
    """Three words that many pictures show, but not most; none where nothing can be predicted."""
    try:
        known = library_words(searcher)
    except CaptionretError as error:
        log.warning(f"No words are searched for: {error}")
        return []
    most = len(searcher.gallery()) / 2
    return [one.word for one in known if one.pictures <= most][:3]


def _first_pictures(library: Library, count: int) -> list[Path]:
    paths = library.gallery().paths
    preferred = [name for name in ("motorcycle-left.png", "astronaut.png", "cat.png") if name in paths]
    return [library.root / name for name in (preferred or paths)[:count]]


def _found(found: SearchResult, title: str) -> Part:
    hits, note = list(found), " ".join(found.notes)
    text = search_text(found.asked, found.caption, found.tokens, hits, found.source) + "\n"
    section = SearchSection(
        title, found.asked, found.caption, found.tokens, hits, found.root, found.source, note
    )
    return Part([text + f"{note}\n" if note else text], [section])


def _everything(library: Library) -> Section:
    gallery = library.gallery()
    shown = 200
    rows = [
        [path, caption] for path, caption in zip(gallery.paths[:shown], gallery.captions[:shown], strict=True)
    ]
    note = f"The first {shown} of {len(gallery):,}." if len(gallery) > shown else ""
    return TableSection("Every photograph with its caption", ["picture", "caption"], rows, note)
