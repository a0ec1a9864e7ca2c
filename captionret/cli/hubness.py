"""Which pictures of a library are found by far too many others (hubs), which by none (antihubs), and what a
remedy changes.

    captionret hubness --library photos --mode cnn
    captionret hubness --library photos --mode expected-jaccard --k 10 --remedy csls --html hubs.html

Each picture asks for the others. N_k is in how many lists of the k nearest a picture stands: k on average,
whatever the mode; skewness says how unevenly. What a remedy does to recall: evaluate_ranking.py --remedy.
"""

import argparse
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..app.places import library_path
from ..app.searcher import Searcher
from ..errors import BadLibrary, BadSetting
from ..files import publish_json
from ..library import Library
from ..retrieval import Gallery, find_mode
from .options import FOUND, add_device, parser, path_argument, say

if TYPE_CHECKING:
    from ..evaluation.hubness import Hubness

MOST = 25_000  # images: their scores take 2.5 GB, and a remedy as much again
COLUMNS = ("", "skewness", "maximum", "antihubs, %", "the top 1 % hold, %")
FORMATS = {"skewness": ".2f"} | dict.fromkeys(COLUMNS[2:], ".1f")
BINS = (0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)  # lower ends


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure the hubs of a library in one mode."""
    given = _parse(arguments)
    if given.k < 1 or given.worst < 0:
        raise BadSetting(
            f"--k {given.k}, --worst {given.worst}: a list holds at least 1 picture, and hubs are 0 or more."
        )
    from ..evaluation.hubness import find_remedies

    find_mode(given.mode), find_remedies(given.remedy)  # before anything is loaded in vain
    with Library.open(library_path(given.library)) as library:
        _check_size(library, given.k)
        searcher = Searcher(library, spaces=given.embedding, device=given.device)
        searcher.check_spaces(given.mode)
        gallery = searcher.gallery(given.mode)
        found = measured(gallery, given.mode, given.k, given.remedy)
        root = library.root
    _print(gallery, found, given)
    if given.json:
        publish_json(given.json, to_json(gallery, found, given))
        say(f"Written: {given.json}")
    if given.html:
        say(f"The page: {_page(given.html, gallery, found, given, root)}")
    return FOUND


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    options = parser("hubness", __doc__ or "")
    options.add_argument(
        "--library", required=True, metavar="NAME", help="a library: a name in data/libraries, or a path"
    )
    options.add_argument(
        "--mode",
        default="jaccard",
        metavar="MODE",
        help="a row of retrieve.py --list-modes (default: %(default)s)",
    )
    options.add_argument(
        "--k", type=int, default=10, metavar="K", help="the length of a list (default: %(default)s)"
    )
    options.add_argument(
        "--remedy",
        nargs="+",
        default=[],
        metavar="NAME",
        help="csls, mutual-proximity, inverted-softmax, or all of them: beside the mode as it is",
    )
    options.add_argument(
        "--worst", type=int, default=12, metavar="N", help="hubs to show (default: %(default)s)"
    )
    options.add_argument(
        "--embedding",
        action="append",
        default=[],
        metavar="DIR",
        help="the space of a mode such as embedding or devise",
    )
    options.add_argument(
        "--json", type=path_argument, metavar="FILE", help="write the figures, and N_k of every picture"
    )
    options.add_argument(
        "--html",
        type=path_argument,
        metavar="FILE",
        help="write a page with a plot and the worst hubs as pictures",
    )
    add_device(options)
    return options.parse_args(arguments)


def _check_size(library: Library, k: int) -> None:
    count = len(library.gallery())
    if count <= k:
        raise BadLibrary(
            f"{library.path} holds {count:,} pictures: too few for lists of {k}. Caption more, or lower --k."
        )
    if count > MOST:
        raise BadLibrary(
            f"{library.path} holds {count:,} pictures; comparing each with all is made for up to {MOST:,}. "
            "Take a part of them."
        )


def measured(gallery: Gallery, mode: str, k: int, remedies: Sequence[str] = ()) -> "dict[str, Hubness]":
    """The hubness of a mode in a gallery by its name, and with each remedy by that one's."""
    from ..evaluation.hubness import find_remedies, measure_hubness, without_self
    from ..evaluation.modes import score_matrix

    chosen = find_mode(mode)
    scores = without_self(score_matrix(chosen, gallery), chosen.relative)
    return {mode: measure_hubness(scores, k)} | {
        name: measure_hubness(remedy(scores), k) for name, remedy in find_remedies(remedies).items()
    }


def to_json(gallery: Gallery, found: "Mapping[str, Hubness]", given: argparse.Namespace) -> dict[str, Any]:
    """As --json writes it: {"library", "mode", "images", "k", "rows": {mode or remedy: {"skewness",
    "maximum", "antihubs", "hub_share",
    "distribution": {N_k: images}, "occurrence": {path: N_k}}}}."""
    rows = {
        name: hubness.to_json()
        | {
            "distribution": {str(times): images for times, images in hubness.distribution().items()},
            "occurrence": dict(zip(gallery.paths, np.round(hubness.occurrence, 4).tolist(), strict=True)),
        }
        for name, hubness in found.items()
    }
    return {"library": given.library, "mode": given.mode, "images": len(gallery), "k": given.k, "rows": rows}


def _rows(found: "Mapping[str, Hubness]", mode: str) -> list[list[str | int | float | None]]:
    return [
        [
            name if name == mode else f"{mode}, {name}",
            one.skewness,
            one.maximum,
            100 * one.antihubs,
            100 * one.hub_share,
        ]
        for name, one in found.items()
    ]


def spread(hubness: "Hubness") -> list[tuple[str, int]]:
    """How many images stand in so many lists, by ranges up to the largest."""
    counts = np.rint(hubness.occurrence)
    ends = [*(low - 1 for low in BINS[1:]), np.inf]
    rows = []
    for low, high in zip(BINS, ends, strict=True):
        name = f"{low:,}" if high == low else f"{low:,} or more" if high == np.inf else f"{low:,}-{high:,}"
        rows.append((name, int(((counts >= low) & (counts <= high)).sum())))
        if high >= counts.max():
            break
    return rows


def _print(gallery: Gallery, found: "Mapping[str, Hubness]", given: argparse.Namespace) -> None:
    from ..report.terminal import Value, table

    print(f"{len(gallery):,} pictures, the {given.k} nearest of each by {given.mode}\n")
    print(table(COLUMNS, _rows(found, given.mode), FORMATS))
    print()
    rows: list[list[Value]] = [[name, images] for name, images in spread(found[given.mode])]
    print(table((f"N_{given.k}", "pictures"), rows))
    plain = found[given.mode]
    if given.worst:
        print()
        worst: list[list[Value]] = [
            [float(plain.occurrence[row]), gallery.paths[row], gallery.captions[row]]
            for row in plain.worst(given.worst)
        ]
        print(table((f"N_{given.k}", "the worst hubs", "caption"), worst, {f"N_{given.k}": ".0f"}))


def _page(
    file: Path, gallery: Gallery, found: "Mapping[str, Hubness]", given: argparse.Namespace, root: Path
) -> Path:
    from ..report.page import Picture, PicturesSection, PlotSection, Section, TableSection, write_page
    from ..report.plots import occurrences

    def hubs(name: str) -> PicturesSection:
        title = f"The worst hubs of {given.mode}" + (f" with {name}" if name != given.mode else "")
        worst = [row for row in found[name].worst(given.worst) if found[name].occurrence[row]]
        pictures = [
            Picture(
                root / gallery.paths[row],
                f"{found[name].occurrence[row]:.0f}",
                gallery.captions[row],
                gallery.paths[row],
            )
            for row in worst
        ]
        return PicturesSection(
            title,
            pictures,
            f"In how many of the {len(gallery):,} lists of {given.k} each stands; the mean is {given.k}.",
        )

    alt = f"How many pictures stand in how many lists; skewness {found[given.mode].skewness:.2f} as it is."
    with tempfile.TemporaryDirectory() as folder:
        plot = occurrences(
            {name: one.occurrence for name, one in found.items()}, given.k, Path(folder) / "occurrences.png"
        )
        note = (
            "Antihubs stand in no list. The last column is the share of all places in lists that one in "
            "a hundred pictures takes."
        )
        sections: list[Section] = [
            TableSection(
                "How uneven",
                COLUMNS,
                _rows(found, given.mode),
                note,
                dict.fromkeys(COLUMNS[1:], "lowest"),
                FORMATS,
            ),
            PlotSection(f"The distribution of N_{given.k}", plot, alt),
            *(hubs(name) for name in found if given.worst),
        ]
        lead = (
            f"{len(gallery):,} pictures of {given.library}, each asks for the {given.k} nearest others "
            f"by {given.mode}."
        )
        return write_page(file, f"captionret: hubs of {given.mode}", lead, sections)
