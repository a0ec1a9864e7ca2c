"""COCO's captions of 2014, from the archive that pycocoevalcap carries.

texts = [one["caption"] for one in annotations("train", "val")]
"""

import json
import sys
import zipfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any


def package() -> Path:
    """The folder of pycocoevalcap."""
    spec = find_spec("pycocoevalcap")
    if spec is None or not spec.submodule_search_locations:
        sys.exit("pycocoevalcap is not installed. Install captionret[java-metrics].")
    return Path(spec.submodule_search_locations[0])


def caption_file(split: str) -> dict[str, Any]:
    """What captions_train2014.json, or val's, holds: images, and annotations, each a caption of one."""
    with zipfile.ZipFile(package() / "spice" / "spice-1.0.jar") as archive:
        found: dict[str, Any] = json.loads(archive.read(f"coco/annotations/captions_{split}2014.json"))
    return found


def annotations(*splits: str) -> list[dict[str, Any]]:
    """Those of some splits, one after the other."""
    return [one for split in splits for one in caption_file(split)["annotations"]]
