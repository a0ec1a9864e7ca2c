"""Where the pictures of a written data set lie."""

import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ...absent import bring
from ...errors import BadDataset
from ...files import no_space_named
from ...progress import bar
from ...records import Item

PLACES = ("link", "copy", "leave")
_NEVER = re.compile(r'[\x00-\x1f<>:"|?*\\#\t]')  # Windows' and the token file's own
_LONGEST = 150  # bytes of a name


def place(items: Sequence[Item], folder: Path, how: str, progress: bool | None) -> list[Item]:
    """The items with their pictures in the folder, each under a name of its own there.

    how: one of PLACES
    """
    if how == "leave":
        return [replace(item, path=Path(os.path.abspath(item.path or ""))) for item in items]
    folder.mkdir(parents=True, exist_ok=True)
    taken: set[str] = set()
    placed = []
    for item in bar(items, desc="pictures", unit="picture", show=progress):
        source = item.path or Path()
        target = folder / _name(source.name, taken)
        try:
            with no_space_named(target):
                _put(source, target, how)
        except OSError as error:
            raise BadDataset(
                f"{source} cannot be put to {target} ({error.strerror}). Check both, or leave it out."
            ) from None
        placed.append(replace(item, path=target))
    return placed


def _put(source: Path, target: Path, how: str) -> None:
    if not source.exists():
        bring(source)
    if how == "link":
        try:
            os.link(os.path.realpath(source), target)
        except OSError:  # another disk, or one without links
            pass
        else:
            return
    shutil.copyfile(source, target)


def _name(name: str, taken: set[str]) -> str:
    """The name, changed where it stands already, in whatever case, or no system takes it."""
    stem, ending = os.path.splitext(_NEVER.sub("_", name))
    while len(os.fsencode(stem)) > _LONGEST:
        stem = stem[:-1]
    number, found = 1, f"{stem}{ending}"
    while found.casefold() in taken:
        number += 1
        found = f"{stem}-{number}{ending}"
    taken.add(found.casefold())
    return found
