"""The rows of a file of captions, each with where it stands."""

import csv
import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..errors import BadDataset

Row = tuple[str, Mapping[str, Any] | str]  # where it stands; its fields, or why it cannot be read
_SEPARATORS = {".csv": ",", ".tsv": "\t", ".tab": "\t"}
_BOMS = ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"\xef\xbb\xbf", "utf-8-sig"))


def rows_of_file(path: Path) -> Iterator[Row]:
    """By the file's ending: .jsonl, .ndjson, .json, .csv, .tsv, .parquet. errors: BadDataset"""
    ending = path.suffix.lower()
    if ending in (".jsonl", ".ndjson"):
        yield from _json_lines(path)
    elif ending == ".json":
        yield from _json(path)
    elif ending in _SEPARATORS:
        yield from _table(path, _SEPARATORS[ending])
    elif ending == ".parquet":
        yield from _parquet(path)
    else:
        raise BadDataset(
            f"{path} is no kind of file that captions are read from: .jsonl, .csv, .tsv, .parquet or .json."
        )


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BadDataset(f"{path} cannot be read ({error.strerror}). Check its permissions.") from None
    encoding = next((name for mark, name in _BOMS if content.startswith(mark)), "utf-8")
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise BadDataset(
            f"{path}, line {line}: it is not in UTF-8. Convert it, for example: iconv -f LATIN1 -t UTF-8."
        ) from None


def _json_lines(path: Path) -> Iterator[Row]:
    for number, line in enumerate(_text(path).splitlines(), 1):
        if line.strip():
            yield f"line {number}", _fields(line)


def _fields(line: str) -> Mapping[str, Any] | str:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        return f"it is not JSON ({error})."
    return row if isinstance(row, dict) else "it is not a JSON object."


def _json(path: Path) -> Iterator[Row]:
    """COCO's: pictures and annotations; else a list of objects."""
    try:
        whole = json.loads(_text(path))
    except (ValueError, RecursionError) as error:
        raise BadDataset(f"{path} is not JSON ({error}).") from None
    if isinstance(whole, dict) and isinstance(whole.get("annotations"), list):
        yield from _coco(path, whole)
        return
    if not isinstance(whole, list):
        raise BadDataset(f"{path} is neither a list of objects nor COCO's images and annotations.")
    for number, row in enumerate(whole, 1):
        yield f"entry {number}", row if isinstance(row, dict) else "it is not a JSON object."


def _coco(path: Path, whole: Mapping[str, Any]) -> Iterator[Row]:
    images = whole.get("images")
    if not isinstance(images, list):
        raise BadDataset(f"{path} has annotations and names no images.")
    names = {one.get("id"): one.get("file_name") for one in images if isinstance(one, dict)}
    for number, one in enumerate(whole["annotations"], 1):
        where = f"annotation {number}"
        if not isinstance(one, dict) or not isinstance(one.get("image_id"), int | str):
            yield where, "it names no image."
        elif not isinstance(names.get(one["image_id"]), str):
            yield where, f"there is no image {one['image_id']}."
        else:
            yield (
                where,
                {"path": names[one["image_id"]], "caption": one.get("caption"), "score": one.get("score")},
            )


def _table(path: Path, separator: str) -> Iterator[Row]:
    reader = csv.reader(io.StringIO(_text(path), newline=""), delimiter=separator, strict=True)
    try:
        header = [name.strip().lower() for name in next(reader, [])]
        for row in reader:
            where = f"line {reader.line_num}"
            if not row:
                continue
            if len(row) != len(header):
                yield where, f"it has {len(row)} columns, the first line has {len(header)}."
            else:
                yield where, dict(zip(header, row, strict=True))
    except csv.Error as error:
        raise BadDataset(f"{path}, line {reader.line_num}: {error}.") from None


def _parquet(path: Path) -> Iterator[Row]:
    try:
        from pyarrow import ArrowException, parquet
    except ImportError as error:
        raise BadDataset(f"{path} needs pyarrow ({error}). Install it: pip install pyarrow.") from None
    number = 0
    try:
        with parquet.ParquetFile(path) as file:
            for batch in file.iter_batches():
                for row in batch.to_pylist():
                    number += 1
                    yield f"row {number}", {name.lower(): value for name, value in row.items()}
    except (ArrowException, OSError, ValueError) as error:
        raise BadDataset(f"{path} is no Parquet file that can be read ({error}).") from None
