"""Who captioned a library, and where its checkpoint lies: as it was written, and from the library on, so that
a project that was moved as a whole still works."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...decoding import Decoding, decoding_from_json
from ...errors import BadSetting
from ...home import SHIPPED, checkpoint_called, shipped_checkpoint
from ..catalogue.rows import Damaged, record

FROM_LIBRARY = "checkpoint_from_library"


@dataclass(frozen=True, slots=True)
class MadeBy:
    """Who captioned a library, and how.

    described: the captioner's own facts, see its describe()
    folder:    the library's
    """

    name: str
    fingerprint: str
    decoding: Decoding
    described: dict[str, Any]
    folder: Path = Path()

    @property
    def summary(self) -> str:
        """In a few words, for people: "photos-lite, beam 3", "captions.csv"."""
        return ", ".join(filter(None, (self.name, self.decoding.summary)))

    @property
    def checkpoint(self) -> Path | None:
        """The directory the captioner was loaded from, if it named one: where it is now, else where it
        was."""
        path = self.described.get("checkpoint")
        if not isinstance(path, str) or not path:
            return None
        if path in SHIPPED:
            return shipped_checkpoint(path)
        return found_again(path, self.described.get(FROM_LIBRARY), self.folder)


def described_from(folder: Path, described: dict[str, Any]) -> dict[str, Any]:
    """The captioner's facts, with its checkpoint's place seen from the library; of a shipped one its name."""
    path = described.get("checkpoint")
    if not isinstance(path, str) or not path:
        return described
    called = path if path in SHIPPED else checkpoint_called(Path(path))
    if called in SHIPPED:
        return described | {"checkpoint": called}
    there = from_folder(folder, path)
    return described if there is None else described | {FROM_LIBRARY: there}


def from_folder(folder: Path, path: Path | str) -> str | None:
    """The way from a folder to a place, with forward slashes; None where there is none (another drive)."""
    try:
        return Path(os.path.relpath(path, folder.resolve())).as_posix()
    except ValueError:
        return None


def found_again(path: str, from_library: object, folder: Path) -> Path:
    """Where something lies that was once at `path`: first seen from the library, for both may have been moved
    together, then as written."""
    if isinstance(from_library, str) and from_library:
        together = Path(os.path.normpath(folder.resolve() / from_library))
        if together.exists():
            return together
    return Path(path)


def decoding_of(text: str, folder: Path) -> Decoding:
    """How captions were found, from the catalogue's JSON; folder: the library's. errors: Damaged"""
    try:
        return decoding_from_json(record(text, "a way of decoding"), folder)
    except (BadSetting, TypeError) as error:
        raise Damaged(f"it names a way of decoding that there is not: {error}") from None


def decoding_text(decoding: Decoding, folder: Path) -> str:
    """The JSON by which the catalogue keeps it."""
    return json.dumps(decoding.to_json(folder.absolute()))
