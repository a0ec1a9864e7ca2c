"""Make word probabilities mean what they say: of the pictures of which a word is shown with .8, four in five
shall show it. Learnt from pictures that people captioned and the lexical head was not trained on; a word is
right for a picture if two or more of its captions hold it, or another of its forms.

captionret calibrate --data flickr8k:data/flickr8k                     # for the shipped lexical head
captionret calibrate --data table:mine.csv --split all --library photos
"""

import argparse
import logging
from collections.abc import Sequence

from ..app.places import find_library
from ..counting import counted
from ..report.terminal import table
from .options import FOUND, add_device, add_fetch_missing, parser

log = logging.getLogger(__name__)


def main(arguments: Sequence[str] | None = None) -> int:
    """Learn a calibration, keep it, and print what it is worth on pictures held out."""
    given = _options().parse_args(arguments)
    from ..app.measuring.calibrating import calibrate
    from ..app.missing import open_data

    dataset = open_data(given.data, given.fetch_missing)

    fitted = calibrate(dataset, given.split, library=given.library, head=given.head, device=given.device)
    kept = f"the library {find_library(given.library)}" if given.library else "its folder"
    log.info(
        f"Kept in {kept}: how to read {fitted.calibration.name}, learnt from "
        f"{counted(fitted.pictures, 'pictures')}."
    )
    print(
        f"calibration error {fitted.before:.3f} before, {fitted.error:.3f} after; "
        f"{counted(fitted.words, 'words')}, each picture by what was learnt from others"
    )
    rows = [[one.at, one.precision, one.recall, one.words, *one.spread] for one in fitted.thresholds]
    print(table(["p at least", "right", "found", "words", "10 % below", "median", "90 % below"], rows))
    return FOUND


def _options() -> argparse.ArgumentParser:
    options = parser("calibrate", __doc__ or "")
    options.add_argument(
        "--data", required=True, metavar="SPEC", help="captioned pictures, as flickr8k:DIR or table:FILE"
    )
    add_fetch_missing(options)
    options.add_argument("--split", default="val", help="of the data set (default: %(default)s)")
    options.add_argument(
        "--library", metavar="NAME", help="keep it in this library, for what predicted its words"
    )
    options.add_argument(
        "--head", metavar="NAME", help="a lexical head: a name or a directory (default: the shipped one)"
    )
    add_device(options)
    return options
