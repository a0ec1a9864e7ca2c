"""The built-in data set: scenes that the project draws itself, described in five captions each.

    scenes                      data/scenes/<key>, drawn on first use
    scenes:FOLDER               the same set in a folder of your choice
    scenes:seed=7,count=600     another seed, another size; also FOLDER,seed=7

Item.labels are (object, colour, place, number, size) and, where there is one, the second object. Object and
colour are the known right answer to every query: in val and test every picture has others beside it that show
the same, drawn differently.
"""

import logging
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...counting import counted
from ...errors import BadDataset, BadSetting
from ...files import expanded, inside, publish_json, publishing, read_json, sha256_of
from ...home import data_folder
from ...progress import bar
from ...records import Item
from .. import Dataset
from .draw import draw_scene
from .plan import COMBINATIONS, SECOND, THINGS, Scene, plan

__all__ = ["SECOND", "THINGS", "Scene", "draw_scene", "plan", "read"]

log = logging.getLogger(__name__)

# Raise it with every change that alters a picture or a caption: sets drawn before are then drawn anew
VERSION = 1
SEED = 1
# 1,060: fourteen of each thing in each colour to train on, two to validate, four to test
COUNT = 20 * len(COMBINATIONS)
ROOT = data_folder("scenes")
MANIFEST, PICTURES = "scenes.json", "pictures"
_SETTING = re.compile(r"(?:^|,)(\w+)=([^,/\\]*)$")


@dataclass(frozen=True, slots=True)
class Order:
    """Which set is wanted."""

    version: int
    seed: int
    count: int


def read(path: Path, spec: str) -> Dataset:
    """Open the drawn set, drawing it first where it is not there whole.

    path: unused, the settings are taken from `spec`
    errors: BadSetting for settings that cannot be drawn, BadDataset for a folder that holds something else
    """
    folder, order = _parse(spec)
    scenes = plan(order.seed, order.count)
    state = _state(folder, order)
    if state != "whole":
        _refuse_foreign(folder)
        _draw(folder, order, scenes)
    notes = [] if state in ("whole", "absent") else [f"{folder} was {state} and has been drawn again."]
    entries = read_json(folder / MANIFEST)["pictures"]
    items = [
        Item(
            Path(entry["file"]).stem,
            folder / entry["file"],
            tuple(entry["captions"]),
            entry["split"],
            tuple(entry["labels"]),
        )
        for entry in entries
    ]
    return Dataset(spec, tuple(items), notes=tuple(notes))


def _parse(spec: str) -> tuple[Path, Order]:
    rest = spec.partition(":")[2]
    values = {"seed": SEED, "count": COUNT}
    while found := _SETTING.search(rest):
        name, value = found.groups()
        if name not in values or not value.isdecimal():
            raise BadSetting(
                f"{spec}: {name}={value} is not a setting of scenes. Write seed=NUMBER or count=NUMBER."
            )
        values[name] = int(value)
        rest = rest[: found.start()]
    order = Order(VERSION, **values)
    default = ROOT / f"v{order.version}-seed{order.seed}-count{order.count}"
    return expanded(rest) if rest else default, order


def _state(folder: Path, order: Order) -> str:
    """What is in `folder`: "absent", "whole", or what is wrong with the set. The manifest is written last: it
    says that a drawing was finished."""
    if not (folder / MANIFEST).exists():
        return "unfinished" if (folder / PICTURES).exists() else "absent"
    try:
        manifest = read_json(folder / MANIFEST)
        if manifest["order"] != asdict(order):
            return "another set"
        whole = len(manifest["pictures"]) == order.count and all(
            _is_intact(folder, entry) for entry in manifest["pictures"]
        )
    except (BadDataset, KeyError, TypeError):
        return "damaged"
    return "whole" if whole else "damaged"


def _is_intact(folder: Path, entry: dict[str, Any]) -> bool:
    path = inside(folder, entry["file"])
    return path.is_file() and sha256_of(path) == entry["sha256"]


def _refuse_foreign(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise BadDataset(f"{folder} is a file. Name a folder to draw the scenes in.")
    foreign = sorted(
        path.name
        for path in folder.glob("*")
        if path.name not in (MANIFEST, PICTURES) and not path.name.startswith(".")
    )
    if foreign:
        raise BadDataset(
            f"{folder} holds other files ({foreign[0]}). Name an empty or a new folder to draw the scenes in."
        )


def _draw(folder: Path, order: Order, scenes: list[tuple[str, Scene]]) -> None:
    def draw(index: int) -> dict[str, Any]:
        split, scene = scenes[index]
        name = f"{PICTURES}/{split}-{index:05d}.jpg"
        picture, labels, captions = draw_scene(
            scene, np.random.default_rng([order.seed, order.version, index])
        )
        with publishing(folder / name) as file:
            picture.save(file, "JPEG", quality=92)
        return {
            "file": name,
            "split": split,
            "labels": labels,
            "captions": captions,
            "sha256": sha256_of(folder / name),
        }

    # threads, not processes: Pillow and the disk work outside the interpreter's lock, and a plain script
    # needs no main guard
    pool = ThreadPoolExecutor(2)
    try:
        drawn = pool.map(draw, range(len(scenes)))
        entries = list(bar(drawn, total=len(scenes), desc=f"drawing {folder}", unit="picture"))
    finally:
        # without it an interrupt would wait until the last picture is drawn
        pool.shutdown(cancel_futures=True)
    log.info(f"Drew {counted(len(entries), 'scenes')} into {folder}.")
    publish_json(folder / MANIFEST, {"order": asdict(order), "pictures": entries})
