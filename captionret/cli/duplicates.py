"""Find pictures that a library holds more than once: the very same file, nearly the same picture (scaled,
re-encoded, recoloured, cropped a little), and bursts. The best copy of each is named; nothing is deleted.

captionret duplicates --library photos
captionret duplicates --library photos --kind exact near --html duplicates.html --open
captionret duplicates --library photos --kind exact -0 | xargs -0 ls -l       # all but the best copies
"""

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from ..counting import counted
from ..report.size import shown_size
from .libraries import add_library, open_library
from .options import FOUND, NOTHING_FOUND, parser, say
from .output import add_output, open_file, print_json, print_paths

if TYPE_CHECKING:  # --help need not wait for these
    from ..app.curating.duplicates import Copy, DuplicateGroup

_KINDS = ("exact", "near", "burst")
_MOST_ON_A_PAGE = 200  # groups; each picture of a page is inside it


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the groups; 1 where there are none."""
    given = _options().parse_args(arguments)

    from ..app.curating.duplicates import find_duplicates

    with open_library(given.library) as library:
        groups = find_duplicates(
            library, kinds=given.kind, mirrored=given.mirrored, burst_seconds=given.burst_seconds
        )
        root, name = library.root, library.path
    if given.json:
        print_json({"library": str(name.absolute()), "root": str(root), "groups": list(map(_json, groups))})
    elif given.paths or given.null:
        print_paths((copy.file for group in groups for copy in group.others), given.null)
    else:
        print(_text(groups))
    if given.html:
        say(f"The page: {_page(given.html, groups, name)}")
    if given.open and (given.html or groups):
        open_file(given.html or groups[0].best.file)
    return FOUND if groups else NOTHING_FOUND


def _options() -> argparse.ArgumentParser:
    options = parser("duplicates", __doc__ or "")
    add_library(options)
    options.add_argument(
        "--kind",
        nargs="+",
        choices=_KINDS,
        default=_KINDS,
        help="exact: the very same bytes; near: copies that were changed a little; burst: taken by one "
        "camera within moments (default: all)",
    )
    options.add_argument(
        "--mirrored", action="store_true", help="pictures that mirror each other are nearly the same, too"
    )
    options.add_argument(
        "--burst-seconds",
        type=float,
        default=2.0,
        metavar="S",
        help="at most so long between two pictures of a burst (default: %(default)s)",
    )
    add_output(options)
    return options


def _text(groups: "Sequence[DuplicateGroup]") -> str:
    if not groups:
        return "No picture is there more than once."
    from ..report.terminal import table

    rows = [
        [
            number,
            group.kind,
            "best" if copy is group.best else "",
            copy.path,
            f"{copy.width} x {copy.height}",
            shown_size(copy.size),
            copy.sharpness,
        ]
        for number, group in enumerate(groups, 1)
        for copy in group.pictures
    ]
    columns = ["group", "kind", "", "picture", "pixels", "size", "sharpness"]
    return f"{table(columns, rows, {'sharpness': '.0f'})}\n{_summary(groups)}"


def _summary(groups: "Sequence[DuplicateGroup]") -> str:
    others = [copy for group in groups for copy in group.others]
    pictures = len(others) + len(groups)
    room = shown_size(sum(copy.size for copy in others))
    best = f"{counted(len(groups), 'groups')} of {counted(pictures, 'files')}; all but the best take {room}."
    return f"{best} Nothing was deleted."


def _json(group: "DuplicateGroup") -> dict[str, object]:
    def of(copy: "Copy") -> dict[str, object]:
        return {**asdict(copy), "path": str(copy.file.absolute()), "file": copy.path}

    return {"kind": group.kind, "best": of(group.best), "others": list(map(of, group.others))}


def _page(file: Path, groups: "Sequence[DuplicateGroup]", library: Path) -> Path:
    """The groups side by side, as a page."""
    from ..report.page import Picture, PicturesSection, write_page

    def card(copy: "Copy", word: str) -> Picture:
        about = f"{copy.width} × {copy.height}, {shown_size(copy.size)}, sharpness {copy.sharpness:.0f}"
        return Picture(copy.file, word, about, copy.path)

    sections = [
        PicturesSection(
            f"{number}: {group.kind}",
            [card(group.best, "best"), *(card(copy, "copy") for copy in group.others)],
        )
        for number, group in enumerate(groups[:_MOST_ON_A_PAGE], 1)
    ]
    more = len(groups) - len(sections)
    lead = _summary(groups) if groups else "No picture is there more than once."
    lead += f" The first {counted(len(sections), 'groups are')} shown." if more > 0 else ""
    return write_page(file, f"captionret: duplicates in {library.name}", lead, sections)
