"""The whole job in five minutes: draw, train, caption, retrieve, compare; then real photographs. Ends with
the path of one page.

captionret demo
captionret demo --photos ~/Pictures --query q.jpg       # only the last part, on your own pictures
"""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

from ..home import data_folder
from .options import FOUND, parser, path_argument, say


def main(arguments: Sequence[str] | None = None) -> int:
    """Show the whole job, and print the path of its page."""
    given = _parse(arguments)
    from ..app.demo import Part, check_inputs, photographs_part, scenes_part, write_demo

    began = time.monotonic()
    check_inputs(given.photos, given.query)
    scenes = Part() if given.photos else scenes_part(given.data, given.work, given.out)
    for text in scenes.texts:
        print(text)
    photographs = photographs_part(given.photos, given.query)
    for text in photographs.texts:
        print(text)
    page = write_demo(given.out, scenes + photographs)
    say(f"Done in {time.monotonic() - began:.0f} s. Open this page in a browser:")
    print(page)
    return FOUND


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    options = parser("demo", __doc__ or "")
    options.add_argument(
        "--photos", type=path_argument, metavar="DIR", help="your own pictures, in place of all the rest"
    )
    options.add_argument(
        "--query",
        type=path_argument,
        metavar="FILE",
        help="the picture to search with (default: the first one found)",
    )
    options.add_argument(
        "--out",
        type=path_argument,
        default=Path("report"),
        metavar="DIR",
        help="where the page goes (default: %(default)s)",
    )
    options.add_argument(
        "--work",
        type=path_argument,
        default=data_folder("demo"),
        metavar="DIR",
        help="where checkpoints lie (default: %(default)s)",
    )
    options.add_argument("--data", default="scenes", help="the drawn set (default: %(default)s)")
    return options.parse_args(arguments)
