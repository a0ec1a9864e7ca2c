"""Which contents changed since the search index was written: the catalogue notes them itself, whoever writes
it, by triggers."""

import secrets
import sqlite3
from collections.abc import Iterator

from ..catalogue.caption_rows import PICTURE
from ..catalogue.rows import TEXT, Damaged, Rows

FEW = 1000  # pictures, of which all may always be made anew
MOST_LATER = 1 / 8  # of the pictures may change before the index is made anew rather than added to
_TABLES = ("images", "own_captions", "files")
_EVENTS = (("INSERT", "NEW"), ("UPDATE", "NEW"), ("UPDATE", "OLD"), ("DELETE", "OLD"))
_TABLE = """
CREATE TABLE changes (sha256 TEXT NOT NULL, revision INTEGER NOT NULL, PRIMARY KEY (sha256, revision))
WITHOUT ROWID
"""
# Without a conflict, for a trigger takes over how the statement that fires it resolves one.
_NOTE = """
INSERT INTO changes SELECT {of}.sha256, m.value + 1 FROM meta AS m WHERE m.key = 'revision' AND NOT EXISTS
(SELECT 1 FROM changes AS c WHERE c.sha256 = {of}.sha256 AND c.revision = m.value + 1);
"""
_NOTE_CAPTION = """
INSERT INTO changes SELECT i.sha256, m.value + 1 FROM meta AS m, images AS i WHERE m.key = 'revision' AND
i.number = {picture} AND NOT EXISTS
(SELECT 1 FROM changes AS c WHERE c.sha256 = i.sha256 AND c.revision = m.value + 1);
"""
# INSERT OR REPLACE deletes without firing a trigger
_REPLACED = """
CREATE TRIGGER files_replaced BEFORE INSERT ON files BEGIN
INSERT INTO changes SELECT f.sha256, m.value + 1 FROM files AS f, meta AS m
WHERE f.path = NEW.path AND m.key = 'revision' AND NOT EXISTS
(SELECT 1 FROM changes AS c WHERE c.sha256 = f.sha256 AND c.revision = m.value + 1);
END
"""


def begin(connection: sqlite3.Connection) -> str:
    """Let the catalogue note changes, if it does not yet, and expect an index of the name that this gives.

    A catalogue knows its index by that name, so that one of another catalogue, or of the same before it was
    put back from a copy, is not taken for its own.
    """
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'changes'").fetchone():
        for statement in (_TABLE, *(statement for _, statement in _triggers()), _REPLACED):
            connection.execute(statement)
        connection.execute("INSERT OR REPLACE INTO meta VALUES ('index_from', -1)")
    name = secrets.token_hex(8)
    connection.execute("INSERT OR REPLACE INTO meta VALUES ('index_next', ?)", (name,))
    return name


def are_many(changed: int, pictures: int) -> bool:
    """Whether so many of the pictures changed that the index is made anew."""
    return changed > max(FEW, pictures * MOST_LATER)


def forget(connection: sqlite3.Connection) -> None:
    """Note no changes, and know of no index, until one is written: where most pictures change, to note each
    takes longer than to make the index anew, and much room."""
    for name in (*(name for name, _ in _triggers()), "files_replaced"):
        connection.execute(f"DROP TRIGGER IF EXISTS {name}")
    connection.execute("DROP TABLE IF EXISTS changes")
    connection.execute("DELETE FROM meta WHERE key IN ('index', 'index_next', 'index_from')")


def clear(connection: sqlite3.Connection, name: str, revision: int) -> None:
    """Forget the changes up to a revision, which the index of that name holds now."""
    connection.execute("DELETE FROM changes WHERE revision <= ?", (revision,))
    known = [("index_from", revision), ("index", name)]
    connection.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", known)


def knows(rows: Rows, name: str) -> bool:
    """Whether the index of that name was written for this catalogue."""
    return name in (rows.meta("index"), rows.meta("index_next"))


def noted_from(rows: Rows) -> int:
    """The revision from which on all changes are known. errors: Damaged"""
    found = rows.value("SELECT value FROM meta WHERE key = 'index_from'")
    if not isinstance(found, int):
        raise Damaged("it does not say from when on its changes are noted")
    return found


def changed_since(rows: Rows, revision: int) -> list[str]:
    """The contents that changed after a revision. errors: Damaged"""
    sql = "SELECT DISTINCT sha256 FROM changes WHERE revision > ?"
    return [sha256 for (sha256,) in rows.table(sql, (TEXT,), revision)]


def _triggers() -> Iterator[tuple[str, str]]:
    """The name of each, and the statement that makes it."""
    noted = [(table, event, of, _NOTE.format(of=of)) for table in _TABLES for event, of in _EVENTS]
    picture = {of: PICTURE.format(of=f"{of}.") for _, of in _EVENTS}
    noted += [("captions", event, of, _NOTE_CAPTION.format(picture=picture[of])) for event, of in _EVENTS]
    for table, event, of, note in noted:
        name = f"{table}_{event}_{of}"
        yield name, f"CREATE TRIGGER {name} AFTER {event} ON {table} BEGIN {note} END"
