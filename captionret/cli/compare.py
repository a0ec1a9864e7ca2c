"""Set the captioners of a library side by side: how much each captioned, how far they agree, whether they
find the same pictures, and the captions over which they agree least.

captionret compare --library photos
captionret compare --library photos --captions-by photos-lite --captions-by gemma3
captionret compare --library photos --references captions.csv     # BLEU, ROUGE-L, CIDEr-D against these
"""

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from ..errors import BadSetting
from .options import FOUND, parser
from .output import print_json

if TYPE_CHECKING:
    from ..app.library_captioners import Compared

_SCORES = ("bleu1", "bleu4", "rouge_l", "cider_d")


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables."""
    given = _options().parse_args(arguments)
    from ..app.library_captioners import compare_captioners
    from ..app.models import Library
    from ..app.places import last_library, library_path

    path = library_path(given.library) if given.library is not None else last_library()
    if path is None:
        raise BadSetting("There is no library yet. Caption a folder first: captionret index DIR.")
    with Library.open(path) as library:
        found = compare_captioners(library, given.captions_by, given.references, given.show)
        if given.json:
            print_json({"library": str(library.path.absolute()), **_plain(found)})
        else:
            _show(found)
    return FOUND


def _options() -> argparse.ArgumentParser:
    options = parser("compare", __doc__ or "")
    options.add_argument(
        "--library", metavar="NAME", help="its name, or a path (default: the one indexed last)"
    )
    options.add_argument(
        "--captions-by", action="append", default=[], metavar="NAME", help="compare these (default: all)"
    )
    options.add_argument(
        "--references",
        metavar="NAME",
        help='whose captions are taken for right: a captioner of the library, or "a person"',
    )
    options.add_argument(
        "--show",
        type=int,
        default=5,
        metavar="N",
        help="list captions of N pictures (default: %(default)s)",
    )
    options.add_argument("--json", action="store_true", help="print all of it as one JSON object")
    return options


def _show(found: "Compared") -> None:
    from ..report.terminal import Value, table
    from ..report.visible import visible

    scored = any(row.scores for row in found.rows)
    columns = ["captioner", "kind", "since", "pictures", "words", "different", *(_SCORES if scored else ())]
    rows: list[list[Value]] = [
        [
            *(row.name, row.kind, row.since, row.pictures, row.words, row.different),
            *((getattr(row.scores, name, None) for name in _SCORES) if scored else ()),
        ]
        for row in found.rows
    ]
    print(table(columns, rows, dict.fromkeys(("words", *_SCORES), ".1f")))
    if found.pairs:
        pairs: list[list[Value]] = [
            [one.one, one.other, one.pictures, one.agreement, one.found] for one in found.pairs
        ]
        columns = ["captioner", "and", "pictures", "agreement", "same of 10"]
        print(f"\n{table(columns, pairs, {'agreement': '.3f', 'same of 10': '.1f'})}")
    for path, captions in found.shown:
        print(f"\n{visible(path)}")
        for name, text in captions.items():
            print(f"  {visible(name)}: {visible(text)}")


def _plain(found: "Compared") -> dict[str, object]:
    rows = []
    for row in found.rows:
        facts = {name: value for name, value in _fields(row).items() if name != "scores"}
        scores = {name: getattr(row.scores, name) for name in _SCORES} if row.scores else None
        rows.append({**facts, "scores": scores})
    shown = [{"path": path, "captions": dict(captions)} for path, captions in found.shown]
    return {"captioners": rows, "pairs": [asdict(pair) for pair in found.pairs], "shown": shown}


def _fields(row: object) -> dict[str, object]:
    return {name: getattr(row, name) for name in getattr(row, "__slots__", ())}
