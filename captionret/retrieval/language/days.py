"""Days as people name them: a day, a month or a year."""

import re
from calendar import monthrange
from datetime import date, datetime
from typing import TypeAlias

from ...errors import BadSetting

Day: TypeAlias = str | int | date  # "2019-06"; 2019; a day
_NAMED = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?")


def as_named(day: Day) -> str:
    """A day as people name it: 2019 -> "2019", date(2019, 6, 1) -> "2019-06-01"."""
    if isinstance(day, date):
        return (day.date() if isinstance(day, datetime) else day).isoformat()
    return str(day)


def first_day(text: str) -> str:
    """The first day of what is named: "2019-06" -> "2019-06-01". errors: BadSetting for what is no date"""
    year, month, day = _parts(text)
    return _iso(text, year, month or 1, day or 1)


def last_day(text: str) -> str:
    """The last day of what is named: "2019-06" -> "2019-06-30". errors: BadSetting for what is no date"""
    year, month, day = _parts(text)
    month = month or 12
    if not day and 1 <= month <= 12:
        day = monthrange(year, month)[1]
    return _iso(text, year, month, day or 1)


def _parts(text: str) -> tuple[int, int | None, int | None]:
    found = _NAMED.fullmatch(text.strip())
    if found is None or not int(found[1]):
        raise BadSetting(f"{text!r} is no date. Give a year, a month or a day: 2019, 2019-06 or 2019-06-01.")
    year, month, day = (None if part is None else int(part) for part in found.groups())
    assert year is not None, "the pattern has a year"
    return year, month, day


def _iso(text: str, year: int, month: int, day: int) -> str:
    try:
        return date(year, month, day).isoformat()
    except ValueError:
        raise BadSetting(
            f"{text!r} is no date: the calendar does not have it. Check month and day."
        ) from None
