"""List the checkpoints that are found by name, the shipped ones and your own, with their kinds and folders.

captionret models
captionret models --kind embedding
"""

from collections.abc import Sequence

from ..app.places import find_checkpoint, list_models
from ..report.terminal import table
from .options import FOUND, NOTHING_FOUND, parser
from .output import print_json


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a row for each checkpoint; exit code 1 where there is none."""
    options = parser("models", __doc__ or "")
    options.add_argument("--kind", help="captioner, lexical, embedding or skipthought: those alone")
    options.add_argument("--json", action="store_true", help="print the list as one JSON object")
    given = options.parse_args(arguments)
    found = list_models(given.kind)
    folders = {name: str(find_checkpoint(name).absolute()) for name in found}
    if given.json:
        models = [{"name": name, "kind": kind, "path": folders[name]} for name, kind in found.items()]
        print_json({"models": models})
    else:
        print(table(["name", "kind", "folder"], [[name, found[name], folders[name]] for name in found]))
    return FOUND if found else NOTHING_FOUND
