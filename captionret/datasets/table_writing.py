"""Tables as `table:` reads them, in the format that the file's name ends in: .csv, .tsv or .parquet."""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

from ..errors import BadSetting
from ..files import publishing
from .table import SEPARATORS


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
