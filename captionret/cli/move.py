"""Move a library to another place, also on another disk. Its pictures stay where they are; where these have
moved, captionret index NEW_FOLDER --library NAME --relocate says so.

captionret move --library photos /mnt/large/photos
captionret move --library photos /mnt/large/photos --dry-run
"""

import shlex
from collections.abc import Sequence

from ..counting import counted
from ..home import is_name, library_called, remember_library
from ..report.size import shown_size
from .libraries import add_keeping
from .options import FOUND, parser, path_argument, say
from .output import print_json


def main(arguments: Sequence[str] | None = None) -> int:
    """Move a library, and print where it lies now."""
    options = parser("move", __doc__ or "")
    options.add_argument(
        "place", type=path_argument, metavar="PLACE", help="where it shall lie; in it, where that is a folder"
    )
    add_keeping(options, named=True)
    given = options.parse_args(arguments)

    from ..app.places import find_library
    from ..library import move_library

    folder = find_library(given.library)
    place = given.place / folder.name if given.place.is_dir() else given.place
    done = move_library(folder, place.absolute(), given.dry_run)
    if not given.dry_run:
        remember_library(done.place)
    if given.json:
        print_json({"library": str(folder.absolute()), "place": str(done.place), "bytes": done.bytes})
    else:
        would = "would be" if given.dry_run else "is now"
        print(f"{folder} {would} {done.place}: {counted(done.files, 'files')}, {shown_size(done.bytes)}")
        if (called := library_called(done.place)) != given.library and is_name(given.library):
            say(f"Commands find it by --library {shlex.quote(called)} then.")
    return FOUND
