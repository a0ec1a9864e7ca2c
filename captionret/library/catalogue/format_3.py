"""What format 3 of the catalogue brought: captions of several captioners side by side, each with its day, in
a third of the room; and failures of each captioner's own."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

from ...records import Caption
from ..checksums import of_caption
from .caption_rows import FIRST, LAST, MOST_CAPTIONS, Row, row_of, span
from .rows import NUMBER, TEXT, WHOLE, Damaged, Rows, words

# captioners.kind: "model", or "file" where its captions are read from one; beside: whether its captions are
# kept though another captioner is the present one; preferred: the greatest is shown first.
COLUMNS = """
ALTER TABLE captioners ADD COLUMN kind TEXT NOT NULL DEFAULT 'model';
ALTER TABLE captioners ADD COLUMN adopted TEXT NOT NULL DEFAULT '';
ALTER TABLE captioners ADD COLUMN beside INTEGER NOT NULL DEFAULT 0;
ALTER TABLE captioners ADD COLUMN preferred INTEGER NOT NULL DEFAULT 0;
"""
TABLES = """
CREATE TABLE images (
    number INTEGER PRIMARY KEY CHECK (number < 16777216), sha256 TEXT NOT NULL UNIQUE,
    captioner INTEGER NOT NULL REFERENCES captioners(id), feature_row INTEGER NOT NULL,
    crc INTEGER NOT NULL DEFAULT 0, width INTEGER, height INTEGER, taken TEXT, camera TEXT);
CREATE TABLE captions (id INTEGER PRIMARY KEY, text TEXT NOT NULL, more, stamp INTEGER NOT NULL);
CREATE TABLE failures (
    path NOT NULL, captioner INTEGER NOT NULL, reason NOT NULL, size INTEGER NOT NULL,
    ctime_ns INTEGER NOT NULL, PRIMARY KEY (path, captioner)) WITHOUT ROWID;
"""
SCRIPT = COLUMNS + TABLES
_FIRST, _LAST = (one.format(captioner="c.id", picture="OLD.number") for one in (FIRST, LAST))
IMAGES_GONE = f"""
CREATE TRIGGER images_gone AFTER DELETE ON images BEGIN
DELETE FROM captions WHERE id IN (
    SELECT x.id FROM captioners AS c JOIN captions AS x ON x.id BETWEEN {_FIRST} AND {_LAST});
END
"""  # noqa: S608
_OLD = ("images", "captions", "failures")
_KEPT = """
INSERT INTO images (sha256, captioner, feature_row, crc, width, height, taken, camera)
SELECT i.sha256, i.captioner, i.feature_row, i.crc, i.width, i.height, i.taken, i.camera
FROM old_images AS i ORDER BY (SELECT MIN(path) FROM files WHERE files.sha256 = i.sha256), i.sha256
"""
_FAILED = """
INSERT INTO failures SELECT path, (SELECT value FROM meta WHERE key = 'captioner'), reason, size, ctime_ns
FROM old_failures WHERE EXISTS (SELECT 1 FROM meta WHERE key = 'captioner')
"""
_CAPTIONS = """
SELECT i.captioner, i.number, c.n, c.text, c.tokens, c.logprob, c.crc
FROM old_captions AS c JOIN images AS i USING (sha256) ORDER BY i.captioner, i.number, c.n
"""


def upgrade(connection: sqlite3.Connection, folder: Path, on_disk: bool) -> None:
    """From format 2, inside a transaction; the search index is made anew by the next search."""
    triggers = connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
    for (name,) in triggers:
        connection.execute(f'DROP TRIGGER "{name}"')
    connection.execute("DROP TABLE IF EXISTS changes")
    connection.execute("DELETE FROM meta WHERE key IN ('index', 'index_next', 'index_from')")
    connection.execute("PRAGMA legacy_alter_table = ON")  # else the references to images would follow it
    try:
        for table in _OLD:
            connection.execute(f"ALTER TABLE {table} RENAME TO old_{table}")
    finally:
        connection.execute("PRAGMA legacy_alter_table = OFF")
    for statement in map(str.strip, SCRIPT.split(";")):
        if statement:
            connection.execute(statement)
    connection.execute(_KEPT)
    connection.execute(_FAILED)
    connection.executemany("INSERT INTO captions VALUES (?, ?, ?, ?)", _converted(Rows(connection)))
    for table in reversed(_OLD):
        connection.execute(f"DROP TABLE old_{table}")
    connection.execute(IMAGES_GONE)


def _converted(rows: Rows) -> Iterator[Row]:
    """All captions, of an unknown day. One that was not what was written stays so."""
    columns = (WHOLE, WHOLE, WHOLE, TEXT, TEXT, NUMBER, WHOLE)
    for captioner, picture, n, text, tokens, logprob, crc in rows.table(_CAPTIONS, columns):
        if not 0 <= n < MOST_CAPTIONS:
            continue
        try:
            spelt = words(tokens, "a caption's tokens")
        except Damaged:
            spelt = ()
        row = row_of(span(captioner, picture)[0] + n, Caption(text, spelt, logprob), 0)
        yield row if of_caption(tokens, logprob) == crc else (*row[:3], row[3] ^ 1)
