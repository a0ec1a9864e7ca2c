"""What the commands that write data sets share: options, and what they print."""

import argparse
import logging
from typing import TYPE_CHECKING

from ..counting import counted
from ..datasets import READERS
from ..datasets.writing import WRITERS
from ..datasets.writing.pictures import PLACES
from .options import FOUND, add_fetch_missing, path_argument
from .output import print_json

if TYPE_CHECKING:
    from ..app.written_sets import Form, Written

log = logging.getLogger(__name__)


def add_form(options: argparse.ArgumentParser) -> None:
    """--out, --format, --pictures, --backbone, --near-duplicates and --json."""
    options.add_argument("--out", required=True, type=path_argument, metavar="DIR", help="a new folder")
    kinds = "; ".join(f"{name}: {row.about}" for name, row in WRITERS.items())
    options.add_argument(
        "--format",
        choices=tuple(WRITERS),
        default="table",
        metavar="FORMAT",
        help=f"{kinds} (default: table)",
    )
    options.add_argument(
        "--pictures",
        choices=PLACES,
        default="link",
        help="the same files under second names where the disk can (link), copies, or left where they are, "
        "which a table can (default: %(default)s)",
    )
    options.add_argument(
        "--backbone",
        metavar="NAME",
        help="of --format vse: the CNN that makes the features (default: efficientnet_lite2)",
    )
    options.add_argument(
        "--near-duplicates",
        choices=("together", "report", "ignore"),
        default="together",
        help="nearly equal pictures: kept in one split where splits are drawn, else reported (together); "
        "reported (report); not looked for (ignore) (default: %(default)s)",
    )
    add_fetch_missing(options)
    options.add_argument("--json", action="store_true", help="print what was written as JSON")


def form_of(given: argparse.Namespace) -> "Form":
    """What the options say."""
    from ..app.written_sets import Form

    return Form(given.format, given.pictures, given.backbone, given.near_duplicates)


def data_help() -> str:
    """The help of an argument that names a data set."""
    return f"KIND:PATH, KIND being one of {', '.join(READERS)}"


def show(done: "Written", as_json: bool) -> int:
    """Print what was written."""
    for note in done.notes:
        log.info(note)
    if done.across:
        one, split, other, second = done.across[0]
        log.warning(
            f"{counted(len(done.across), 'pairs')} of nearly equal pictures in different splits "
            f"(first: {one} in {split or 'none'}, {other} in {second or 'none'}); all are in "
            "near-duplicates.csv."
        )
    if as_json:
        facts = {"data": done.spec, "images": done.images, "captions": done.captions, "splits": done.splits}
        print_json(facts | {"near-duplicates across splits": len(done.across), "notes": list(done.notes)})
    else:
        splits = "  ".join(f"{name} {count:,}" for name, count in done.splits.items()) or "no splits"
        print(f"{done.spec}\nimages {done.images:,}  captions {done.captions:,}  {splits}")
    return FOUND
