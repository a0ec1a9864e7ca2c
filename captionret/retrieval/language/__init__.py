"""The query language: words, "phrases", -word, NOT, AND, OR, parentheses, word>0.8, under:, since:, until:,
camera:. A plain sentence needs none of it.

parse("a dog on a beach -people since:2019-06")
"""

from .conditions import (
    AT_LEAST,
    And,
    Camera,
    Condition,
    Filter,
    Not,
    Or,
    PhraseCondition,
    Since,
    Under,
    Until,
    WordCondition,
    leaves,
)
from .days import first_day, last_day
from .query import ParsedQuery, parse

__all__ = [
    "AT_LEAST",
    "And",
    "Camera",
    "Condition",
    "Filter",
    "Not",
    "Or",
    "ParsedQuery",
    "PhraseCondition",
    "Since",
    "Under",
    "Until",
    "WordCondition",
    "first_day",
    "last_day",
    "leaves",
    "parse",
]
