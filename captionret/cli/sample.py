"""Write a part of a data set, drawn at random.

    captionret sample coco:data/coco --split val --count 1000 --out data/small
    captionret sample flickr8k:data/flickr8k --count 500 --captions 1 --seed 7 --out data/few

The same seed draws the same images.
"""

import argparse
from collections.abc import Sequence

from .options import parser
from .written import add_form, data_help, form_of, show


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the data set and print what it holds."""
    given = _options().parse_args(arguments)
    from ..app.missing import brought, open_data
    from ..app.written_sets import write
    from ..datasets.parts import sample

    data = open_data(given.data, given.fetch_missing)
    items = sample(data.split(given.split), given.count, given.seed, given.captions)
    items = brought(items)
    return show(write(items, given.out, form_of(given), data=data), given.json)


def _options() -> argparse.ArgumentParser:
    options = parser("sample", __doc__ or "")
    options.add_argument("data", metavar="DATA", help=data_help())
    options.add_argument("--count", type=int, required=True, metavar="N", help="images")
    options.add_argument("--split", default="all", help="drawn from this one (default: all)")
    options.add_argument("--captions", type=int, metavar="N", help="of each image the first N (default: all)")
    options.add_argument(
        "--seed", type=int, default=0, help="another one draws others (default: %(default)s)"
    )
    add_form(options)
    return options
