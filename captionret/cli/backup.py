"""Copy a library as it is at this moment, also while it is searched or served. The copy opens like any other
library; an archive is unpacked first. What every search makes again, as the search index, is left out.

captionret backup --library photos                             # photos-2026-11-28.zip, in this folder
captionret backup --library photos --to /mnt/safe/photos       # a folder
"""

import datetime
from collections.abc import Sequence
from pathlib import Path

from ..report.size import shown_size
from .libraries import add_keeping, library_folder
from .options import FOUND, parser, path_argument
from .output import print_json


def main(arguments: Sequence[str] | None = None) -> int:
    """Copy a library, and print where the copy lies."""
    options = parser("backup", __doc__ or "")
    options.add_argument(
        "--to",
        type=path_argument,
        metavar="PLACE",
        help="an archive, FILE.zip, or a folder to be made, without an ending (default: NAME-DATE.zip)",
    )
    add_keeping(options)
    given = options.parse_args(arguments)

    from ..library import back_up

    folder = library_folder(given.library)
    today = datetime.datetime.now().astimezone().date()
    place = given.to or Path(f"{folder.absolute().name}-{today:%Y-%m-%d}.zip")
    done = back_up(folder, place.absolute(), given.dry_run)
    if given.json:
        print_json({"library": str(folder.absolute()), "place": str(done.place), "bytes": done.bytes})
    else:
        print(f"{done.place}{' would have' if given.dry_run else ':'} {shown_size(done.bytes)}")
    return FOUND
