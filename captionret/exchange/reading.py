"""Captions in files: what `export` wrote, and tables of other programs that name a picture and a caption."""

import csv
import json
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any, TypeAlias

from ..errors import BadDataset, BadSetting
from .rows import CaptionRow

NAMES = {
    "path": ("path", "image", "file", "filename", "file_name"),
    "sha256": ("sha256", "hash"),
    "caption": ("caption", "text", "sentence"),
}
Record: TypeAlias = Mapping[str, Any]


def read_captions(path: Path) -> Iterator[CaptionRow]:
    """Every caption of a file or a folder that `export` wrote, in its order.

    path:   captions.parquet, .jsonl, .csv or .tsv; COCO's JSON; a shard (.tar); or a folder with one of these
    errors: BadDataset, with the line where there is one; BadSetting for another kind of file
    """
    if path.is_dir():
        path = _inside(path)
    read = _READERS.get(path.suffix.lower())
    if read is None:
        raise BadSetting(f"{path} is none of {', '.join(_READERS)}. Name a file of captions.")
    try:
        for number, record in enumerate(read(path), 1):
            yield _row(record, path, number)
    except (OSError, UnicodeError, csv.Error, tarfile.TarError) as error:
        raise BadDataset(f"{path} cannot be read ({error}). Give a file in UTF-8 that is whole.") from None


def _inside(folder: Path) -> Path:
    """The file with the captions in a folder that `export` wrote."""
    found = [folder / f"captions{suffix}" for suffix in _READERS if (folder / f"captions{suffix}").is_file()]
    found = found or sorted(folder.glob("shard-*.tar"))
    if not found:
        raise BadDataset(f"{folder} holds no captions.parquet, .jsonl, .csv, .json and no shard.")
    return found[0]


def _row(record: Record, file: Path, number: int) -> CaptionRow:
    """One record, by whatever names its fields have. errors: BadDataset"""
    path, sha256, caption = (_first(record, name) for name in NAMES)
    if not caption or not (path or sha256):
        raise BadDataset(f"{file}, record {number}: it names no picture with a caption.")
    try:
        score, tags = record.get("score"), record.get("tags") or ()
        return CaptionRow(
            str(path or ""),
            str(sha256 or ""),
            int(record.get("n") or 0),
            str(caption),
            str(record.get("by") or file.stem),
            str(record.get("kind") or "file"),
            record.get("day") or None,
            float(record.get("logprob") or 0.0),
            None if score in (None, "") else float(score),
            tuple(map(str, json.loads(tags) if isinstance(tags, str) else tags)),
        )
    except (ValueError, TypeError):
        raise BadDataset(f"{file}, record {number}: a number or a list in it is none.") from None


def _first(record: Record, name: str) -> object:
    """The field of that meaning, by the first of its names that is there."""
    for one in NAMES[name]:
        found: object = record.get(one)
        if found:
            return found
    return None


def _jsonl(path: Path) -> Iterator[Record]:
    with open(path, encoding="utf-8-sig") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                yield _object(line, f"{path}, line {number}")


def _object(text: str | bytes, where: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadDataset(f"{where}: it is no JSON ({error}).") from None
    if not isinstance(found, dict):
        raise BadDataset(f"{where}: it is no JSON object.")
    return found


def _csv(path: Path) -> Iterator[Record]:
    with open(path, encoding="utf-8-sig", newline="") as file:
        yield from csv.DictReader(file, delimiter="," if path.suffix.lower() == ".csv" else "\t")


def _parquet(path: Path) -> Iterator[Record]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise BadSetting(f"Parquet needs pyarrow ({error}). Install it: pip install pyarrow.") from None
    try:
        for batch in pyarrow.parquet.ParquetFile(path).iter_batches(50_000):
            columns = batch.to_pydict()
            for values in zip(*columns.values(), strict=True):
                yield dict(zip(columns, values, strict=True))
    except pyarrow.ArrowException as error:
        raise BadDataset(f"{path} is no Parquet file that can be read ({error}).") from None


def _coco(path: Path) -> Iterator[Record]:
    whole = _object(path.read_bytes(), str(path))
    try:
        images = {image["id"]: image for image in whole["images"]}
        for one in whole["annotations"]:
            image = images[one["image_id"]]
            yield {**one, "path": image["file_name"], "sha256": image.get("sha256")}
    except (KeyError, TypeError) as error:
        raise BadDataset(f"{path} has no images and annotations as COCO has them ({error}).") from None


def _shards(path: Path) -> Iterator[Record]:
    for file in sorted(path.parent.glob("*.tar")):
        with tarfile.open(file) as shard:
            for entry in shard:
                content = shard.extractfile(entry) if entry.name.endswith(".json") else None
                if content is not None:
                    yield from _object(content.read(), f"{file}, {entry.name}").get("captions", [])


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
