"""The libraries and checkpoints that are found by name; see `home` for where they lie."""

import contextlib
import logging
from pathlib import Path

from ..errors import BadCheckpoint
from ..files import read_json
from ..home import (
    CATALOGUE,
    GALLERY,
    checkpoints_folder,
    data_folder,
    find_checkpoint,
    find_library,
    known_checkpoints,
    remembered_libraries,
    shipped_checkpoint,
)

__all__ = [
    "GALLERY",
    "LEXICAL_HEAD",
    "SHIPPED",
    "SHIPPED_SPACES",
    "checkpoint_path",
    "checkpoints_folder",
    "data_folder",
    "find_checkpoint",
    "find_library",
    "known_checkpoints",
    "known_libraries",
    "last_library",
    "list_models",
    "shipped_checkpoint",
]

log = logging.getLogger(__name__)

SHIPPED = shipped_checkpoint("photos-lite")
LEXICAL_HEAD = shipped_checkpoint("words-lite")
_KINDS = {"embedding space": "embedding", "skip-thought encoder": "skipthought"}  # as records name them
SHIPPED_SPACES = {"embedding": shipped_checkpoint("photos-space")}  # by the mode that compares in it


def last_library() -> Path | None:
    """The library that was changed last, of those that are known; None where there is none."""
    return next(iter(known_libraries()), None)


def known_libraries() -> list[Path]:
    """The libraries that are found without being named, the one that was changed last first: those with a
    name of their own, and those that were indexed by a path.

    Those that stand behind a folder which a search was given, see gallery_library, are not among them.
    """
    named = data_folder("libraries").glob(f"*/{CATALOGUE}")
    own = [file.parent for file in named if not file.parent.name.startswith(GALLERY)]
    found = {}
    for path in (*own, *remembered_libraries()):
        with contextlib.suppress(OSError):  # it is not there any more, or its disk is not
            found[path] = (path / CATALOGUE).stat().st_mtime
    return sorted(found, key=lambda path: -found[path])


def checkpoint_path(given: str | None) -> Path:
    """The checkpoint that was asked for, see find_checkpoint; None stands for the shipped captioner."""
    if given is not None:
        return find_checkpoint(given)
    if not SHIPPED.is_dir():
        raise BadCheckpoint(
            f"The shipped checkpoint {SHIPPED} is missing. Install captionret again, or name another "
            "checkpoint."
        )
    log.info(f"With the shipped checkpoint {SHIPPED.name}.")
    return SHIPPED


def list_models(kind: str | None = None) -> dict[str, str]:
    """The checkpoints that are found by name, each with its kind: the user's own and the shipped ones.

    kind: "captioner", "lexical", "embedding" or "skipthought" for those alone

    >>> list_models("embedding")["photos-space"]
    'embedding'
    """
    found = {}
    for name, path in known_checkpoints().items():
        record = read_json(path / "config.json", BadCheckpoint, "Restore it, or delete the directory.")
        facts = record if isinstance(record, dict) else {}
        config = facts.get("config")
        lexical = isinstance(config, dict) and config.get("decoder") == "words"  # as release 0.5.0 wrote it
        written = str(facts.get("kind", "captioner"))
        found[name] = "lexical" if lexical else _KINDS.get(written, written)
    return {name: one for name, one in sorted(found.items()) if kind in (None, one)}
