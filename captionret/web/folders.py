"""Folders of which new libraries may be made: those below the roots that the server was started with."""

import contextlib
import os
import re
from pathlib import Path

from ..app.places import GALLERY
from ..errors import BadSetting, UnknownName
from ..files import resolved
from ..home import data_folder
from ..library import Library
from ..report.visible import visible
from .records import Folder, FolderList
from .settings import Settings
from .shelf import Shelf, Shelved

_NAME = re.compile(r"\w[\w .-]{0,59}")
_MOST_LISTED = 500


class UnknownFolder(UnknownName):
    """A folder that there is not, or that lies outside the roots."""


class Folders:
    """What may be indexed."""

    def __init__(self, settings: Settings, shelf: Shelf) -> None:
        self._settings, self._shelf = settings, shelf
        self._roots = [resolved(root) for root in settings.roots]

    def list(self, root: int | None, inside: str) -> FolderList:
        """The roots; or the folders in one of them. errors: UnknownFolder"""
        if root is None:
            found = [
                Folder(root=number, inside="", name=visible(str(path)))
                for number, path in enumerate(self._roots)
            ]
            return FolderList(folders=found)
        folder = self._folder(root, inside)
        try:
            names = sorted(one.name for one in os.scandir(folder) if one.is_dir(follow_symlinks=False))
        except OSError as error:
            raise UnknownFolder(f"The folder cannot be listed ({error.strerror}).") from None
        plain = [name for name in names if not name.startswith(".") and name == visible(name)]
        below = [
            Folder(root=root, inside=(Path(inside) / name).as_posix(), name=name)
            for name in plain[:_MOST_LISTED]
        ]
        return FolderList(folders=below)

    def new_library(self, root: int, inside: str, name: str) -> Shelved:
        """A new, empty library for a folder, which is served from now on.

        errors: UnknownFolder; BadSetting for a name that none can have or one has; BadLibrary
        """
        folder = self._folder(root, inside)
        if not _NAME.fullmatch(name) or name.startswith(GALLERY):
            raise BadSetting("A library's name is made of letters, digits, blanks, dots and dashes.")
        if name in self._shelf or (data_folder("libraries") / name).exists():
            raise BadSetting(f"There is a library {name} already. Choose another name.")
        library = Library.create(data_folder("libraries") / name, folder)
        searcher = next(iter(self._shelf)).searcher  # there is at least one, whose models are loaded
        return self._shelf.add(name, searcher.with_library(library))

    def _folder(self, root: int, inside: str) -> Path:
        if not 0 <= root < len(self._roots) or "\0" in inside:
            raise UnknownFolder("There is no such folder.")
        top = self._roots[root]
        folder = resolved(top / inside)
        with contextlib.suppress(OSError):  # a name that is too long
            if folder.is_relative_to(top) and folder.is_dir():
                return folder
        raise UnknownFolder("There is no such folder.")
