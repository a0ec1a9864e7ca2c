"""Where things lie: the shipped checkpoints, the libraries, and what a name means."""

import logging
from pathlib import Path

from ..errors import BadCheckpoint, BadSetting
from ..files import expanded

log = logging.getLogger(__name__)

CHECKPOINTS = Path("checkpoints")
LIBRARIES = Path("data/libraries")
SHIPPED = Path(__file__).resolve().parents[2] / "checkpoints" / "photos-lite"
LEXICAL_HEAD = SHIPPED.with_name("words-lite")
SHIPPED_SPACES = {"embedding": SHIPPED.with_name("photos-space")}  # by the mode that compares in it


def library_path(name: str) -> Path:
    """A library's directory: a bare name lies in data/libraries, anything with a slash is a path."""
    if not name:
        raise BadSetting("The library's name is empty. Give --library NAME.")
    return expanded(name) if "/" in name or name.startswith((".", "~")) else LIBRARIES / name


def checkpoint_path(given: str | None) -> Path:
    """The checkpoint that was asked for (a directory, or a name in checkpoints/), or the shipped one, said on
    stderr."""
    if given is None:
        if not SHIPPED.is_dir():
            raise BadCheckpoint(
                f"The shipped checkpoint {SHIPPED} is missing. Restore it, or give --checkpoint."
            )
        log.info(f"With the shipped checkpoint {SHIPPED.name}; choose another with --checkpoint.")
        return SHIPPED
    found = expanded(given)
    return found if found.exists() or "/" in given else CHECKPOINTS / given
