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
from typing import Any

from ..app.galleries import gallery_library
from ..app.places import checkpoint_path, library_path
from ..app.ready import place_first, predict_words_first
from ..app.searching import encode_query, move_by_feedback
from ..app.spaces import load_spaces, renamed_mode
from ..errors import BadSetting
from ..library import Library
from ..records import Explanation, Hit, Query
from ..retrieval import EncodedQuery, find_mode
from ..retrieval import search as search_gallery
from ..retrieval.feedback import WEIGHTS, check_weights
from ..retrieval.search import check_limits, towards_first
from .modes import modes_table
from .options import FOUND, NOTHING_FOUND, add_device, parser, path_argument, say, text_argument


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code: 1 where nothing was found."""
    given = _parse(arguments)
    if given.list_modes:
        print(modes_table())
        return FOUND
    if given.image is None and given.text is None:
        raise BadSetting("Nothing is asked for. Give --image FILE, --text WORDS, or both.")
    given.mode = _in_space(given)
    find_mode(given.mode)  # all that can be wrong is found before a whole gallery has been captioned in vain
    check_limits(given.top, given.min_score)
    check_weights(given.feedback_weights)
    if given.feedback_weights != WEIGHTS and not (given.like or given.dislike):
        raise BadSetting(
            "--feedback-weights goes with --like or --dislike. Name a picture that is liked or disliked."
        )
    if given.html:
        _refuse_to_write_over_a_picture(given.html)
    if given.image is not None:
        from ..images import open_image

        open_image(given.image, at_least=1)
    captioner: Any = None
    if given.library is not None:
        library = Library.open(library_path(given.library))
        if given.checkpoint:
            captioner = _load(checkpoint_path(given.checkpoint), given.device)
    else:
        captioner = _load(checkpoint_path(given.checkpoint), given.device)
        library = gallery_library(given.gallery, captioner, given.beam)
    with library:
        kinds = load_spaces(given.embedding, given.device) if given.mode == "vse" else ()
        given.mode = renamed_mode(given.mode, kinds)
        predict_words_first(library, given.mode, given.device)
        place_first(library, given.mode, given.embedding, given.device)
        query = encode_query(
            library,
            image=given.image,
            text=given.text,
            mode=given.mode,
            captioner=captioner,
            device=given.device,
            plus=given.plus,
            minus=given.minus,
        )
        query = move_by_feedback(
            library,
            query,
            given.like,
            given.dislike,
            tuple(given.feedback_weights),
            mode=given.mode,
            captioner=captioner,
            device=given.device,
        )
        if given.rerank:
            query = towards_first(library.gallery(), query, given.mode, given.rerank, given.keep_self)
        hits = search_gallery(
            library.gallery(), query, given.mode, given.top, given.min_score, given.keep_self
        )
        _show(
            given, library, query, hits, _explained(library, query, hits, given.mode) if given.explain else []
        )
        if not len(library):
            say(f"{library.root} holds no picture that was captioned, so nothing can be found.")
    return FOUND if hits else NOTHING_FOUND


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


def _explained(library: Library, query: EncodedQuery, hits: list[Hit], mode: str) -> list[Explanation]:
    gallery = library.gallery()
    return [gallery.prepared(find_mode(mode)).explain(query, gallery.row_of_id[hit.id]) for hit in hits]


def _load(checkpoint: Path, device: str) -> Any:
    from ..models.captioning.captioner import Captioner

    return Captioner.load(checkpoint, device)


def _show(
    given: argparse.Namespace,
    library: Library,
    query: EncodedQuery,
    hits: list[Hit],
    explained: list[Explanation],
) -> None:
    """explained: of each hit, or nothing where nobody asked."""
    from ..report.terminal import explanation_text, search_json, search_text
    from ..text import words

    asked = Query(given.image, given.text)
    tokens = list(dict.fromkeys(words(f"{query.caption or ''} {given.text or ''}")))
    made_by = library.made_by
    source = f"{made_by.name}, {made_by.decoding.summary}" if made_by else ""
    if given.json:
        answer = search_json(asked, query.caption, tokens, hits, given.mode, str(library.path))
        for shown, one in zip(answer["hits"], explained, strict=False):
            shown["explanation"] = asdict(one)
        print(json.dumps(answer, indent=1))
    else:
        print(
            search_text(asked, query.caption, tokens, hits, source).encode(errors="backslashreplace").decode()
        )
        for hit, one in zip(hits, explained, strict=False):
            print(explanation_text(hit, one))
    if given.html:
        from ..report.page import SearchSection, write_page

        title = given.text or (given.image.name if given.image else "")
        section = SearchSection(
            title, asked, query.caption, tokens, hits, library.root, source, f"mode {given.mode}"
        )
        say(
            "The page: "
            f"{write_page(given.html, f'captionret: {title}', f'{len(hits)} pictures of {len(library):,}', [section])}"  # noqa: E501
        )
