"""Captions as COCO's files have them: {"info", "licenses", "images", "annotations"}.

An image's id is its place among the paths, from 1 on. Beside COCO's fields stand `sha256`, and each caption's
provenance: `by`, `kind`, `day`.
"""

import json
from collections.abc import Iterator
from pathlib import Path

from ..files import publishing
from ..library import LibraryPicture
from .report import Failures
from .rows import caption_rows


def write(pictures: Iterator[LibraryPicture], folder: Path, failures: Failures) -> None:
    """captions.json"""
    images: list[dict[str, object]] = []
    annotations: list[dict[str, object]] = []
    for number, picture in enumerate(pictures, 1):
        facts = picture.exif
        image: dict[str, object] = {"id": number, "file_name": picture.path, "sha256": picture.sha256}
        if facts is not None:
            image |= {"width": facts.width, "height": facts.height}
            image |= {"date_captured": facts.taken} if facts.taken else {}
        images.append(image)
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
    info = {"description": "captions of a captionret library"}
    whole = {"info": info, "licenses": [], "images": images, "annotations": annotations}
    with publishing(folder / "captions.json", "w") as file:
        json.dump(whole, file, ensure_ascii=False)
