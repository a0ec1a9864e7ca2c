"""Locks between processes, on every system: one file that is locked, and beside it a file that names the
holder.

with locked(Path("photos/update.lock")):
    ...                                   # nobody else is in here, in this process or another

The operating system holds the lock (through filelock), so it ends with its process, however that ends.
"""

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from filelock import BaseFileLock

_PATIENCE = 1.0  # seconds; by then a new holder has written its name


class InUse(Exception):
    """Somebody else holds the lock.

    holder: "process 4711", or "another process" where it does not give its number
    """

    def __init__(self, file: Path, holder: str) -> None:
        super().__init__(f"{file} is held by {holder}.")
        self.file, self.holder = file, holder


@contextlib.contextmanager
def locked(file: Path, wait: bool = False) -> Iterator[None]:
    """Hold the lock while the block runs.

    wait:   until it is free; else InUse is raised where it is not
    errors: InUse; OSError where the folder may not be written
    """
    from filelock import FileLock  # only a writer pays for the import

    lock = FileLock(file, thread_local=False)
    _acquire(lock, file, wait)
    try:
        _write_owner(file)
        yield
    finally:
        # the name goes before the lock, or the next holder's would be deleted
        with contextlib.suppress(OSError):
            _owner(file).unlink(missing_ok=True)
        lock.release()


def _acquire(lock: "BaseFileLock", file: Path, wait: bool) -> None:
    from filelock import Timeout

    until = time.monotonic() + _PATIENCE
    while True:
        try:
            lock.acquire(timeout=-1 if wait else 0)
            return
        except Timeout:
            holder = _holder(file)
            if holder is not None or time.monotonic() > until:
                raise InUse(file, holder or "another process") from None
            time.sleep(0.02)  # it holds the lock and has not yet written its name, or has just deleted it


def _owner(file: Path) -> Path:
    return file.with_name(f"{file.name}.owner")


def _write_owner(file: Path) -> None:
    # renamed into place, so that nobody reads half a number; a full disk costs the name, not the work
    with contextlib.suppress(OSError):
        unfinished = file.with_name(f"{file.name}.{os.getpid()}.tmp")
        unfinished.write_text(f"{os.getpid()}\n", encoding="utf-8")
        os.replace(unfinished, _owner(file))


def _holder(file: Path) -> str | None:
    """The process that says it holds the lock; None where none does yet."""
    try:
        return f"process {int(_owner(file).read_text(encoding='utf-8'))}"
    except (OSError, ValueError):
        return None
