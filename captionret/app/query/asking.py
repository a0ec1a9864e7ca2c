"""What is asked for, checked before anything is read or computed."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from ...errors import BadSetting
from ...files import expanded
from ...records import Query
from ...remedies import remedy
from ...retrieval import MODES, ParsedQuery, parse
from ...retrieval.feedback import WEIGHTS, check_weights
from ...retrieval.language import Day, Filter, Under, WordCondition, leaves

if TYPE_CHECKING:  # importing every decoder of pictures takes as long as a text query
    from ...images import ImageInput, Picture

Given = TypeVar("Given")


@dataclass(frozen=True, slots=True)
class Limits:
    """What is given beside a text and could be written into it, see ParsedQuery.limited."""

    under: str | None = None
    since: Day | None = None
    until: Day | None = None
    min_probability: float | None = None

    @property
    def filters(self) -> bool:
        """Whether there is a filter among them."""
        return bool(self.under or self.since or self.until)


@dataclass(frozen=True, slots=True)
class Asked:
    """One query as a caller gave it.

    picture: kept, so that it is read and decoded once; None where no picture is asked for
    like, dislike: pictures; or paths in the library, as text
    weights: of the query, the liked and the disliked
    plus, minus: texts whose vectors are added and taken away, in a mode of a space
    parsed: the text as it was read, with the limits that were given beside it; None without either
    """

    picture: "Picture | None" = None
    text: str | None = None
    like: "Sequence[str | Picture]" = ()
    dislike: "Sequence[str | Picture]" = ()
    weights: tuple[float, float, float] = WEIGHTS
    plus: tuple[str, ...] = ()
    minus: tuple[str, ...] = ()
    parsed: ParsedQuery | None = None

    @property
    def words(self) -> str | None:
        """The text that ranks; None where there is none."""
        if self.parsed is None or self.parsed.text == self.text:
            return self.text
        return self.parsed.text if self.parsed.text.strip() else None

    @property
    def shown(self) -> Query:
        """The query as people see it."""
        picture = self.picture
        return Query(None if picture is None else picture.path or Path(picture.name), self.text)

    @property
    def texts(self) -> list[tuple[str, float]]:
        """Each text with the sign of its vector; a blank text beside a picture is none."""
        own = [self.words] if self.words and self.words.strip() else []
        return [*((one, 1.0) for one in (*own, *self.plus)), *((one, -1.0) for one in self.minus)]

    @property
    def asks_for_words(self) -> bool:
        """Whether there are conditions on words, which word probabilities answer best."""
        condition = None if self.parsed is None else self.parsed.condition
        return any(isinstance(one, WordCondition) for one in leaves(condition))

    def within(self, root: Path) -> "Asked":
        """The same with folders that are given as whole paths named from the library's root on."""
        if self.parsed is None:
            return self
        filters = tuple(_from_root(one, root) for one in self.parsed.filters)
        return (
            self
            if filters == self.parsed.filters
            else replace(self, parsed=replace(self.parsed, filters=filters))
        )

    def check(self, mode: str, rerank: int) -> None:
        """BadSetting where this cannot be asked for in a mode; UnknownName for a mode that there is not."""
        chosen = MODES[mode]
        limited = self.parsed is not None and bool(self.parsed.filters)
        if self.picture is None and not limited and (self.text is None or not self.text.strip()):
            raise BadSetting("The query is empty. Give a picture, or a text with at least one word.")
        filters_alone = self.picture is None and self.words is None and not self.like
        if filters_alone and (self.plus or self.minus or rerank):
            raise BadSetting(
                "Filters alone compare nothing, so there is nothing to add words to, take them from or ask "
                "again with. Give a picture, or a text with at least one word."
            )
        if not hasattr(rerank, "__index__") or rerank < 0:
            raise BadSetting(f"rerank is {rerank!r}; it is a whole number of hits, at least 0.")
        if (self.plus or self.minus or rerank) and not chosen.in_space:
            raise BadSetting(
                f"Mode {mode!r} has no vectors to add words to or take them from, and no mean of them to ask "
                "with again.",
                remedy("space mode"),
            )
        if self.text is not None and _unreadable(self.text):
            raise BadSetting(
                f"The text {self.text!a} holds half a character (a lone surrogate). Type it again."
            )

    def check_pictures(self) -> None:
        """BadImage for a picture that is none: the header of each is read."""
        for picture in (self.picture, *self.like, *self.dislike):
            if picture is not None and not isinstance(picture, str):
                _ = picture.facts


def asked(
    query: "ImageInput | None" = None,
    text: str | None = None,
    image: "ImageInput | None" = None,
    like: "Sequence[ImageInput] | ImageInput" = (),
    dislike: "Sequence[ImageInput] | ImageInput" = (),
    weights: Sequence[float] = WEIGHTS,
    plus: Sequence[str] | str = (),
    minus: Sequence[str] | str = (),
    limits: Limits | None = None,
) -> Asked:
    """What a caller gave, sorted.

    query:  a picture; or a text, where it is a str that does not name a file
    errors: BadSetting where query is given beside what it would stand for; for what is no picture; BadQuery
            for a text that cannot be read
    """
    if query is not None:
        if isinstance(query, str) and not _is_file(query):
            text = _one(query, text, "text")
        else:
            image = _one(query, image, "image")
    plus, minus = ((one,) if isinstance(one, str) else tuple(one) for one in (plus, minus))
    _refuse_other_than_texts(text, *plus, *minus)
    return Asked(
        None if image is None else _picture(image),
        text,
        _pictures(like),
        _pictures(dislike),
        _three(weights),
        plus,
        minus,
        _parsed(text, image is None, limits or Limits()),
    )


def _refuse_other_than_texts(*given: str | None) -> None:
    wrong = next((one for one in given if one is not None and not isinstance(one, str)), None)
    if wrong is not None:
        raise BadSetting(f"A text is a str, not {type(wrong).__name__}. Give one query at a time.")


def _parsed(text: str | None, alone: bool, limits: Limits) -> ParsedQuery | None:
    """The text as it was read, limited by what was given beside it."""
    if limits.min_probability is not None and not (text and text.strip()):
        raise BadSetting("A least probability goes with the words of a text, and there is none. Give one.")
    blank = text is None or not text.strip()
    if blank and limits == Limits():
        return None
    read = parse(text or "", alone=alone and not blank and not limits.filters)
    return read.limited(limits.under, limits.since, limits.until, limits.min_probability)


def _from_root(one: Filter, root: Path) -> Filter:
    if not isinstance(one, Under):
        return one
    folder = expanded(one.folder)
    if not folder.is_absolute() or not folder.is_relative_to(root):
        return one
    return Under(folder.relative_to(root).as_posix())


def _one(query: Given, other: Given | None, name: str) -> Given:
    if other is not None:
        raise BadSetting(f"query and {name} are both given, and query is the {name}. Give one of them.")
    return query


def _is_file(text: str) -> bool:
    try:
        return bool(text) and expanded(text).is_file()
    except (OSError, ValueError):  # a text that no file can be named by
        return False


def _picture(given: "ImageInput") -> "Picture":
    from ...images import as_picture

    return as_picture(given).kept()


def _pictures(given: "Sequence[ImageInput] | ImageInput") -> "list[str | Picture]":
    """A path that names no file as text, for it may be that of one of the gallery's own pictures; anything
    else as pictures."""
    if isinstance(given, str | os.PathLike):
        given = [given]
    if isinstance(given, list | tuple):
        return [_picture_or_path(one) for one in given]
    from ...images import as_pictures

    return [one.kept() for one in as_pictures(given)[0]]


def _picture_or_path(given: "ImageInput") -> "str | Picture":
    if isinstance(given, str | os.PathLike) and not _is_file(os.fspath(given)):
        return os.fspath(given)
    return _picture(given)


def _three(weights: Sequence[float]) -> tuple[float, float, float]:
    check_weights(weights)
    a, b, c = weights
    return a, b, c


def _unreadable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False
