"""Change a library by hand: write captions in your own words, add pictures, take pictures out.

captionret edit --library photos beach/dog.jpg "our dog Bella on the beach"   # wins over every captioner
captionret edit --library photos beach/dog.jpg --reset                        # the captioner's caption again
captionret edit --library photos --add ~/Downloads/new.jpg
captionret edit --library photos --remove scans "trip/blurred.jpg"            # the files stay where they are
"""

import argparse
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..errors import BadSetting
from ..report.visible import visible
from .libraries import add_library, open_library
from .options import FOUND, add_device, parser, path_argument, text_argument

if TYPE_CHECKING:
    from ..library import Library


def main(arguments: Sequence[str] | None = None) -> int:
    """Change a library as asked, and print what was changed."""
    given = _options().parse_args(arguments)
    captioning = given.picture is not None
    if captioning == bool(given.add or given.remove):
        raise BadSetting('Give a picture and its caption ("..."), or --add, or --remove.')
    if captioning and (given.caption is None) != given.reset:
        raise BadSetting("Give the caption in quotes after the picture, or --reset.")
    if given.reset and not captioning:
        raise BadSetting("Whose caption? Give the picture before --reset.")

    with open_library(given.library) as library:
        done = _caption(library, given) if captioning else _add_and_remove(library, given)
    print(json.dumps(done) if given.json else "  ".join(map(_shown, done, done.values())))
    return FOUND


def _shown(name: str, value: object) -> str:
    if name != "caption":
        return f"{name} {visible(str(value))}"
    return "your caption is taken away" if value is None else f'{name} "{visible(str(value))}"'


def _options() -> argparse.ArgumentParser:
    options = parser("edit", __doc__ or "")
    options.add_argument(
        "picture",
        nargs="?",
        type=path_argument,
        metavar="PICTURE",
        help="a picture as answers show it, its file, or the file's name where only one is called so",
    )
    options.add_argument(
        "caption", nargs="?", type=text_argument, metavar="CAPTION", help="what it shows, in your words"
    )
    add_library(options)
    options.add_argument("--reset", action="store_true", help="take your caption away again")
    options.add_argument(
        "--add",
        nargs="+",
        type=path_argument,
        default=[],
        metavar="PATH",
        help="caption these pictures, or those in these folders, wherever they lie",
    )
    options.add_argument(
        "--remove",
        nargs="+",
        type=path_argument,
        default=[],
        metavar="PATH",
        help="forget these pictures, or those in these folders, until they are added again",
    )
    options.add_argument("--json", action="store_true", help="print what was changed as JSON")
    add_device(options)
    return options


def _caption(library: "Library", given: argparse.Namespace) -> dict[str, object]:
    name = library.set_caption(given.picture, None if given.reset else given.caption)
    return {"picture": name, "caption": None if given.reset else " ".join(given.caption.split())}


def _add_and_remove(library: "Library", given: argparse.Namespace) -> dict[str, object]:
    from ..app.searcher import Searcher

    done: dict[str, object] = {}
    if given.remove:
        done["removed"] = library.remove(given.remove)
    if given.add:
        report = library.add(given.add, device=given.device)
        Searcher(library, device=given.device).prepare()
        done |= {"new": report.new, "unchanged": report.unchanged, "failed": report.failed}
    return done
