"""What a query asks of each picture beside its words: an expression over words, phrases, folders, days,
cameras and the like.

parse("dog OR cat -people").condition
# And((Or((WordCondition("dog"), WordCondition("cat"))), Not(WordCondition("people"))))
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal, TypeAlias

AT_LEAST = 0.5  # the probability from which a picture shows a word, where a query names none


@dataclass(frozen=True, slots=True)
class WordCondition:
    """The picture shows a word.

    at_least: with at least this probability; None: AT_LEAST
    """

    word: str
    at_least: float | None = None

    def __str__(self) -> str:
        return self.word if self.at_least is None else f"{self.word}>{self.at_least:g}"


@dataclass(frozen=True, slots=True)
class PhraseCondition:
    """A caption holds these words one after the other, as they are spelt."""

    words: tuple[str, ...]

    def __str__(self) -> str:
        return f'"{" ".join(self.words)}"'


@dataclass(frozen=True, slots=True)
class Under:
    """The picture lies in this folder or below it; as `Hit.path`, relative to the library's root."""

    folder: str

    def __str__(self) -> str:
        return f"under:{quoted(self.folder)}"


@dataclass(frozen=True, slots=True)
class _Day:
    sign: ClassVar[str]
    day: str

    def __str__(self) -> str:
        return f"{self.sign}:{self.day}"


class Since(_Day):
    """It was taken on this day ("2019-06-01") or later."""

    __slots__ = ()
    sign = "since"


class Until(_Day):
    """It was taken on this day ("2019-06-30") or before."""

    __slots__ = ()
    sign = "until"


@dataclass(frozen=True, slots=True)
class Named:
    """What its file says of something holds this text, capitals or not."""

    sign: ClassVar[Literal["camera", "lens", "title", "keyword"]]
    name: str

    def __str__(self) -> str:
        return f"{self.sign}:{quoted(self.name)}"


class Camera(Named):
    """The camera's name holds this text."""

    __slots__ = ()
    sign = "camera"


class Lens(Named):
    """The lens's name holds this text."""

    __slots__ = ()
    sign = "lens"


class Title(Named):
    """Its title, or description, holds this text."""

    __slots__ = ()
    sign = "title"


class Keyword(Named):
    """One of its keywords is this, or holds these words."""

    __slots__ = ()
    sign = "keyword"


@dataclass(frozen=True, slots=True)
class Near:
    """It was taken within so many kilometres of a place, given in degrees, north and east positive."""

    latitude: float
    longitude: float
    km: float = 1.0

    def __str__(self) -> str:
        return f"near:{self.latitude:g},{self.longitude:g},{self.km:g}"


@dataclass(frozen=True, slots=True)
class _Joined:
    sign: ClassVar[str]
    parts: "tuple[Condition, ...]"

    def __str__(self) -> str:
        return f"({f' {self.sign} '.join(map(str, self.parts))})"


class And(_Joined):
    """All of them hold."""

    __slots__ = ()
    sign = "AND"


class Or(_Joined):
    """At least one of them holds."""

    __slots__ = ()
    sign = "OR"


@dataclass(frozen=True, slots=True)
class Not:
    """It does not hold."""

    part: "Condition"

    def __str__(self) -> str:
        return f"NOT {self.part}"


Filter: TypeAlias = Under | Since | Until | Named | Near
Condition: TypeAlias = WordCondition | PhraseCondition | Filter | And | Or | Not


def quoted(value: str) -> str:
    """A value as it is typed after a colon."""
    return f'"{value}"' if any(mark in value for mark in " ()") else value


def both(parts: Iterable[Condition | None]) -> Condition | None:
    """All of those that are there; None where there is none."""
    found = tuple(dict.fromkeys(part for part in parts if part is not None))
    return And(found) if len(found) > 1 else next(iter(found), None)


def leaves(condition: Condition | None) -> Iterator[WordCondition | PhraseCondition | Filter]:
    """Every word, phrase and filter of an expression, in the order in which they stand."""
    if condition is None:
        return
    if isinstance(condition, And | Or):
        for part in condition.parts:
            yield from leaves(part)
    elif isinstance(condition, Not):
        yield from leaves(condition.part)
    else:
        yield condition
