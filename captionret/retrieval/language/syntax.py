"""From a query's text to what stands in it, by the grammar in grammar.lark."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import takewhile
from typing import TYPE_CHECKING, Any, TypeAlias

from ...errors import BadQuery, BadSetting
from .conditions import Camera, Filter, Keyword, Lens, Named, Near, Since, Title, Under, Until
from .days import first_day, last_day

if TYPE_CHECKING:
    from lark import Lark, Token

_NAMED: dict[str, type[Named]] = {one.sign: one for one in (Camera, Lens, Title, Keyword)}
FILTERS = ("under", "since", "until", *_NAMED, "near")
_EXAMPLES = {"under": "2019/summer", "camera": "canon", "lens": "24-70", "title": "lake", "keyword": "garden"}
_PLACE = "48.2082,16.3738,5"
_FARTHEST = 20_040  # half round the earth
DEEPEST = 50  # parentheses in a query
_OPERATORS = {"_OR": "OR", "_AND": "AND", "NOT": "NOT"}
# Without any of these a text is a plain sentence, and the parser need not be loaded.
_SYNTAX = re.compile(r'["“”„()<>≥:]|(?<!\S)(?:[-−‐‑－]|--|[–—])[\w"“„(]|\b(?:AND|OR|NOT)\b')
_UNCLOSED = re.compile(r'["“„](?![^"“”„]*["”“])')
_DASH = re.compile(r"(?:--+|[–—])(?=[\w\"“„(])")
_NUMBER = re.compile(r"\d*\.?\d+")


@dataclass(frozen=True, slots=True)
class _Text:
    text: str
    place: int


class Word(_Text):
    """A run of letters between blanks, punctuation and all."""

    __slots__ = ()


class Phrase(_Text):
    """What stands between quotation marks."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Likely:
    """A word with its least probability."""

    text: str
    at_least: float
    place: int


@dataclass(frozen=True, slots=True)
class Filtered:
    """One of FILTERS with its value: under:, since:, camera: ..."""

    filter: Filter
    place: int


@dataclass(frozen=True, slots=True)
class Without:
    """What shall not be seen. spelt_out: by NOT, not by a minus"""

    part: "Node"
    spelt_out: bool
    place: int


@dataclass(frozen=True, slots=True)
class Group:
    """What stands in parentheses."""

    part: "Node"
    place: int


@dataclass(frozen=True, slots=True)
class _Parts:
    parts: "tuple[Node, ...]"

    @property
    def place(self) -> int:
        """Where the first begins."""
        return self.parts[0].place


class Beside(_Parts):
    """Words side by side."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Joined(_Parts):
    """Parts between AND (every: True) or OR."""

    every: bool


Node: TypeAlias = Word | Phrase | Likely | Filtered | Without | Group | Beside | Joined


def read_syntax(text: str) -> Node | None:
    """What stands in a query; None for a plain sentence. errors: BadQuery"""
    if not _SYNTAX.search(text):
        return None
    if text.count("(") > DEEPEST:
        raise BadQuery(f"The query holds more than {DEEPEST} parentheses. Ask more simply.")
    from lark.exceptions import UnexpectedCharacters, UnexpectedInput

    try:
        tree = _parser().parse(text)
    except UnexpectedCharacters as error:
        raise BadQuery.at("This quotation mark is not closed.", text, int(error.pos_in_stream or 0)) from None
    except UnexpectedInput as error:
        raise _wrong(text, getattr(error, "token", None)) from None
    return _node(tree, text)


@cache
def _parser() -> "Lark":
    from lark import Lark

    grammar = (files(__package__) / "grammar.lark").read_text(encoding="utf-8")
    return Lark(grammar, start="query", parser="lalr", lexer="basic", maybe_placeholders=False)


def _node(tree: Any, text: str) -> Node:
    """A tree of the parser as nodes."""
    kind, children = tree.data, tree.children
    if kind in ("query", "group"):
        inner = _node(children[0], text)
        return Group(inner, inner.place) if kind == "group" else inner
    if kind in ("any", "all"):
        return Joined(tuple(_node(child, text) for child in children), kind == "all")
    if kind == "beside":
        return Beside(tuple(_node(child, text) for child in children))
    if kind == "without":
        mark, part = children
        return Without(_node(part, text), mark.type == "NOT", mark.start_pos)
    (token,) = children
    place = int(token.start_pos)
    if kind == "phrase":
        return Phrase(token[1:-1], place)
    if kind == "at_least":
        return _likely(token, text)
    if kind == "filter":
        return Filtered(_filter(token, text), place)
    _refuse_what_looks_like_syntax(str(token), place, text)
    return Word(str(token), place)


def _likely(token: "Token", text: str) -> Likely:
    word, value = re.split(r"\s*(?:>=?|≥)\s*", token, maxsplit=1)
    place = _place(token) + len(token) - len(value)
    example = f"Write it as {word}>0.8."
    if not _NUMBER.fullmatch(value):
        raise BadQuery.at(f"After > stands a probability from 0 to 1. {example}", text, place)
    if not 0 <= float(value) <= 1:
        raise BadQuery.at(f"{value} is no probability: these are from 0 to 1. {example}", text, place)
    return Likely(word, float(value), _place(token))


def _filter(token: "Token", text: str) -> Filter:
    name, value = token.split(":", 1)
    place = _place(token) + len(name) + 1
    if _UNCLOSED.match(value):
        raise BadQuery.at("This quotation mark is not closed.", text, place)
    name, value = name.lower(), value.strip('"“”„ ')
    if not value:
        example = {**_EXAMPLES, "near": _PLACE}.get(name, "2019-06-01")
        raise BadQuery.at(f"{name}: has no value. Write it without a blank: {name}:{example}.", text, place)
    try:
        return filter_of(name, value)
    except BadSetting as error:
        raise BadQuery.at(error.message, text, place) from None


def filter_of(name: str, value: str) -> Filter:
    """The filter of that name, one of FILTERS. errors: BadSetting for a date or a place that is none"""
    if name == "since":
        return Since(first_day(value))
    if name == "until":
        return Until(last_day(value))
    if name in _NAMED:
        return _NAMED[name](value)
    return _near(value) if name == "near" else Under(value)


def _near(value: str) -> Near:
    parts = value.split(",")
    try:
        numbers = [float(part.removesuffix("km")) for part in parts]
        latitude, longitude, km = (*numbers, 1.0) if len(numbers) == 2 else numbers
    except ValueError:
        numbers = []
    if not numbers or not (abs(latitude) <= 90 and abs(longitude) <= 180 and 0 < km <= _FARTHEST):
        raise BadSetting(
            f"{value!r} is no place. Give latitude and longitude in degrees, and kilometres if not one: "
            f"near:{_PLACE}."
        )
    return Near(latitude, longitude, km)


def _refuse_what_looks_like_syntax(word: str, place: int, text: str) -> None:
    """A word that its writer meant as something else is not silently searched for."""
    if dash := _DASH.match(word):
        after = word[dash.end() :]
        sentence = f"To leave {after} out write -{after}. A dash has blanks on both sides."
        raise BadQuery.at(sentence, text, place)
    if re.match(r"(?:>=?|≥)\.?\d", word):
        raise BadQuery.at("Before > stands one word, without quotation marks: dog>0.8.", text, place)
    if re.search(r"\w<=?\.?\d", word):
        sentence = "There is no <. For pictures in which a word is unlikely write -dog>0.2."
        raise BadQuery.at(sentence, text, place + word.index("<"))
    name, colon, value = word.partition(":")
    if colon and value and name.isalpha():
        from rapidfuzz import fuzz, process

        near = process.extractOne(name.lower(), FILTERS, scorer=fuzz.ratio, score_cutoff=80)
        if near:
            raise BadQuery.at(f"There is no filter {name}:. Did you mean {near[0]}:?", text, place)


def _wrong(text: str, token: "Token | None") -> BadQuery:
    """The error for a token that cannot stand where it does."""
    before = _tokens_before(text, token)
    opened: list[Token] = []
    for one in before:
        if one.type == "LPAR":
            opened.append(one)
        elif one.type == "RPAR":
            opened.pop()
    last = before[-1] if before else None
    closing = token is not None and token.type == "RPAR"
    at_end = token is None or token.type == "$END"
    if closing and not opened:
        return BadQuery.at("There is no ( for this ).", text, _place(token))
    if last is not None and last.type in _OPERATORS:
        name = _OPERATORS[last.type]
        return BadQuery.at(
            f"After {name} words have to follow. The plain word is written small.", text, _place(last)
        )
    if last is not None and last.type == "LPAR" and (closing or at_end):
        return BadQuery.at("Nothing stands in this parenthesis.", text, _place(last))
    if at_end and opened:
        return BadQuery.at("There is no ) for this (.", text, _place(opened[-1]))
    name = _OPERATORS.get(token.type, str(token)) if token is not None else "This"
    return BadQuery.at(
        f"Before {name} words have to stand. The plain word is written small.", text, _place(token)
    )


def _tokens_before(text: str, token: "Token | None") -> "Sequence[Token]":
    end = len(text) if token is None or token.type == "$END" else _place(token)
    # what follows need not be readable, and is not looked at
    return list(takewhile(lambda one: _place(one) < end, _parser().lex(text)))


def _place(token: "Token | None") -> int:
    return int(token.start_pos or 0) if token is not None else 0
