"""The library that a command is about: the one that was named, or the one that was indexed last."""

import argparse
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import BadLibrary, BadSetting
from ..home import library_called
from ..remedies import remedy
from ..report.visible import visible
from .options import say

if TYPE_CHECKING:  # --help need not wait for it
    from ..app.models import Library


def add_library(options: argparse.ArgumentParser) -> None:
    """--library."""
    options.add_argument(
        "--library", metavar="NAME", help="its name, or a path (default: the one indexed last)"
    )


def add_keeping(options: argparse.ArgumentParser, named: bool = False) -> None:
    """--library, --dry-run and --json, the same for every command by which a library is looked after.

    named: whether it has to be named, for it is called otherwise afterwards
    """
    if named:
        options.add_argument("--library", required=True, metavar="NAME", help="its name, or a path")
    else:
        add_library(options)
    options.add_argument("--dry-run", action="store_true", help="only say what would be done")
    options.add_argument("--json", action="store_true", help="print it as JSON")


def nothing_given() -> BadSetting:
    """What to say where neither pictures nor a library are named, and one of them has to be."""
    from ..app.places import last_library

    last = last_library()
    known = "a --library" if last is None else f"--library {shlex.quote(library_called(last))}"
    return BadSetting(f"Which pictures? Give a folder, or {known} to bring it up to date.")


def nothing_captioned(root: Path, captioners: Sequence[str]) -> str:
    """What to say of a folder of which no picture has a caption; captioners: those of other kinds."""
    if captioners:
        return f"Of no picture of {root} is there a caption by {' or '.join(map(visible, captioners))}."
    return f"{root} holds no picture that could be captioned."


def library_folder(name: str | None) -> Path:
    """Where it lies; where none was named a message names it. errors: BadLibrary"""
    from ..app.places import find_library, last_library

    path = last_library() if name is None else find_library(name)
    if path is None:
        raise BadLibrary("There is no library yet.", remedy("caption first"))
    if name is None:
        say(f"In the library {visible(library_called(path))}; choose another with --library.")
    return path


def open_library(name: str | None) -> "Library":
    """Open it, see `library_folder`."""
    from ..app.models import Library

    return Library.open(library_folder(name))
