"""The tables of a library's catalogue, and how an older format becomes the present one."""

import logging
import sqlite3
from collections.abc import Callable
from pathlib import Path

from ... import __version__
from ..checksums import of_caption, of_image
from ..vectors.features import FeatureFile, file_of
from ..words import word_files
from . import format_3
from .rows import NUMBER, TEXT, WHOLE, Damaged, Rows, size

log = logging.getLogger(__name__)

FORMAT = 4
APPLICATION = 0x63617074  # SQLite's application_id: "capt"

# images.captioner is the one whose features are kept, which meta.captioner names; captioners that stand
# beside it give captions alone. captioners.rows counts the rows of its feature file that are part of the
# catalogue; what lies behind them is of a killed run. meta.revision grows with every transaction, so that a
# reader knows whether anything changed. own_captions and excluded are a person's word: they outlive the
# pictures, for nobody could make them again. captions: see caption_rows.
META = "CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;"
CAPTIONERS = """
CREATE TABLE captioners (
    id INTEGER PRIMARY KEY, fingerprint TEXT NOT NULL, name TEXT NOT NULL, decoding TEXT NOT NULL,
    described TEXT NOT NULL, dim INTEGER, rows INTEGER NOT NULL DEFAULT 0);
"""
FILES = """
CREATE TABLE files (
    path PRIMARY KEY, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
    sha256 TEXT NOT NULL REFERENCES images(sha256)) WITHOUT ROWID;
CREATE INDEX files_by_content ON files(sha256);
"""
SINCE_2 = """
CREATE TABLE feature_blocks (
    captioner INTEGER NOT NULL REFERENCES captioners(id) ON DELETE CASCADE, block INTEGER NOT NULL,
    crc INTEGER NOT NULL, PRIMARY KEY (captioner, block)) WITHOUT ROWID;
CREATE TABLE own_captions (
    sha256 TEXT PRIMARY KEY, text TEXT NOT NULL, written TEXT NOT NULL, crc INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE excluded (path PRIMARY KEY) WITHOUT ROWID;
INSERT OR IGNORE INTO meta VALUES ('revision', 0);
"""
# images.exif: what a file says beside size, day and camera; NULL: it was not read for that
SINCE_4 = "ALTER TABLE images ADD COLUMN exif TEXT;"
SCHEMA = META + CAPTIONERS + FILES + SINCE_2 + format_3.SCRIPT + SINCE_4


def create(connection: sqlite3.Connection) -> None:
    """All tables of the present format."""
    connection.executescript(SCHEMA)
    connection.execute(format_3.IMAGES_GONE)


def upgrade(connection: sqlite3.Connection, folder: Path, on_disk: bool) -> None:
    """Bring an older catalogue to the present format, step by step.

    folder:  the library's
    on_disk: whether the folder may be written; else the catalogue is a copy in memory
    """
    # while tables take the place of others; within a transaction SQLite takes no notice of it
    connection.execute("PRAGMA foreign_keys = OFF")
    try:
        _upgrade(connection, folder, on_disk)
    finally:
        connection.execute("PRAGMA foreign_keys = ON")


def _upgrade(connection: sqlite3.Connection, folder: Path, on_disk: bool) -> None:
    while True:
        connection.execute("BEGIN IMMEDIATE")
        try:
            (found,) = connection.execute("PRAGMA user_version").fetchone()  # another process may be first
            if found < FORMAT:
                if found not in UPGRADES:
                    raise Damaged(f"it says that it has format {found}")
                UPGRADES[found](connection, folder, on_disk)
                connection.execute(f"PRAGMA user_version = {found + 1}")
                connection.execute("UPDATE meta SET value = ? WHERE key = 'version'", (__version__,))
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        if found < FORMAT and on_disk:
            log.info(f"The library {folder} was brought from format {found} to {found + 1}.")
        if found >= FORMAT - 1:
            return


def _to_2(connection: sqlite3.Connection, folder: Path, on_disk: bool) -> None:
    """Checksums, EXIF facts (read by the next update), a person's captions, and places from the library
    on."""
    added = ("crc INTEGER NOT NULL DEFAULT 0", "width INTEGER", "height INTEGER", "taken TEXT", "camera TEXT")
    for column in added:
        connection.execute(f"ALTER TABLE images ADD COLUMN {column}")
    connection.execute("ALTER TABLE captions ADD COLUMN crc INTEGER NOT NULL DEFAULT 0")
    for statement in _statements(SINCE_2):
        connection.execute(statement)
    _write_checksums(connection)
    _write_feature_checksums(connection, folder)
    if on_disk:
        word_files.upgrade(folder)


def _statements(script: str) -> list[str]:
    """Of a script, one by one, so that they can run inside a transaction (executescript would end it)."""
    return [statement for statement in map(str.strip, script.split(";")) if statement]


def _write_checksums(connection: sqlite3.Connection) -> None:
    rows = Rows(connection)
    texts: dict[str, list[str]] = {}
    sums = []
    for sha256, n, text, tokens, logprob in rows.table(
        "SELECT sha256, n, text, tokens, logprob FROM captions ORDER BY sha256, n",
        (TEXT, WHOLE, TEXT, TEXT, NUMBER),
    ):
        texts.setdefault(sha256, []).append(text)
        sums.append((of_caption(tokens, logprob), sha256, n))
    connection.executemany("UPDATE captions SET crc = ? WHERE sha256 = ? AND n = ?", sums)
    images = rows.table("SELECT sha256, captioner, feature_row FROM images", (TEXT, WHOLE, WHOLE))
    connection.executemany(
        "UPDATE images SET crc = ? WHERE sha256 = ?",
        [
            (of_image(sha256, captioner, row, texts.get(sha256, [])), sha256)
            for sha256, captioner, row in images
        ],
    )


def _write_feature_checksums(connection: sqlite3.Connection, folder: Path) -> None:
    """Of the features as they are now. A file that is cut short gets none, and is refused when it is read."""
    known = Rows(connection).table(
        "SELECT id, fingerprint, rows, dim FROM captioners WHERE rows > 0", (WHOLE, TEXT, WHOLE, WHOLE)
    )
    for number, fingerprint, count, dim in known:
        file = FeatureFile(
            file_of(folder, number, fingerprint),
            size(count, "a number of rows"),
            size(dim, "a dimension"),
            {},
        )
        values = [(number, block, crc) for block, crc in file.block_sums().items()]
        connection.executemany("INSERT INTO feature_blocks VALUES (?, ?, ?)", values)


def _to_4(connection: sqlite3.Connection, folder: Path, on_disk: bool) -> None:
    """Lens, place, title, keywords and the like, which the next update reads."""
    connection.execute(SINCE_4)


# From an older format to the next one; each runs inside a transaction.
UPGRADES: dict[int, Callable[[sqlite3.Connection, Path, bool], None]] = {
    1: _to_2,
    2: format_3.upgrade,
    3: _to_4,
}
