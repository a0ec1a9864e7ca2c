"""Data sets cut into splits, joined, and sampled: always image by image, never caption by caption."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import accumulate
from pathlib import Path

from ..counting import counted
from ..errors import BadSetting
from ..files import sha256_of
from ..records import Item
from . import Dataset


def read_shares(text: str) -> dict[str, float]:
    """ "train=.8,val=.1,test=.1" as names and shares, which sum to 1.

    errors: BadSetting
    """
    shares: dict[str, float] = {}
    for part in text.split(","):
        name, _, share = part.partition("=")
        try:
            shares[name.strip()] = float(share)
        except ValueError:
            raise BadSetting(
                f"{part!r} names no part and its share. Write train=.8,val=.1,test=.1."
            ) from None
    if not all(shares) or any(not 0 < share <= 1 for share in shares.values()):
        raise BadSetting(
            f"{text!r}: each part has a name and a share above 0. Write train=.8,val=.1,test=.1."
        )
    if abs(sum(shares.values()) - 1) > 1e-6:
        raise BadSetting(f"The shares of {text!r} sum to {sum(shares.values()):g}, not to 1. Correct them.")
    return shares


def split(
    items: Sequence[Item],
    shares: Mapping[str, float],
    seed: int = 0,
    groups: Sequence[Sequence[int]] | None = None,
) -> list[Item]:
    """The items, in their order, each in one of the parts.

    shares: of the images, by the parts' names
    seed:   another one gives other parts; with the same one nearly every image stays in its part when others
            are added
    groups: places of items that stay together; None: each by itself

    >>> items = [Item(str(n), None) for n in range(10)]
    >>> Counter(one.split for one in split(items, {"train": 0.8, "test": 0.2}))
    Counter({'train': 8, 'test': 2})
    """
    together = groups or [[place] for place in range(len(items))]
    bounds = [round(share * len(items)) for share in accumulate(shares.values())]
    parts: dict[int, str] = {}
    names, place = list(shares), 0
    for group in sorted(together, key=lambda group: _drawn(seed, items[group[0]].id)):
        while place < len(names) - 1 and len(parts) >= bounds[place]:
            place += 1
        parts |= dict.fromkeys(group, names[place])
    return [replace(item, split=parts[at]) for at, item in enumerate(items)]


def sample(items: Sequence[Item], count: int, seed: int = 0, captions: int | None = None) -> list[Item]:
    """So many of the items, drawn at random, in their order; each with its first `captions` captions.

    errors: BadSetting for none, and for more than there are
    """
    if count < 1:
        raise BadSetting(f"{counted(count, 'images')} cannot be drawn. Choose 1 or more.")
    if count > len(items):
        raise BadSetting(
            f"There are {counted(len(items), 'images')}; {count:,} of them cannot be drawn. Choose fewer."
        )
    drawn = {item.id for item in sorted(items, key=lambda item: _drawn(seed, item.id))[:count]}
    return [replace(item, captions=item.captions[:captions]) for item in items if item.id in drawn]


def _drawn(seed: int, name: str) -> str:
    return hashlib.sha256(f"{seed}/{name}".encode(errors="replace")).hexdigest()


def merge(datasets: Sequence[Dataset]) -> tuple[list[Item], list[str]]:
    """The items of several data sets, and what there is to say of it.

    A picture that stands in several of them, byte by byte, is one item with all its captions, in the split of
    the first that names one. Ids that stand for several pictures get the data set's number before them.
    errors: BadSetting for data sets with and without pictures
    """
    items = [(number, item) for number, data in enumerate(datasets, 1) for item in data.items]
    if any(item.path is None for _, item in items):
        raise BadSetting("Data sets without pictures cannot be merged. Leave them out.")
    contents = _contents([item for _, item in items])
    first: dict[str, int] = {}
    merged: list[tuple[int, Item]] = []
    contradictions = 0
    for (number, item), content in zip(items, contents, strict=True):
        place = first.setdefault(content, len(merged))
        if place == len(merged):
            merged.append((number, item))
            continue
        of, known = merged[place]
        contradictions += bool(known.split and item.split and known.split != item.split)
        captions = tuple(dict.fromkeys(known.captions + item.captions))
        merged[place] = (of, replace(known, captions=captions, split=known.split or item.split))
    notes = []
    if len(merged) < len(items):
        twice = len(items) - len(merged)
        notes.append(
            "1 picture stood twice; its captions are put together."
            if twice == 1
            else f"{counted(twice, 'pictures')} stood twice; their captions are put together."
        )
    if contradictions:
        notes.append(f"{contradictions:,} of these were in two splits; the first data set's holds.")
    ids = Counter(item.id for _, item in merged)
    return [replace(item, id=f"{n}/{item.id}") if ids[item.id] > 1 else item for n, item in merged], notes


def _contents(items: Sequence[Item]) -> list[str]:
    """What tells equal pictures from others: the hash of the content where another file has the same size."""
    paths = [item.path or Path() for item in items]
    sizes = [path.stat().st_size for path in paths]
    several = {size for size, count in Counter(sizes).items() if count > 1}
    return [
        sha256_of(path) if size in several else f"alone {place}"
        for place, (path, size) in enumerate(zip(paths, sizes, strict=True))
    ]
