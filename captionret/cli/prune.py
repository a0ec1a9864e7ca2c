"""Give back the room of what a library keeps of pictures that are gone, and of what stopped runs left. What a
person wrote stays.

captionret prune --library photos --dry-run
"""

from collections.abc import Sequence
from dataclasses import asdict

from ..counting import counted
from ..report.size import shown_size
from .libraries import add_keeping, library_folder
from .options import FOUND, parser
from .output import print_json


def main(arguments: Sequence[str] | None = None) -> int:
    """Prune a library, and print a line for each kind of what was given back."""
    options = parser("prune", __doc__ or "")
    add_keeping(options)
    given = options.parse_args(arguments)

    from ..library import Library

    with Library.open(library_folder(given.library)) as library:
        found = library.prune(given.dry_run)
    if given.json:
        print_json({"library": str(library.path.absolute()), "pruned": [asdict(one) for one in found]})
        return FOUND
    for one in found:
        print(f"{counted(one.count, one.what)}: {shown_size(one.bytes)}")
    would = "would be given back" if given.dry_run else "given back"
    print(f"{shown_size(sum(one.bytes for one in found))} {would}." if found else "Nothing to be given back.")
    return FOUND
