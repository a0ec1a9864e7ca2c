"""The SQLite file in which a library keeps what it knows: files, contents, captions, failures, and who
captioned them.

It is in WAL mode: readers never wait for a writer, and what was committed survives a kill. Any thread may use
it: each takes a connection of its own for as long as it reads or writes. Where a copy is put back in its
place, the copy is read and written from then on: what is written into a deleted file is lost.
"""

import contextlib
import os
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ... import __version__
from ...errors import BadLibrary, NoSpace
from ...files import is_full
from ...remedies import remedy
from . import schema
from .connections import FULL_OR_READ_ONLY, Connection, connect, is_writable, kind_of
from .rows import REVISION, Column, Damaged, Rows, damaged


class Catalogue:
    """An open catalogue. Every error of SQLite leaves it as a BadLibrary or NoSpace that names the file."""

    def __init__(self, file: Path) -> None:
        """Open an existing catalogue, bringing an older format up to date; BadLibrary where that cannot
        be."""
        self.file = file
        self._lock = threading.Lock()
        self._idle: list[Connection] = []
        self._closed = False
        self._in_memory: Connection | None = None  # of an older format on a read-only disk
        self._memory_lock = threading.RLock()
        with self._errors_named(), self._connection() as connection:
            self._check_format(connection)

    @classmethod
    def create(cls, file: Path, meta: Mapping[str, str | bytes]) -> "Catalogue":
        """A new, empty catalogue; it appears under its name only when it is whole."""
        unfinished = file.with_name(f".{file.name}.{os.getpid()}.tmp")
        unfinished.unlink(missing_ok=True)
        try:
            with contextlib.closing(sqlite3.connect(unfinished, isolation_level=None)) as connection:
                connection.execute("PRAGMA journal_mode = WAL")
                schema.create(connection)
                connection.executemany(
                    "INSERT INTO meta VALUES (?, ?)", [*meta.items(), ("version", __version__)]
                )
                connection.execute(f"PRAGMA application_id = {schema.APPLICATION}")
                connection.execute(f"PRAGMA user_version = {schema.FORMAT}")
            os.replace(unfinished, file)
        except sqlite3.DatabaseError as error:
            raise _named(error, file) from error
        finally:
            unfinished.unlink(missing_ok=True)
        return cls(file)

    @contextlib.contextmanager
    def reading(self) -> Iterator[Rows]:
        """Everything that the block reads is of one moment, whatever is written meanwhile. What it cannot
        make
        sense of is a BadLibrary: a wrong type, a number too large, JSON that is none."""
        with self._errors_named(), self._connection() as connection:
            connection.execute("BEGIN")
            try:
                yield Rows(connection)
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")

    @contextlib.contextmanager
    def transaction(self, counts: bool = True) -> Iterator[sqlite3.Connection]:
        """All that the block writes becomes visible at once, or not at all.

        counts: whether it changes what a library holds; False: only what is kept to find it faster
        """
        with self._errors_named(), self._connection() as connection:
            if not counts:  # which can wait for another time
                connection.execute("PRAGMA busy_timeout = 0")
            try:
                connection.execute("BEGIN IMMEDIATE")
                yield connection
                if counts:
                    connection.execute("UPDATE meta SET value = value + 1 WHERE key = 'revision'")
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
            finally:
                connection.execute("PRAGMA busy_timeout = 30000")

    def table(self, sql: str, columns: Sequence[Column], *values: object) -> list[tuple[Any, ...]]:
        """All rows of one query; BadLibrary where a column holds another type than it should."""
        with self._errors_named(), self._connection() as connection:
            return Rows(connection).table(sql, columns, *values)

    def value(self, sql: str, *values: object) -> Any:
        """The first column of the first row, None where there is no row."""
        with self._errors_named(), self._connection() as connection:
            return Rows(connection).value(sql, *values)

    def revision(self) -> int:
        """A number that grows with every transaction of any process."""
        with self._errors_named(), self._connection() as connection:
            return Rows(connection).whole(REVISION)

    @property
    def writable(self) -> bool:
        """Whether file and folder may be written, as far as their permissions say."""
        return self._in_memory is None and is_writable(self.file)

    def shrink(self) -> None:
        """Give its empty pages back to the disk."""
        with self._errors_named(), self._connection() as connection:
            connection.execute("VACUUM")

    def close(self) -> None:
        """Close the file; the last to close also folds the write-ahead log into it."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        with self._errors_named():
            for connection in idle:
                connection.close()
            if self._in_memory is not None:
                self._in_memory.close()

    @contextlib.contextmanager
    def _connection(self) -> Iterator["Connection"]:
        """One connection, nobody else's until the block ends."""
        if self._in_memory is not None:
            with self._memory_lock:
                yield self._in_memory
            return
        connection = self._idle_connection() or connect(self.file)
        try:
            yield connection
        finally:
            with self._lock:
                keep = not self._closed and self._in_memory is not connection
                if keep:
                    self._idle.append(connection)
            if not keep and self._in_memory is not connection:
                connection.close()

    def _idle_connection(self) -> "Connection | None":
        while True:
            with self._lock:
                if self._closed:
                    raise BadLibrary(f"The library in {self.file.parent} was closed. Open it again.")
                connection = self._idle.pop() if self._idle else None
            if connection is None or not connection.is_stale():
                return connection
            connection.close()

    def _check_format(self, connection: "Connection") -> None:
        rows = Rows(connection)
        if rows.value("PRAGMA application_id") != schema.APPLICATION:
            raise BadLibrary(f"{self.file} is an SQLite file of another program.", remedy("another library"))
        found = rows.value("PRAGMA user_version")
        if found > schema.FORMAT:
            written_by = rows.meta("version")
            raise BadLibrary(
                f"{self.file} has format {found}, written by captionret {written_by}; this is {__version__}, "
                f"which reads up to format {schema.FORMAT}. Update captionret, or caption the folder into "
                "another library."
            )
        if found == schema.FORMAT:
            return
        if not connection.writable:  # then nobody else writes it either; a copy in memory can be upgraded
            self._in_memory = Connection(":memory:", check_same_thread=False, isolation_level=None)
            connection.backup(self._in_memory)
            connection = self._in_memory
        schema.upgrade(connection, self.file.parent, on_disk=self._in_memory is None)
        if self._in_memory is not None:
            self._in_memory.execute("PRAGMA query_only = ON")

    @contextlib.contextmanager
    def _errors_named(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.ProgrammingError:
            raise  # a mistake in this program, not in the file
        except sqlite3.DatabaseError as error:
            raise _named(error, self.file) from error
        except (Damaged, UnicodeDecodeError) as error:  # SQLite quotes what it cannot read
            raise damaged(error, self.file) from error


def _named(error: sqlite3.DatabaseError, file: Path) -> BadLibrary | NoSpace:
    code = kind_of(error)
    unwritten = code in FULL_OR_READ_ONLY
    if code == sqlite3.SQLITE_FULL or (unwritten and is_full(file.parent)):
        return NoSpace(
            f"No space left to write {file}. What was there before is untouched; free some space and run "
            "again."
        )
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return BadLibrary(
            f"{file} is held by another program ({error}). Wait until it has ended and run again."
        )
    if unwritten or code in (sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH):
        return BadLibrary(
            f"{file} cannot be read or written ({error}). Check the disk, its free space and the folder's "
            "permissions."
        )
    return damaged(error, file)
