"""Karpathy's split files: everything in one JSON file."""

from collections.abc import Sequence
from pathlib import Path

from ...files import publish_json
from ...records import Item
from ...text import tokenize


def write(items: Sequence[Item], folder: Path) -> Path:
    """dataset_NAME.json, NAME being the folder's."""
    images = []
    sentence = 0
    for number, item in enumerate(items):
        ids = list(range(sentence, sentence + len(item.captions)))
        sentence += len(ids)
        sentences = [
            {"raw": caption, "tokens": list(tokenize(caption)), "imgid": number, "sentid": key}
            for key, caption in zip(ids, item.captions, strict=True)
        ]
        name = (item.path or Path()).name
        split = item.split or ""
        images.append(
            {"filename": name, "imgid": number, "sentids": ids, "split": split, "sentences": sentences}
        )
    file = folder / f"dataset_{folder.name or 'mine'}.json"
    publish_json(file, {"dataset": folder.name, "images": images})
    return file
