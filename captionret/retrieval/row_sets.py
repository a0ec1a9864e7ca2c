"""What filters ask of a gallery: of which pictures something holds, found without reading all of them where
the gallery's table keeps what it takes."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import PurePath
from typing import Literal, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..records import PictureFacts

Fact: TypeAlias = Literal["day", "camera", "lens", "title", "keyword"]
Mask: TypeAlias = NDArray[np.bool_]
Days: TypeAlias = NDArray[np.datetime64]
_EARTH_KM = 6371.0


class RowSets(Protocol):
    """Of N pictures those of which something holds, as (N,) truth values."""

    def under(self, folder: str) -> Mask:
        """Of which pictures a path is that of a folder, or lies below it; folder: as paths begin with it,
        without a slash at its end."""
        ...

    def holding(self, phrase: Sequence[str]) -> Mask:
        """Of which pictures a caption holds these words one after the other."""
        ...

    def where(self, fact: Fact, fits: Callable[[str], bool]) -> Mask:
        """Of which pictures the day ("2019-06-01"), the camera ... or a keyword is known and fits."""
        ...

    def near(self, latitude: float, longitude: float, km: float) -> Mask:
        """Which pictures were taken so near to a place, given in degrees."""
        ...

    def counts(self, fact: Fact) -> dict[str, int]:
        """All days, cameras ... of the pictures, ascending, with how many pictures each is of."""
        ...

    def days(self) -> Days:
        """(N,) the day on which each picture was taken; NaT where that is not known."""
        ...

    def places(self) -> NDArray[np.float32]:
        """(n, 2) latitudes and longitudes, in degrees, of those pictures of which they are known."""
        ...


def day_of(taken: str) -> str:
    """The day of a time as PictureFacts has it."""
    return taken[:10]


def as_days(named: Iterable[str]) -> Days:
    """Days by their names; NaT for ""."""
    return np.array([one or "NaT" for one in named], "datetime64[D]")


def texts_of(facts: PictureFacts, fact: Fact) -> tuple[str, ...]:
    """What a picture's facts say of one thing; keywords are several."""
    if fact == "keyword":
        return facts.keywords
    if fact == "day":
        return (day_of(facts.taken),) if facts.taken else ()
    found = {"camera": facts.camera, "lens": facts.lens, "title": facts.title}[fact]
    return () if found is None else (found,)


def are_near(places: NDArray[np.floating], latitude: float, longitude: float, km: float) -> Mask:
    """(n,) which of (n, 2) latitudes and longitudes lie so near to a place, over a sphere (haversine)."""
    there, here = np.radians(np.asarray(places, np.float64)), np.radians([latitude, longitude])
    half = np.sin((there - here) / 2) ** 2
    chord = half[:, 0] + np.cos(there[:, 0]) * np.cos(here[0]) * half[:, 1]
    nearby: Mask = 2 * _EARTH_KM * np.arcsin(np.sqrt(np.clip(chord, 0, 1))) <= km
    return nearby


class Pictures(Protocol):
    """What is read of each of N pictures; see Gallery."""

    @property
    def paths(self) -> Sequence[str]:
        """What a hit shows."""

    @property
    def copies(self) -> Sequence[tuple[str, ...]]:
        """The further paths that hold the same content."""

    @property
    def caption_tokens(self) -> Sequence[tuple[str, ...]]:
        """The best caption's words, in order."""

    @property
    def caption_words(self) -> Sequence[frozenset[str]]:
        """The words of all captions."""

    @property
    def facts(self) -> Sequence[PictureFacts | None]:
        """When, where and with what it was taken; None where nothing is known."""


class ReadRowSets:
    """RowSets of pictures of which no index is kept: each is looked at."""

    def __init__(self, pictures: Pictures) -> None:
        self._pictures = pictures

    def under(self, folder: str) -> Mask:
        """Of which pictures a path is that of a folder, or lies below it."""
        each = zip(self._pictures.paths, self._pictures.copies, strict=True)
        return _mask(any(_lies_under(path, folder) for path in (first, *others)) for first, others in each)

    def holding(self, phrase: Sequence[str]) -> Mask:
        """Of which pictures a caption holds these words one after the other."""
        if len(phrase) == 1:
            return _mask(phrase[0] in held for held in self._pictures.caption_words)
        joined = f" {' '.join(phrase)} "
        return _mask(any(joined in text for text in texts) for texts in self._pictures.caption_tokens)

    def where(self, fact: Fact, fits: Callable[[str], bool]) -> Mask:
        """Of which pictures the day, the camera ... or a keyword is known and fits."""
        return _mask(any(map(fits, texts)) for texts in self._each(fact))

    def near(self, latitude: float, longitude: float, km: float) -> Mask:
        """Which pictures were taken so near to a place."""
        unknown = (np.nan, np.nan)
        each = [(facts and facts.place) or unknown for facts in self._pictures.facts]
        return are_near(np.array(each, np.float64).reshape(-1, 2), latitude, longitude, km)

    def counts(self, fact: Fact) -> dict[str, int]:
        """All days, cameras ..., ascending, with how many pictures each is of."""
        return dict(sorted(Counter(text for texts in self._each(fact) for text in set(texts)).items()))

    def days(self) -> Days:
        """(N,) the day on which each picture was taken; NaT."""
        return as_days("".join(texts) for texts in self._each("day"))

    def places(self) -> NDArray[np.float32]:
        """(n, 2) latitudes and longitudes that are known."""
        known = [facts.place for facts in self._pictures.facts if facts and facts.place]
        return np.array(known, np.float32).reshape(-1, 2)

    def _each(self, fact: Fact) -> Iterable[tuple[str, ...]]:
        return (() if facts is None else texts_of(facts, fact) for facts in self._pictures.facts)


def _lies_under(path: str, folder: str) -> bool:
    plain = PurePath(path).as_posix()
    return plain == folder or plain.startswith(f"{folder}/")


def _mask(held: Iterable[bool]) -> Mask:
    return np.array(list(held), np.bool_)
