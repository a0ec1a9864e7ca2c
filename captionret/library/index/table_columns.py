"""What a table of several segments says of each picture, read from its segment when it is asked for."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol, TypeVar

from ...retrieval.index.arrays import ReadSequence
from .segment import Segment

_LAST_READ = 4096  # names whose rows are kept at hand

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Indexed(Protocol[T_co]):
    """What a segment gives by row."""

    def __getitem__(self, row: int) -> T_co: ...


class Table(Protocol):
    """Where pictures of segments stand together, see MergedSegments."""

    @property
    def segments(self) -> Sequence[Segment]:
        """The parts."""
        ...

    @property
    def whole(self) -> bool:
        """Whether there is one segment, of which all counts."""
        ...

    def place(self, row: int) -> tuple[Segment, int]:
        """The segment of a picture, and its row there."""
        ...

    def row(self, number: int, place: int) -> int | None:
        """The row of a picture of a segment; None for one that does not count."""
        ...

    def __len__(self) -> int: ...


class Column(ReadSequence[T]):
    """One thing of each picture."""

    def __init__(self, table: Table, of_segment: Callable[[Segment], Indexed[T]]) -> None:
        self._table, self._of = table, of_segment

    def at(self, place: int) -> T:
        """Of the picture in a row."""
        segment, row = self._table.place(place)
        return self._of(segment)[row]

    def __iter__(self) -> Iterator[T]:
        first = self._of(self._table.segments[0])
        if self._table.whole and isinstance(first, Sequence):
            return iter(first)
        return map(self.at, range(len(self)))

    def __len__(self) -> int:
        return len(self._table)


class Names(Column[str]):
    """A name of each picture, which no other one has.

    rows: the row of each
    """

    def __init__(
        self,
        table: Table,
        of_segment: Callable[[Segment], Indexed[str]],
        find: Callable[[Segment, str], int | None],
    ) -> None:
        """find: the row of a name in a segment"""
        super().__init__(table, of_segment)
        self.rows = RowOf(self, table, find)

    def at(self, place: int) -> str:
        """Of the picture in a row. What was read is soon looked for: it is found without a search."""
        name = super().at(place)
        self.rows.keep(name, place)
        return name


class RowOf(Mapping[str, int]):
    """The row of each name."""

    def __init__(self, names: Names, table: Table, find: Callable[[Segment, str], int | None]) -> None:
        self._names, self._table, self._find = names, table, find
        self._last: dict[str, int] = {}

    def __getitem__(self, name: str) -> int:
        row = self._last.get(name)
        if row is None:
            row = self._row(name)
            self.keep(name, row)
        return row

    def keep(self, name: str, row: int) -> None:
        """Keep at hand what is known."""
        if len(self._last) >= _LAST_READ:
            self._last = {}
        self._last[name] = row

    def _row(self, name: str) -> int:
        for number, one in enumerate(self._table.segments if isinstance(name, str) else ()):
            place = self._find(one, name)
            row = None if place is None else self._table.row(number, place)
            if row is not None:
                return row
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)
