"""The library that a command is about: the one that was named, or the one that was indexed last."""

from ..app.models import Library
from ..app.places import find_library, last_library
from ..errors import BadLibrary
from ..remedies import remedy
from .options import say


def open_library(name: str | None) -> Library:
    """Open it, and say which where none was named. errors: BadLibrary"""
    path = last_library() if name is None else find_library(name)
    if path is None:
        raise BadLibrary("There is no library yet.", remedy("caption first"))
    if name is None:
        say(f"In the library {path.name}; choose another with --library.")
    return Library.open(path)
