"""captions.csv: a row for each caption of each picture that is kept."""

from collections.abc import Iterable
from pathlib import Path

from ..datasets.writing.tables import write_table
from .journal import Entry

TABLE = "captions.csv"
COLUMNS = (
    *("file", "caption", "query", "source", "page_title", "licence", "author", "date"),
    *("page", "address", "licence_address", "width", "height", "sha256", "fetched"),
)


def write_captions(folder: Path, entries: Iterable[Entry]) -> None:
    """Write the table anew from the pictures that are kept and are still there."""
    rows: list[tuple[object, ...]] = []
    for one in entries:
        if one.outcome == "kept" and (folder / one.file).is_file():
            facts = (one.query, one.source, one.title, one.licence, one.author, one.date)
            more = (
                one.page,
                one.address,
                one.licence_address,
                one.width,
                one.height,
                one.sha256,
                one.fetched,
            )
            rows += [(one.file, caption, *facts, *more) for caption in one.captions or ("",)]
    write_table(folder / TABLE, COLUMNS, rows)
