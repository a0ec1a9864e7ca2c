"""The statements that change a catalogue; each runs inside a transaction of its caller."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from ...records import Caption, CaptionResult, Failure, PictureFacts
from ..checksums import of_image, of_own_caption
from ..listing import Found
from .caption_rows import FIRST, LAST, rows_of, span
from .fact_rows import columns_of
from .rows import stored

_FIRST, _LAST = (one.format(captioner="c.id", picture=":number") for one in (FIRST, LAST))
_DROP_FORMER = f"""
DELETE FROM captions WHERE id IN (
SELECT x.id FROM captioners AS c JOIN captions AS x ON x.id BETWEEN {_FIRST} AND {_LAST}
WHERE c.id <> :captioner AND NOT c.beside)
"""  # noqa: S608


def put_meta(connection: sqlite3.Connection, key: str, value: str | bytes) -> None:
    """One of the library's own facts."""
    connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))


def adopt_captioner(
    connection: sqlite3.Connection, known: int | None, values: tuple[str, str, str | bytes, str]
) -> int:
    """Make a captioner the present one, and return its id.

    known:  its id; None where it is new
    values: its fingerprint, the JSON of its decoding, its name, the JSON of what it says of itself
    """
    # another captioner may be able to read them
    connection.execute("DELETE FROM failures WHERE captioner NOT IN (SELECT id FROM captioners WHERE beside)")
    known = known if known is not None else add_captioner(connection, values)
    connection.execute("INSERT OR REPLACE INTO meta VALUES ('captioner', ?)", (known,))
    return int(known)


def add_captioner(connection: sqlite3.Connection, values: tuple[str, str, str | bytes, str]) -> int:
    """A new captioner, and its id; values: as in adopt_captioner."""
    sql = (
        "INSERT INTO captioners (fingerprint, decoding, name, described, adopted) VALUES (?, ?, ?, ?, ?) "
        "RETURNING id"
    )
    now = datetime.now(UTC).isoformat(timespec="seconds")
    (number,) = connection.execute(sql, (*values, now)).fetchone()
    return int(number)


def put_file(connection: sqlite3.Connection, file: Found, sha256: str) -> None:
    """A file and its content, which may have failed before."""
    values = (stored(file.name), file.size, file.mtime_ns, sha256)
    connection.execute("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?)", values)
    connection.execute("DELETE FROM failures WHERE path = ?", values[:1])


def put_failure(
    connection: sqlite3.Connection, file: Found, reason: str, captioner: int, forget: bool = True
) -> Failure:
    """A file that this captioner could not caption. forget: what it held before, too"""
    values = (stored(file.name), captioner, stored(reason), file.size, file.ctime_ns)
    connection.execute("INSERT OR REPLACE INTO failures VALUES (?, ?, ?, ?, ?)", values)
    if forget:
        connection.execute("DELETE FROM files WHERE path = ?", values[:1])
    return Failure(file.name, reason)


def put_image(
    connection: sqlite3.Connection, result: CaptionResult, captioner: int, row: int, day: int
) -> None:
    """A content with its captions, its feature's row and its facts, in place of those of a former
    captioner."""
    crc = of_image(result.sha256, captioner, row, [caption.text for caption in result.captions])
    (number,) = connection.execute(
        "INSERT INTO images (sha256, captioner, feature_row, crc) VALUES (?, ?, ?, ?) ON CONFLICT "
        "(sha256) DO UPDATE SET captioner = excluded.captioner, feature_row = excluded.feature_row, "
        "crc = excluded.crc RETURNING number",
        (result.sha256, captioner, row, crc),
    ).fetchone()
    if result.facts is not None:
        put_facts(connection, result.sha256, result.facts)
    connection.execute(_DROP_FORMER, {"captioner": captioner, "number": number})
    put_captions(connection, captioner, number, result.captions, day)


def put_captions(
    connection: sqlite3.Connection, captioner: int, picture: int, captions: Sequence[Caption], day: int
) -> None:
    """One captioner's captions of a picture of that number, in place of those it gave before."""
    connection.execute("DELETE FROM captions WHERE id BETWEEN ? AND ?", span(captioner, picture))
    rows = rows_of(captioner, picture, captions, day)
    connection.executemany("INSERT INTO captions VALUES (?, ?, ?, ?)", rows)


def put_facts(connection: sqlite3.Connection, sha256: str, facts: PictureFacts) -> None:
    """What a picture's file says about itself."""
    connection.execute(
        "UPDATE images SET width = ?, height = ?, taken = ?, camera = ?, exif = ? WHERE sha256 = ?",
        (*columns_of(facts), sha256),
    )


def put_feature_sums(connection: sqlite3.Connection, captioner: int, sums: Mapping[int, int]) -> None:
    """The checksums of blocks of features."""
    connection.executemany(
        "INSERT OR REPLACE INTO feature_blocks VALUES (?, ?, ?)",
        [(captioner, block, crc) for block, crc in sums.items()],
    )


def put_own_caption(connection: sqlite3.Connection, sha256: str, text: str) -> None:
    """A caption that a person wrote, and when."""
    written = datetime.now(UTC).isoformat(timespec="seconds")
    values = (sha256, text, written, of_own_caption(sha256, text, written))
    connection.execute("INSERT OR REPLACE INTO own_captions VALUES (?, ?, ?, ?)", values)


def drop_own_caption(connection: sqlite3.Connection, sha256: str) -> None:
    """Forget what a person wrote."""
    connection.execute("DELETE FROM own_captions WHERE sha256 = ?", (sha256,))


def drop_captions(connection: sqlite3.Connection, captioner: int) -> None:
    """All captions of a captioner."""
    connection.execute("DELETE FROM captions WHERE id BETWEEN ? AND ?", span(captioner))


def drop_captioner(connection: sqlite3.Connection, captioner: int) -> None:
    """A captioner that no picture's features are of, with its captions and failures."""
    drop_captions(connection, captioner)
    connection.execute("DELETE FROM failures WHERE captioner = ?", (captioner,))
    connection.execute("DELETE FROM captioners WHERE id = ?", (captioner,))


def prefer(connection: sqlite3.Connection, captioner: int) -> None:
    """Show a captioner's captions before those of others."""
    connection.execute(
        "UPDATE captioners SET preferred = 1 + (SELECT MAX(preferred) FROM captioners) WHERE id = ?",
        (captioner,),
    )


def put_fingerprint(connection: sqlite3.Connection, captioner: int, fingerprint: str) -> None:
    """By what a captioner is known again."""
    connection.execute("UPDATE captioners SET fingerprint = ? WHERE id = ?", (fingerprint, captioner))


def put_kind(connection: sqlite3.Connection, captioner: int, kind: str) -> None:
    """Of what kind a captioner is."""
    connection.execute("UPDATE captioners SET kind = ? WHERE id = ?", (kind, captioner))


def drop_files(connection: sqlite3.Connection, names: Iterable[str]) -> None:
    """Forget files; their contents go with drop_unused_images."""
    connection.executemany("DELETE FROM files WHERE path = ?", [(stored(name),) for name in names])


def drop_failures(connection: sqlite3.Connection, names: Iterable[str], captioner: int | None = None) -> None:
    """Forget that files failed; captioner: no other's failures than its own."""
    connection.executemany(
        "DELETE FROM failures WHERE path = ?1 AND ifnull(?2, captioner) = captioner",
        [(stored(name), captioner) for name in names],
    )


def exclude(connection: sqlite3.Connection, names: Iterable[str]) -> None:
    """Pass these over in updates to come."""
    connection.executemany("INSERT OR IGNORE INTO excluded VALUES (?)", [(stored(name),) for name in names])


def include(connection: sqlite3.Connection, names: Iterable[str]) -> None:
    """Pass these over no longer."""
    connection.executemany("DELETE FROM excluded WHERE path = ?", [(stored(name),) for name in names])


def drop_unused_images(connection: sqlite3.Connection, among: Iterable[str] | None = None) -> None:
    """Contents that no file holds any more; among: no others than these, None: of all."""
    unused = "NOT EXISTS (SELECT 1 FROM files WHERE files.sha256 = images.sha256)"
    if among is None:
        connection.execute(f"DELETE FROM images WHERE {unused}")  # noqa: S608
        return
    connection.executemany(
        f"DELETE FROM images WHERE sha256 = ? AND {unused}",  # noqa: S608
        [(sha256,) for sha256 in among],
    )


def drop_unused_captioners(connection: sqlite3.Connection, present: int) -> list[tuple[int, str]]:
    """Captioners of no content, but for the present one and those beside it; returns id and fingerprint of
    those that are left."""
    unused = "id <> ? AND NOT beside AND id NOT IN (SELECT captioner FROM images)"
    for (number,) in connection.execute(
        f"SELECT id FROM captioners WHERE {unused}",  # noqa: S608
        (present,),
    ).fetchall():
        drop_captioner(connection, number)
    return connection.execute("SELECT id, fingerprint FROM captioners").fetchall()
