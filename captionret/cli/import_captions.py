"""Take captions from files into a library: what captionret export wrote, tables of other programs, sidecars,
and what pictures say of themselves.

    captionret import out --library photos                # a folder or a file that captionret export wrote
    captionret import captions.csv --library photos       # columns path (or sha256) and caption
    captionret import --sidecars --library photos         # XMP beside the pictures, or in a folder DIR
    captionret import --embedded --library photos         # IPTC, EXIF and XMP inside the pictures

Each caption stands under the name of who made it, after what a person wrote and before a model's. Captions
that a person wrote elsewhere stand as a person's, where nobody wrote one here. Giving the same file again
changes nothing; what is no longer in it goes.
Captions of other programs are taken without markup, and up to 60 words of each. Dates, cameras, lenses,
places, titles and keywords in what captionret export wrote are taken where a picture's own file says nothing.
"""

import argparse
import logging
from collections.abc import Sequence
from dataclasses import asdict

from ..errors import BadSetting
from ..report.visible import visible
from .libraries import add_library, open_library
from .options import FOUND, NOTHING_FOUND, parser, path_argument
from .output import print_json

log = logging.getLogger(__name__)

_COUNTS = ("new", "changed", "unchanged", "removed", "unknown")


def main(arguments: Sequence[str] | None = None) -> int:
    """Print what was taken over; exit code 1 where nothing was found."""
    given = _options().parse_args(arguments)
    if sum((given.file is not None, given.sidecars is not None, given.embedded)) != 1:
        raise BadSetting("Give a file or a folder of captions, or --sidecars, or --embedded.")

    from ..exchange import import_captions, import_embedded, import_sidecars

    with open_library(given.library) as library:
        if given.file is not None:
            done = import_captions(library, given.file)
        elif given.embedded:
            done = import_embedded(library)
        else:
            done = import_sidecars(library, None if given.sidecars is True else given.sidecars)
    for failure in done.failures:
        log.warning(f"left out: {failure.reason}")
    for name in done.known:
        log.info(f"Captions by {name} are left out: it captions this library.")
    facts = [asdict(report) for report in done.reports]
    counts = [{"captioner": one["captioner"], **{name: one[name] for name in _COUNTS}} for one in facts]
    if given.json:
        print_json({"captioners": counts, "own": done.own, "facts": done.facts, "failed": len(done.failures)})
    else:
        for one in counts:
            print("  ".join([visible(str(one["captioner"])), *(f"{name} {one[name]:,}" for name in _COUNTS)]))
        if done.own or not counts:
            print(f"a person  new {done.own:,}")
        if done.facts:
            print(f"dates, places, keywords  new {done.facts:,}")
    found = (
        done.own
        or done.facts
        or done.known
        or any(one["new"] or one["changed"] or one["unchanged"] for one in counts)
    )
    return FOUND if found else NOTHING_FOUND


def _options() -> argparse.ArgumentParser:
    options = parser("import", __doc__ or "")
    options.add_argument(
        "file",
        nargs="?",
        type=path_argument,
        metavar="FILE",
        help="captions: .parquet, .jsonl, .csv, .tsv, .json (COCO's, or a list), a shard (.tar), or a folder "
        "with one of these",
    )
    add_library(options)
    options.add_argument(
        "--sidecars",
        nargs="?",
        type=path_argument,
        const=True,
        metavar="DIR",
        help="read XMP sidecars beside the pictures, or in a folder as captionret export wrote it",
    )
    options.add_argument(
        "--embedded", action="store_true", help="read descriptions and keywords inside the picture files"
    )
    options.add_argument("--json", action="store_true", help="print what was taken over as JSON")
    return options
