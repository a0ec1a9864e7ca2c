"""Captions in a file: COCO's results format, which captioning programs write and the public scorers read.

    [{"image_id": 42, "caption": "a dog runs"}, ...]

The file that `captionret evaluate-captions --out` writes is read, too: it holds such a list under "captions".
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from ...errors import BadDataset, Remedy
from ...files import publish_json, read_json
from ...records import Item
from ...remedies import remedy
from .scorer import named

_FORMAT = 'The format is [{"image_id": 42, "caption": "a dog runs"}, ...].'
_EXTENSION = re.compile(r"\.(?:jpe?g|png|webp|gif|bmp|tiff?|hei[cf]|avif)\Z", re.IGNORECASE)
# 42, 000000000042, COCO_val2014_000000000042.jpg
_NUMBER = re.compile(r"(?:COCO_[a-z]+[0-9]+_)?0*([0-9]+)(?:\.jpg)?")


def read_results(path: Path, items: Sequence[Item], where: str) -> dict[str, str]:
    """The caption of every item, by the item's id, in the order of the items.

    where:  what the items are, for the messages: "coco:data/coco, split val"
    errors: BadDataset that names the file, for one that is not in the format, for ids that are unknown,
            ambiguous, doubled or missing,
            and for captions that are empty: that is nearly always a fault of the program that wrote them
    """
    names = ImageNames(items)
    entries = list(_entries(path))
    _refuse(
        path,
        [name for name, caption in entries if not caption.strip()],
        "captions are empty",
        "Correct the program that wrote it.",
    )
    found = [(name, _item_of(path, name, names)) for name, _ in entries]
    unknown = [name for name, item in found if item is None]
    _refuse(path, unknown, f"images are not in {where}", remedy("results of another split"))
    counts = Counter(item for _, item in found)
    _refuse(
        path,
        [name for name, item in found if counts[item] > 1],
        "captions are of an image that has another one",
        "Keep one an image.",
    )
    missing = [item.id for item in items if item.id not in counts]
    _refuse(
        path,
        missing,
        f"images of {where} have no caption in it",
        "Caption all of them, or the score is of another set.",
    )
    captions = {item: caption for (_, item), (_, caption) in zip(found, entries, strict=True)}
    return {item.id: captions[item.id] for item in items}


def write_results(path: Path, captions: Mapping[str, str]) -> None:
    """Write captions by item id in the format; ids that are whole numbers, as COCO's are, become numbers."""
    publish_json(
        path, [{"image_id": coco_id(image), "caption": caption} for image, caption in captions.items()]
    )


def coco_id(image: str) -> int | str:
    """An item's id as the format has it: a number where the id is one, else text. Zeros in front would be
    lost, so they stay text."""
    return int(image) if re.fullmatch(r"0|[1-9][0-9]{,17}", image) else image


class ImageNames:
    """Finds the item that a results file means, whichever of the usual ways it names its images.

    An item's own id always means that item. So do, where no other item of the split could be meant: the name
    of its file, with or without folders before it and with or without ".jpg"; the end of an id with folders
    ("1.jpg" of "beach/1.jpg"); and COCO's number in any of its spellings (42, "000000000042",
    "COCO_val2014_000000000042.jpg").
    """

    def __init__(self, items: Sequence[Item]) -> None:
        self._ids = {item.id for item in items}
        self._whole: dict[str, set[str]] = {}  # also right behind further folders
        self._ends: dict[str, set[str]] = {}  # these alone: "other/1.jpg" is not "beach/1.jpg"
        self._numbers: dict[str, set[str]] = {}
        for item in items:
            whole = [item.id] if "/" in item.id or item.path is None else [item.id, item.path.name]
            _note(self._whole, whole, item.id)
            _note(self._ends, list(_ends(item.id))[1:], item.id)
            if re.fullmatch("[0-9]+", item.id):
                self._numbers.setdefault(item.id.lstrip("0") or "0", set()).add(item.id)

    def find(self, name: str) -> set[str]:
        """The ids of the items that `name` could mean: none, one, or several."""
        if name in self._ids:
            return {name}
        ends = list(_ends(name.replace("\\", "/")))
        found = self._ends.get(ends[0], set()).union(*(self._whole.get(end, ()) for end in ends))
        number = _NUMBER.fullmatch(ends[-1])
        return found | self._numbers.get(number[1], set()) if number else found


def _note(table: dict[str, set[str]], names: Sequence[str], image: str) -> None:
    for name in names:
        for spelling in (name, _EXTENSION.sub("", name)):
            table.setdefault(spelling, set()).add(image)


def _ends(name: str) -> Iterator[str]:
    """A path and what is left of it when folders are taken from its front: "a/b/1.jpg", "b/1.jpg",
    "1.jpg"."""
    parts = PurePosixPath(name).parts or (name,)
    return ("/".join(parts[start:]) for start in range(len(parts)))


def _item_of(path: Path, name: str, names: ImageNames) -> str | None:
    found = sorted(names.find(name))
    if len(found) > 1:
        raise BadDataset(
            f"{path}: the image id {name!r} could mean {found[0]!r} or {found[1]!r}. Write the whole name."
        )
    return found[0] if found else None


def _entries(path: Path) -> Iterator[tuple[str, str]]:
    """Image name and caption of each entry."""
    content: Any = read_json(path, BadDataset, "Give a file of captions in COCO's results format.")
    entries = content.get("captions") if isinstance(content, dict) else content
    if not isinstance(entries, list):
        raise BadDataset(f"{path} holds no list of captions. {_FORMAT}")
    for index, entry in enumerate(entries):
        where = f"{path}, entry {index:,} (from 0)"
        if not isinstance(entry, dict) or not {"image_id", "caption"} <= entry.keys():
            raise BadDataset(f"{where} has no 'image_id' or no 'caption'. {_FORMAT}")
        name, caption = entry["image_id"], entry["caption"]
        if isinstance(name, bool) or not isinstance(name, int | str):
            raise BadDataset(f"{where}: 'image_id' must be a whole number or text, not {name!r}. {_FORMAT}")
        if not isinstance(caption, str) or not _is_text(caption):
            raise BadDataset(f"{where}: 'caption' must be text, not {caption!r}. {_FORMAT}")
        yield str(name), caption


def _is_text(caption: str) -> bool:
    r"""Whether it can be written as UTF-8; JSON can spell half of a letter ("\ud83d")."""
    try:
        caption.encode()
    except UnicodeEncodeError:
        return False
    return True


def _refuse(path: Path, images: Sequence[str], fault: str, advice: str | Remedy) -> None:
    if images and isinstance(advice, Remedy):
        raise BadDataset(f"{path}: {fault}: {named(images)}.", advice)
    if images:
        raise BadDataset(f"{path}: {fault}: {named(images)}. {advice}")
