"""Set the captioners of a library side by side: how much each captioned, how far they agree, whether they
find the same pictures, and the captions over which they agree least.

captionret compare --library photos
captionret compare --library photos --captions-by photos-lite --captions-by gemma3
captionret compare --library photos --references captions.csv     # against these: one of its captioners
captionret compare --library flickr8k --data flickr8k:data/flickr8k --split test --out comparison

With captions that are taken for right, of --references or of a collection's people (--data), captioners are
measured as captionret compare-variants measures checkpoints, over the pictures that all of them captioned:
BLEU, ROUGE-L, CIDEr-D, what their captions retrieve, and whether the differences are chance. --out writes
variants.csv, differences.csv and a page.
"""

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from ..errors import BadSetting
from .libraries import add_library, open_library
from .options import FOUND, parser, path_argument
from .output import print_json

if TYPE_CHECKING:
    from ..app.curating.library_captioners import Compared

_SCORES = ("bleu1", "bleu4", "rouge_l", "cider_d")


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables."""
    given = _options().parse_args(arguments)
    if given.out and not (given.data or given.references):
        raise BadSetting(
            "--out needs captions that are taken for right: --references NAME or --data KIND:PATH."
        )
    if given.data and given.references:
        raise BadSetting("--references and --data both say which captions are right. Give one of them.")
    from ..app.curating.library_captioners import compare_captioners, people_of

    with open_library(given.library) as library:
        people = None
        if given.data:
            from ..datasets import open_dataset

            people = people_of(library, open_dataset(given.data), given.split)
        found = compare_captioners(
            library,
            given.captions_by,
            given.references,
            given.show,
            people=people,
            relevance=given.relevance,
        )
        if given.json:
            print_json({"library": str(library.path.absolute()), **_plain(found)})
        else:
            _show(found)
        if given.out and found.measured:
            from ..app.measuring.comparison_report import write_comparison

            write_comparison(given.out, found.measured, given.pictures)
    return FOUND


def _options() -> argparse.ArgumentParser:
    options = parser("compare", __doc__ or "")
    add_library(options)
    options.add_argument(
        "--captions-by", action="append", default=[], metavar="NAME", help="compare these (default: all)"
    )
    options.add_argument(
        "--references",
        metavar="NAME",
        help='whose captions are taken for right: a captioner of the library, or "a person"',
    )
    options.add_argument(
        "--data", metavar="KIND:PATH", help="a collection whose people's captions are taken for right"
    )
    options.add_argument("--split", metavar="NAME", help="of the collection (default: all of it)")
    options.add_argument(
        "--relevance",
        default="tfidf",
        metavar="KIND",
        help="by which retrieval is measured: sbert, tfidf, cider (default: %(default)s)",
    )
    options.add_argument(
        "--out", type=path_argument, metavar="DIR", help="write the measured table as CSV and a page"
    )
    options.add_argument(
        "--pictures",
        type=int,
        default=12,
        metavar="N",
        help="how many the page shows (default: %(default)s)",
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
    print("words: of a caption, on average; different: words that all its captions use.")
    if found.pairs:
        pairs: list[list[Value]] = [
            [one.one, one.other, one.pictures, one.agreement, one.found] for one in found.pairs
        ]
        columns = ["captioner", "and", "pictures", "agreement", "same of 10"]
        print(f"\n{table(columns, pairs, {'agreement': '.3f', 'same of 10': '.1f'})}")
        print(
            "agreement: Jaccard similarity of two captions' words, on average; same of 10: of the first ten "
            "pictures that a caption finds, how many both find."
        )
    if found.measured:
        from ..app.measuring import comparison_report as report
        from ..app.measuring.compared_captions import FORMATS
        from ..counting import counted

        print(f"\n{counted(len(found.measured.items), 'pictures')} of {found.measured.what}:")
        print(table(report.shown_columns(found.measured), report.quality_rows(found.measured), FORMATS))
        if rows := report.difference_rows(found.measured):
            print(f"\n{table(report.DIFFERENCE_COLUMNS, rows, report.DIFFERENCE_FORMATS)}")
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
    measured = (
        {}
        if found.measured is None
        else {
            "measured": {
                "pictures": len(found.measured.items),
                "captioners": [dict(one.row) for one in found.measured.compared],
                "differences": found.measured.differences,
            }
        }
    )
    pairs = [asdict(pair) for pair in found.pairs]
    return {"captioners": rows, "pairs": pairs, "shown": shown, **measured}


def _fields(row: object) -> dict[str, object]:
    return {name: getattr(row, name) for name in getattr(row, "__slots__", ())}
