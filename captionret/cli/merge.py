"""Make one data set of several, whatever their formats.

    captionret merge table:data/mine/captions.csv flickr8k:data/flickr8k --out data/both

A picture that stands in several of them, byte by byte, is one with all its captions; where they put it into
different splits, the first data set's holds. Nearly equal pictures in different splits are reported.
"""

import argparse
from collections.abc import Sequence
from dataclasses import replace

from .options import parser
from .written import add_form, data_help, form_of, show


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the data set and print what it holds."""
    given = _options().parse_args(arguments)
    from ..app.missing import brought, open_data
    from ..app.written_sets import write
    from ..datasets.parts import merge

    datasets = (open_data(spec, given.fetch_missing) for spec in given.data)
    items, notes = merge([replace(data, items=tuple(brought(data.items))) for data in datasets])
    done = write(items, given.out, form_of(given))
    return show(replace(done, notes=(*notes, *done.notes)), given.json)


def _options() -> argparse.ArgumentParser:
    options = parser("merge", __doc__ or "")
    options.add_argument("data", nargs="+", metavar="DATA", help=data_help())
    add_form(options)
    return options
