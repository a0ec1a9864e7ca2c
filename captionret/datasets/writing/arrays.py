"""The VSE systems' files: captions in lines, features in an array, five captions for each image."""

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...counting import counted
from ...errors import BadSetting
from ...records import Item
from ..vse import PER_IMAGE, SPLITS, write_split

log = logging.getLogger(__name__)


def write_arrays(items: Sequence[Item], folder: Path, features: NDArray[np.floating] | None) -> Path:
    """NAME_{train,dev,test}_caps.txt and _ims.npy, NAME being the folder's; returns the folder.

    An image with more than five captions gives its first five; one with fewer is left out, and counted.
    features: (len(items), D)
    errors:   BadSetting without features, for a split of another name, or where no image is left
    """
    if features is None:
        raise BadSetting(
            "The format vse holds features in place of pictures. Name what makes them: a backbone."
        )
    if others := sorted({str(item.split) for item in items} - SPLITS.keys()):
        raise BadSetting(
            f"The format has the splits {', '.join(SPLITS)}, not {others[0]}. Split the images first."
        )
    enough = [row for row, item in enumerate(items) if len(item.captions) >= PER_IMAGE]
    if len(enough) < len(items):
        log.warning(
            f"{counted(len(items) - len(enough), 'images have')} fewer than {PER_IMAGE} captions, "
            "and are left out."
        )
    if not enough:
        raise BadSetting(
            f"No image has {PER_IMAGE} captions, which the format vse wants. Choose another format."
        )
    for split in SPLITS:
        rows = [row for row in enough if items[row].split == split]
        if rows:
            captions = [items[row].captions[:PER_IMAGE] for row in rows]
            write_split(folder, folder.name or "mine", split, captions, features[rows])
    return folder
