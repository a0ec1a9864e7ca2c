"""Captions in files: what `export` wrote, and tables of other programs that name a picture and a caption."""

from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from itertools import groupby
from pathlib import Path

from ..caption_files import FORMATS, read_records
from ..errors import BadDataset
from .report import Failures
from .rows import CaptionRow


def read_captions(
    path: Path, failures: Failures, known: AbstractSet[str] = frozenset()
) -> Iterator[CaptionRow]:
    """Every caption of a file or a folder that `export` wrote, in its order.

    path:     captions.parquet, .jsonl, .csv, .tsv or .json; COCO's JSON; a shard (.tar); or a folder with one
              of these
    failures: receives the records that cannot be read, each with its place
    known:    names of sources: a file is called by its name without the ending where that is one, else by
              its name with it
    errors:   BadDataset where none can, and for another kind of file
    """
    file = _inside(path) if path.is_dir() else path
    own_name = file.stem if file.stem in known else file.name

    def note(where: str, why: str) -> None:
        failures.note(where, f"{file}, {where}: {why}")

    for record in read_records(file, note):
        by, kind = record.by or own_name, record.kind or "file"
        for n, text in enumerate(record.captions, record.n):
            yield CaptionRow(
                record.path or "",
                record.sha256 or "",
                n,
                text,
                by,
                kind,
                record.day,
                record.logprob,
                record.score,
                record.tags if n == record.n else (),
            )


def _inside(folder: Path) -> Path:
    """The file with the captions in a folder that `export` wrote."""
    found = [folder / f"captions{suffix}" for suffix in FORMATS if (folder / f"captions{suffix}").is_file()]
    found = found or sorted(folder.glob("shard-*.tar"))
    if not found:
        raise BadDataset(
            f"{folder} holds no captions.parquet, .jsonl, .csv, .json and no shard. Name the file itself."
        )
    return found[0]


def by_source(rows: Iterable[CaptionRow]) -> dict[tuple[str, str], dict[tuple[str, str], list[CaptionRow]]]:
    """By who made them, (name, kind), the captions of each picture (path, sha256), the best first."""
    found: dict[tuple[str, str], dict[tuple[str, str], list[CaptionRow]]] = {}
    for (by, kind, *picture), group in groupby(rows, lambda row: (row.by, row.kind, row.path, row.sha256)):
        found.setdefault((by, kind), {}).setdefault((picture[0], picture[1]), []).extend(group)
    return found
