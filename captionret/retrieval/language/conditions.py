"""What a query asks of each picture beside its words: an expression over words, phrases, folders, days and
cameras.

parse("dog OR cat -people").condition
# And((Or((WordCondition("dog"), WordCondition("cat"))), Not(WordCondition("people"))))
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

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
class Since:
    """It was taken on this day ("2019-06-01") or later."""

    day: str

    def __str__(self) -> str:
        return f"since:{self.day}"


@dataclass(frozen=True, slots=True)
class Until:
    """It was taken on this day ("2019-06-30") or before."""

    day: str

    def __str__(self) -> str:
        return f"until:{self.day}"


@dataclass(frozen=True, slots=True)
class Camera:
    """The camera's name holds this text, capitals or not."""

    name: str

    def __str__(self) -> str:
        return f"camera:{quoted(self.name)}"


@dataclass(frozen=True, slots=True)
class And:
    """All of them hold."""

    parts: "tuple[Condition, ...]"

    def __str__(self) -> str:
        return f"({' AND '.join(map(str, self.parts))})"


@dataclass(frozen=True, slots=True)
class Or:
    """At least one of them holds."""

    parts: "tuple[Condition, ...]"

    def __str__(self) -> str:
        return f"({' OR '.join(map(str, self.parts))})"


@dataclass(frozen=True, slots=True)
class Not:
    """It does not hold."""

    part: "Condition"

    def __str__(self) -> str:
        return f"NOT {self.part}"


Filter: TypeAlias = Under | Since | Until | Camera
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
