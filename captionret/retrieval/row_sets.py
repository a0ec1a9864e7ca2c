"""What filters ask of a gallery: of which pictures something holds, found without reading all of them where
the gallery's table keeps what it takes."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import PurePath
from typing import Literal, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..records import PictureFacts

Fact: TypeAlias = Literal["day", "camera"]
Mask: TypeAlias = NDArray[np.bool_]


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
        """Of which pictures the day ("2019-06-01") or the camera is known and fits."""
        ...

    def distinct(self, fact: Fact) -> list[str]:
        """All days or cameras of the pictures, ascending."""
        ...


def day_of(taken: str) -> str:
    """The day of a time as PictureFacts has it."""
    return taken[:10]


class Pictures(Protocol):
    """What is read of each of N pictures; see Gallery."""

    @property
    def paths(self) -> Sequence[str]: ...  # noqa: D102
    @property
    def copies(self) -> Sequence[tuple[str, ...]]: ...  # noqa: D102
    @property
    def caption_tokens(self) -> Sequence[tuple[str, ...]]: ...  # noqa: D102
    @property
    def caption_words(self) -> Sequence[frozenset[str]]: ...  # noqa: D102
    @property
    def facts(self) -> Sequence[PictureFacts | None]: ...  # noqa: D102


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
        """Of which pictures the day or the camera is known and fits."""
        return _mask(bool(one) and fits(one) for one in self._each(fact))

    def distinct(self, fact: Fact) -> list[str]:
        """All days or cameras, ascending."""
        return sorted({*self._each(fact)} - {""})

    def _each(self, fact: Fact) -> Iterable[str]:
        for facts in self._pictures.facts:
            known = None if facts is None else facts.taken if fact == "day" else facts.camera
            yield day_of(known or "") if fact == "day" else known or ""


def _lies_under(path: str, folder: str) -> bool:
    plain = PurePath(path).as_posix()
    return plain == folder or plain.startswith(f"{folder}/")


def _mask(held: Iterable[bool]) -> Mask:
    return np.array(list(held), np.bool_)
