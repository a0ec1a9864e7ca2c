"""Find pictures by a text, by a picture, or by both. They are compared by all that a library holds, or as
--mode says.

captionret search "a dog on a beach"                             # in the library that was indexed last
captionret search q.jpg --library photos --top 5
captionret search --image q.jpg --gallery ~/Pictures             # captions the folder first, once
captionret search "a dog" --library photos --mode expected-cosine --explain
captionret search "a dog" --library photos --mode embedding --minus "a beach"
captionret search q.jpg --library photos --like beach/0142.jpg --dislike trip/img_88.jpg
captionret search "a dog on a beach -people" --since 2019-06     # docs/queries.md has the whole language
captionret search "a dog" --library photos --html hits.html --open
captionret search "a dog" --library photos -0 | xargs -0 cp -t dogs/
"""

import argparse
import contextlib
import os
import shlex
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..counting import counted
from ..errors import BadSetting
from ..text import content_words
from .options import FOUND, NOTHING_FOUND, say
from .output import open_file, print_json, print_paths
from .search_options import parse

if TYPE_CHECKING:  # --help need not wait for these
    from ..app.result import SearchResult
    from ..app.searcher import Searcher
    from ..library import Library
    from ..records import Hit


def main(arguments: Sequence[str] | None = None) -> int:
    """Search for a picture, a text, or both, and show what is found."""
    given = parse(__doc__ or "", arguments)
    if given.list_modes:
        from .modes import modes_table

        print(modes_table())
        return FOUND
    if given.html:
        _refuse_to_write_over_a_picture(given.html)
    library = _library(given)
    if library is not None:
        _take_from_library(given, library)
    with _searcher(given, library) as searcher:
        searcher.check_spaces(given.mode)
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
            under=given.under,
            since=given.since,
            until=given.until,
            min_probability=given.min_probability,
            collapse=given.collapse,
            sort=given.sort,
        )
        nearby = [] if found else _nearby(searcher, found)
    _show(given, found)
    for note in found.notes:
        say(note)
    if nearby:
        say(f"Near in meaning, and here: {', '.join(nearby)}.")
    if given.no_file:
        say(f"There is no file {given.no_file}.")
    if not found and given.text and os.path.isdir(given.text):
        say(f"{given.text} is a folder, too: --gallery {shlex.quote(given.text)} searches in it.")
    if not found.searched:
        say(f"{found.root} holds no picture that was captioned, so nothing can be found.")
        _say_if_updated(found.library)
    return FOUND if found else NOTHING_FOUND


def _nearby(searcher: "Searcher", found: "SearchResult") -> list[str]:
    """What may be typed in place of words that no picture shows, unless an error of typing is likelier."""
    from ..app.query.near_words import shown_nearby

    text = found.query.text
    if not text or any("Did you mean" in note for note in found.notes):
        return []
    return shown_nearby(searcher.gallery(found.mode), text)


def _say_if_updated(library: Path) -> None:
    """That pictures are being captioned just now, where they are."""
    from ..errors import LibraryInUse, ReadOnlyLibrary
    from ..library.writing import writing

    try:
        with contextlib.suppress(ReadOnlyLibrary), writing(library):
            pass
    except LibraryInUse as error:
        say(str(error))


def _library(given: argparse.Namespace) -> "Library | None":
    """The library that was named, or the last one where no folder was; None: there is none yet."""
    from ..app.places import find_library, last_library
    from ..home import library_called
    from ..library import Library
    from ..report.visible import visible

    path = find_library(given.library) if given.library is not None else None
    if path is None and given.gallery is None:
        path = last_library()
        if path is not None:
            called = visible(library_called(path))
            say(f"In the library {called}; choose another with --library or --gallery.")
    return None if path is None else Library.open(path)


def _searcher(given: argparse.Namespace, library: "Library | None") -> "Searcher":
    """Of a library, else of the folder, else of the samples."""
    from ..app.searcher import Searcher

    return Searcher(
        given.gallery if library is None else library,
        captioner=given.checkpoint,
        spaces=given.embedding,
        device=given.device,
        beam=given.beam,
        captions_by=given.captions_by,
    )


def _take_from_library(given: argparse.Namespace, library: "Library") -> None:
    """What is called as pictures are, and no file in the current folder, may be a picture of the library."""
    missing = given.image is not None and not given.image.exists()
    typed = given.image if missing else given.no_file
    file = None if typed is None else library.file_of(typed)
    if file is None or (given.image is not None and not missing):
        return
    say(f"{typed} is a picture of the library: {file}.")
    if not missing:
        given.text = None
    given.image, given.no_file = file, None


def _refuse_to_write_over_a_picture(page: Path) -> None:
    from ..images import EXTENSIONS  # importing every decoder of pictures takes a text query's time

    if page.suffix.lower() in EXTENSIONS:
        raise BadSetting(f"--html {page} would write a page over a picture. Give a name such as hits.html.")


def _show(given: argparse.Namespace, found: "SearchResult") -> None:
    if given.json:
        _show_json(given, found)
    elif given.paths or given.null:
        print_paths(found.paths, given.null)
    else:
        _show_text(given, found)
    if given.html:
        say(f"The page: {_page(given, found)}")
    if given.open and (given.html or found):
        open_file(given.html or found.paths[0])


def _show_json(given: argparse.Namespace, found: "SearchResult") -> None:
    from ..report.terminal import search_json

    library = str(found.library.absolute())
    answer = search_json(
        found.asked, found.caption, found.tokens, found.hits, found.mode, library, found.root
    )
    for shown, one in zip(answer["hits"], found.explanations, strict=False):
        shown["explanation"] = asdict(one)
    if given.explain:
        answer["query"]["understood"] = [asdict(one) for one in found.query.understood or ()]
        answer["query"]["meanings"] = list(found.query.meanings)
    if given.group:
        hits, groups = _in_groups(given, found)
        names = [name for name, count in groups for _ in range(count)]
        of = {hit.id: name for hit, name in zip(hits, names, strict=True)}
        for shown, hit in zip(answer["hits"], found.hits, strict=True):
            shown["group"] = of[hit.id]
    _add_moments(answer, found)
    answer["notes"] = list(found.notes)
    print_json(answer)


def _show_text(given: argparse.Namespace, found: "SearchResult") -> None:
    from ..report.terminal import explanation_text, search_text
    from ..report.visible import visible

    hits, groups = _in_groups(given, found)
    lines = search_text(found.asked, found.caption, found.tokens, hits, found.source, groups=groups)
    print(lines.encode(errors="backslashreplace").decode())
    if given.explain:
        for read in found.query.understood or ():
            if content_words([read.word]):
                print(f" {visible(str(read))}")
        for meaning in found.query.meanings:
            print(f" in the space also: {meaning}")
    for hit, one in zip(found.hits, found.explanations, strict=False):
        print(explanation_text(hit, one))


def _add_moments(answer: dict[str, Any], found: "SearchResult") -> None:
    """Of frames the video, and the seconds from its start."""
    if not (found.library / "frames").is_dir():
        return
    from ..app.curating.video_frames import moments  # importing every decoder takes a text query's time

    of = moments(found.library, found.paths)
    for shown, path in zip(answer["hits"], found.paths, strict=True):
        if path in of:
            shown["video"], shown["seconds"] = str(of[path][0]), of[path][1]


def _in_groups(
    given: argparse.Namespace, found: "SearchResult"
) -> "tuple[Sequence[Hit], list[tuple[str, int]]]":
    """The hits in the order in which they are shown, and the heading of each group with how many they are."""
    if not given.group:
        return found.hits, []
    from ..app.query.answering import grouped

    groups = grouped(found.hits, given.group)
    return [hit for _, hits in groups for hit in hits], [(name, len(hits)) for name, hits in groups]


def _page(given: argparse.Namespace, found: "SearchResult") -> Path:
    """Write the answer as a page with pictures."""
    from ..report.page import SearchSection, write_page

    title = found.asked.text or (found.asked.image.name if found.asked.image else "")
    hits, groups = _in_groups(given, found)
    section = SearchSection(
        title,
        found.asked,
        found.caption,
        found.tokens,
        hits,
        found.root,
        found.source,
        " ".join([f"Mode {found.mode}.", *found.notes]),
        groups,
    )
    lead = f"{counted(len(found), 'pictures')} of {found.searched:,}"
    return write_page(given.html, f"captionret: {title}", lead, [section])
