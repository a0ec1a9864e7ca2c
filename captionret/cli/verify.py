"""Read all of a library and say what is wrong with it: in the catalogue, the features, the word
probabilities, and between the catalogue and the folder.

captionret verify --library photos
"""

import json
from collections.abc import Sequence

from ..counting import counted
from ..errors import BadLibrary
from .libraries import add_library, open_library
from .options import FOUND, parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Print one line for each thing that is wrong with a library; 3 where there is any."""
    options = parser("verify", __doc__ or "")
    add_library(options)
    options.add_argument("--json", action="store_true", help="print the problems as JSON")
    given = options.parse_args(arguments)

    with open_library(given.library) as library:
        problems = library.verify()
        if given.json:
            print(json.dumps({"library": str(library.path.absolute()), "problems": problems}))
        else:
            whole = f"{library.path} is whole: {counted(len(library), 'pictures')}."
            print("\n".join(problems) if problems else whole)
        return BadLibrary.exit_code if problems else FOUND
