"""Draw new splits for a data set, or write it in another format.

    captionret split table:data/mine/captions.csv --parts train=.8,val=.1,test=.1 --out data/split
    captionret split coco:data/coco --parts train=.9,val=.1 --format karpathy --out data/karpathy
    captionret split flickr8k:data/flickr8k --format table --out data/table     # with the splits that it has

It is split by images, never by captions, and nearly equal pictures stay in one split; where a data set's own
splits are kept, those in different ones are reported.
"""

import argparse
from collections.abc import Sequence

from .options import parser
from .written import add_form, data_help, form_of, show


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the data set and print what it holds."""
    given = _options().parse_args(arguments)
    from ..app.missing import open_data
    from ..app.written_sets import split_dataset
    from ..datasets.parts import read_shares

    shares = read_shares(given.parts) if given.parts else None
    data = open_data(given.data, given.fetch_missing)
    return show(split_dataset(data, given.out, shares, given.seed, form_of(given)), given.json)


def _options() -> argparse.ArgumentParser:
    options = parser("split", __doc__ or "")
    options.add_argument("data", metavar="DATA", help=data_help())
    options.add_argument(
        "--parts", metavar="NAME=SHARE,...", help="the new splits (default: those that the data set has)"
    )
    options.add_argument(
        "--seed", type=int, default=0, help="another one draws others (default: %(default)s)"
    )
    add_form(options)
    return options
