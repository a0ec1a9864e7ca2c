"""What every reader uses: lines of text with their faults named, one look into an image folder, and the
checks on what was found."""

import os
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import numpy as np

from ..counting import counted
from ..errors import BadDataset
from ..files import content_of
from ..records import Item
from ..text import repaired
from . import Dataset

T = TypeVar("T")


def text_of(path: Path) -> str:
    """The content of a UTF-8 file, without a byte order mark, its line ends as they are.

    errors: BadDataset for a file that is not there, may not be read, or holds bytes that are not UTF-8
            (naming the line)
    """
    try:
        content = content_of(path)
    except OSError as error:
        raise BadDataset(
            f"{path} cannot be read ({error.strerror}). Check the path and its permissions."
        ) from None
    try:
        return content.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise BadDataset(
            f"{path}, line {line:,}: byte 0x{content[error.start]:02x} is not UTF-8. Convert the file to "
            "UTF-8."
        ) from None


def text_lines(path: Path) -> list[str]:
    """The lines of a UTF-8 file without their ends.

    Only line feeds end a line: `str.splitlines` would also cut a caption at U+2028 or a form feed, and shift
    all that follows.
    errors: as `text_of`
    """
    lines = [line.removesuffix("\r") for line in text_of(path).split("\n")]
    return lines[:-1] if lines[-1] == "" else lines


def names_in(folder: Path) -> frozenset[str]:
    """The names of the files in a folder, from one listing: asking for each of 100,000 names takes minutes on
    a network disk."""
    return frozenset(entry.name for entry in _listing(folder) if _leads_to(entry.is_file))


def folders_in(folder: Path) -> frozenset[str]:
    """The names of the folders in a folder, hidden ones left out."""
    return frozenset(
        entry.name for entry in _listing(folder) if _leads_to(entry.is_dir) and not entry.name.startswith(".")
    )


def _leads_to(kind: Callable[[], bool]) -> bool:
    """Whether an entry is of a kind; a link that leads nowhere, as one to itself, is of none."""
    try:
        return kind()
    except OSError:
        return False


def _listing(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError as error:
        raise BadDataset(
            f"{folder} cannot be listed ({error.strerror}). Check the path and its permissions."
        ) from None


class Folders:
    """Which files exist, from one listing of each folder that is asked for."""

    def __init__(self) -> None:
        self._names: dict[Path, frozenset[str]] = {}

    def holds(self, path: Path) -> bool:
        """Whether `path` is a file."""
        folder = path.parent
        if folder not in self._names:
            # unlike Path.is_dir, False for impossible names
            self._names[folder] = names_in(folder) if os.path.isdir(folder) else frozenset()
        return path.name in self._names[folder]

    def find(self, roots: Iterable[Path], name: str) -> Path | None:
        """The first `root/name` that is a file; None for a name that leads out of its root, wherever that may
        be."""
        relative = Path(name)
        if relative.is_absolute() or ".." in relative.parts:
            return None
        return next((root / relative for root in roots if self.holds(root / relative)), None)


def first_existing(root: Path, names: Iterable[str], what: str) -> Path:
    """The first of `names` that exists below `root` ("." is `root` itself).

    errors: BadDataset that says what was expected where
    """
    names = list(names)
    if not root.is_dir():
        raise BadDataset(f"{root} is not a folder. Give the folder that holds {what}.")
    for name in names:
        if (root / name).exists():
            return root / name
    raise BadDataset(f"{root} does not hold {what}: expected {' or '.join(names)} in it.")


def assemble(
    spec: str,
    items: Iterable[Item],
    missing: Iterable[str] = (),
    notes: Iterable[str] = (),
    features: np.ndarray | None = None,
    ordered: bool = False,
) -> Dataset:
    """A data set whose ids are unique and whose captions are not empty.

    Blanks around a caption are dropped. Empty captions are left out, lone surrogates in captions replaced and
    images whose name is not UTF-8 left out, each counted in a note; a file named twice as missing is listed
    once.
    errors: BadDataset for an id that stands twice, and where no image is left
    """
    kept = []
    counts: Counter[str] = Counter()
    for item in items:
        if repaired(item.id) != item.id:
            counts["unnamed"] += 1
            continue
        captions = tuple(caption.strip() for caption in item.captions if caption.strip())
        whole = tuple(repaired(caption) for caption in captions)
        counts["empty"] += len(item.captions) - len(captions)
        counts["broken"] += sum(before != after for before, after in zip(captions, whole, strict=True))
        kept.append(item if whole == item.captions else replace(item, captions=whole))
    missing = tuple(dict.fromkeys(missing))
    repeated = [name for name, count in Counter(item.id for item in kept).items() if count > 1]
    if repeated:
        raise BadDataset(
            f"{spec}: the image id {repeated[0]!r} stands more than once "
            f"({counted(len(repeated), 'such ids')}). Each image needs one of its own."
        )
    if not kept:
        gone = ""
        if missing:
            gone = f" {counted(len(missing), 'files are')} named and missing (first: {missing[0]!r})."
        if counts["unnamed"]:
            gone += f" {counted(counts['unnamed'], 'pictures were')} left out."
        raise BadDataset(
            f"{spec} holds no images.{gone} Check that the path is right, the pictures are unpacked and "
            "their names are UTF-8."
        )
    notes = [*notes, *(counted(counts[name], things) + end for name, things, end in _NOTES if counts[name])]
    return Dataset(spec, tuple(kept), missing, tuple(notes), features, ordered)


_NOTES = (
    ("empty", "empty captions were", " left out."),
    ("broken", "captions were", " repaired, which held half of a letter (a lone surrogate), now \ufffd."),
    ("unnamed", "pictures were", " left out: the name is not UTF-8. Rename the file."),
)


def field_of(record: object, name: str, kind: type[T], where: str) -> T:
    """`record[name]` from a JSON file, if it is of the expected kind.

    where:  the file and the place in it, for the message
    errors: BadDataset
    """
    value = record.get(name) if isinstance(record, dict) else None
    if not isinstance(value, kind):
        kinds = {str: "text", list: "a list", int: "a number"}
        raise BadDataset(
            f"{where} should have {name!r} as {kinds[kind]}. Correct that record, or restore the original "
            "file."
        )
    return value


def id_of(record: object, name: str, where: str) -> str:
    """An id from a JSON file, where it may be a whole number or text, as text."""
    if isinstance(record, dict) and isinstance(record.get(name), int):
        return str(record[name])
    return field_of(record, name, str, where)
