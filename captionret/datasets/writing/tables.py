"""Tables as `table:` reads them, in the format that the file's name ends in: .csv, .tsv or .parquet."""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

from ...errors import BadSetting
from ...files import publishing
from ...records import Item
from ..table import SEPARATORS


def write_table(file: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write the table, whole or not at all.

    rows:   a value for each column
    errors: BadSetting for a name with another ending
    """
    ending = file.suffix.lower()
    if ending == ".parquet":
        import pandas

        frame = pandas.DataFrame([list(row) for row in rows], columns=list(columns))
        with publishing(file) as target:
            frame.to_parquet(target, index=False)
        return
    if ending not in SEPARATORS:
        raise BadSetting(f"{file}: a table's name ends in .csv, .tsv or .parquet. Choose one of these.")
    with publishing(file, "w") as target:
        writer = csv.writer(target, delimiter=SEPARATORS[ending], lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)


def write(items: Sequence[Item], folder: Path) -> Path:
    """captions.csv: a row for each caption; one that is empty for a picture without any."""
    rows = [
        (_named(item, folder), caption, item.split or "")
        for item in items
        for caption in item.captions or ("",)
    ]
    write_table(folder / "captions.csv", ("image", "caption", "split"), rows)
    return folder / "captions.csv"


def _named(item: Item, folder: Path) -> str:
    path = item.path or Path()
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else str(path)
