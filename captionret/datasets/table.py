"""One's own captions in a table: CSV, TSV or Parquet with an image and a caption in each row.

    image,caption,split
    beach/1.jpg,a dog runs,train
    beach/1.jpg,the dog is wet,train

The column image may be called file, filename or path, caption may be called text or sentence, and split may
be left out.

Text tables are read with Python's csv rather than pandas: pandas takes a surplus column for row names and
fills short rows up, so that captions would stand beside the wrong picture without a word; csv gives the line
to name in an error.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import BadDataset
from ..records import Item
from ..text import separator_in
from . import Dataset
from .sources import Folders, assemble, text_of

IMAGE_COLUMNS = ("image", "file", "filename", "path")
CAPTION_COLUMNS = ("caption", "text", "sentence")
SEPARATORS = {".csv": ",", ".tsv": "\t", ".tab": "\t"}
SPLIT_NAMES = {"dev": "val", "valid": "val", "validation": "val"}


@dataclass
class _Image:
    split: str | None
    captions: list[str] = field(default_factory=list)


def read(path: Path, spec: str) -> Dataset:
    """Read a table, one image per distinct name, in the order of the rows. An item's id is the image's name
    as the table has it.

    Names are relative to the table's folder. It is the user's own table: absolute names and names that lead
    out of the folder are allowed. The split names dev, valid and validation are read as "val".
    errors: BadDataset for columns that are not there, a malformed row (with its line), or an image in two
            splits
    """
    images: dict[str, _Image] = {}
    for where, name, caption, split in _rows(path):
        if not name:
            raise BadDataset(f"{path}, {where}: no image is named. Fill in the name, or remove the row.")
        image = images.setdefault(Path(name).as_posix(), _Image(split))
        if image.split != split:
            raise BadDataset(
                f"{path}, {where}: {name!r} is already in the split {image.split!r}, here {split!r}. Keep it "
                "in one split."
            )
        image.captions.append(caption)
    folders = Folders()
    present = {name: path.parent / name for name in images if folders.holds(path.parent / name)}
    items = [
        Item(name, file, tuple(images[name].captions), images[name].split) for name, file in present.items()
    ]
    return assemble(spec, items, [name for name in images if name not in present])


def _rows(path: Path) -> Iterator[tuple[str, str, str, str | None]]:
    """The place (for messages), image, caption and split of each row."""
    header, rows = table_rows(path)
    image, caption = column(path, header, IMAGE_COLUMNS), column(path, header, CAPTION_COLUMNS)
    split = header.index("split") if "split" in header else None
    for where, row in rows:
        part = row[split].strip() if split is not None else ""
        yield where, row[image], row[caption], SPLIT_NAMES.get(part.lower(), part) or None


def table_rows(path: Path) -> tuple[list[str], Iterator[tuple[str, list[str]]]]:
    """The columns' names in small letters, and each row with its place (for messages).

    errors: BadDataset for a file that is no table, and, while the rows are read, for one with too many fields
            or too few
    """
    rows = _parquet_rows(path) if path.suffix.lower() == ".parquet" else _text_rows(path)
    _, header = next(rows, ("", []))
    return [name.strip().lower() for name in header], _whole(path, rows, len(header))


def _whole(path: Path, rows: Iterator[tuple[str, list[str]]], fields: int) -> Iterator[tuple[str, list[str]]]:
    for where, row in rows:
        if len(row) != fields:
            raise BadDataset(
                f"{path}, {where}: {len(row)} fields, but the header has {fields}. Put quotes around "
                "texts with separators."
            )
        yield where, row


def column(path: Path, header: Sequence[str], names: Sequence[str]) -> int:
    """The place of the first of `names` that is a column; BadDataset where none is."""
    for name in names:
        if name in header:
            return header.index(name)
    found = ", ".join(map(repr, header)) or "none"
    raise BadDataset(
        f"{path} has no column named {' or '.join(names)}; its columns are: {found}. Rename a column in the "
        "first line."
    )


def _text_rows(path: Path) -> Iterator[tuple[str, list[str]]]:
    if path.suffix.lower() not in SEPARATORS:
        raise BadDataset(
            f"{path}: a table's name must end in .csv, .tsv or .parquet, so that it is known how to read it. "
            "Rename the file."
        )
    text, separator = text_of(path), SEPARATORS[path.suffix.lower()]
    if separator == ",":
        separator = separator_in(text.partition("\n")[0])
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        for row in reader:
            if row:
                yield f"line {reader.line_num:,}", row
    except csv.Error as error:
        raise BadDataset(
            f"{path}, line {reader.line_num:,}: {error}. Check the quotation marks: one inside a quoted text "
            "is doubled."
        ) from None


def _parquet_rows(path: Path) -> Iterator[tuple[str, list[str]]]:
    import pandas
    import pyarrow

    try:
        table = pandas.read_parquet(path)
    except (OSError, pyarrow.ArrowException) as error:
        raise BadDataset(
            f"{path} cannot be read as Parquet ({error}). Check the path, or write the table again."
        ) from None
    yield "header", [str(name) for name in table.columns]
    for number, row in enumerate(table.itertuples(index=False), 1):
        yield (
            f"row {number:,}",
            ["" if pandas.api.types.is_scalar(value) and pandas.isna(value) else str(value) for value in row],
        )
