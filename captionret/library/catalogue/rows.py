"""Rows of the catalogue with the types they should have: whatever a damaged file holds in their place is
refused by name."""

import json
import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ...errors import BadLibrary

CATALOGUE = "catalogue.sqlite"
REVISION = "SELECT value FROM meta WHERE key = 'revision'"
Column = frozenset[type]
TEXT: Column = frozenset({str})
NAME: Column = frozenset({str, bytes})  # a path or a message, see `stored`
WHOLE: Column = frozenset({int})
NUMBER: Column = frozenset({float})
MAYBE_TEXT: Column = frozenset({str, type(None)})
MAYBE_WHOLE: Column = frozenset({int, type(None)})
_LARGEST = (
    1 << 48
)  # no size of a file, number of rows or pixels comes near it; numpy still multiplies it safely


class Damaged(Exception):
    """The catalogue holds what it cannot hold. The message says what."""


def damaged(error: Exception, file: Path) -> BadLibrary:
    """The error for a catalogue that cannot be read."""
    return BadLibrary(
        f"{file} is damaged ({error}). Restore a copy, or delete {file.parent} and caption the folder again."
    )


class Rows:
    """What one connection reads."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def table(self, sql: str, columns: Sequence[Column], *values: object) -> list[tuple[Any, ...]]:
        """All rows of one query; Damaged where a column holds another type than it should."""
        found = self._connection.execute(sql, values).fetchall()
        for place, allowed in enumerate(columns):
            types = {type(row[place]) for row in found}
            if not types <= allowed:
                wrong = ", ".join(sorted(one.__name__ for one in types - allowed))
                raise Damaged(f"a column that holds {_names(allowed)} holds {wrong}")
        return found

    def whole(self, sql: str, *values: object) -> int:
        """The whole number that a query gives. errors: Damaged where it gives none, or no number"""
        found = self.table(sql, (WHOLE,), *values)
        if not found:
            raise Damaged("a number that it always holds is missing")
        return int(found[0][0])

    def value(self, sql: str, *values: object) -> Any:
        """The first column of the first row, None where there is no row."""
        found = self._connection.execute(sql, values).fetchone()
        return found[0] if found else None

    def meta(self, key: str) -> str | None:
        """One of the library's own facts, None where it is not known."""
        found = self.table("SELECT value FROM meta WHERE key = ?", (NAME,), key)
        return restored(found[0][0]) if found else None


def _names(types: Column) -> str:
    return " or ".join(sorted(one.__name__ for one in types))


def size(value: int, what: str) -> int:
    """A number that counts something; Damaged where it cannot."""
    if not 0 <= value < _LARGEST:
        raise Damaged(f"{what} is {value}")
    return value


def record(text: str, what: str) -> dict[str, Any]:
    """A JSON object; Damaged where it is none."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Damaged(f"{what} is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise Damaged(f"{what} is not a JSON object")
    return value


def words(text: str, what: str) -> tuple[str, ...]:
    """A JSON list of texts; Damaged where it is none."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Damaged(f"{what} is not JSON: {error}") from None
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise Damaged(f"{what} is not a list of words")
    return tuple(value)


def stored(text: str) -> str | bytes:
    """How a path or a message is kept: as text, or as bytes where a file name is not valid UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode(errors="surrogatepass") if os.name == "nt" else _bytes_of(text)
    return text


def _bytes_of(text: str) -> bytes:
    try:
        return os.fsencode(text)
    except UnicodeEncodeError:  # a lone surrogate that no file name on this system can hold, as in a message
        return text.encode(errors="backslashreplace")


def restored(value: str | bytes) -> str:
    """The text that `stored` was given."""
    if isinstance(value, str):
        return value
    return value.decode(errors="surrogatepass") if os.name == "nt" else os.fsdecode(value)
