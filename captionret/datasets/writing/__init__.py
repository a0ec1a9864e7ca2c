"""Data sets written in the formats that `open_dataset` reads: one file and one row in WRITERS each.

spec = write_dataset(items, Path("data/mine"), "coco")
open_dataset(spec)                                       # the same pictures, captions and splits
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...config import Registry
from ...counting import counted
from ...errors import BadDataset, BadSetting, UnknownName
from ...records import Item
from .pictures import PLACES, place


@dataclass(frozen=True, slots=True)
class Writer:
    """One format.

    module:  here, with `write(items, folder) -> Path`, which gives what the reader takes behind the format's
             name; the items' paths are those in the new folder
    folder:  where pictures lie in it
    about:   a sentence for --help
    checked: whether the module has `check(items)`, which refuses what the format cannot hold
    """

    module: str
    folder: str
    about: str
    checked: bool = False


WRITERS: Registry[Writer] = Registry(
    "format",
    {
        "table": Writer("tables", "images", "captions.csv with columns image, caption, split"),
        "coco": Writer("coco", "images", "annotations/captions_SPLIT.json, for pycocotools", True),
        "flickr8k": Writer("flickr8k", "Flicker8k_Dataset", "Flickr8k's token file and image lists", True),
        "karpathy": Writer("karpathy", "images", "a dataset_*.json as Karpathy's"),
        "vse": Writer("arrays", "", "features in place of pictures, for the VSE systems; five captions each"),
    },
)


def write_dataset(
    items: Sequence[Item],
    folder: Path,
    form: str = "table",
    pictures: str = "link",
    features: NDArray[np.floating] | None = None,
    progress: bool | None = None,
) -> str:
    """Write items into a new folder.

    form:     a row of WRITERS
    pictures: "link" (the very file under a second name, where the disk can, else a copy), "copy", or "leave"
              where they are, which only a table can
    features: (len(items), D), for "vse"
    returns:  what `open_dataset` opens it by
    errors:   BadSetting for what the format cannot hold, or a folder that holds something already
    """
    writer = WRITERS[form]
    if pictures not in PLACES:
        raise UnknownName.among("way to place pictures", pictures, PLACES)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BadSetting(f"{folder} exists already and holds something. Choose another folder.")
    if not items:
        raise BadDataset("No picture is left to be written. Choose others.")
    if form == "vse":
        from .arrays import write_arrays

        return f"vse:{write_arrays(items, folder, features)}"
    if missing := [item.id for item in items if item.path is None]:
        raise BadSetting(
            f"{counted(len(missing), 'items have')} no picture (first: {missing[0]!r}), and {form} holds "
            "pictures. Choose the format vse."
        )
    if pictures == "leave" and form != "table":
        raise BadSetting(f"Only a table names pictures that lie elsewhere. Link or copy them for {form}.")
    module = import_module(f".{writer.module}", __name__)
    if writer.checked:
        module.check(items)
    placed = place(items, folder / writer.folder, pictures, progress)
    write: Callable[[Sequence[Item], Path], Path] = module.write
    return f"{form}:{write(placed, folder)}"
