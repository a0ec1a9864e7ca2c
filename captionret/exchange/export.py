"""A library written into a folder, in one of FORMATS."""

import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .. import __version__
from ..errors import BadSetting
from ..files import publish_json, publishing
from ..library import Library, LibraryPicture
from ..records import Failure
from .formats import FORMATS
from .report import Failures
from .xmp_files import write_beside


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written.

    files:    beside sidecars
    failures: single pictures that the export went on without
    """

    pictures: int
    captions: int
    files: tuple[Path, ...]
    failures: tuple[Failure, ...]


def export(
    library: Library,
    form: str,
    folder: Path | None,
    vectors: Sequence[str] = (),
    progress: bool | None = None,
) -> Exported:
    """Write what a library holds, all of one moment.

    form:    of FORMATS
    folder:  where to; None for sidecars beside the pictures
    vectors: "features", and modes that compare in a space: vectors-MODE.npy, (N, D) float32, a row for each
             line of vectors.json
    errors:  UnknownName; BadSetting where the folder holds something else, or a vector is not there; NoSpace

    export(Library.open("photos"), "parquet", Path("out")).files
    """
    chosen = FORMATS[form]
    if folder is None and form != "xmp":
        raise BadSetting(f"Where shall {form} be written? Name a folder.")
    failures, counted = Failures(), _Counted(iter(library))
    before = set(folder.glob("*")) if folder is not None and folder.is_dir() else set()
    if folder is None:
        write_beside(counted, failures)
        return Exported(counted.pictures, counted.captions, (), tuple(failures))
    folder.mkdir(parents=True, exist_ok=True)
    chosen.write(counted, folder, failures)
    if vectors:
        _write_vectors(library, folder, vectors)
    made_by = library.made_by
    facts = {
        "format": form,
        "captionret": __version__,
        "pictures": counted.pictures,
        "captions": counted.captions,
        "captioned_by": None if made_by is None else made_by.name,
        "predicted_by": (library.predicted_by or {}).get("name"),
    }
    publish_json(folder / "export.json", facts)
    written = sorted(file for file in folder.glob("*") if file.is_file() and file not in before)
    return Exported(counted.pictures, counted.captions, tuple(written), tuple(failures))


class _Counted(Iterator[LibraryPicture]):
    """Pictures, counted as they go by."""

    def __init__(self, pictures: Iterator[LibraryPicture]) -> None:
        self._all, self.pictures, self.captions = pictures, 0, 0

    def __next__(self) -> LibraryPicture:
        picture = next(self._all)
        self.pictures += 1
        self.captions += sum(len(by.captions) for by in picture.every)
        return picture


def _write_vectors(library: Library, folder: Path, names: Sequence[str]) -> None:
    gallery = library.gallery()
    for name in names:
        if name not in gallery.parts:
            there = ", ".join(sorted(gallery.parts - {"word_probabilities"}))
            raise BadSetting(f"This library has no vectors {name!r}. It has {there or 'none'}.")
        rows = gallery.features if name == "features" else gallery.vectors(name)
        content = io.BytesIO()
        np.save(content, np.asarray(rows, np.float32), allow_pickle=False)
        with publishing(folder / f"vectors-{name}.npy") as file:
            file.write(content.getbuffer())
    with publishing(folder / "vectors.json", "w") as file:
        json.dump({"paths": list(gallery.paths), "sha256": list(gallery.hashes)}, file, ensure_ascii=False)
