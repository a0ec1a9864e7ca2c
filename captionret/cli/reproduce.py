"""Measure the published figures again and show which of them hold: OK, NEAR, FAIL, or SKIP where something
that a row requires is not there.

captionret reproduce --list
captionret reproduce                                      # every row of the table
captionret reproduce --only photos-lite --flickr8k /data/flickr8k

Ends with 1 where a figure does not hold.
"""

import argparse
from collections.abc import Sequence

from ..app.measuring.reproduction import DATA, FAIL, TABLE, Row, read_table, run_row
from ..errors import UnknownName
from ..home import data_folder
from .options import FOUND, parser, path_argument

FAILED = 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the rows of the table and print how each ended."""
    given = _parse(arguments)
    rows = read_table(given.table)
    if given.only is not None:
        rows = [_named(given.only, rows)]
    width = max(len(row.name) for row in rows)
    if given.list:
        for row in rows:
            required = ", ".join(row.requires) or "nothing"
            print(f"{row.name:<{width}}  about {row.minutes:g} min  requires {required}")
        return FOUND
    data = {name: getattr(given, name).absolute() for name in DATA}
    failed = False
    for row in rows:
        outcome = run_row(row, data)
        failed |= outcome.status == FAIL
        ended = f"{outcome.status:<4}  {row.name:<{width}}  {outcome.details}  ({outcome.seconds:.0f} s)"
        print(ended, flush=True)
    return FAILED if failed else FOUND


def _named(name: str, rows: Sequence[Row]) -> Row:
    by_name = {row.name: row for row in rows}
    if name not in by_name:
        raise UnknownName.among("row", name, by_name)
    return by_name[name]


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    options = parser("reproduce", __doc__ or "")
    options.add_argument("--only", metavar="NAME", help="one row of the table")
    options.add_argument("--list", action="store_true", help="show the rows and run nothing")
    options.add_argument(
        "--table",
        type=path_argument,
        default=TABLE,
        metavar="FILE",
        help="rows of your own (default: the shipped ones)",
    )
    for name in DATA:
        options.add_argument(
            f"--{name}",
            type=path_argument,
            default=data_folder(name),
            metavar="DIR",
            help="where it lies (default: %(default)s)",
        )
    return options.parse_args(arguments)
