"""Captions as COCO's files have them: {"info", "licenses", "images", "annotations"}.

An image's id is its place among the paths, from 1 on. Beside COCO's fields stand `sha256`, what the picture's
file says about itself (`camera`, `lens`, `latitude`, `longitude`, `title`, `keywords`), and each caption's
provenance: `by`, `kind`, `day`.
"""

import json
from collections.abc import Iterator
from pathlib import Path

from ..files import publishing
from ..library import LibraryPicture
from .report import Failures
from .rows import caption_rows, picture_row

_FACTS = ("width", "height", "taken", "camera", "lens", "latitude", "longitude", "title", "keywords")
DESCRIPTION = "captions of a captionret library"
_NAMES = {"taken": "date_captured"}


def write(pictures: Iterator[LibraryPicture], folder: Path, failures: Failures) -> None:
    """captions.json"""
    images: list[dict[str, object]] = []
    annotations: list[dict[str, object]] = []
    for number, picture in enumerate(pictures, 1):
        image: dict[str, object] = {"id": number, "file_name": picture.path, "sha256": picture.sha256}
        shown = picture_row(picture)
        known = {_NAMES.get(name, name): getattr(shown, name) for name in _FACTS}
        images.append(image | {name: value for name, value in known.items() if value not in (None, ())})
        for row in caption_rows(picture):
            one: dict[str, object] = {"id": len(annotations) + 1, "image_id": number, "caption": row.caption}
            more = {
                "by": row.by,
                "kind": row.kind,
                "day": row.day,
                "score": row.score,
                "tags": list(row.tags),
            }
            annotations.append(one | {name: value for name, value in more.items() if value})
    info = {"description": DESCRIPTION}
    whole = {"info": info, "licenses": [], "images": images, "annotations": annotations}
    with publishing(folder / "captions.json", "w") as file:
        json.dump(whole, file, ensure_ascii=False)
