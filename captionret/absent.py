"""Pictures that are on the web rather than on this disk, each fetched when it is first read.

Nothing is fetched unless somebody asked for it: `expect` names the pictures and what fetches them, and
whatever reads a picture's file calls `bring` where it is not there.
"""

import logging
import os
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from .errors import CaptionretError

log = logging.getLogger(__name__)
Fetch = Callable[[str, Path], None]

_expected: dict[str, tuple[str, Fetch]] = {}
_lock = threading.Lock()


def expect(addresses: Mapping[Path, str], fetch: Fetch) -> None:
    """From now on these files are fetched when they are read.

    addresses: of each file that is not there
    fetch:     writes what lies at an address into a file, or raises a CaptionretError
    """
    with _lock:
        _expected.update({os.path.abspath(path): (address, fetch) for path, address in addresses.items()})


def bring(path: Path | str) -> bool:
    """Fetch a file that is expected; whether it is there now. One that cannot be had is named once, and not
    asked for again."""
    if not _expected:
        return False
    name = os.path.abspath(path)
    with _lock:
        if name not in _expected:
            return os.path.exists(name)
        address, fetch = _expected.pop(name)
        try:
            fetch(address, Path(name))
        except CaptionretError as error:
            log.warning(f"{path} is not here and cannot be fetched. {error}")
            return False
    return True
