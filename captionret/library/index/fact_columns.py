"""What the files of a segment's pictures say about themselves: each day, camera, lens and so on once, so
that a filter looks at these and not at every picture. Tags of captions are keywords, too."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...records import PictureFacts
from ...retrieval.index.arrays import Arrays, Texts, text_arrays
from ...retrieval.row_sets import Days, Fact, are_near, as_days, texts_of
from ..catalogue.fact_rows import exif_of, facts_from

_OF_EACH: tuple[Fact, ...] = ("day", "camera")  # kept for each picture, "" where it is not noted
_OF_SOME: tuple[Fact, ...] = ("lens", "title", "keyword")  # kept with the places of those that have it


class FactColumns:
    """The facts of those pictures whose files hold any, by their rows in the segment."""

    def __init__(self, arrays: Arrays) -> None:
        self._arrays = arrays
        self._taken, self._exif = Texts(arrays, "facts.taken"), Texts(arrays, "facts.exif")

    def at(self, row: int) -> PictureFacts | None:
        """Of one picture."""
        place = self._place(row)
        return None if place is None else self._of(place)

    def taken(self, row: int) -> str | None:
        """When one picture was taken; None where its file does not say."""
        place = self._place(row)
        return None if place is None else self._taken[place] or None

    def all(self, count: int) -> list[PictureFacts | None]:
        """Of every picture of the `count` ones."""
        found: list[PictureFacts | None] = [None] * count
        sizes, cameras = self._arrays.whole("facts.sizes").tolist(), list(self.distinct("camera"))
        owners = self._arrays.whole("facts.camera.of").tolist()
        rows = self._arrays.whole("facts").tolist()
        known = zip(rows, sizes[::2], sizes[1::2], self._taken, owners, self._exif, strict=True)
        for row, width, height, taken, camera, exif in known:
            found[row] = facts_from(width, height, taken or None, cameras[camera] or None, exif)
        return found

    def distinct(self, fact: Fact) -> Texts:
        """All days, cameras ..., ascending; "" where one is not noted."""
        return Texts(self._arrays, f"facts.{fact}")

    def counts(self, fact: Fact, gone: NDArray[np.int32]) -> dict[str, int]:
        """The days, cameras ... that are known, with of how many pictures, those `gone` left out."""
        left = ~np.isin(self._rows_with(fact), gone)
        counts = np.bincount(self._arrays.whole(f"facts.{fact}.of")[left], minlength=1).tolist()
        known = zip(self.distinct(fact), counts, strict=False)  # none is distinct where none is known
        return {one: count for one, count in known if one and count}

    def days(self, count: int) -> Days:
        """(count,) the day of each of the segment's pictures; NaT where it is not known."""
        found = np.full(count, "NaT", "datetime64[D]")
        found[self._rows_with("day")] = as_days(self.distinct("day"))[self._arrays.whole("facts.day.of")]
        return found

    def places(self, gone: NDArray[np.int32]) -> NDArray[np.float32]:
        """(n, 2) the latitudes and longitudes that are known, those of pictures `gone` left out."""
        rows: NDArray[np.int32] = self._arrays.whole("facts.place.rows")
        places: NDArray[np.float32] = self._arrays.whole("facts.place").reshape(-1, 2)
        return places[~np.isin(rows, gone)]

    def rows(self, fact: Fact, fits: Callable[[str], bool]) -> NDArray[np.int32]:
        """The pictures of which a day, a camera ... is known and fits, ascending."""
        fitting = np.array([bool(one) and fits(one) for one in self.distinct(fact)], np.bool_)
        if not fitting.any():
            return np.zeros(0, np.int32)
        held: NDArray[np.int32] = self._rows_with(fact)[fitting[self._arrays.whole(f"facts.{fact}.of")]]
        return np.unique(held) if fact in _OF_SOME else held

    def near(self, latitude: float, longitude: float, km: float) -> NDArray[np.int32]:
        """The pictures that were taken so near to a place, ascending."""
        places = self._arrays.whole("facts.place").reshape(-1, 2)
        rows: NDArray[np.int32] = self._arrays.whole("facts.place.rows")
        return rows[are_near(places, latitude, longitude, km)]

    def _rows_with(self, fact: Fact) -> NDArray[np.int32]:
        """Of what a fact is kept for, the pictures' rows."""
        return self._arrays.whole("facts" if fact in _OF_EACH else f"facts.{fact}.rows")

    def _place(self, row: int) -> int | None:
        """Where the facts of a picture stand; None where there are none."""
        known = self._arrays.whole("facts")
        place = int(known.searchsorted(known.dtype.type(row)))  # of another type all would be converted
        return place if place < len(known) and known[place] == row else None

    def _of(self, place: int) -> PictureFacts:
        width, height = self._arrays.part("facts.sizes", 2 * place, 2 * place + 2).tolist()
        (owner,) = self._arrays.part("facts.camera.of", place, place + 1).tolist()
        camera = self.distinct("camera")[owner] or None
        return facts_from(width, height, self._taken[place] or None, camera, self._exif[place])


def fact_arrays(
    facts: Sequence[PictureFacts | None], tags: Sequence[Sequence[str]] | None = None
) -> dict[str, NDArray[Any]]:
    """The arrays that FactColumns reads, of the facts of each picture, and its tags."""
    known = [(row, one) for row, one in enumerate(facts) if one is not None]
    rows = np.array([row for row, _ in known], np.int32)
    sizes = np.array([(one.width, one.height) for _, one in known], np.int64).reshape(-1)
    arrays: dict[str, NDArray[Any]] = {
        "facts": rows,
        "facts.sizes": sizes.astype(np.min_scalar_type(int(sizes.max(initial=0)))),
        **text_arrays("facts.taken", [one.taken or "" for _, one in known]),
        **text_arrays("facts.exif", [exif_of(one) for _, one in known]),
    }
    for fact in _OF_EACH:
        arrays |= _column(fact, ["".join(texts_of(one, fact)) for _, one in known])
    for fact in _OF_SOME:
        noted = [(row, text) for row, one in known for text in texts_of(one, fact)]
        if fact == "keyword" and tags is not None:
            noted += [(row, tag) for row, given in enumerate(tags) for tag in given]
            noted = sorted(dict.fromkeys(noted))
        arrays |= _column(fact, [text for _, text in noted])
        arrays[f"facts.{fact}.rows"] = np.array([row for row, _ in noted], np.int32)
    placed = [(row, one.place) for row, one in known if one.place is not None]
    arrays["facts.place.rows"] = np.array([row for row, _ in placed], np.int32)
    arrays["facts.place"] = np.array([place for _, place in placed], np.float32).reshape(-1)
    return arrays


def _column(fact: Fact, values: Sequence[str]) -> dict[str, NDArray[Any]]:
    distinct = sorted(set(values))
    places = {value: place for place, value in enumerate(distinct)}
    of = np.fromiter(map(places.__getitem__, values), np.int64, len(values))
    return {
        **text_arrays(f"facts.{fact}", distinct),
        f"facts.{fact}.of": of.astype(np.min_scalar_type(max(len(distinct) - 1, 0))),
    }
