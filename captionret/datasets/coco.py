"""COCO's captions in their original folders and JSON (Lin et al. 2014, Chen et al. 2015).

    DIR/annotations/captions_{train,val}2014.json        any captions_*.json; or one such file in place of DIR
    DIR/{train,val}2014/COCO_train2014_000000000009.jpg

Of pictures that are not there the JSON knows an address, `coco_url`; without any picture captions alone are
read.

The JSON is read directly rather than through pycocotools, whose index keeps the last of two records with the
same id without a word, and prints to stdout. A test holds the two against each other.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..counting import counted
from ..errors import BadDataset
from ..files import read_json
from ..records import Item
from . import Absent, Dataset
from .karpathy import entries
from .sources import Folders, assemble, field_of, id_of


@dataclass
class _Found:
    """What has been read so far."""

    folders: Folders = field(default_factory=Folders)
    items: list[Item] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    absent: list[Absent] = field(default_factory=list)


def read(path: Path, spec: str) -> Dataset:
    """Read every captions_*.json of the folder, in the order of their names, each in the order of its image
    list.

    An item's id is COCO's image id as text. captions_train2014.json is the split "train",
    captions_val2014.json "val": COCO keeps its test captions to itself. Where dataset_coco.json (Karpathy)
    lies in DIR or DIR/annotations, its splits are used instead: train, restval (the rest of val2014, which
    many also train on), val and test of 5,000 each.
    errors: BadDataset for malformed JSON, an image id that stands for two files, or a folder that is not COCO
    """
    files, root = _caption_files(path)
    found = _Found()
    for file in files:
        _read_one(file, root, found)
    _refuse_overlap([*found.items, *(one.item for one in found.absent)], files)
    splits = _karpathy_splits(root)
    if splits is None:
        found.notes.append(
            "COCO's captions have no test split: put Karpathy's dataset_coco.json into the folder to have "
            "one."
        )
        return _assembled(spec, found)
    found.items = [replace(item, split=splits.get(item.id)) for item in found.items]
    found.absent = [
        replace(one, item=replace(one.item, split=splits.get(one.item.id))) for one in found.absent
    ]
    unlisted = sum(item.split is None for item in found.items)
    found.notes.append("The splits are those of dataset_coco.json.")
    if unlisted:
        found.notes.append(f"{counted(unlisted, 'images were')} not in dataset_coco.json and in no split.")
    return _assembled(spec, found)


def _assembled(spec: str, found: _Found) -> Dataset:
    items, missing, notes = found.items, found.missing, found.notes
    if not items and found.absent:
        items, missing = [one.item for one in found.absent], []
        notes = [*notes, f"None of the {len(items):,} pictures is here: captions alone are read."]
    return replace(assemble(spec, items, missing, notes), absent=tuple(found.absent))


def _caption_files(path: Path) -> tuple[list[Path], Path]:
    """The JSON files to read, and the folder that holds the image folders."""
    if path.is_file():
        return [path], path.parent.parent if path.parent.name == "annotations" else path.parent
    if not path.is_dir():
        raise BadDataset(f"{path} does not exist. Give COCO's folder, or one captions_*.json.")
    for folder in (path / "annotations", path):
        if files := sorted(folder.glob("captions_*.json")):
            return files, path
    raise BadDataset(f"{path} does not hold COCO's captions: expected annotations/captions_*.json in it.")


def _read_one(file: Path, root: Path, found: _Found) -> None:
    content = read_json(file)
    images = field_of(content, "images", list, f"{file}")
    names = _image_names(file, images, found.notes)
    addresses = _addresses(images)
    captions = _captions(file, field_of(content, "annotations", list, f"{file}"), set(names), found.notes)
    part = re.search(r"captions_(([a-z]+)\d*)", file.name)
    folder, split = (part[1], part[2]) if part else (".", None)
    roots = [root / folder, root / "images" / folder, root / "images", root]
    bare = 0
    for image, name in names.items():
        picture = found.folders.find(roots, name)
        bare += image not in captions
        if picture:
            found.items.append(Item(image, picture, tuple(captions.get(image, ())), split))
        else:
            found.missing.append(f"{folder}/{name}" if part else name)
            if image in addresses:
                item = Item(image, None, tuple(captions.get(image, ())), split)
                found.absent.append(Absent(item, addresses[image], Path(folder, Path(name).name)))
    if bare:
        found.notes.append(f"{file.name}: {counted(bare, 'images were')} listed without a caption.")


def _addresses(images: Sequence[object]) -> dict[str, str]:
    """Where each image lies on the web, of those that say it."""
    known = (image for image in images if isinstance(image, dict))
    return {
        str(image["id"]): address
        for image in known
        if isinstance(address := image.get("coco_url"), str) and address.startswith(("http://", "https://"))
    }


def _image_names(file: Path, images: Sequence[object], notes: list[str]) -> dict[str, str]:
    """The file name of every image id, in the order of the list."""
    names: dict[str, str] = {}
    repeated = 0
    for index, image in enumerate(images):
        where = f"{file}, images[{index}]"
        key, name = id_of(image, "id", where), field_of(image, "file_name", str, where)
        repeated += key in names
        if names.setdefault(key, name) != name:
            raise BadDataset(
                f"{where}: the image id {key} stands for {names[key]!r} and for {name!r}. Give each image an "
                "id of its own."
            )
    if repeated:
        notes.append(f"{file.name}: {counted(repeated, 'repeated image records were')} read only once.")
    return names


def _captions(
    file: Path, annotations: Sequence[object], known: set[str], notes: list[str]
) -> dict[str, list[str]]:
    """The captions of every known image id, in the order of the list."""
    captions: dict[str, list[str]] = {}
    seen: dict[str, tuple[str, str]] = {}
    repeated, reused, strangers = 0, 0, []
    for index, annotation in enumerate(annotations):
        where = f"{file}, annotations[{index}]"
        image, caption = id_of(annotation, "image_id", where), field_of(annotation, "caption", str, where)
        key = id_of(annotation, "id", where)
        if seen.get(key) == (image, caption):
            repeated += 1
            continue
        reused += key in seen
        seen[key] = (image, caption)
        if image in known:
            captions.setdefault(image, []).append(caption)
        else:
            strangers.append(image)
    if repeated:
        notes.append(f"{file.name}: {counted(repeated, 'repeated annotations were')} read only once.")
    if reused:
        notes.append(
            f"{file.name}: {counted(reused, 'annotation ids were')} used for another caption too; all the "
            "captions were kept."
        )
    if strangers:
        notes.append(
            f"{file.name}: {counted(len(strangers), 'captions were')} left out: no such image in the list "
            f"(first: id {strangers[0]})."
        )
    return captions


def _refuse_overlap(items: list[Item], files: list[Path]) -> None:
    seen: set[str] = set()
    for item in items:
        if item.id in seen:
            names = ", ".join(file.name for file in files)
            raise BadDataset(
                f"The image id {item.id} stands in more than one of {names}. Give the path of one of these "
                "files instead."
            )
        seen.add(item.id)


def _karpathy_splits(root: Path) -> dict[str, str | None] | None:
    for file in (root / "dataset_coco.json", root / "annotations" / "dataset_coco.json"):
        if file.is_file():
            return {entry.id: entry.split for entry in entries(file)}
    return None
