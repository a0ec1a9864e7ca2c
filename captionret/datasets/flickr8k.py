"""Flickr8k as it is distributed: a folder of pictures, a token file, three lists of image names (Hodosh,
Young, Hockenmaier 2013).

    DIR/Flicker8k_Dataset/*.jpg                          (also Flickr8k_Dataset, Images)
    DIR/Flickr8k_text/Flickr8k.token.txt                 "name.jpg#0<TAB>caption", five lines per picture
    DIR/Flickr8k_text/Flickr_8k.{train,dev,test}Images.txt

The text files may also stand in DIR itself. The official token file names one picture that does not exist
("….jpg.1"), and 91 of the pictures are in none of the lists.
"""

from pathlib import Path

from ..counting import counted
from ..errors import BadDataset
from ..records import Item
from . import Dataset
from .sources import assemble, first_existing, names_in, text_lines

IMAGE_FOLDERS = ("Flicker8k_Dataset", "Flickr8k_Dataset", "Images", "images")
TOKEN_FILES = ("Flickr8k_text/Flickr8k.token.txt", "Flickr8k.token.txt")
SPLIT_LISTS = {
    "train": "Flickr_8k.trainImages.txt",
    "val": "Flickr_8k.devImages.txt",
    "test": "Flickr_8k.testImages.txt",
}


def read(path: Path, spec: str) -> Dataset:
    """Read the collection in the order of its token file. An item's id is its file name; the dev list is the
    split "val".

    errors: BadDataset for a malformed line, a picture in two lists, or a folder that is not Flickr8k
    """
    folder = first_existing(path, IMAGE_FOLDERS, "Flickr8k's pictures")
    token_file = first_existing(path, TOKEN_FILES, "Flickr8k's captions")
    captions, notes = _captions(token_file)
    splits, split_notes = _splits(token_file.parent)
    present = names_in(folder)
    items = [
        Item(name, folder / name, tuple(captions[name]), splits.get(name))
        for name in captions
        if name in present
    ]
    missing = [name for name in [*captions, *splits] if name not in present]
    notes += split_notes
    bare = len(present - captions.keys())
    if bare:
        notes.append(f"{counted(bare, 'files were')} left out of {folder.name}: no caption names them.")
    return assemble(spec, items, missing, notes)


def _captions(path: Path) -> tuple[dict[str, list[str]], list[str]]:
    """Each picture's captions in the order of the file, and notes on lines that stand twice."""
    captions: dict[str, list[str]] = {}
    seen: dict[str, str] = {}
    repeated = 0
    for number, line in enumerate(text_lines(path), 1):
        if not line.strip():
            continue
        key, tab, caption = line.partition("\t")
        name, _, index = key.rpartition("#")
        if not (tab and name and index.isdecimal()):
            raise BadDataset(
                f'{path}, line {number:,}: expected "name.jpg#0<TAB>caption", found {line[:80]!r}. Correct '
                "or remove the line."
            )
        if key not in seen:
            seen[key] = caption
            captions.setdefault(name, []).append(caption)
        elif seen[key] == caption:
            repeated += 1
        else:
            raise BadDataset(
                f"{path}, line {number:,}: {key!r} already has another caption. Give each caption its own "
                "number."
            )
    return captions, [f"{counted(repeated, 'repeated lines were')} read only once."] if repeated else []


def _splits(folder: Path) -> tuple[dict[str, str], list[str]]:
    """The split of every listed picture, and a note for each list that is not there."""
    splits: dict[str, str] = {}
    notes = []
    for split, name in SPLIT_LISTS.items():
        if not (folder / name).exists():
            notes.append(f"No {name} beside the captions: no picture is in the split {split!r}.")
            continue
        for number, line in enumerate(text_lines(folder / name), 1):
            image = line.strip()
            if image and splits.setdefault(image, split) != split:
                raise BadDataset(
                    f"{folder / name}, line {number:,}: {image!r} is already in the split {splits[image]!r}. "
                    "A picture in two splits would be trained on and tested with; keep it in one list."
                )
    return splits, notes
