"""Named arrays that are read a part at a time, in memory or mapped from a file that checks what it gives; and
texts that are kept in them by offset."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, pairwise
from operator import eq
from typing import Any, Protocol, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

T_co = TypeVar("T_co", covariant=True)
_ROWS = 4096  # texts that are decoded at a time
_ERRORS = "surrogatepass"  # names of files may hold what is no Unicode


class Arrays(Protocol):
    """Named arrays of one dimension."""

    def length(self, name: str) -> int:
        """How many numbers an array holds."""
        ...

    def part(self, name: str, start: int, stop: int) -> NDArray[Any]:
        """Some of them, `start` to `stop` - 1; not to be written to."""
        ...

    def whole(self, name: str) -> NDArray[Any]:
        """All of them."""
        ...

    def let_go(self, read: int | None = None) -> None:
        """Take no more memory than must be until some of it is read again.

        read: bytes that were read since the last call, for which alone that need not be done; None: at once
        """
        ...

    def __contains__(self, name: str) -> bool:
        """Whether there is such an array."""
        ...


class ArraysInMemory:
    """Arrays of a dictionary; `more` makes further ones, by what it needs of them, when they are first asked
    for."""

    def __init__(
        self,
        arrays: Mapping[str, NDArray[Any]],
        more: Callable[[], Mapping[str, NDArray[Any]]] | None = None,
    ) -> None:
        self._arrays, self._more = dict(arrays), more

    def length(self, name: str) -> int:
        """How many numbers an array holds."""
        return len(self._of(name))

    def part(self, name: str, start: int, stop: int) -> NDArray[Any]:
        """Some of them."""
        return self._of(name)[start:stop]

    def whole(self, name: str) -> NDArray[Any]:
        """All of them."""
        return self._of(name)

    def let_go(self, read: int | None = None) -> None:
        """What is in memory stays there."""

    def all(self) -> Mapping[str, NDArray[Any]]:
        """Every array, those that are made when asked for included."""
        if self._more is not None:
            self._arrays, self._more = {**self._arrays, **self._more()}, None
        return self._arrays

    def __contains__(self, name: str) -> bool:
        return name in self._arrays or name in self.all()

    def _of(self, name: str) -> NDArray[Any]:
        return self._arrays[name] if name in self._arrays else self.all()[name]


class ReadSequence(Sequence[T_co], ABC):
    """A sequence that reads its members when they are asked for. It equals any sequence of the same ones."""

    @abstractmethod
    def at(self, place: int) -> T_co:
        """The member at a place from 0 on."""

    @overload
    def __getitem__(self, place: int) -> T_co: ...
    @overload
    def __getitem__(self, place: slice) -> list[T_co]: ...
    def __getitem__(self, place: int | slice) -> T_co | list[T_co]:
        if isinstance(place, slice):
            return [self.at(one) for one in range(*place.indices(len(self)))]
        return self.at(range(len(self))[place])

    def __iter__(self) -> Iterator[T_co]:
        return map(self.at, range(len(self)))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and len(self) == len(other) and all(map(eq, self, other))

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        shown = ", ".join(map(repr, self[:3]))
        return f"<{len(self):,} {type(self).__name__.lower()}: {shown}{', ...' if len(self) > 3 else ''}>"


class Texts(ReadSequence[str]):
    """Texts that lie one after the other in an array of bytes, each found by its offset.

    text_arrays("words", ["a", "dog"]) -> {"words.starts": [0, 1, 4], "words.bytes": b"adog"}
    """

    def __init__(self, arrays: Arrays, name: str) -> None:
        """name: the arrays' own names are it with .starts and .bytes"""
        self._arrays, self._starts, self._bytes = arrays, f"{name}.starts", f"{name}.bytes"
        self._count = arrays.length(self._starts) - 1

    def at(self, place: int) -> str:
        """One text."""
        return self.encoded(place).decode(errors=_ERRORS)

    def encoded(self, place: int) -> bytes:
        """One text in UTF-8; they sort as the texts do."""
        start, stop = self._arrays.part(self._starts, place, place + 2).tolist()
        return self._arrays.part(self._bytes, start, stop).tobytes()

    def find(self, text: str) -> int | None:
        """The place of a text among ascending ones; None where it is not there."""
        sought = text.encode(errors=_ERRORS)
        place = self.before(sought)
        return place if place < self._count and self.encoded(place) == sought else None

    def before(self, sought: bytes) -> int:
        """How many of ascending texts are smaller than one in UTF-8."""
        low, high = 0, self._count
        while low < high:
            middle = (low + high) // 2
            if self.encoded(middle) < sought:
                low = middle + 1
            else:
                high = middle
        return low

    def __iter__(self) -> Iterator[str]:
        for first in range(0, self._count, _ROWS):
            starts = self._arrays.part(self._starts, first, min(first + _ROWS, self._count) + 1).tolist()
            held = self._arrays.part(self._bytes, starts[0], starts[-1]).tobytes()
            for start, stop in pairwise(starts):
                yield held[start - starts[0] : stop - starts[0]].decode(errors=_ERRORS)

    def __len__(self) -> int:
        return self._count


def text_arrays(name: str, texts: Iterable[str]) -> dict[str, NDArray[Any]]:
    """The arrays in which Texts finds these."""
    encoded = [text.encode(errors=_ERRORS) for text in texts]
    return {
        f"{name}.starts": starts_of(np.fromiter(map(len, encoded), np.int64, len(encoded))),
        f"{name}.bytes": np.frombuffer(b"".join(encoded), np.uint8),
    }


def list_arrays(name: str, lists: Sequence[Sequence[str]]) -> dict[str, NDArray[Any]]:
    """The arrays of several texts for each row, most rows perhaps without any: of each text its row."""
    lengths = np.fromiter(map(len, lists), np.int64, len(lists))
    rows = np.repeat(np.arange(len(lists), dtype=np.int32), lengths)
    return {f"{name}.rows": rows, **text_arrays(name, chain.from_iterable(lists))}


class TextLists:
    """What `list_arrays` keeps: the texts of each row."""

    def __init__(self, arrays: Arrays, name: str) -> None:
        self._arrays, self._rows, self._texts = arrays, f"{name}.rows", Texts(arrays, name)

    def __getitem__(self, row: int) -> tuple[str, ...]:
        if not len(self._texts):
            return ()
        rows = self._arrays.whole(self._rows)
        first, last = np.searchsorted(rows, np.array([row, row + 1], rows.dtype)).tolist()
        return tuple(self._texts[first:last])

    def pairs(self) -> Iterator[tuple[int, str]]:
        """Every text with its row."""
        return zip(self._arrays.whole(self._rows).tolist(), self._texts, strict=True)


def starts_of(lengths: NDArray[np.integer]) -> NDArray[Any]:
    """Where each of several parts begins that lie one after the other, and where the last ends: (N+1,), in as
    few bytes as it takes."""
    starts = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=starts[1:])
    return starts.astype(np.uint32) if starts[-1] < 2**32 else starts
