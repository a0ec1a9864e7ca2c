"""How captions stand in the catalogue: in little room, with their day, and noticed when they are altered."""

import zlib
from datetime import date

import pytest

from captionret.library.catalogue.caption_rows import Row, caption_of, day_of, row_of, span
from captionret.library.catalogue.rows import Damaged
from captionret.records import Caption

CAPTION = Caption("a dog on a beach", ("a", "dog", "on", "a", "beach"), 0.0)


def days(day: str) -> int:
    return (date.fromisoformat(day) - date(1970, 1, 1)).days


def bytes_of(number: int) -> int:
    return next(size for size in (1, 2, 3, 4, 6, 8) if -(1 << 8 * size - 1) <= number < 1 << 8 * size - 1)


@pytest.mark.parametrize(("day", "size"), [("2026-01-01", 2), ("2026-11-28", 3), ("2031-08-10", 3)])
def test_stamp_takes_at_most_three_bytes(day: str, size: int) -> None:
    row = row_of(span(2, 7)[0], CAPTION, days(day))
    assert bytes_of(row[3]) <= size and day_of(row[3]) == day
    assert caption_of(row) == CAPTION


@pytest.mark.parametrize("day", ["2025-12-31", "2026-05-01"])
def test_stamps_of_four_bytes_are_read(day: str) -> None:
    key, text, more, _ = row_of(span(2, 7)[0], CAPTION, days(day))
    stamp = days(day) << 16 | zlib.crc32(f"{key}\n{text}\n{more!r}".encode()) & 0xFFFF
    assert day_of(stamp) == day and caption_of((key, text, more, stamp)) == CAPTION


def test_caption_of_no_known_day_has_none() -> None:
    row = row_of(span(1, 7)[0], CAPTION, 0)
    assert day_of(row[3]) is None and caption_of(row) == CAPTION


@pytest.mark.parametrize("day", ["2025-12-31", "2026-11-28"])
def test_altered_caption_is_refused(day: str) -> None:
    key, text, more, stamp = row_of(span(1, 7)[0], CAPTION, days(day))
    altered: list[Row] = [
        (key + 1, text, more, stamp),
        (key, f"{text}s", more, stamp),
        (key, text, 1.0, stamp),
        (key, text, more, stamp ^ 1),
    ]
    for row in altered:
        with pytest.raises(Damaged):
            caption_of(row)
