"""Where things lie, and what the names of a library and of a checkpoint mean. No torch.

    home()/checkpoints/NAME      what was trained here
    home()/data/libraries/NAME   captioned folders; beside them data/features, data/indexes and other caches
    home()/data/elsewhere        where libraries lie that were indexed by a path

Inside a checkout of captionret, and wherever a captionret is started that runs from its checkout, home is the
current folder; for an installed captionret the user's data directory (~/.local/share/captionret,
~/Library/Application Support/captionret, %LOCALAPPDATA%\\captionret).
The environment variable CAPTIONRET_HOME names another folder for both.
"""

import contextlib
import hashlib
import logging
import os
from functools import cache
from pathlib import Path

from .errors import BadCheckpoint, BadSetting, CaptionretError, UnknownName
from .files import expanded, publish_json, read_json

log = logging.getLogger(__name__)

SHIPPED = ("photos-lite", "photos-space", "words-lite")  # as pyproject.toml packs them
_PACKAGE = Path(__file__).resolve().parent
_PACKED = _PACKAGE / "_checkpoints"  # in a wheel
_RECORD = "config.json"
CATALOGUE = "catalogue.sqlite"
GALLERY = "gallery-"  # how the names of libraries begin that stand behind a folder


def home() -> Path:
    """The folder below which everything lies that captionret makes without being given a path."""
    given = os.environ.get("CAPTIONRET_HOME")
    if given:
        return expanded(given)
    if _is_checkout(Path()) or _is_checkout(_PACKAGE.parent):
        return Path()
    import platformdirs

    return platformdirs.user_data_path("captionret", appauthor=False)


def _is_checkout(folder: Path) -> bool:
    return all((folder / name).exists() for name in ("pyproject.toml", "captionret/home.py", "checkpoints"))


def data_folder(what: str) -> Path:
    """The folder of one kind of data: "libraries", "features", "indexes", or a data set's name."""
    return home() / "data" / what


def checkpoints_folder() -> Path:
    """Where trainings put their checkpoints, and where these are found by name."""
    return home() / "checkpoints"


def shipped_checkpoint(name: str) -> Path:
    """The directory of one of SHIPPED, of the installed package or of the checkout; it may be missing."""
    return (_PACKED if _PACKED.is_dir() else _PACKAGE.parent / "checkpoints") / name


def is_name(given: str) -> bool:
    """Whether a text is a bare name rather than a path: no separator in it, no "." or "~" before it."""
    separators = {"/", os.sep, os.altsep or "/"}
    return not given.startswith((".", "~")) and not any(mark in given for mark in separators)


def find_library(given: str | os.PathLike[str]) -> Path:
    """The folder of a library, which need not be there yet.

    given:   a path; or (as a str) a name: a library of this name in the current folder, else the one below
             data_folder("libraries"). Where both are there a warning says which was taken.
    errors:  BadSetting for an empty name
    """
    name = os.fspath(given)
    if not name:
        raise BadSetting("The library's name is empty. Give a name, or the path of its folder.")
    path = expanded(name)
    if isinstance(given, Path) or not is_name(name):
        return path
    named = data_folder("libraries") / name
    if not (path / CATALOGUE).is_file():
        return named
    if (named / CATALOGUE).is_file() and not path.samefile(named):
        _two_libraries(name, path.absolute(), named.absolute())
    return path


def libraries_beside(folder: Path) -> list[str]:
    """The names of the libraries that lie where this one does or should lie, but for those that stand behind
    a folder which a search was given."""
    names = (file.parent.name for file in folder.parent.glob(f"*/{CATALOGUE}"))
    return sorted(name for name in names if not name.startswith(GALLERY))


def remember_library(path: Path) -> None:
    """Know a library that was given by its path from now on, where that can be noted."""
    place = str(path.resolve())
    if path.resolve().parent == data_folder("libraries").resolve():
        return  # it is found by its name
    note = hashlib.sha256(place.encode(errors="surrogateescape")).hexdigest()[:16]
    with contextlib.suppress(OSError, CaptionretError):
        publish_json(data_folder("elsewhere") / f"{note}.json", place)


def remembered_libraries() -> list[Path]:
    """Their folders, which need not be there any more."""
    found = []
    for note in sorted(data_folder("elsewhere").glob("*.json")):
        with contextlib.suppress(OSError, CaptionretError):
            place = read_json(note, BadSetting)
            found += [Path(place)] if isinstance(place, str) else []
    return found


def library_called(path: Path) -> str:
    """By what commands find a library that lies here: its name where that is enough, else its path."""
    return path.name if find_library(path.name).absolute() == path.absolute() else str(path)


@cache  # said once, however often a command asks
def _two_libraries(name: str, taken: Path, other: Path) -> None:
    log.warning(
        f"Two libraries are called {name}: the one in the current folder, {taken}, is taken. For the other "
        f"give its path, {other}."
    )


def find_checkpoint(given: str | os.PathLike[str]) -> Path:
    """The directory of a checkpoint.

    given:   a directory, or a name: looked for in ./checkpoints, in home()/checkpoints and among SHIPPED
    returns: the directory; a path that is not there as it is, for whoever loads it to refuse
    errors:  BadSetting for an empty name; BadCheckpoint for one that is nowhere, with the folders that were
             looked in

    >>> find_checkpoint("photos-lite").name
    'photos-lite'
    """
    name = os.fspath(given)
    if not name:
        raise BadSetting("The checkpoint's name is empty. Give a name, or the path of its directory.")
    path = expanded(name)
    if (path / _RECORD).is_file() or isinstance(given, Path) or not is_name(name):
        return path
    for folder in _folders():
        if (folder / name / _RECORD).is_file():
            return folder / name
    if path.exists():
        return path
    if name in SHIPPED:
        raise BadCheckpoint(
            f"The shipped checkpoint {shipped_checkpoint(name)} is missing. Install captionret again, or "
            "name another checkpoint."
        )
    looked = ", ".join(str(folder.absolute()) for folder in _folders())
    raise BadCheckpoint(f"{UnknownName.among('checkpoint', name, known_checkpoints())} Looked in {looked}.")


def checkpoint_called(path: Path) -> str:
    """How records name a checkpoint: a shipped one by its name, which finds it wherever captionret is
    installed; any other by its whole path."""
    path = path.resolve()
    shipped = path.name in SHIPPED and path == shipped_checkpoint(path.name).resolve()
    return path.name if shipped else str(path)


def known_checkpoints(own: bool = False) -> dict[str, Path]:
    """The checkpoints that are found by name, with their directories; the user's own before the shipped.

    own: those alone that lie where the user's own do
    """
    found: dict[str, Path] = {}
    for folder in _folders(own):
        for record in sorted(folder.glob(f"*/{_RECORD}")):
            found.setdefault(record.parent.name, record.parent)
    return found


def _folders(own: bool = False) -> list[Path]:
    """Where names of checkpoints are looked for; each folder once."""
    shipped = [] if own else [shipped_checkpoint(SHIPPED[0]).parent]
    found: dict[Path, Path] = {}
    for folder in (Path("checkpoints"), checkpoints_folder(), *shipped):
        found.setdefault(folder.absolute(), folder)
    return list(found.values())
