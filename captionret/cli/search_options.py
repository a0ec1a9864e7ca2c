"""The options of `captionret search`."""

import argparse
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from ..errors import BadSetting
from ..retrieval import find_mode
from ..retrieval.feedback import WEIGHTS, check_weights
from .options import add_device, parser, path_argument, refuse_address, text_argument
from .output import add_output


def parse(about: str, arguments: Sequence[str] | None) -> argparse.Namespace:
    """What was typed, its `image`, `text` and `mode` settled.

    errors: BadSetting for options that don't go together
    """
    options = parser("search", about)
    _add_query(options)
    _add_gallery(options)
    _add_ranking(options)
    _add_limits(options)
    _add_space(options)
    _add_feedback(options)
    add_output(options)
    add_device(options)
    given = options.parse_args(list(map(_not_an_option, sys.argv[1:] if arguments is None else arguments)))
    given.no_file = None
    if not given.list_modes:
        _settle_query(given)
        given.mode = _mode(given)
        check_weights(given.feedback_weights)
        if given.feedback_weights != WEIGHTS and not (given.like or given.dislike):
            raise BadSetting(
                "--feedback-weights goes with --like or --dislike. Name a picture that is liked or disliked."
            )
    return given


def _add_query(options: argparse.ArgumentParser) -> None:
    options.add_argument(
        "query",
        nargs="*",
        type=_query_argument,
        metavar="QUERY",
        help='words, in the query language ("a dog -people since:2019"), or the file of a picture',
    )
    options.add_argument(
        "--image", type=path_argument, metavar="FILE", help="a picture to find others like it"
    )
    options.add_argument(
        "--text",
        type=lambda typed: text_argument(_as_typed(typed)),
        metavar="WORDS",
        help="a text to find pictures of it; with a picture, the words of both",
    )


def _add_gallery(options: argparse.ArgumentParser) -> None:
    where = options.add_mutually_exclusive_group()
    where.add_argument(
        "--library",
        metavar="NAME",
        help="a library made by captionret index: its name, or a path (default: the one indexed last, else "
        "the sample photographs)",
    )
    where.add_argument(
        "--gallery",
        type=path_argument,
        metavar="DIR",
        help="a folder of pictures; its captions are kept for the next time",
    )
    options.add_argument(
        "--captions-by",
        metavar="NAME",
        help="search and show the captions of this captioner of the library (default: of each picture "
        "those of the best ranked)",
    )
    options.add_argument(
        "--checkpoint", metavar="NAME", help="what captions (default: the library's own, or the shipped one)"
    )
    options.add_argument(
        "--beam", type=int, default=3, metavar="N", help="for captioning a --gallery (default: %(default)s)"
    )


def _add_ranking(options: argparse.ArgumentParser) -> None:
    options.add_argument(
        "--mode",
        default="auto",
        metavar="MODE",
        help="a row of --list-modes (default: %(default)s, the best that the library can answer; jaccard is "
        "the published way)",
    )
    options.add_argument(
        "--list-modes", action="store_true", help="print every mode with what it does, and stop"
    )
    options.add_argument(
        "--top", type=int, default=10, metavar="N", help="at most so many hits (default: %(default)s)"
    )
    options.add_argument(
        "--collapse", action="store_true", help="of pictures that are nearly the same show the best hit alone"
    )
    options.add_argument(
        "--sort",
        choices=("score", "date", "newest"),
        default="score",
        help="date: the same hits, the oldest first; newest: the newest first; those without a date last "
        "(default: %(default)s)",
    )
    options.add_argument(
        "--group", choices=("day", "folder"), help="show the hits by the day they were taken, or by folder"
    )
    options.add_argument("--min-score", type=float, metavar="S", help="leave out hits below S")
    options.add_argument(
        "--keep-self",
        action="store_true",
        help="show the query's own picture, too, where the gallery holds it",
    )
    options.add_argument("--explain", action="store_true", help="show for each hit how its score came about")


def _add_limits(options: argparse.ArgumentParser) -> None:
    limits = options.add_argument_group("limits", "the same can be written into the words")
    limits.add_argument(
        "--under",
        type=text_argument,
        metavar="DIR",
        help="pictures below a folder of the library alone (under:DIR)",
    )
    limits.add_argument(
        "--since",
        type=text_argument,
        metavar="DATE",
        help="those taken on that day or later; a month or a year is a date, too (since:DATE)",
    )
    limits.add_argument(
        "--until", type=text_argument, metavar="DATE", help="those taken on that day or before (until:DATE)"
    )
    limits.add_argument(
        "--min-probability",
        type=float,
        metavar="P",
        help="those that show each word with at least this probability (word>P)",
    )


def _add_space(options: argparse.ArgumentParser) -> None:
    options.add_argument(
        "--embedding",
        "--encoder",
        action="append",
        default=[],
        metavar="NAME",
        help="the space of a mode such as embedding or devise: the name of a checkpoint, or a directory; or "
        "the encoder of mode clip as KIND:WHAT",
    )
    vectors = (
        ("--plus", "add to the query's vector (modes of a space)"),
        ("--minus", "take away from it; both may be repeated"),
    )
    for name, about in vectors:
        options.add_argument(
            name, action="append", type=text_argument, default=[], metavar="WORDS", help=about
        )
    options.add_argument(
        "--rerank",
        type=int,
        default=0,
        metavar="K",
        help="ask again with the mean of the first K hits (modes of a space)",
    )
    options.add_argument(
        "--space",
        choices=("learned", "raw"),
        default="learned",
        help="raw: compare the CNN's features in place of a learned space's vectors (default: %(default)s)",
    )


def _add_feedback(options: argparse.ArgumentParser) -> None:
    pictures = (
        ("--like", "pictures to be more like: of the library, or any files"),
        ("--dislike", "pictures to be less like; they are never shown"),
    )
    for name, about in pictures:
        options.add_argument(name, action="extend", nargs="+", default=[], metavar="PATH", help=about)
    options.add_argument(
        "--feedback-weights",
        type=float,
        nargs=3,
        default=WEIGHTS,
        metavar=("A", "B", "C"),
        help="how much query, liked and disliked count (default: "
        f"{' '.join(f'{weight:g}' for weight in WEIGHTS)})",
    )


def _not_an_option(typed: str) -> str:
    """What argparse is to take for words though it begins with a minus: -people."""
    return f" {typed}" if re.match(r"-[^\W\d_]{2}", typed) and set(typed) - set("-hq0") else typed


def _as_typed(argument: str) -> str:
    """An argument without what `_not_an_option` put before it."""
    return argument[1:] if argument.startswith(" -") else argument


def _query_argument(argument: str) -> str:
    given = _as_typed(argument)
    return given if os.path.isfile(given) else text_argument(given)


def _settle_query(given: argparse.Namespace) -> None:
    """What was typed without an option becomes the picture, where it is the name of a file, or the text."""
    if len(given.query) == 1 and os.path.isfile(given.query[0]):
        if given.image is not None:
            raise BadSetting(f"Two pictures are asked for, {given.image} and {given.query[0]}. Give one.")
        given.image = Path(given.query[0])
    elif given.query:
        if len(given.query) == 1:
            refuse_address(given.query[0])
        given.no_file = _missing_picture(given.query)
        if given.text is not None:
            raise BadSetting("Two texts are asked for. Give the words once, with --text or without it.")
        given.text = " ".join(given.query)
    filters = any((given.under, given.since, given.until))
    if given.image is None and given.text is None and not filters:
        raise BadSetting("Nothing is asked for. Give words, a picture (--image FILE), or both.")


def _missing_picture(typed: Sequence[str]) -> str | None:
    """What was typed, where it is called as pictures are and no file has that name."""
    name = " ".join(typed)
    if not re.search(r"\.\w{2,5}$", name):
        return None
    from ..images import EXTENSIONS  # importing every decoder of pictures takes a text query's time

    return name if os.path.splitext(name)[1].lower() in EXTENSIONS else None


def _mode(given: argparse.Namespace) -> str:
    """The mode, or with --space raw the one that compares the features which its space was learned from."""
    mode = find_mode(given.mode)
    if given.rerank < 0:
        raise BadSetting(f"--rerank {given.rerank} must be at least 0.")
    if not mode.in_space:
        options = {
            "--space raw": given.space == "raw",
            "--rerank": given.rerank,
            "--plus": given.plus,
            "--minus": given.minus,
        }
        if wrong := [name for name, value in options.items() if value]:
            raise BadSetting(
                f"{wrong[0]} goes with a mode that compares in an embedding space, not with {given.mode!r}."
            )
        return str(given.mode)
    if given.space == "learned":
        return str(given.mode)
    if given.image is None or given.text is not None or given.plus or given.minus or given.rerank:
        raise BadSetting("The CNN's features hold no words: --space raw takes --image alone.")
    return "cnn"
