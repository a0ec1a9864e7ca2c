"""The format of the VSE systems (Kiros et al. 2014): captions as text, image features as an array, in place
of pictures.

    DIR/NAME_{train,dev,test}_caps.txt   one caption per line
    DIR/NAME_{train,dev,test}_ims.npy    float (5N, D): row i belongs to caption i, each image's row stands
                                         five times; or (N, D): row i belongs to captions 5i to 5i+4
"""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..counting import counted
from ..errors import BadDataset
from ..files import publishing
from ..records import Item
from . import Dataset
from .sources import assemble, text_lines

PER_IMAGE = 5
SPLITS = {"train": "train", "val": "dev", "test": "test"}  # our name -> the format's
# rows looked at together, so that COCO's 9 GB of repeated rows never have to fit into memory
_CHUNK = 2000 * PER_IMAGE


def read(path: Path, spec: str) -> Dataset:
    """Read the splits that are there, train first.

    path:     DIR/NAME, or a folder that holds one NAME
    returns:  items without a path, ids "train/0", "train/1", ...; features (N, D) float32, row i of items[i]
    errors:   BadDataset where captions and rows don't fit each other, five rows of one image differ, or a row
              holds NaN or infinity (naming the row)
    """
    stem = _stem(path)
    items: list[Item] = []
    features, notes = [], []
    for split, part in SPLITS.items():
        captions_file, features_file = Path(f"{stem}_{part}_caps.txt"), Path(f"{stem}_{part}_ims.npy")
        if not captions_file.exists() and not features_file.exists():
            notes.append(f"No {captions_file.name}: there is no split {split!r}.")
            continue
        captions = text_lines(captions_file)
        rows = _features(features_file, len(captions))
        items += [
            Item(
                f"{split}/{index}", None, tuple(captions[PER_IMAGE * index : PER_IMAGE * (index + 1)]), split
            )
            for index in range(len(rows))
        ]
        features.append(rows)
    if len({rows.shape[1] for rows in features}) > 1:
        raise BadDataset(
            f"{stem}: the splits' features have {[rows.shape[1] for rows in features]} columns. Make them "
            "with one network."
        )
    return assemble(spec, items, notes=notes, features=np.concatenate(features))


def write_split(
    folder: Path,
    name: str,
    split: str,
    captions: Sequence[Sequence[str]],
    features: np.ndarray,
    repeat: bool = True,
) -> tuple[Path, Path]:
    """Write one split; `read` gives the same back. Line breaks inside a caption become blanks: the format has
    no room for them.

    split:    "train", "val" (written as dev) or "test"
    captions: exactly five per image
    features: (N, D), written as float32
    repeat:   each row five times, as the original systems expect it, or once
    returns:  the paths of the caption file and of the feature file
    errors:   BadDataset where an image has not five captions, or counts don't fit
    """
    if split not in SPLITS:
        raise BadDataset(f"The format has no split {split!r}, only {', '.join(SPLITS)}. Choose one of these.")
    if features.ndim != 2 or len(features) != len(captions):
        raise BadDataset(
            f"{counted(len(captions), 'images have')} features of shape {features.shape}; expected "
            f"({len(captions)}, D)."
        )
    odd = next((index for index, own in enumerate(captions) if len(own) != PER_IMAGE), None)
    if odd is not None:
        raise BadDataset(
            f"Image {odd:,} has {counted(len(captions[odd]), 'captions')}; the format needs {PER_IMAGE} "
            "each. Take the first five."
        )
    captions_file, features_file = (
        Path(folder) / f"{name}_{SPLITS[split]}_{end}" for end in ("caps.txt", "ims.npy")
    )
    rows = np.asarray(features, dtype=np.float32)
    with publishing(features_file) as file:
        np.save(file, np.repeat(rows, PER_IMAGE, axis=0) if repeat else rows, allow_pickle=False)
    with publishing(captions_file) as file:
        file.writelines(
            re.sub(r"[\r\n]+", " ", caption).encode() + b"\n" for own in captions for caption in own
        )
    return captions_file, features_file


def _stem(path: Path) -> Path:
    """DIR/NAME."""
    if not path.is_dir():
        if any(Path(f"{path}_{part}_caps.txt").exists() for part in SPLITS.values()):
            return path
        raise BadDataset(
            f"{path} is neither a folder nor DIR/NAME with DIR/NAME_train_caps.txt (or dev, test) beside it. "
            "Check the path."
        )
    found = (re.fullmatch(r"(.+)_(?:train|dev|test)_caps\.txt", file.name) for file in path.iterdir())
    names = sorted({match[1] for match in found if match})
    if len(names) != 1:
        which = ", ".join(names) or "none"
        raise BadDataset(
            f"{path} should hold one NAME_{{train,dev,test}}_caps.txt; names found: {which}. Give DIR/NAME."
        )
    return path / names[0]


def _features(path: Path, captions: int) -> np.ndarray:
    """One row per image, (N, D) float32, after every check."""
    rows = _mapped(path)
    if len(rows) == captions and captions % PER_IMAGE == 0:
        step = PER_IMAGE
    elif len(rows) * PER_IMAGE == captions:
        step = 1
    else:
        raise BadDataset(
            f"{path} has {counted(len(rows), 'rows')} for {counted(captions, 'captions')}. Expected a row "
            "per caption (each image's row five times), or a row per image with five captions each."
        )
    kept = []
    for start in range(0, len(rows), _CHUNK):
        # a float64 too large for float32 becomes infinite and is named below
        with np.errstate(over="ignore"):
            block = np.asarray(rows[start : start + _CHUNK], dtype=np.float32)
        bad = np.flatnonzero(~np.isfinite(block).all(axis=1))
        if len(bad):
            raise BadDataset(
                f"{path}, row {start + bad[0]:,} (from 0) holds NaN or infinity. Compute that image's "
                "features again."
            )
        groups = block.reshape(-1, step, block.shape[1])  # (images, 5 or 1, D)
        odd = np.flatnonzero((groups != groups[:, :1]).any(axis=(1, 2)))
        if len(odd):
            first = start + step * odd[0]
            raise BadDataset(
                f"{path}: rows {first:,} to {first + step - 1:,} (from 0) should be one image's row five "
                "times, and differ. Order the rows so that row i belongs to caption i."
            )
        kept.append(np.ascontiguousarray(groups[:, 0]))  # a view would keep all five rows in memory
    return np.concatenate(kept)


def _mapped(path: Path) -> np.ndarray:
    try:
        rows: np.ndarray = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise BadDataset(
            f"{path} does not exist, but its captions do. Put the features beside them."
        ) from None
    except (OSError, ValueError, EOFError) as error:
        raise BadDataset(
            f"{path} cannot be read as an array of numbers ({error}). Write it again with numpy.save."
        ) from None
    if not (isinstance(rows, np.ndarray) and rows.ndim == 2 and rows.size and rows.dtype.kind in "fiu"):
        raise BadDataset(f"{path} is not a table of numbers (rows, columns). Write it again with numpy.save.")
    return rows
