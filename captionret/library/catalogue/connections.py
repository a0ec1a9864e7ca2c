"""Connections to a catalogue's file, also where nothing can be written beside it."""

import os
import sqlite3
from pathlib import Path

from ..names import no_library

FULL_OR_READ_ONLY = (
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_FULL,
)


class Connection(sqlite3.Connection):
    """A connection that any thread may use, one at a time.

    file: and which file on the disk that is
    writable: whether the file and its folder may be written
    """

    file: tuple[Path, tuple[int, int]]
    writable = True
    _as_it_was: tuple[int, int] | None = None

    def freeze(self) -> None:
        """Remember that SQLite takes the file for one that does not change."""
        self.writable, self._as_it_was = False, _stamp(self.file[0])

    def is_stale(self) -> bool:
        """Whether another file is there now, or it has changed although SQLite takes it for one that does
        not."""
        file, identity = self.file
        if identity != identity_of(file):
            return True
        if self._as_it_was is None:
            return False
        return _log_of(file).exists() or _stamp(file) != self._as_it_was


def connect(file: Path) -> Connection:
    """A connection for writing, else for reading. errors: BadLibrary where the file is gone; sqlite3.Error"""
    if not file.is_file():
        raise no_library(file)
    writable = is_writable(file)
    # Where SQLite cannot make the small files by which readers and writers agree (a read-only or full disk),
    # it may read the file alone: with no writer none are needed.
    idle = not _log_of(file).exists() or _log_of(file).stat().st_size == 0
    if writable:
        try:
            return _opened(file, "mode=rw")
        except sqlite3.OperationalError as error:
            if not idle or kind_of(error) not in FULL_OR_READ_ONLY:
                raise
    if not idle:
        connection = _opened(file, "mode=ro")
        connection.writable = False
        return connection
    connection = _opened(file, "mode=ro&immutable=1")
    connection.freeze()
    return connection


def is_writable(file: Path) -> bool:
    """Whether file and folder may be written, as far as their permissions say."""
    return os.access(file, os.W_OK) and os.access(file.parent, os.W_OK)


def _opened(file: Path, how: str) -> Connection:
    identity = identity_of(file)
    address = f"{file.absolute().as_uri()}?{how}"
    connection: Connection = sqlite3.connect(
        address, uri=True, isolation_level=None, timeout=30, check_same_thread=False, factory=Connection
    )
    connection.file = file, identity
    try:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchall()  # opens the write-ahead log
    except BaseException:
        connection.close()
        raise
    return connection


def _log_of(file: Path) -> Path:
    return file.with_name(f"{file.name}-wal")


def identity_of(file: Path) -> tuple[int, int]:
    """Which file on the disk has that name now: another one, where a copy was put in its place."""
    try:
        facts = file.stat()
    except OSError:
        return 0, 0
    return facts.st_dev, facts.st_ino


def _stamp(file: Path) -> tuple[int, int]:
    try:
        facts = file.stat()
    except OSError:
        return 0, 0
    return facts.st_size, facts.st_mtime_ns


def kind_of(error: sqlite3.Error) -> int:
    """SQLite's code of what went wrong, without what says more about it."""
    # Python's own errors about the file have none
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF
