"""The folders of a library: where it looks for pictures, and what it leaves out there."""

import json
import os
from collections.abc import Iterable
from pathlib import Path

from ..errors import BadLibrary, BadSetting
from ..files import expanded, resolved
from ..remedies import remedy
from .catalogue import writes
from .catalogue.rows import NAME, Damaged, Rows, restored
from .edits import names_of_files
from .listing import Places
from .names import PathInput, below, name_of
from .reading import ReadableLibrary
from .writing import writing

FOLDERS, IGNORED, DISKS = "folders", "ignored", "disks"  # in the catalogue's table meta: JSON lists of texts
# Names that may be whole paths; those of the files below the root, which may be a million, are not read.
_PERHAPS_ELSEWHERE = r"""
SELECT path FROM files WHERE path GLOB '/*' OR path GLOB '\*' OR path GLOB '?:*' OR typeof(path) = 'blob'
"""
_BELOW = "SELECT path FROM files WHERE path >= ? AND path < ?"


class LibraryFolders(ReadableLibrary):
    """What can be asked and changed about a library's folders; an update then looks through them."""

    @property
    def folders(self) -> tuple[Path, ...]:
        """The folders that updates look through: the root, then those that were added."""
        return (self.root, *map(Path, self._texts(FOLDERS)))

    @property
    def ignored(self) -> tuple[str, ...]:
        """The patterns of what updates leave out, see `ignore`."""
        return tuple(self._texts(IGNORED))

    @property
    def disks(self) -> tuple[str, ...]:
        """The folders that were disks of their own at the last update, relative to the root."""
        return tuple(self._texts(DISKS))

    def files_below(self, folder: PathInput) -> list[Path]:
        """Where its pictures in one folder lie, by what the library knows."""
        name = name_of(folder, self.root)
        inner = "" if name == "." else f"{name}/"
        with self._catalogue.reading() as rows:
            found = rows.table(_BELOW, (NAME,), inner, f"{inner[:-1]}0" if inner else "\U0010ffff")
        return [self.root / restored(path) for (path,) in found]

    def ignore(self, patterns: Iterable[str]) -> None:
        """Leave out what these patterns name, in updates to come, and nothing else; an update also drops what
        is there. They are written as in Git's .gitignore, and hold in each of the library's folders; a file
        `.captionretignore` in a folder does the same for that folder.

        errors: BadSetting for a pattern that cannot be understood; LibraryInUse

        library.ignore(["*.png", "scans/", "!scans/best/*"])
        """
        from ..images import checked_patterns

        checked = checked_patterns([patterns] if isinstance(patterns, str) else list(patterns))
        with writing(self.path), self._catalogue.transaction() as connection:
            writes.put_meta(connection, IGNORED, json.dumps(checked))

    def add_folder(self, folder: PathInput) -> None:
        """Look through one more folder in updates to come; its pictures are named by their whole paths.

        errors: BadSetting for what is no folder, or overlaps with one that the library has; LibraryInUse
        """
        with writing(self.path):
            known = self.folders
            given = apart_from(folder, known)
            if given in known:
                return
            with self._catalogue.transaction() as connection:
                writes.put_meta(connection, FOLDERS, json.dumps([*map(str, known[1:]), str(given)]))

    def drop_folder(self, folder: PathInput) -> int:
        """Look through a folder that was added no longer, and forget its pictures. Returns of how many files.

        errors: BadSetting for a folder that was not added; LibraryInUse
        """
        given = expanded(os.fspath(folder))
        with writing(self.path):
            known = self.folders[1:]
            dropped = [one for one in known if one in (given, resolved(given)) or _is_same(given, one)]
            if not dropped:
                listed = ", ".join(map(str, known)) or "none"
                raise BadSetting(f"{folder} was not added to {self.path}. Folders that were: {listed}.")
            gone = below(str(dropped[0]), names_of_files(self._catalogue))
            with self._catalogue.transaction() as connection:
                writes.put_meta(
                    connection, FOLDERS, json.dumps([str(one) for one in known if one not in dropped])
                )
                writes.drop_files(connection, gone)
                writes.drop_failures(connection, gone)
                writes.drop_unused_images(connection)
        return len(gone)

    def _places(self, root: Path, allow_empty: bool) -> Places:
        """Where an update looks, and for what."""
        further = [Path(text) for text in self._texts(FOLDERS)]
        with self._catalogue.reading() as rows:
            names = [restored(name) for (name,) in rows.table(_PERHAPS_ELSEWHERE, (NAME,))]
            removed = {restored(name) for (name,) in rows.table("SELECT path FROM excluded", (NAME,))}
        elsewhere = sorted(name for name in names if Path(name).is_absolute())
        alone, held = [], set()
        for name in elsewhere:
            folder = next((str(one) for one in further if Path(name).is_relative_to(one)), None)
            if folder is None:
                alone.append(name)
            else:
                held.add(folder)
        return Places(
            root,
            further,
            held,
            alone,
            removed,
            self.ignored,
            self.disks,
            may_come_back=not allow_empty,
        )

    def _accepted_root(self, root: PathInput | None, relocate: bool) -> Path:
        """The root of an update. errors: BadLibrary for a folder that the library does not have"""
        known = self.folders
        if root is None:
            return known[0]
        given = resolved(os.fspath(root))
        if given.is_file():
            raise BadLibrary(f"{given} is a file. Give the folder that holds the pictures.")
        if any(_is_same(given, one) for one in known):
            return known[0]
        # A library that holds nothing, perhaps of a run that failed at once, takes any folder.
        holds_some = self._catalogue.value("SELECT EXISTS (SELECT 1 FROM files)")
        if not relocate and holds_some:
            raise BadLibrary(
                f"{self.path} holds the pictures of {known[0]}, not of {given}.", remedy("relocate")
            )
        return given

    def _texts(self, key: str) -> list[str]:
        with self._catalogue.reading() as rows:
            return _listed(rows, key)


def _listed(rows: Rows, key: str) -> list[str]:
    """One of the library's lists of texts; empty where there is none. errors: Damaged"""
    text = rows.meta(key)
    try:
        found = [] if text is None else json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise Damaged(f"its {key} cannot be read")
    return found


def apart_from(folder: PathInput, known: Iterable[Path]) -> Path:
    """The whole path of a folder, that of the known one which it is, if it is one.

    errors: BadSetting for what is no folder, or overlaps with one that is known
    """
    given = resolved(os.fspath(folder))
    if not given.is_dir():
        raise BadSetting(f"{folder} is not a folder. Give a folder that holds pictures.")
    known = list(known)
    if same := next((one for one in known if _is_same(given, one)), None):
        return same
    for one in known:
        if given.is_relative_to(one) or one.is_relative_to(given):
            inner, outer = (given, one) if given.is_relative_to(one) else (one, given)
            raise BadSetting(
                f"{inner} lies in {outer}: its pictures would be there twice. Give folders of which none "
                "lies in another."
            )
    return given


def _is_same(one: Path, other: Path) -> bool:
    """Whether two paths lead to one folder, whatever the case of their letters."""
    try:
        return one == other or one.samefile(other)
    except (OSError, ValueError):
        return False
