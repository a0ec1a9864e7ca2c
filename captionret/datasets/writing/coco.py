"""COCO's captions: a JSON file for each split."""

import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from ...errors import BadSetting
from ...files import publish_json
from ...records import Item

_OF_NONE = "0"  # what a file is called whose pictures are in no split: the reader takes letters alone for one


def check(items: Sequence[Item]) -> None:
    """errors: BadSetting for a split whose name is not of small letters alone"""
    for item in items:
        if item.split is not None and not re.fullmatch("[a-z]+", item.split):
            raise BadSetting(
                f"COCO's files name a split by small letters alone, not {item.split!r}. Choose another "
                "format."
            )


def write(items: Sequence[Item], folder: Path) -> Path:
    """annotations/captions_SPLIT.json; the ids stay where all are whole numbers."""
    whole = all(re.fullmatch(r"0|[1-9]\d{0,17}", item.id) for item in items)
    splits: dict[str, list[tuple[int, Item]]] = defaultdict(list)
    for number, item in enumerate(items, 1):
        splits[item.split or _OF_NONE].append((int(item.id) if whole else number, item))
    annotation = 0
    for split, some in splits.items():
        images, annotations = [], []
        for key, item in some:
            images.append({"id": key, "file_name": (item.path or Path()).name})
            for caption in item.captions:
                annotation += 1
                annotations.append({"id": annotation, "image_id": key, "caption": caption})
        content = {"info": {}, "licenses": [], "images": images, "annotations": annotations}
        publish_json(folder / "annotations" / f"captions_{split}.json", content)
    return folder
