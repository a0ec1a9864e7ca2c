"""Two tables, captions and pictures, as Parquet, JSON Lines or CSV; see rows.py for the columns."""

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from ..errors import BadSetting
from ..files import publishing
from ..library import LibraryPicture
from .report import Failures
from .rows import CAPTION_COLUMNS, PICTURE_COLUMNS, CaptionRow, PictureRow, caption_rows, picture_row

if TYPE_CHECKING:
    import pyarrow

CAPTIONS, PICTURES = "captions", "pictures"
_AT_ONCE = 20_000  # pictures
_NAMES = ("path", "copies")  # columns with names of files
Row = CaptionRow | PictureRow


def write_jsonl(pictures: Iterator[LibraryPicture], folder: Path, failures: Failures) -> None:
    """captions.jsonl and pictures.jsonl, an object on each line; what is not known is left out."""
    with ExitStack() as stack:
        captions, others = (
            stack.enter_context(_text(folder, name, "jsonl")) for name in (CAPTIONS, PICTURES)
        )

        def put(file: IO[str], rows: Iterable[Row], columns: tuple[str, ...]) -> None:
            for row in rows:
                known = {name: getattr(row, name) for name in columns}
                kept = {name: value for name, value in known.items() if value not in (None, ())}
                file.write(json.dumps(kept, ensure_ascii=False) + "\n")

        for captioned, shown in _batches(pictures):
            put(captions, captioned, CAPTION_COLUMNS)
            put(others, shown, PICTURE_COLUMNS)


def write_csv(pictures: Iterator[LibraryPicture], folder: Path, failures: Failures) -> None:
    """captions.csv and pictures.csv; lists are JSON in their field."""
    with ExitStack() as stack:
        files = [stack.enter_context(_text(folder, name, "csv")) for name in (CAPTIONS, PICTURES)]
        captions, others = (csv.writer(file, lineterminator="\n") for file in files)
        captions.writerow(CAPTION_COLUMNS)
        others.writerow(PICTURE_COLUMNS)
        for captioned, shown in _batches(pictures):
            captions.writerows([_field(getattr(row, name)) for name in CAPTION_COLUMNS] for row in captioned)
            others.writerows([_field(getattr(row, name)) for name in PICTURE_COLUMNS] for row in shown)


def write_parquet(pictures: Iterator[LibraryPicture], folder: Path, failures: Failures) -> None:
    """captions.parquet and pictures.parquet. errors: BadSetting where pyarrow is not installed"""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise BadSetting(f"Parquet needs pyarrow ({error}). Install it: pip install pyarrow.") from None
    schemas = _schemas(pyarrow)
    with ExitStack() as stack:
        writers = []
        for name, schema in schemas.items():
            file = stack.enter_context(publishing(folder / f"{name}.parquet"))
            writer = pyarrow.parquet.ParquetWriter(file, schema, compression="zstd")
            writers.append(stack.enter_context(writer))
        for parts in _batches(pictures):
            tables: tuple[Sequence[Row], Sequence[Row]] = parts
            for writer, schema, rows in zip(writers, schemas.values(), tables, strict=True):
                columns = {
                    name: [_unicode(name, getattr(row, name)) for row in rows] for name in schema.names
                }
                writer.write_table(pyarrow.Table.from_pydict(columns, schema=schema))


def _schemas(pyarrow: Any) -> "dict[str, pyarrow.Schema]":
    text, texts = pyarrow.string(), pyarrow.list_(pyarrow.string())
    kinds = {
        "n": pyarrow.int32(),
        "logprob": pyarrow.float64(),
        "score": pyarrow.float64(),
        "tags": texts,
        "width": pyarrow.int32(),
        "height": pyarrow.int32(),
        "latitude": pyarrow.float64(),
        "longitude": pyarrow.float64(),
        "keywords": texts,
        "copies": texts,
        "words": texts,
        "probabilities": pyarrow.list_(pyarrow.float32()),
    }
    return {
        name: pyarrow.schema([(column, kinds.get(column, text)) for column in columns])
        for name, columns in ((CAPTIONS, CAPTION_COLUMNS), (PICTURES, PICTURE_COLUMNS))
    }


def _batches(pictures: Iterator[LibraryPicture]) -> Iterator[tuple[list[CaptionRow], list[PictureRow]]]:
    while some := list(islice(pictures, _AT_ONCE)):
        yield [row for one in some for row in caption_rows(one)], [picture_row(one) for one in some]


def _unicode(column: str, value: object) -> object:
    """A value as Parquet can hold it: a byte of a file name that is no UTF-8 becomes an escape, as in CSV."""
    if column not in _NAMES:
        return value
    if isinstance(value, tuple):
        return [_unicode(column, one) for one in value]
    return str(value).encode(errors="backslashreplace").decode()


def _text(folder: Path, name: str, suffix: str) -> AbstractContextManager[IO[str]]:
    return publishing(folder / f"{name}.{suffix}", "w")


def _field(value: object) -> object:
    """A list as JSON; nothing as an empty field."""
    if isinstance(value, tuple):
        return json.dumps(value, ensure_ascii=False) if value else ""
    return value
