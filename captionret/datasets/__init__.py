"""Captioned collections behind one call, `open_dataset("kind:path")`: one file and one row in READERS per
format."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..config import Registry
from ..counting import counted
from ..errors import BadDataset, UnknownName
from ..files import expanded
from ..records import Item


@dataclass(frozen=True, slots=True)
class Absent:
    """A picture that is not on this disk and whose address the collection knows.

    item:  without a path
    place: a relative path for its file, below a folder of one's own
    """

    item: Item
    address: str
    place: Path


@dataclass(frozen=True)
class Dataset:
    """What a reader found.

    spec:     as it was asked for, e.g. "flickr8k:data/flickr8k"
    items:    the images that exist, in the collection's own order
    missing:  files that the collection names and that are not there
    notes:    what else was passed over, one sentence each ("3 empty captions were left out")
    features: (len(items), D) float32 where the collection holds features in place of pictures (`vse:`), else
              None
    ordered:  whether an item's captions follow each other, as the sentences of a text do (`text:`)
    absent:   pictures that are not here but can be fetched (`coco:`); `app.missing` does
    """

    spec: str
    items: tuple[Item, ...]
    missing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    features: NDArray[np.floating] | None = field(default=None, repr=False)
    ordered: bool = False
    absent: tuple[Absent, ...] = field(default=(), repr=False)

    def split(self, name: str) -> list[Item]:
        """The items of one split ("all" for every one); an unknown or empty split is an error that lists the
        splits."""
        items = list(self.items) if name == "all" else [item for item in self.items if item.split == name]
        if not items:
            known = (
                ", ".join(f"{split} ({count:,})" for split, count in self.splits().items())
                or "none; 'all' takes every image"
            )
            raise BadDataset(f"{self.spec} has no images in split {name!r}. Its splits: {known}.")
        return items

    def splits(self) -> dict[str, int]:
        """How many images each split holds, in the order train, val, test, others."""
        counts = Counter(item.split for item in self.items if item.split)
        first = ("train", "val", "test")
        return {
            name: counts[name]
            for name in sorted(counts, key=lambda name: (first.index(name) if name in first else 3, name))
        }

    def summary(self) -> str:
        """One line (and one per note) that says what was found."""
        captions = sum(len(item.captions) for item in self.items)
        splits = ", ".join(f"{name} {count:,}" for name, count in self.splits().items()) or "no splits"
        missing = ""
        if self.missing:
            missing = f", {counted(len(self.missing), 'missing files')} (first: {self.missing[0]})"
        images, texts = ("passages", "sentences") if self.ordered else ("images", "captions")
        lines = [
            f"{self.spec}: {len(self.items):,} {images}, {captions:,} {texts}{missing}; {splits}",
            *self.notes,
        ]
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Reader:
    """One format: the module here that has `read(path: Path, spec: str) -> Dataset`, and a sentence for
    --help."""

    module: str
    about: str


READERS: Registry[Reader] = Registry("data set kind")


def _row(kind: str, about: str, module: str = "") -> None:
    READERS.add(kind, Reader(module or kind, about))


# In the order in which --help lists them
_row("scenes", "the built-in set, drawn by the project itself: scenes[:FOLDER] or scenes:seed=7,count=600")
_row("coco", "COCO's original folders and JSON; dataset_coco.json (Karpathy's splits) is used if present")
_row("flickr8k", "Flickr8k's token file and image lists")
_row("karpathy", "a dataset_*.json of Karpathy's, beside its images")
_row("vse", "NAME_{train,dev,test}_caps.txt and _ims.npy, as the VSE systems read them")
_row("table", "a CSV, TSV or Parquet file with columns image and caption (and split, if any)")
_row("pascal", "one folder per category, with sentences beside the pictures")
_row(
    "labels",
    "a folder of pictures for each category, or a table image, label: to be found by words",
    "labelled",
)
_row("folder", "a folder of pictures without captions")
_row("text", "running text without pictures, a sentence on each line (for train-skipthought)", "sentences")

# What people write in place of a kind, and files as their names end
_MEANT = {"csv": "table", "tsv": "table", "tab": "table", "parquet": "table", "excel": "table"} | {
    "json": "karpathy",
    "flickr30k": "karpathy",
    "mscoco": "coco",
    "coco2014": "coco",
    "txt": "text",
    "dir": "folder",
    "directory": "folder",
    "images": "folder",
    "photos": "folder",
}


def open_dataset(spec: str) -> Dataset:
    """Open "kind:path".

    errors: UnknownName for an unknown kind, BadDataset for a collection that cannot be read

    >>> data = open_dataset("scenes:seed=7,count=600")  # doctest: +SKIP
    >>> data.splits()  # doctest: +SKIP
    {'train': 420, 'val': 60, 'test': 120}
    """
    kind, _, path = spec.partition(":")
    if kind not in READERS:
        raise _unknown(spec, kind, path)
    read: Callable[[Path, str], Dataset] = import_module(f".{READERS[kind].module}", __name__).read
    try:
        return read(expanded(path), spec)
    except OSError as error:
        raise BadDataset(
            f"{error.filename or path} cannot be read or written ({error.strerror}). Check the path and its "
            "permissions."
        ) from error


def _unknown(spec: str, kind: str, path: str) -> UnknownName:
    """An error that suggests what was probably meant: another kind, or a path with its kind before it."""
    meant = _MEANT.get(kind.lower())
    if meant:
        return UnknownName.among("data set kind", kind, READERS, meant=f"{meant}:{path}")
    ending = expanded(spec).suffix.lower().removeprefix(".")
    meant = _MEANT.get(ending) or ("folder" if expanded(spec).is_dir() else None)
    if meant:
        return UnknownName.among("data set kind", spec, READERS, meant=f"{meant}:{spec}")
    return UnknownName.among("data set kind", kind, READERS)
