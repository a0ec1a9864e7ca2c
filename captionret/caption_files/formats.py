"""The rows of a file of captions, each with where it stands, by the file's ending.

Text may be UTF-8 or, with a byte order mark, UTF-16. Tables and JSON lines are read row by row.
"""

import csv
import json
import tarfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from ..counting import counted
from ..errors import BadDataset, BadSetting
from ..text import separator_in

Fields: TypeAlias = Mapping[str, Any]
Placed: TypeAlias = tuple[str, Fields | str]  # where it stands; its fields, or why it cannot be read
_MARKS = ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"\xef\xbb\xbf", "utf-8-sig"))
_AT_ONCE = 50_000  # rows of a Parquet file
_LONGEST_HEADER = 100_000  # letters
_OTHER = "Restore it, or name another file."


def placed_rows(path: Path) -> Iterator[Placed]:
    """Every row of a file. Columns of tables are named in small letters.

    errors: BadDataset for a file of another kind, or one that cannot be read; BadSetting where Parquet is
            asked for and pyarrow is not installed
    """
    read = FORMATS.get(path.suffix.lower())
    if read is None:
        raise BadDataset(
            f"{path} is no kind of file that captions are read from: {', '.join(FORMATS)}. Name one of those."
        )
    try:
        if path.stat().st_size == 0:
            raise BadDataset(f"{path} is empty. Give a file with captions.")
        yield from read(path)
    except UnicodeDecodeError as error:
        raise _wrongly_encoded(path, error) from None
    except OSError as error:
        raise BadDataset(
            f"{path} cannot be read ({error.strerror or error}). Check that it is whole, and its permissions."
        ) from None


def _encoding(path: Path) -> str:
    with open(path, "rb") as file:
        start = file.read(3)
    return next((name for mark, name in _MARKS if start.startswith(mark)), "utf-8")


def _wrongly_encoded(path: Path, error: UnicodeDecodeError) -> BadDataset:
    """The line where a text stops being one: the error knows its place in the part that was read."""
    content = path.read_bytes()
    try:
        content.decode(_encoding(path))
    except UnicodeDecodeError as whole:
        error = whole
    line = content[: error.start].count(b"\n") + 1
    return BadDataset(
        f"{path}, line {line}: it is not in UTF-8. Convert it, for example: iconv -f LATIN1 -t UTF-8."
    )


def _object(text: str | bytes) -> Fields | str:
    """A JSON object, or why it is none."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        return f"it is no JSON ({error})."
    return found if isinstance(found, dict) else "it is no JSON object."


def _json_lines(path: Path) -> Iterator[Placed]:
    with open(path, encoding=_encoding(path)) as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                yield f"line {number}", _object(line)


def _json(path: Path) -> Iterator[Placed]:
    """COCO's: images and annotations; else a list of objects."""
    text = path.read_text(_encoding(path))
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadDataset(f"{path} is no JSON ({error}). {_OTHER}") from None
    if isinstance(whole, dict) and isinstance(whole.get("annotations"), list):
        yield from _coco(path, whole)
    elif isinstance(whole, list):
        for number, row in enumerate(whole, 1):
            yield f"entry {number}", row if isinstance(row, dict) else "it is no JSON object."
    else:
        raise BadDataset(f"{path} is neither a list of objects nor COCO's images and annotations. {_OTHER}")


def _coco(path: Path, whole: Fields) -> Iterator[Placed]:
    images = whole.get("images")
    if not isinstance(images, list):
        raise BadDataset(f"{path} has annotations and names no images. {_OTHER}")
    known = {
        one["id"]: one for one in images if isinstance(one, dict) and isinstance(one.get("id"), int | str)
    }
    for number, one in enumerate(whole["annotations"], 1):
        where = f"annotation {number}"
        if not isinstance(one, dict) or not isinstance(one.get("image_id"), int | str):
            yield where, "it names no image."
        elif one["image_id"] not in known:
            yield where, f"there is no image {one['image_id']}."
        else:
            image = known[one["image_id"]]
            yield where, {**one, "path": image.get("file_name"), "sha256": image.get("sha256")}


def _table(path: Path, separator: str) -> Iterator[Placed]:
    with open(path, encoding=_encoding(path), newline="") as file:
        reader = csv.reader(file, delimiter=separator, strict=True)
        try:
            header = [name.strip().lower() for name in next(reader, [])]
            for row in reader:
                if len(row) == len(header):
                    yield f"line {reader.line_num}", dict(zip(header, row, strict=True))
                elif row:
                    yield (
                        f"line {reader.line_num}",
                        f"it has {counted(len(row), 'columns')}, the first line has {len(header)}.",
                    )
        except csv.Error as error:
            raise BadDataset(
                f"{path}, line {reader.line_num}: {error}. Check the quotation marks there."
            ) from None


def _csv(path: Path) -> Iterator[Placed]:
    with open(path, encoding=_encoding(path)) as file:
        separator = separator_in(file.readline(_LONGEST_HEADER))
    return _table(path, separator)


def _tsv(path: Path) -> Iterator[Placed]:
    return _table(path, "\t")


def _parquet(path: Path) -> Iterator[Placed]:
    try:
        from pyarrow import ArrowException, parquet
    except ImportError as error:
        raise BadSetting(f"Parquet needs pyarrow ({error}). Install it: pip install pyarrow.") from None
    number = 0
    try:
        with parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(_AT_ONCE):
                columns = {name.lower(): values for name, values in batch.to_pydict().items()}
                for row in zip(*columns.values(), strict=True):
                    number += 1
                    yield f"row {number}", dict(zip(columns, row, strict=True))
    except (ArrowException, ValueError) as error:
        raise BadDataset(f"{path} is no Parquet file that can be read ({error}). {_OTHER}") from None


def _shards(path: Path) -> Iterator[Placed]:
    """The captions of every shard in the folder."""
    for where, found in shard_records(path):
        listed = [found] if isinstance(found, str) else found.get("captions", [])
        yield from ((where, one) for one in listed)


def shard_records(path: Path) -> Iterator[Placed]:
    """What every shard in the folder says of its pictures: the numbered parts of one export.

    errors: BadDataset
    """
    try:
        for file in sorted(path.parent.glob("*.tar")):
            with tarfile.open(file) as shard:
                for entry in shard:
                    content = shard.extractfile(entry) if entry.name.endswith(".json") else None
                    if content is None:
                        continue
                    yield f"{file.name}, {entry.name}", _object(content.read())
    except tarfile.TarError as error:
        raise BadDataset(f"{path} cannot be read as a shard ({error}). Give one that is whole.") from None


FORMATS: dict[str, Callable[[Path], Iterator[Placed]]] = {
    ".parquet": _parquet,
    ".jsonl": _json_lines,
    ".ndjson": _json_lines,
    ".csv": _csv,
    ".tsv": _tsv,
    ".tab": _tsv,
    ".json": _json,
    ".tar": _shards,
}
