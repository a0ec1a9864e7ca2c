"""Pictures and folders that a person wants left out, by patterns as Git's: in files called
`.captionretignore`, or given by themselves."""

import os
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from ..errors import BadSetting

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

IGNORE_FILE = ".captionretignore"
Rule = tuple[int, "GitIgnoreSpec"]  # how long the path of its folder is, and its patterns


def checked_patterns(given: Sequence[str]) -> tuple[str, ...]:
    """The patterns, without empty ones. errors: BadSetting for one that cannot be understood

    >>> checked_patterns(["*.png", "", "scans/"])
    ('*.png', 'scans/')
    """
    patterns = tuple(pattern for pattern in given if pattern.strip())
    for pattern in patterns:
        try:
            _compiled((pattern,))
        except ValueError as error:
            raise BadSetting(
                f"The pattern {pattern!r} cannot be understood ({error}). Write it as in Git's .gitignore."
            ) from None
    return patterns


class Rules:
    """The patterns that hold in one folder: those that were given, those of the folders above and its own.

    Those that were given go before those of files, and a folder's own before those of the folders above; of
    one of these the last pattern that fits decides. One that begins with "!" takes a picture in again.
    Patterns are relative to the folder that they are of.
    """

    __slots__ = ("_files", "_given")

    def __init__(self, given: tuple[Rule, ...] = (), files: tuple[Rule, ...] = ()) -> None:
        self._given, self._files = given, files

    @classmethod
    def given(cls, root: str, patterns: Sequence[str]) -> "Rules":
        """Patterns for all below `root`. errors: BadSetting"""
        wanted = checked_patterns(patterns)
        return cls(((_length(root), _compiled(wanted)),) if wanted else ())

    def inside(self, folder: str) -> "Rules":
        """Those of a folder that has a file of patterns. errors: OSError, ValueError where that cannot be
        read"""
        with open(os.path.join(folder, IGNORE_FILE), encoding="utf-8-sig", errors="surrogateescape") as file:
            lines = tuple(file.read().splitlines())
        return Rules(self._given, ((_length(folder), _compiled(lines)), *self._files))

    def leave_out(self, place: str) -> bool:
        """Whether a file, or a folder whose place ends with a slash, is left out."""
        for start, spec in (*self._given, *self._files):
            included = spec.check_file(place[start:].replace(os.sep, "/")).include
            if included is not None:
                return included
        return False


def _length(folder: str) -> int:
    return len(os.path.join(folder, ""))


@lru_cache(maxsize=64)
def _compiled(patterns: tuple[str, ...]) -> "GitIgnoreSpec":
    from pathspec import GitIgnoreSpec

    return GitIgnoreSpec.from_lines(patterns)
