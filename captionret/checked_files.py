"""Hashes of big files that came with a package: computed once, and again only where the file has changed.

    sha256_once(Path("model.safetensors"))

Reading 90 MB takes longer than a search. So what was found stands in the user's data folder, beside the
file's size and the moment it was last written.
"""

import contextlib
import hashlib
from pathlib import Path

from .errors import BadSetting, CaptionretError
from .files import publish_json, read_json, sha256_of
from .home import data_folder


def sha256_once(file: Path) -> str:
    """The SHA-256 of a file, as 64 hex digits; the one that was found before, where the file is still as long
    and as old. Nothing is kept where the data folder cannot be written. errors: OSError"""
    facts = file.stat()
    path = str(file.resolve())
    known_as: list[object] = [path, facts.st_size, facts.st_mtime_ns, facts.st_ino]
    name = hashlib.sha256(path.encode(errors="surrogateescape")).hexdigest()[:16]
    note = data_folder("checked") / f"{name}.json"
    known = _read(note)
    if known is not None and known[:-1] == known_as:
        return str(known[-1])
    found = sha256_of(file)
    with contextlib.suppress(OSError, CaptionretError):  # it is computed again the next time
        publish_json(note, [*known_as, found])
    return found


def _read(note: Path) -> list[object] | None:
    """What was noted; None where that is nothing, or cannot be read."""
    try:
        known = read_json(note, BadSetting)
    except CaptionretError:
        return None
    return known if isinstance(known, list) and len(known) == 5 else None
