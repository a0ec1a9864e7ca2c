"""Captions in files: what `export` wrote, and tables of other programs that name a picture and a caption."""

import csv
import json
import re
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any, TypeAlias

from ..errors import BadDataset, BadSetting
from .report import Failures
from .rows import CaptionRow

NAMES = {
    "path": ("path", "image", "file", "filename", "file_name"),
    "sha256": ("sha256", "hash"),
    "caption": ("caption", "text", "sentence"),
}
Record: TypeAlias = Mapping[str, Any] | str  # its fields, or why it cannot be read
Placed: TypeAlias = tuple[str, Record]  # where it stands
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def read_captions(path: Path, failures: Failures) -> Iterator[CaptionRow]:
    """Every caption of a file or a folder that `export` wrote, in its order.

    path:     captions.parquet, .jsonl, .csv or .tsv; COCO's JSON; a shard (.tar); or a folder with one of
    these
    failures: receives the records that cannot be read, each with its place
    errors:   BadDataset where none can; BadSetting for another kind of file
    """
    if path.is_dir():
        path = _inside(path)
    read = _READERS.get(path.suffix.lower())
    if read is None:
        raise BadSetting(f"{path} is none of {', '.join(_READERS)}. Name a file of captions.")
    good, bad = False, Failures()
    try:
        for where, record in read(path):
            try:
                row = _row(record, path)
            except ValueError as error:
                bad.note(where, f"{path}, {where}: {error}")
                continue
            good = True
            yield row
    except (OSError, UnicodeError, csv.Error, tarfile.TarError) as error:
        raise BadDataset(f"{path} cannot be read ({error}). Give a file in UTF-8 that is whole.") from None
    if bad and not good:
        raise BadDataset(f"{bad[0].reason}. No record of it can be read.")
    failures += bad


def _inside(folder: Path) -> Path:
    """The file with the captions in a folder that `export` wrote."""
    found = [folder / f"captions{suffix}" for suffix in _READERS if (folder / f"captions{suffix}").is_file()]
    found = found or sorted(folder.glob("shard-*.tar"))
    if not found:
        raise BadDataset(f"{folder} holds no captions.parquet, .jsonl, .csv, .json and no shard.")
    return found[0]


def clean(text: str) -> str:
    """A text on one line, without control characters."""
    return " ".join(_CONTROL.sub(" ", text).split())


def _row(record: Record, file: Path) -> CaptionRow:
    """One record, by whatever names its fields have. errors: ValueError"""
    if isinstance(record, str):
        raise ValueError(record)
    path, sha256, caption = (_first(record, name) for name in NAMES)
    text = clean(caption) if isinstance(caption, str) else ""
    if not text or not (path or sha256):
        raise ValueError("it names no picture with a caption")
    score, tags = record.get("score"), record.get("tags") or ()
    try:
        listed = json.loads(tags) if isinstance(tags, str) and tags.startswith("[") else tags
        return CaptionRow(
            str(path or ""),
            str(sha256 or ""),
            int(record.get("n") or 0),
            text,
            str(record.get("by") or file.stem),
            str(record.get("kind") or "file"),
            record.get("day") or None,
            float(record.get("logprob") or 0.0),
            None if score in (None, "") else float(score),
            tuple(clean(str(tag)) for tag in (listed.split(",") if isinstance(listed, str) else listed)),
        )
    except (ValueError, TypeError):
        raise ValueError("a number or a list in it is none") from None


def _first(record: Mapping[str, Any], name: str) -> object:
    """The field of that meaning, by the first of its names that is there."""
    for one in NAMES[name]:
        found: object = record.get(one)
        if found:
            return found
    return None


def _jsonl(path: Path) -> Iterator[Placed]:
    with open(path, encoding="utf-8-sig") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                yield f"line {number}", _object(line)


def _object(text: str | bytes) -> Record:
    """A JSON object, or why it is none."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        return f"it is no JSON ({error})"
    return found if isinstance(found, dict) else "it is no JSON object"


def _csv(path: Path) -> Iterator[Placed]:
    with open(path, encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file, delimiter="," if path.suffix.lower() == ".csv" else "\t")
        for record in reader:
            yield f"line {reader.line_num}", record


def _parquet(path: Path) -> Iterator[Placed]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise BadSetting(f"Parquet needs pyarrow ({error}). Install it: pip install pyarrow.") from None
    number = 0
    try:
        for batch in pyarrow.parquet.ParquetFile(path).iter_batches(50_000):
            columns = batch.to_pydict()
            for values in zip(*columns.values(), strict=True):
                number += 1
                yield f"row {number}", dict(zip(columns, values, strict=True))
    except pyarrow.ArrowException as error:
        raise BadDataset(f"{path} is no Parquet file that can be read ({error}).") from None


def _coco(path: Path) -> Iterator[Placed]:
    whole = _object(path.read_bytes())
    try:
        if isinstance(whole, str):
            raise TypeError(whole)
        images = {image["id"]: image for image in whole["images"]}
        annotations = list(whole["annotations"])
    except (KeyError, TypeError) as error:
        raise BadDataset(f"{path} has no images and annotations as COCO has them ({error}).") from None
    for number, one in enumerate(annotations, 1):
        image = images.get(one.get("image_id")) if isinstance(one, dict) else None
        named = {} if image is None else {"path": image.get("file_name"), "sha256": image.get("sha256")}
        yield f"annotation {number}", {**one, **named} if named else "there is no such image"


def _shards(path: Path) -> Iterator[Placed]:
    for file in sorted(path.parent.glob("*.tar")):
        with tarfile.open(file) as shard:
            for entry in shard:
                content = shard.extractfile(entry) if entry.name.endswith(".json") else None
                if content is None:
                    continue
                found = _object(content.read())
                listed = [found] if isinstance(found, str) else found.get("captions", [])
                yield from ((f"{file.name}, {entry.name}", one) for one in listed)


_READERS = {
    ".parquet": _parquet,
    ".jsonl": _jsonl,
    ".csv": _csv,
    ".tsv": _csv,
    ".json": _coco,
    ".tar": _shards,
}


def by_source(rows: Iterable[CaptionRow]) -> dict[tuple[str, str], dict[tuple[str, str], list[CaptionRow]]]:
    """By who made them, (name, kind), the captions of each picture (path, sha256), the best first."""
    found: dict[tuple[str, str], dict[tuple[str, str], list[CaptionRow]]] = {}
    for (by, kind, *picture), group in groupby(rows, lambda row: (row.by, row.kind, row.path, row.sha256)):
        found.setdefault((by, kind), {}).setdefault((picture[0], picture[1]), []).extend(group)
    return found
