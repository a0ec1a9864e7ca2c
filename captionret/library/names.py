"""What callers mean by a name: which picture of a library, and which library."""

import contextlib
import os
import unicodedata
from collections.abc import Collection, Container, Iterable, Sequence
from pathlib import Path

from ..counting import counted
from ..errors import BadLibrary, BadSetting
from ..files import expanded, resolved
from ..home import libraries_beside
from ..remedies import remedy

_SHOWN, _MOST = 5, 10  # names of pictures, and of libraries, that a message holds
PathInput = str | os.PathLike[str]


def no_library(catalogue: Path) -> BadLibrary:
    """What to say where there is no such file: the libraries beside it may hold the one that was meant."""
    folder, others = catalogue.parent, libraries_beside(catalogue.parent)
    beside = f" Beside it: {', '.join(others[:_MOST])}." if others else ""
    return BadLibrary(
        f"There is no library in {folder} ({catalogue.name} is missing).{beside}", remedy("caption a folder")
    )


def as_paths(given: PathInput | Iterable[PathInput]) -> list[PathInput]:
    """One path, or several; a text is one path, never iterated. errors: BadSetting, also for an empty text,
    which would mean the whole folder"""
    if isinstance(given, str | os.PathLike):
        paths: list[PathInput] = [given]
    else:
        paths = list(given) if isinstance(given, Iterable) else []
    named = all(isinstance(path, str | os.PathLike) and os.fspath(path) for path in paths)
    if not named or not isinstance(given, str | os.PathLike | Iterable):
        raise BadSetting("Pictures of a library are named by their paths. Give a path, or several.")
    return paths


def name_of(path: PathInput, root: Path, known: Container[str] = ()) -> str:
    """The name under which a library keeps a file: relative to its root with forward slashes, or the whole
    path where it lies elsewhere.

    A relative path is first taken as one below the root, as answers show it, then from the current folder.
    known: the names that the library holds
    """
    given = expanded(os.fspath(path))
    if not given.is_absolute():
        inside = Path(os.path.normpath(given)).as_posix()
        if inside in known or (root / given).exists() or not given.exists():
            return inside
        given = Path(os.path.abspath(given))
    given = Path(os.path.normpath(given))
    # the root is without links; a path to it may have some above the picture, which itself may be a link
    for one in (given, resolved(given.parent) / given.name):
        if one.is_relative_to(root):
            return one.relative_to(root).as_posix()
    return str(given)


def as_listed(name: str, root: Path) -> str:
    """A name below the root as its folder lists it: some systems find a file under a name in other letters,
    or in another normal form, too. A name of nothing stays as it is.
    """
    place, found = root, []
    for part in name.split("/"):
        with contextlib.suppress(OSError):
            names = os.listdir(place)
            if part not in names:
                alike = (one for one in names if _folded(one) == _folded(part))
                part = next((one for one in alike if (place / one).samefile(place / part)), part)
        found.append(part)
        place = place / part
    return "/".join(found)


def held_as(path: PathInput, root: Path, names: Collection[str]) -> str | None:
    """The name of the picture that is meant: its path as answers show it, its file, or the file's name where
    only one of these is called so; None where it is none of them. errors: BadSetting as `called`"""
    name = name_of(path, root, names)
    for one in (name, as_listed(name, root)):
        if one in names:
            return one
    return called(path, names)


def called(path: PathInput, names: Iterable[str]) -> str | None:
    """The only one of these names whose file is called so, in whatever folder: people type "IMG_1.jpg" for
    "2019/lake/IMG_1.jpg". None where no file is, and for what is more than a file's name.

    errors: BadSetting where several files are called so
    """
    given = os.fspath(path)
    if os.path.basename(given) != given:
        return None
    found = sorted({name for name in names if name.rpartition("/")[2] == given})
    if len(found) > 1:
        shown = ", ".join(found[:_SHOWN]) + (", ..." if len(found) > _SHOWN else "")
        count = counted(len(found), "pictures are")
        raise BadSetting(f"{count} called {given}: {shown}. Name one with its folder.")
    return found[0] if found else None


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def below(name: str, names: Sequence[str]) -> list[str]:
    """Those of the names that are this one, or lie in the folder of this name."""
    folder = "" if name == "." else f"{name}/"
    return [one for one in names if one == name or one.startswith(folder)]
