"""The formats, a row each."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ..config import Registry
from ..library import LibraryPicture
from . import coco, tables, trec, webdataset, xmp_files
from .report import Failures

Pictures = Iterator[LibraryPicture]


@dataclass(frozen=True, slots=True)
class Format:
    """One row of FORMATS.

    about: one sentence for lists
    write: pictures, into a folder; what could not be written of single pictures goes into the failures
    alone: the file of that folder that holds all captions; None where there is no such one
    """

    about: str
    write: Callable[[Pictures, Path, Failures], None]
    alone: str | None = None


FORMATS: Registry[Format] = Registry(
    "format",
    {
        "parquet": Format(
            "two tables for pandas, Polars, DuckDB: captions and pictures",
            tables.write_parquet,
            "captions.parquet",
        ),
        "jsonl": Format("the same as JSON Lines", tables.write_jsonl, "captions.jsonl"),
        "csv": Format(
            "the same as CSV; captions.csv is also a collection: table:captions.csv",
            tables.write_csv,
            "captions.csv",
        ),
        "coco": Format(
            "captions as COCO has them, for pycocotools and what reads its JSON", coco.write, "captions.json"
        ),
        "webdataset": Format(
            "shards of pictures with their captions, for training with WebDataset", webdataset.write
        ),
        "trec": Format(
            "a document of captions for each picture, for Anserini and its like", trec.write, "documents.trec"
        ),
        "xmp": Format("a sidecar for each picture, for digiKam, darktable, Lightroom", xmp_files.write),
    },
)
