"""Pictures of a data set that are the same, or nearly: they must not stand in two splits, or what is measured
is what was learnt by heart."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ..errors import BadDataset
from ..images import alike_pairs, perceptual_hashes
from ..images.hashes import ALIKE
from ..records import Failure, Item


@dataclass(frozen=True, slots=True)
class Alike:
    """Which of a list of items have nearly the same picture.

    pairs:    places in the list, the smaller first, in order
    failures: pictures that cannot be read
    """

    pairs: tuple[tuple[int, int], ...] = ()
    failures: tuple[Failure, ...] = field(default=())

    def groups(self, count: int) -> list[list[int]]:
        """All places, those that are alike together, also over several steps; in the order of their
        firsts."""
        first = list(range(count))

        def root(place: int) -> int:
            while first[place] != place:
                first[place] = first[first[place]]
                place = first[place]
            return place

        for one, other in self.pairs:
            low, high = sorted((root(one), root(other)))
            first[high] = low
        groups: dict[int, list[int]] = {}
        for place in range(count):
            groups.setdefault(root(place), []).append(place)
        return list(groups.values())

    def across(self, items: Sequence[Item]) -> list[tuple[Item, Item]]:
        """The pairs whose items stand in different splits."""
        found = ((items[one], items[other]) for one, other in self.pairs)
        return [(one, other) for one, other in found if one.split != other.split]


def alike_items(items: Sequence[Item], at_most: int = ALIKE, progress: bool | None = None) -> Alike:
    """Compare the pictures of all items by their perceptual hashes.

    at_most: bits, of 64, in which two may differ
    errors:  BadDataset for items without pictures
    """
    paths = [item.path for item in items if item.path is not None]
    if len(paths) < len(items):
        raise BadDataset("Some items have no picture, so they cannot be compared. Leave the comparison out.")
    found = list(perceptual_hashes(paths, progress))
    failures = tuple(one for one in found if isinstance(one, Failure))
    places = [place for place, one in enumerate(found) if not isinstance(one, Failure)]
    hashes = np.array([one for one in found if not isinstance(one, Failure)], np.uint64)
    pairs = alike_pairs(hashes, at_most).tolist()
    return Alike(tuple((places[one], places[other]) for one, other in pairs), failures)
