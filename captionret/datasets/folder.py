"""A folder of pictures without captions, subfolders included: `folder:~/Pictures`."""

from collections import Counter
from pathlib import Path

from ..errors import BadDataset
from ..images import find_images
from ..records import Item
from . import Dataset
from .sources import assemble


def read(path: Path, spec: str) -> Dataset:
    """Every picture file below `path`, in the order of the names. An item's id is its path relative to the
    folder.

    Nothing is opened: a file that turns out not to be a picture is named when it is captioned.
    errors: BadDataset for a folder that is not there or holds no pictures
    """
    if not path.is_dir():
        raise BadDataset(f"{path} is not a folder. Give the folder that holds the pictures.")
    unreadable: list[str] = []
    others: Counter[str] = Counter()
    found = find_images(path, unreadable, others)
    items = [Item(picture.relative_to(path).as_posix(), picture) for picture in found]
    notes = [f"Not read: {problem}" for problem in unreadable]
    if others:
        kinds = ", ".join(f"{kind} ({count:,})" for kind, count in sorted(others.items()))
        notes.append(f"Passed over: {kinds}.")
    if not items and notes:
        raise BadDataset(f"{spec} holds no images that can be read. {' '.join(notes)}")
    return assemble(spec, items, notes=notes)
