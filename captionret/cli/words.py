"""Show what a library is about: its words with how many pictures show each; or one picture's words, with
their probabilities and where each comes from.

captionret words --library photos
captionret words --library photos --rare                      # those that a single picture shows, too
captionret words --library photos --of beach/0142.jpg
"""

import argparse
from collections.abc import Sequence
from dataclasses import asdict

from ..app.curating.words import (
    MODE,
    LibraryWord,
    PictureWord,
    library_words,
    only_names_a_class,
    picture_words,
)
from ..app.searcher import Searcher
from ..counting import counted
from ..errors import BadSetting
from ..report.terminal import table
from ..retrieval import Gallery
from .libraries import add_library, open_library
from .options import FOUND, NOT_CALIBRATED, NOTHING_FOUND, add_device, parser, say
from .output import print_json


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the words; 1 where no picture shows any."""
    given = _options().parse_args(arguments)
    if given.top is not None and given.top < 1:
        raise BadSetting(f"--top {given.top} must be at least 1.")
    with Searcher(open_library(given.library), device=given.device) as searcher:
        say(_where_from(searcher.gallery(MODE)))
        if given.of is None:
            words = library_words(searcher)
            _show_library(given, words, len(searcher.gallery()))
            return FOUND if words else NOTHING_FOUND
        of_picture = picture_words(searcher, given.of)
        _show_picture(given, of_picture)
        return FOUND if of_picture else NOTHING_FOUND


def _where_from(gallery: Gallery) -> str:
    if not gallery.predicted.of_pictures:
        return "The words are those of the captions: nothing is predicted from the pictures."
    if gallery.calibration is None:
        return NOT_CALIBRATED
    return f"The probabilities are calibrated by {gallery.calibration.data}."


def _options() -> argparse.ArgumentParser:
    options = parser("words", __doc__ or "")
    add_library(options)
    options.add_argument(
        "--of", metavar="PICTURE", help="the words of one picture: as answers show it, or its file"
    )
    options.add_argument("--top", type=int, metavar="N", help="at most N words (default: 30)")
    options.add_argument("--rare", action="store_true", help="the rarest words first")
    options.add_argument("--all", action="store_true", help="every word")
    options.add_argument("--json", action="store_true", help="print them as one JSON object")
    add_device(options)
    return options


def _show_library(given: argparse.Namespace, words: Sequence[LibraryWord], pictures: int) -> None:
    ordered = list(words)
    if given.rare:
        ordered.sort(key=lambda one: (only_names_a_class(one.word), one.pictures))
    shown = ordered if given.all else ordered[: given.top or 30]
    if given.json:
        print_json({"pictures": pictures, "words": [asdict(one) for one in shown]})
        return
    if not words:
        say(f"Of {counted(pictures, 'pictures')} none shows a word with a probability of .5 or more.")
        return
    print(table(["word", "pictures"], [[one.word, one.pictures] for one in shown]))
    once = sum(one.pictures == 1 for one in words)
    in_all = f"{counted(pictures, 'pictures show')} {counted(len(words), 'words')}"
    print(f"{in_all}, {once:,} of them in one picture alone.")


def _show_picture(given: argparse.Namespace, words: Sequence[PictureWord]) -> None:
    shown = words if given.all else words[: given.top or 30]
    if given.json:
        print_json({"picture": given.of, "words": [asdict(one) for one in shown]})
        return
    rows = [
        [
            one.word,
            one.probability,
            "yes" if one.in_captions else "",
            one.head or None,
            ", ".join(f"{name} {sure:.2f}" for name, sure in one.classes[:2] if sure >= 0.01),
        ]
        for one in shown
    ]
    print(table(["word", "probability", "in captions", "lexical head", "classes"], rows))
