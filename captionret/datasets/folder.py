"""A folder of pictures without captions, subfolders included: `folder:~/Pictures`."""

from pathlib import Path

from ..errors import BadDataset
from ..images import find_images
from ..records import Item
from . import Dataset
from .sources import assemble, counted


def read(path: Path, spec: str) -> Dataset:
    """Every picture file below `path`, in the order of the names. An item's id is its path relative to the
    folder.

    Nothing is opened: a file that turns out not to be a picture is named when it is captioned.
    errors: BadDataset for a folder that is not there or holds no pictures
    """
    if not path.is_dir():
        raise BadDataset(f"{path} is not a folder. Give the folder that holds the pictures.")
    unreadable: list[str] = []
    items, unnamed = [], 0
    for picture in find_images(path, unreadable):
        name = picture.relative_to(path).as_posix()
        if _is_text(name):
            items.append(Item(name, picture))
        else:
            unnamed += 1
    notes = [f"Not read: {problem}" for problem in unreadable]
    if unnamed:  # such a name can be neither printed nor kept in a catalogue
        notes.append(f"{counted(unnamed, 'picture')} left out: the name is not UTF-8. Rename the file.")
    if not items and notes:
        raise BadDataset(f"{spec} holds no images that can be read. {' '.join(notes)}")
    return assemble(spec, items, notes=notes)


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
