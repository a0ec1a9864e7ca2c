"""UIUC Pascal sentences (Rashtchian et al. 2010): 20 categories of 50 pictures, five sentences each.

DIR/dataset/<category>/<name>.jpg   DIR/sentence/<category>/<name>.txt   one sentence per line
DIR/<category>/<name>.jpg           DIR/<category>/<name>.txt
"""

from collections.abc import Iterator
from pathlib import Path

from ..counting import counted
from ..errors import BadDataset
from ..images import EXTENSIONS
from ..records import Item
from . import Dataset
from .sources import assemble, folders_in, names_in, text_lines

IMAGE_FOLDERS = ("dataset", "images", "Images")
SENTENCE_FOLDERS = ("sentence", "sentences")


def read(path: Path, spec: str) -> Dataset:
    """Read the categories and their pictures in the order of their names. An item's id is "category/file
    name".

    The collection has no official split. Here the first 80 % of each category's pictures are train, the next
    10 % val, the last 10 % test: 40, 5 and 5 of 50.
    errors: BadDataset for a folder without categories that hold pictures
    """
    if not path.is_dir():
        raise BadDataset(
            f"{path} is not a folder. Give the folder that holds one folder of pictures per category."
        )
    images = next((path / name for name in IMAGE_FOLDERS if (path / name).is_dir()), path)
    sentences = next((path / name for name in SENTENCE_FOLDERS if (path / name).is_dir()), images)
    items: list[Item] = []
    missing: list[str] = []
    for category in sorted(folders_in(images)):
        found, gone = _category(images / category, sentences / category)
        items += found
        missing += gone
    if not items:
        raise BadDataset(
            f"{path} holds no categories: expected {images.name}/<category>/<name>.jpg, one folder per "
            "category."
        )
    notes = [
        "No official split: the first 80 % of each category by name are train, the next 10 % val, the last "
        "10 % test."
    ]
    bare = sum(not item.captions for item in items)
    if bare:
        notes.append(f"{counted(bare, 'pictures were')} found without sentences.")
    return assemble(spec, items, missing, notes)


def _category(images: Path, sentences: Path) -> tuple[list[Item], list[str]]:
    """The pictures of one category, and the names of those that have sentences and are not there."""
    pictures = sorted(
        name
        for name in names_in(images)
        if Path(name).suffix.lower() in EXTENSIONS and not name.startswith(".")
    )
    texts = (
        {Path(name).stem: sentences / name for name in names_in(sentences) if name.endswith(".txt")}
        if sentences.is_dir()
        else {}
    )
    items = []
    for name, split in zip(pictures, _splits(len(pictures)), strict=True):
        text = texts.get(Path(name).stem)
        captions = tuple(line for line in text_lines(text) if line.strip()) if text else ()
        items.append(Item(f"{images.name}/{name}", images / name, captions, split, (images.name,)))
    gone = sorted(texts.keys() - {Path(name).stem for name in pictures})
    return items, [f"{images.name}/{stem}" for stem in gone]


def _splits(count: int) -> Iterator[str]:
    for index in range(count):
        yield "train" if index * 10 < count * 8 else "val" if index * 10 < count * 9 else "test"
