"""Which pictures of a library are found by far too many others (hubs), which by none (antihubs), and what a
remedy changes.

    captionret hubness --library photos --mode cnn
    captionret hubness --library photos --mode expected-jaccard --k 10 --remedy csls --html hubs.html

Each picture asks for the others. N_k is in how many lists of the k nearest a picture stands: k on average,
whatever the mode; skewness says how unevenly. What a remedy does to recall: captionret evaluate-ranking
--remedy.
"""

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..errors import BadSetting
from .libraries import add_library, open_library
from .options import FOUND, add_captions_by, add_device, parser, path_argument, say

if TYPE_CHECKING:  # --help need not wait for it
    from ..app.curating.hubs import Hubs


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure the hubs of a library in one mode."""
    given = _parse(arguments)
    if given.k < 1 or given.worst < 0:
        raise BadSetting(
            f"--k {given.k}, --worst {given.worst}: a list holds at least 1 picture, and hubs are 0 or more."
        )
    from ..app.curating.hubs import library_hubs, write_hubs
    from ..app.searcher import Searcher
    from ..files import publish_json

    with open_library(given.library) as library:
        searcher = Searcher(
            library, spaces=given.embedding, device=given.device, captions_by=given.captions_by
        )
        hubs = library_hubs(searcher, given.mode, given.k, given.remedy)
        name = given.library or library.path.name
    _print(hubs, given.worst)
    if given.json:
        publish_json(given.json, {"library": name} | hubs.to_json())
        say(f"Written: {given.json}")
    if given.html:
        say(f"The page: {write_hubs(given.html, hubs, name, given.worst)}")
    return FOUND


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    options = parser("hubness", __doc__ or "")
    add_library(options)
    add_captions_by(options)
    options.add_argument(
        "--mode",
        default="jaccard",
        metavar="MODE",
        help="see captionret modes (default: %(default)s)",
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


def _print(hubs: "Hubs", worst: int) -> None:
    from ..app.curating.hubs import COLUMNS, FORMATS, spread
    from ..counting import counted
    from ..report.terminal import Value, table

    gallery, count = hubs.gallery, f"N_{hubs.k}"
    print(f"{counted(len(gallery), 'pictures')}, the {hubs.k} nearest of each by {hubs.mode}\n")
    print(table(COLUMNS, hubs.rows(), FORMATS))
    print()
    ranges: list[list[Value]] = [[name, images] for name, images in spread(hubs.plain)]
    print(table((count, "pictures"), ranges))
    if worst:
        print()
        rows: list[list[Value]] = [
            [float(hubs.plain.occurrence[row]), gallery.paths[row], gallery.captions[row]]
            for row in hubs.plain.worst(worst)
        ]
        print(table((count, "the worst hubs", "caption"), rows, {count: ".0f"}))
