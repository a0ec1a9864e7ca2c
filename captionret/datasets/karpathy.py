"""Karpathy's split files (Karpathy, Fei-Fei 2015): dataset_flickr8k.json, dataset_flickr30k.json,
dataset_coco.json.

    {"images": [{"filename": "a.jpg", "split": "train", "sentences": [{"raw": "A dog ."}, ...],
                 "filepath": "train2014", "cocoid": 9}, ...]}

filepath and cocoid stand only in COCO's.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import BadDataset
from ..files import read_json
from ..records import Item
from . import Dataset
from .sources import Folders, assemble, field_of, id_of

IMAGE_FOLDERS = (
    ".",
    "images",
    "Images",
    "Flicker8k_Dataset",
    "Flickr8k_Dataset",
    "flickr30k-images",
    "flickr30k_images",
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One image of a split file. `id` is COCO's image id as text where there is one, else the file's name."""

    id: str
    name: str
    split: str | None
    captions: tuple[str, ...]


def read(path: Path, spec: str) -> Dataset:
    """Read a dataset_*.json, or the only one in a folder. The splits keep their names: train, val, test,
    restval.

    The pictures lie beside the file, in an image folder beside it, or one level up where the file is in
    "annotations"; "filepath", where an image has one, is a folder inside of these.
    errors: BadDataset for a malformed file, or a folder with none or several
    """
    file = _split_file(path)
    above = file.parent.parent if file.parent.name == "annotations" else file.parent
    roots = [above / folder for folder in IMAGE_FOLDERS]
    folders = Folders()
    items, missing = [], []
    for entry in entries(file):
        picture = folders.find(roots, entry.name) or folders.find(roots, Path(entry.name).name)
        if picture:
            items.append(Item(entry.id, picture, entry.captions, entry.split))
        else:
            missing.append(entry.name)
    return assemble(spec, items, missing)


def entries(file: Path) -> list[Entry]:
    """The images of a split file, in its order.

    errors: BadDataset that names the first record in which something is missing
    """
    images = field_of(read_json(file), "images", list, f"{file}")
    return [_entry(image, f"{file}, images[{index}]") for index, image in enumerate(images)]


def _entry(image: Any, where: str) -> Entry:
    name = field_of(image, "filename", str, where)
    if "filepath" in image:
        name = f"{field_of(image, 'filepath', str, where)}/{name}"
    sentences = field_of(image, "sentences", list, where)
    captions = tuple(
        field_of(sentence, "raw", str, f"{where}.sentences[{index}]")
        for index, sentence in enumerate(sentences)
    )
    key = id_of(image, "cocoid", where) if "cocoid" in image else name
    return Entry(key, name, field_of(image, "split", str, where) or None, captions)


def _split_file(path: Path) -> Path:
    if path.is_file():
        return path
    if not path.is_dir():
        raise BadDataset(f"{path} does not exist. Give a dataset_*.json, or a folder with one.")
    found = sorted(path.glob("dataset_*.json"))
    if len(found) != 1:
        names = ", ".join(file.name for file in found) or "none"
        raise BadDataset(
            f"{path} should hold exactly one dataset_*.json; found {names}. Give the path of the file itself."
        )
    return found[0]
