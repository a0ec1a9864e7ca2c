"""Give a library another name; it stays beside the others.

captionret rename --library photos holidays
"""

from collections.abc import Sequence

from ..errors import BadSetting
from ..home import is_name
from .libraries import add_keeping
from .options import FOUND, parser, text_argument
from .output import print_json


def main(arguments: Sequence[str] | None = None) -> int:
    """Rename a library, and print where it lies now."""
    options = parser("rename", __doc__ or "")
    options.add_argument("name", type=text_argument, metavar="NAME", help="its new name")
    add_keeping(options, named=True)
    given = options.parse_args(arguments)
    if not given.name.strip():
        raise BadSetting("The library's new name is empty. Give one.")
    if not is_name(given.name):
        raise BadSetting(f"{given.name!r} is no name but a path. captionret move moves a library elsewhere.")

    from ..app.places import find_library
    from ..library import move_library

    folder = find_library(given.library)
    done = move_library(folder, folder.absolute().with_name(given.name), given.dry_run)
    if given.json:
        print_json({"library": str(folder.absolute()), "place": str(done.place), "bytes": done.bytes})
    else:
        print(f"{folder.name} {'would be' if given.dry_run else 'is now'} {done.place.name}: {done.place}")
    return FOUND
