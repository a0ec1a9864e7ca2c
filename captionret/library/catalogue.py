"""The SQLite file in which a library keeps what it knows: files, contents, captions, failures, and who
captioned them.

It is in WAL mode: readers never wait for a writer, and what was committed survives a kill.
"""

import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from .. import __version__
from ..errors import BadLibrary, NoSpace

FORMAT = 1
APPLICATION = 0x63617074  # SQLite's application_id: "capt"
# From an older format to the next one: {1: upgrade_1_to_2} when there is a format 2. Each runs inside a
# transaction.
UPGRADES: dict[int, Callable[[sqlite3.Connection], None]] = {}

# captioners.rows counts the rows of its feature file that are part of the catalogue; what lies behind them is
# of a killed run
SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE captioners (
    id INTEGER PRIMARY KEY, fingerprint TEXT NOT NULL, name TEXT NOT NULL, decoding TEXT NOT NULL, described TEXT NOT NULL,
    dim INTEGER, rows INTEGER NOT NULL DEFAULT 0);
CREATE TABLE images (
    sha256 TEXT PRIMARY KEY, captioner INTEGER NOT NULL REFERENCES captioners(id), feature_row INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE captions (
    sha256 TEXT NOT NULL REFERENCES images(sha256) ON DELETE CASCADE, n INTEGER NOT NULL,
    text TEXT NOT NULL, tokens TEXT NOT NULL, logprob REAL NOT NULL, PRIMARY KEY (sha256, n)) WITHOUT ROWID;
CREATE TABLE files (
    path PRIMARY KEY, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, sha256 TEXT NOT NULL REFERENCES images(sha256)) WITHOUT ROWID;
CREATE INDEX files_by_content ON files(sha256);
CREATE TABLE failures (path PRIMARY KEY, reason NOT NULL, size INTEGER NOT NULL, ctime_ns INTEGER NOT NULL) WITHOUT ROWID;
"""  # noqa: E501


def stored(text: str) -> str | bytes:
    """How a path or a message is kept: as text, or as bytes where a file name is not valid UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return os.fsencode(text)
    return text


def restored(value: str | bytes) -> str:
    """The text that `stored` was given."""
    return os.fsdecode(value)


class Catalogue:
    """An open catalogue. Every error of SQLite leaves it as a BadLibrary or NoSpace that names the file."""

    def __init__(self, file: Path) -> None:
        """Open an existing catalogue, bringing an older format up to date; BadLibrary where that cannot
        be."""
        if not file.is_file():
            raise BadLibrary(
                f"There is no library in {file.parent} ({file.name} is missing). Check its name, or caption "
                "a folder into it first."
            )
        self.file = file
        with self._errors_named():
            self._connection = sqlite3.connect(_uri(file), uri=True, isolation_level=None, timeout=30)
            try:
                self._connection.execute("PRAGMA foreign_keys = ON")
                self._check_format()
            except BaseException:
                self._connection.close()
                raise

    @classmethod
    def create(cls, file: Path, meta: dict[str, Any]) -> "Catalogue":
        """A new, empty catalogue; it appears under its name only when it is whole."""
        unfinished = file.with_name(f".{file.name}.{os.getpid()}.tmp")
        unfinished.unlink(missing_ok=True)
        try:
            with contextlib.closing(sqlite3.connect(unfinished, isolation_level=None)) as connection:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.executescript(SCHEMA)
                connection.executemany(
                    "INSERT INTO meta VALUES (?, ?)", [*meta.items(), ("version", __version__)]
                )
                connection.execute(f"PRAGMA application_id = {APPLICATION}")
                connection.execute(f"PRAGMA user_version = {FORMAT}")
            os.replace(unfinished, file)
        except sqlite3.DatabaseError as error:
            raise _named(error, file) from error
        finally:
            unfinished.unlink(missing_ok=True)
        return cls(file)

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """All rows of one query: one consistent state, whatever is being written meanwhile."""
        with self._errors_named():
            return self._connection.execute(sql, values).fetchall()

    def value(self, sql: str, *values: Any) -> Any:
        """The first column of the first row, None where there is no row."""
        found = self.rows(sql, *values)
        return found[0][0] if found else None

    def meta(self, key: str) -> Any:
        """One of the library's own facts, None where it is not known."""
        return self.value("SELECT value FROM meta WHERE key = ?", key)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All that the block writes becomes visible at once, or not at all."""
        with self._errors_named():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def close(self) -> None:
        """Close the file; the last to close also folds the write-ahead log into it."""
        with self._errors_named():
            self._connection.close()

    def _check_format(self) -> None:
        application = self.value("PRAGMA application_id")
        found = self.value("PRAGMA user_version")
        if application != APPLICATION:
            raise BadLibrary(f"{self.file} is an SQLite file of another program. Give another --library.")
        if found > FORMAT:
            raise BadLibrary(
                f"{self.file} has format {found}, written by captionret {self.meta('version')}; this is "
                f"{__version__}, which reads "
                f"up to format {FORMAT}. Update captionret, or caption the folder into a new --library."
            )
        for version in range(found, FORMAT):
            with self.transaction() as connection:
                UPGRADES[version](connection)
                connection.execute(f"PRAGMA user_version = {version + 1}")
                connection.execute("UPDATE meta SET value = ? WHERE key = 'version'", (__version__,))

    @contextlib.contextmanager
    def _errors_named(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.IntegrityError, sqlite3.ProgrammingError):
            raise  # a mistake in this program, not in the file
        except sqlite3.DatabaseError as error:
            raise _named(error, self.file) from error


def _named(error: sqlite3.DatabaseError, file: Path) -> BadLibrary | NoSpace:
    # the low byte is the kind, the others say more about it
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF
    if code == sqlite3.SQLITE_FULL:
        return NoSpace(
            f"No space left to write {file}. What was there before is untouched; free some space and run "
            "again."
        )
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return BadLibrary(
            f"{file} is held by another program ({error}). Wait until it has ended and run again."
        )
    if code in (
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_AUTH,
    ):
        return BadLibrary(
            f"{file} cannot be read or written ({error}). Check the disk, its free space and the folder's "
            "permissions."
        )
    return BadLibrary(
        f"{file} is damaged ({error}). Restore a copy, or delete {file.parent} and caption the folder again."
    )


def _uri(file: Path) -> str:
    address = f"file:{quote(os.fsencode(file.absolute()))}"
    if os.access(file, os.W_OK) and os.access(file.parent, os.W_OK):
        return f"{address}?mode=rw"
    # On a read-only disk SQLite cannot make the small files by which readers and writers agree; with no
    # writer none are needed.
    idle = not file.with_name(f"{file.name}-wal").exists()
    return f"{address}?mode=ro{'&immutable=1' if idle else ''}"
