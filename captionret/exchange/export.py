"""A library written into a folder, in one of FORMATS."""

import io
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from .. import __version__
from ..errors import BadSetting
from ..files import publish_json, publishing
from ..library import Library, LibraryPicture
from ..progress import bar
from ..records import Failure
from ..uncollected import uncollected
from .formats import FORMATS, Format
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


@uncollected()
def export(
    library: Library,
    form: str,
    folder: Path | None,
    vectors: Sequence[str] = (),
    progress: bool | None = None,
) -> Exported:
    """Write what a library holds, all of one moment.

    form:    of FORMATS
    folder:  where to; a name that ends as the format's file of captions does, "captions.csv", is that file
             alone; None for sidecars beside the pictures
    vectors: "features", and modes that compare in a space: vectors-MODE.npy, (N, D) float32, a row for each
             line of vectors.json
    errors:  UnknownName; BadSetting for a place that is no folder, or a vector that is not there; NoSpace

    export(Library.open("photos"), "parquet", Path("out")).files
    """
    chosen = FORMATS[form]
    if folder is None and form != "xmp":
        raise BadSetting(f"Where shall {form} be written? Name a folder.")
    failures = Failures()
    counted = _Counted(bar(library, desc="exporting", unit="picture", total=len(library), show=progress))
    if folder is not None and _is_file(folder, form, chosen, bool(vectors)):
        _write_alone(chosen, counted, folder, failures)
        return Exported(counted.pictures, counted.captions, (folder,), tuple(failures))
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


def _is_file(place: Path, form: str, chosen: Format, vectors: bool) -> bool:
    """Whether a place is the one file to write rather than a folder. errors: BadSetting for neither"""
    endings = {Path(row.alone).suffix for row in FORMATS.values() if row.alone} | {".tar", ".tsv", ".xmp"}
    ending = place.suffix.lower()
    if place.is_dir() or (ending not in endings and not place.exists()):
        return False
    if chosen.alone is None or ending != Path(chosen.alone).suffix:
        raise BadSetting(f"{place} is a file's name, and {form} goes into a folder. Name a folder.")
    if vectors:
        raise BadSetting(f"{place} is one file, and vectors are files of their own. Name a folder.")
    return True


def _write_alone(chosen: Format, pictures: Iterator[LibraryPicture], file: Path, failures: Failures) -> None:
    """Write the captions' file alone, out of a folder beside it."""
    assert chosen.alone is not None, "as _is_file found"
    file.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=file.parent, prefix=f".{file.name}-") as folder:
        chosen.write(pictures, Path(folder), failures)
        os.replace(Path(folder) / chosen.alone, file)


class _Counted(Iterator[LibraryPicture]):
    """Pictures, counted as they go by."""

    def __init__(self, pictures: Iterable[LibraryPicture]) -> None:
        self._all, self.pictures, self.captions = iter(pictures), 0, 0

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
