"""Data sets made of data sets: what split, merge and sample share."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..counting import counted
from ..datasets import Dataset, open_dataset
from ..datasets.alike import Alike, alike_items
from ..datasets.parts import split
from ..datasets.writing import WRITERS, write_dataset
from ..datasets.writing.tables import write_table
from ..errors import BadSetting
from ..home import data_folder
from ..records import Item
from .missing import brought

log = logging.getLogger(__name__)
PAIRS = "near-duplicates.csv"
NEAR = ("together", "report", "ignore")


@dataclass(frozen=True, slots=True)
class Form:
    """How a data set is written.

    form:     a row of WRITERS
    pictures: "link", "copy" or "leave"
    backbone: what makes the features of the format vse; None: those that the data set has
    near:     nearly equal pictures: "together" keeps them in one split where splits are drawn and reports
              them elsewhere, "report", or "ignore", which looks for none
    """

    form: str = "table"
    pictures: str = "link"
    backbone: str | None = None
    near: str = "together"

    def __post_init__(self) -> None:
        WRITERS[self.form]
        if self.near not in NEAR:
            raise BadSetting(
                f"Near-duplicates are {', '.join(NEAR)}, not {self.near!r}. Choose one of these."
            )


@dataclass(frozen=True, slots=True)
class Written:
    """What was written.

    spec:   what `open_dataset` opens it by
    splits: how many images each holds
    images, captions: in all
    across: pairs of nearly equal pictures in different splits: their ids and splits
    notes:  what else there is to say, a sentence each
    """

    spec: str
    splits: dict[str, int]
    images: int
    captions: int
    across: tuple[tuple[str, str, str, str], ...] = ()
    notes: tuple[str, ...] = ()


def split_dataset(
    data: Dataset, folder: Path, shares: dict[str, float] | None, seed: int = 0, form: Form | None = None
) -> Written:
    """A data set with its images in new splits, or, without shares, in those that it has.

    errors: as `write_dataset`
    """
    form = form or Form()
    items = brought(data.items)
    alike = _compared(items, form)
    if shares is not None:
        groups = alike.groups(len(items)) if form.near == "together" else None
        items = split(items, shares, seed, groups)
    return write(items, folder, form, alike, data)


def write(
    items: Sequence[Item], folder: Path, form: Form, alike: Alike | None = None, data: Dataset | None = None
) -> Written:
    """Write items, and beside them a table of nearly equal pictures in different splits.

    data: whose features the format vse takes where no backbone is named
    """
    if alike is None:
        alike = _compared(items, form)
    spec = write_dataset(items, folder, form.form, form.pictures, _features(items, form, data))
    across = tuple(
        (one.id, one.split or "", other.id, other.split or "") for one, other in alike.across(items)
    )
    if across:
        write_table(folder / PAIRS, ("image", "split", "other image", "other split"), across)
    notes = (
        [f"{counted(len(alike.failures), 'pictures')} cannot be compared: {alike.failures[0].reason}"]
        if alike.failures
        else []
    )
    found = open_dataset(spec)
    captions = sum(len(item.captions) for item in found.items)
    return Written(spec, found.splits(), len(found.items), captions, across, tuple(notes))


def _compared(items: Sequence[Item], form: Form) -> Alike:
    if form.near == "ignore" or any(item.path is None for item in items):
        return Alike()
    return alike_items(items)


def _features(items: Sequence[Item], form: Form, data: Dataset | None) -> NDArray[np.floating] | None:
    """(len(items), D) of the format vse; None for others."""
    if form.form != "vse":
        return None
    if data is not None and data.features is not None and form.backbone is None:
        rows = {item.id: row for row, item in enumerate(data.items)}
        return np.asarray(data.features[[rows[item.id] for item in items]])
    if form.backbone is None:
        return None  # which write_dataset refuses
    if any(item.path is None for item in items):
        raise BadSetting(
            "Images without pictures have no other features than theirs. Leave the backbone out."
        )
    from ..models.vision.backbones import load_backbone
    from ..training.features import extract

    paths = [item.path for item in items if item.path is not None]
    found, failures = extract(load_backbone(form.backbone), paths, root=data_folder("features"))
    if failures:
        raise BadSetting(f"{counted(len(failures), 'pictures')} cannot be read. {failures[0].reason}")
    return found.of(np.arange(len(items))).numpy()
