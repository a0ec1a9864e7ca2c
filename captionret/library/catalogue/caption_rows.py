"""How a caption stands in the catalogue: one number for whose it is, of what and which one; its text; what
else is known of it; and a stamp of the day with a checksum.

A captioner's captions lie together, picture by picture, and take little more room than their texts.
"""

import json
import zlib
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta

from ...records import Caption
from .rows import TEXT, WHOLE, Column, Damaged, Rows, record

MOST_CAPTIONS, MOST_PICTURES = 1 << 10, 1 << 24
_OF_PICTURE, _OF_CAPTIONER = 10, 34  # bits below the picture's number, and below the captioner's
_FIRST_DAY = date(1970, 1, 1)
# From this day on a stamp is negative, and takes three bytes in place of four: 12 bits of a checksum behind
# the days since. Before it, and where no day is known, 16 bits behind the days since 1970.
_SHORT_SINCE = (date(2026, 1, 1) - _FIRST_DAY).days
_FIELDS = {"logprob": float, "tokens": list, "tags": list, "score": float}

MORE: Column = frozenset({str, float, type(None)})
SQL = "SELECT id, text, more, stamp FROM captions WHERE id BETWEEN ? AND ? ORDER BY id"
COLUMNS = (WHOLE, TEXT, MORE, WHOLE)
# In SQL, of a row of `captions`: the number of its picture; and of a captioner's and a picture's number: the
# first and the last of its captions.
PICTURE = "(({of}id >> 10) & 16777215)"
FIRST, LAST = "(({captioner} << 34) | ({picture} << 10))", "(({captioner} << 34) | ({picture} << 10) | 1023)"
# How many pictures have captions of a `span`.
CAPTIONED = "SELECT COUNT(*) FROM captions WHERE id BETWEEN ? AND ? AND id & 1023 = 0"
# Pictures that the present captioner captioned and the captioner ?1 did not.
WITHOUT = f"""
SELECT i.number FROM images AS i WHERE i.captioner = (SELECT value FROM meta WHERE key = 'captioner')
AND NOT EXISTS (SELECT 1 FROM captions WHERE id = {FIRST.format(captioner="?1", picture="i.number")})
"""  # noqa: S608

Row = tuple[int, str, str | float | None, int]


def span(captioner: int, picture: int | None = None) -> tuple[int, int]:
    """The first and the last number of a captioner's captions: of one picture, or of all."""
    first = captioner << _OF_CAPTIONER
    if picture is None:
        return first, first + (1 << _OF_CAPTIONER) - 1
    return first | picture << _OF_PICTURE, first | picture << _OF_PICTURE | MOST_CAPTIONS - 1


def picture_of(key: int) -> int:
    """The number of the picture that a caption is of."""
    return key >> _OF_PICTURE & MOST_PICTURES - 1


def today() -> int:
    """Days since 1970."""
    return (datetime.now(UTC).date() - _FIRST_DAY).days


def day_of(stamp: int) -> str | None:
    """The day on which a caption was made, "2026-05-01"; None where it is not known (of an older format)."""
    days = _days(stamp)
    return (_FIRST_DAY + timedelta(days=days)).isoformat() if 0 < days < 1 << 20 else None


def rows_of(captioner: int, picture: int, captions: Sequence[Caption], day: int) -> Iterator[Row]:
    """Captions of one picture as they are kept, the best first; no more than MOST_CAPTIONS of them."""
    first, _ = span(captioner, picture)
    for n, caption in enumerate(captions[:MOST_CAPTIONS]):
        yield row_of(first + n, caption, day)


def row_of(key: int, caption: Caption, day: int) -> Row:
    """One caption as it is kept under a number of a `span`."""
    more = _more(caption)
    return key, caption.text, more, _stamp(key, caption.text, more, day, short=day >= _SHORT_SINCE)


def caption_of(row: Row) -> Caption:
    """The caption that a row keeps. errors: Damaged where it is not what was written"""
    key, text, more, stamp = row
    if stamp != _stamp(key, text, more, _days(stamp), short=stamp < 0):
        raise Damaged(f"a caption of the picture number {picture_of(key)} is not what was written")
    if not isinstance(more, str):
        return Caption(text, tuple(text.split()), more or 0.0)
    facts = record(more, "what is known of a caption")
    if any(type(value) is not _FIELDS.get(name) for name, value in facts.items()):
        raise Damaged(f"what it knows of a caption is {more}")
    tokens, tags = facts.get("tokens", text.split()), facts.get("tags", [])
    if not all(isinstance(one, str) for one in (*tokens, *tags)):
        raise Damaged(f"what it knows of a caption is {more}")
    return Caption(text, tuple(tokens), facts.get("logprob", 0.0), tuple(tags), facts.get("score"))


def read_rows(rows: Rows, captioner: int, pictures: Sequence[int] | None = None) -> Iterator[Row]:
    """Of one captioner: of these pictures, or all; in the order of the pictures' numbers. errors: Damaged"""
    if pictures is None:
        yield from rows.table(SQL, COLUMNS, *span(captioner))
        return
    for number in pictures:
        yield from rows.table(SQL, COLUMNS, *span(captioner, number))


def _more(caption: Caption) -> str | float | None:
    """What else is known: a log-probability alone as a number, nothing where it is none."""
    spelt = tuple(caption.text.split()) == tuple(caption.tokens)
    logprob = float(caption.logprob)
    if spelt and not caption.tags and caption.score is None:
        return logprob or None
    facts: dict[str, object] = {"logprob": logprob} if logprob else {}
    if not spelt:
        facts["tokens"] = list(caption.tokens)
    if caption.tags:
        facts["tags"] = list(caption.tags)
    if caption.score is not None:
        facts["score"] = float(caption.score)
    return json.dumps(facts, ensure_ascii=False)


def _stamp(key: int, text: str, more: str | float | None, day: int, short: bool) -> int:
    whole = zlib.crc32(f"{key}\n{text}\n{more!r}".encode(errors="surrogatepass"))
    if short:
        return ~(day - _SHORT_SINCE << 12 | whole & 0xFFF)
    return day << 16 | whole & 0xFFFF


def _days(stamp: int) -> int:
    """Of a stamp, since 1970."""
    return stamp >> 16 if stamp >= 0 else (~stamp >> 12) + _SHORT_SINCE
