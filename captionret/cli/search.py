"""Find the pictures whose captions share the most words with a query's.

python scripts/retrieve.py --image q.jpg --gallery ~/Pictures     # captions the folder first, once
python scripts/retrieve.py --image q.jpg --library photos         # a library made by caption_images.py
python scripts/retrieve.py --text "a dog on a beach" --library photos --top 5
python scripts/retrieve.py --image q.jpg                          # the sample gallery, to try it
python scripts/retrieve.py --image q.jpg --library photos --mode expected-cosine --explain
python scripts/retrieve.py --text "a dog on a beach" --library photos --mode embedding
python scripts/retrieve.py --image q.jpg --minus dog --plus cat --library photos --mode embedding
python scripts/retrieve.py --image q.jpg --library photos --like beach/0142.jpg --dislike trip/img_88.jpg
python scripts/retrieve.py --list-modes
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from ..app.places import library_path
from ..app.searcher import Searcher, SearchResult
from ..errors import BadSetting
from ..library import Library
from ..retrieval import find_mode
from ..retrieval.feedback import WEIGHTS, check_weights
from .modes import modes_table
from .options import FOUND, NOTHING_FOUND, add_device, parser, path_argument, say, text_argument


def main(arguments: Sequence[str] | None = None) -> int:
    """Search for a picture, a text, or both, and show what is found."""
    given = _parse(arguments)
    if given.list_modes:
        print(modes_table())
        return FOUND
    if given.image is None and given.text is None:
        raise BadSetting("Nothing is asked for. Give --image FILE, --text WORDS, or both.")
    given.mode = _in_space(given)
    check_weights(given.feedback_weights)
    if given.feedback_weights != WEIGHTS and not (given.like or given.dislike):
        raise BadSetting(
            "--feedback-weights goes with --like or --dislike. Name a picture that is liked or disliked."
        )
    if given.html:
        _refuse_to_write_over_a_picture(given.html)
    with _searcher(given) as searcher:
        found = searcher.search(
            text=given.text,
            image=given.image,
            mode=given.mode,
            top=given.top,
            min_score=given.min_score,
            keep_self=given.keep_self,
            like=given.like,
            dislike=given.dislike,
            feedback_weights=given.feedback_weights,
            plus=given.plus,
            minus=given.minus,
            rerank=given.rerank,
            explain=given.explain,
        )
    _show(given, found)
    if not found.searched:
        say(f"{found.root} holds no picture that was captioned, so nothing can be found.")
    return FOUND if found else NOTHING_FOUND


def _searcher(given: argparse.Namespace) -> Searcher:
    """Of the library that was named, else of the folder, else of the sample gallery."""
    library = given.gallery if given.library is None else Library.open(library_path(given.library))
    return Searcher(
        library,
        captioner=given.checkpoint,
        spaces=given.embedding,
        device=given.device,
        beam=given.beam,
    )


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    options = parser("search", __doc__ or "")
    options.add_argument(
        "--image", type=path_argument, metavar="FILE", help="a picture to find others like it"
    )
    options.add_argument(
        "--text",
        type=text_argument,
        metavar="WORDS",
        help="a text to find pictures of it; with --image, the words of both",
    )
    where = options.add_mutually_exclusive_group()
    where.add_argument(
        "--library",
        metavar="NAME",
        help="a library made by caption_images.py: a name in data/libraries, or a path",
    )
    where.add_argument(
        "--gallery",
        type=path_argument,
        metavar="DIR",
        help="a folder of pictures; its captions are kept for the next time",
    )
    options.add_argument(
        "--checkpoint", metavar="PATH", help="what captions (default: the library's own, or the shipped one)"
    )
    options.add_argument(
        "--mode", default="jaccard", metavar="MODE", help="a row of --list-modes (default: %(default)s)"
    )
    options.add_argument(
        "--list-modes", action="store_true", help="print every mode with what it does, and stop"
    )
    options.add_argument(
        "--embedding",
        action="append",
        default=[],
        metavar="DIR",
        help="the space of a mode such as embedding or devise",
    )
    options.add_argument(
        "--plus",
        action="append",
        type=text_argument,
        default=[],
        metavar="WORDS",
        help="add to the query's vector (modes of a space)",
    )
    options.add_argument(
        "--minus",
        action="append",
        type=text_argument,
        default=[],
        metavar="WORDS",
        help="take away from it; both may be repeated",
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
        help="raw: compare the CNN's features in place of a learned space's vectors",
    )
    options.add_argument(
        "--like",
        action="extend",
        nargs="+",
        default=[],
        metavar="PATH",
        help="pictures to be more like: of the library, or any files",
    )
    options.add_argument(
        "--dislike",
        action="extend",
        nargs="+",
        default=[],
        metavar="PATH",
        help="pictures to be less like; they are never shown",
    )
    options.add_argument(
        "--feedback-weights",
        type=float,
        nargs=3,
        default=WEIGHTS,
        metavar=("A", "B", "C"),
        help="how much query, liked and disliked count (default: "
        f"{' '.join(f'{weight:g}' for weight in WEIGHTS)})",
    )
    options.add_argument(
        "--explain", action="store_true", help="say word by word why each hit is where it is"
    )
    options.add_argument("--top", type=int, default=10, metavar="N")
    options.add_argument("--min-score", type=float, metavar="S", help="leave out hits below S")
    options.add_argument(
        "--keep-self",
        action="store_true",
        help="show the query's own picture, too, where the gallery holds it",
    )
    options.add_argument(
        "--beam", type=int, default=3, metavar="N", help="for captioning a --gallery (default: %(default)s)"
    )
    options.add_argument("--json", action="store_true", help="print the answer as JSON")
    options.add_argument(
        "--html", type=path_argument, metavar="FILE", help="also write the answer as a page with pictures"
    )
    add_device(options)
    return options.parse_args(arguments)


def _in_space(given: argparse.Namespace) -> str:
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


def _refuse_to_write_over_a_picture(page: Path) -> None:
    from ..images import EXTENSIONS  # importing every decoder of pictures takes a text query's time

    if page.suffix.lower() in EXTENSIONS:
        raise BadSetting(f"--html {page} would write a page over a picture. Give a name such as hits.html.")


def _show(given: argparse.Namespace, found: SearchResult) -> None:
    from ..report.terminal import explanation_text, search_json, search_text

    hits = list(found)
    if given.json:
        answer = search_json(found.asked, found.caption, found.tokens, hits, found.mode, str(found.library))
        for shown, one in zip(answer["hits"], found.explanations, strict=False):
            shown["explanation"] = asdict(one)
        print(json.dumps(answer, indent=1))
    else:
        lines = search_text(found.asked, found.caption, found.tokens, hits, found.source)
        print(lines.encode(errors="backslashreplace").decode())
        for hit, one in zip(hits, found.explanations, strict=False):
            print(explanation_text(hit, one))
    if given.html:
        say(f"The page: {_page(given.html, found)}")


def _page(file: Path, found: SearchResult) -> Path:
    """Write the answer as a page with pictures."""
    from ..report.page import SearchSection, write_page

    title = found.asked.text or (found.asked.image.name if found.asked.image else "")
    section = SearchSection(
        title,
        found.asked,
        found.caption,
        found.tokens,
        list(found),
        found.root,
        found.source,
        f"mode {found.mode}",
    )
    lead = f"{len(found)} pictures of {found.searched:,}"
    return write_page(file, f"captionret: {title}", lead, [section])
