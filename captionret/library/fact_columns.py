"""When and with which camera the pictures of a segment were taken: each day and each camera once, so that a
filter looks at these and not at every picture."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..records import PictureFacts
from ..retrieval.index.arrays import Arrays, Texts, text_arrays
from ..retrieval.row_sets import Fact, day_of


class FactColumns:
    """The facts of those pictures whose files hold any, by their rows in the segment."""

    def __init__(self, arrays: Arrays) -> None:
        self._arrays = arrays
        self._taken = Texts(arrays, "facts.taken")

    def at(self, row: int) -> PictureFacts | None:
        """Of one picture."""
        known = self._arrays.whole("facts")
        place = int(np.searchsorted(known, row))
        return self._of(place) if place < len(known) and known[place] == row else None

    def all(self, count: int) -> list[PictureFacts | None]:
        """Of every picture of the `count` ones."""
        found: list[PictureFacts | None] = [None] * count
        sizes, cameras = self._arrays.whole("facts.sizes").tolist(), list(self.distinct("camera"))
        owners = self._arrays.whole("facts.camera.of").tolist()
        rows = self._arrays.whole("facts").tolist()
        known = zip(rows, sizes[::2], sizes[1::2], self._taken, owners, strict=True)
        for row, width, height, taken, camera in known:
            found[row] = PictureFacts(width, height, taken or None, cameras[camera] or None)
        return found

    def distinct(self, fact: Fact) -> Texts:
        """All days or cameras, ascending; "" where one is not noted."""
        return Texts(self._arrays, f"facts.{fact}")

    def noted(self, fact: Fact, gone: NDArray[np.int32]) -> list[str]:
        """The days or cameras that are known of the pictures, those `gone` left out."""
        left = ~np.isin(self._arrays.whole("facts"), gone)
        places = np.unique(self._arrays.whole(f"facts.{fact}.of")[left])
        return [one for place in places.tolist() if (one := self.distinct(fact)[place])]

    def rows(self, fact: Fact, fits: Callable[[str], bool]) -> NDArray[np.int32]:
        """The pictures whose day or camera is known and fits, ascending."""
        fitting = np.array([bool(one) and fits(one) for one in self.distinct(fact)], np.bool_)
        if not fitting.any():
            return np.zeros(0, np.int32)
        rows: NDArray[np.int32] = self._arrays.whole("facts")
        held: NDArray[np.int32] = rows[fitting[self._arrays.whole(f"facts.{fact}.of")]]
        return held

    def _of(self, place: int) -> PictureFacts:
        width, height = self._arrays.part("facts.sizes", 2 * place, 2 * place + 2).tolist()
        (owner,) = self._arrays.part("facts.camera.of", place, place + 1).tolist()
        return PictureFacts(width, height, self._taken[place] or None, self.distinct("camera")[owner] or None)


def fact_arrays(facts: Sequence[PictureFacts | None]) -> dict[str, NDArray[Any]]:
    """The arrays that FactColumns reads, of the facts of each picture."""
    known = [(row, one) for row, one in enumerate(facts) if one is not None]
    sizes = np.array([(one.width, one.height) for _, one in known], np.int64).reshape(-1)
    taken = [one.taken or "" for _, one in known]
    return {
        "facts": np.array([row for row, _ in known], np.int32),
        "facts.sizes": sizes.astype(np.min_scalar_type(int(sizes.max(initial=0)))),
        **text_arrays("facts.taken", taken),
        **_column("day", list(map(day_of, taken))),
        **_column("camera", [one.camera or "" for _, one in known]),
    }


def _column(fact: Fact, values: Sequence[str]) -> dict[str, NDArray[Any]]:
    distinct = sorted(set(values))
    places = {value: place for place, value in enumerate(distinct)}
    of = np.fromiter(map(places.__getitem__, values), np.int64, len(values))
    return {
        **text_arrays(f"facts.{fact}", distinct),
        f"facts.{fact}.of": of.astype(np.min_scalar_type(max(len(distinct) - 1, 0))),
    }
