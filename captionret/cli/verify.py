"""Read all of a library and say what is wrong with it: in the catalogue, the features, the word
probabilities, and between the catalogue and the folder.

captionret verify --library photos
"""

import json
from collections.abc import Sequence

from ..counting import counted
from ..errors import BadLibrary
from .options import FOUND, parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Print one line for each thing that is wrong with a library; 3 where there is any."""
    options = parser("verify", __doc__ or "")
    options.add_argument("--library", required=True, metavar="NAME", help="its name, or a path")
    options.add_argument("--json", action="store_true", help="print the problems as JSON")
    given = options.parse_args(arguments)

    from ..app.models import Library

    with Library.open(given.library) as library:
        problems = library.verify()
        if given.json:
            print(json.dumps({"library": str(library.path.absolute()), "problems": problems}))
        else:
            whole = f"{library.path} is whole: {counted(len(library), 'pictures')}."
            print("\n".join(problems) if problems else whole)
        return BadLibrary.exit_code if problems else FOUND
