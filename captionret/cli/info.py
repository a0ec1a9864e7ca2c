"""Say what a library holds, who made it, where it and its pictures lie, and the room that it takes.

captionret info --library photos
"""

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from ..counting import counted
from ..report.size import shown_size
from ..report.visible import visible
from .libraries import add_keeping, library_folder
from .options import FOUND, parser
from .output import print_json

if TYPE_CHECKING:
    from ..library import LibraryInfo


def main(arguments: Sequence[str] | None = None) -> int:
    """Print what a library is; nothing is changed, with --dry-run or without."""
    options = parser("info", __doc__ or "")
    add_keeping(options)
    given = options.parse_args(arguments)

    from ..library import Library

    with Library.open(library_folder(given.library)) as library:
        info, failures = library.info(), library.failures()
    if given.json:
        facts = asdict(info) | {"path": str(info.path), "folders": [str(folder) for folder in info.folders]}
        facts["failures"] = [asdict(failure) for failure in failures]
        print_json(facts)
    else:
        for name, value in [*_lines(info), *(("failed", failure.reason) for failure in failures)]:
            print(f"{name:<10}  {visible(value)}")
    return FOUND


def _lines(info: "LibraryInfo") -> list[tuple[str, str]]:
    """What is shown, line by line."""
    copies = f", {counted(info.files - info.pictures, 'copies')}" if info.files > info.pictures else ""
    held = f"{info.pictures:,}{copies}, {info.failed:,} failed, {info.removed:,} taken out"
    lines = [("library", str(info.path)), *(("folder", str(folder)) for folder in info.folders)]
    lines += [("left out", pattern) for pattern in info.ignored]
    lines += [("pictures", held), ("changed", info.changed)]
    lines += [("captions", f"{one.name}: {counted(one.pictures, 'pictures')}") for one in info.captioners]
    if info.own_captions:
        lines.append(("captions", f"a person: {counted(info.own_captions, 'pictures')}"))
    if info.words_by is not None:
        calibrated = ", with a calibration of its own" if info.calibrated else ""
        lines.append(("words", f"{info.words_by}: {counted(info.words, 'pictures')}{calibrated}"))
    if info.encoder is not None:
        lines.append(("encoder", info.encoder))
    parts = ", ".join(f"{part} {shown_size(size)}" for part, size in info.sizes.items() if size)
    lines.append(("on disk", f"{shown_size(sum(info.sizes.values()))}: {parts}"))
    return [*lines, ("format", f"{info.format}, by captionret {info.version}")]
