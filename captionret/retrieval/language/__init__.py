"""The query language: words, "phrases", -word, NOT, AND, OR, parentheses, word>0.8, under:, since:, until:,
camera:, lens:, title:, keyword:, near:. A plain sentence needs none of it.

parse("a dog on a beach -people since:2019-06")
"""

from .conditions import (
    AT_LEAST,
    And,
    Camera,
    Condition,
    Filter,
    Keyword,
    Lens,
    Named,
    Near,
    Not,
    Or,
    PhraseCondition,
    Since,
    Title,
    Under,
    Until,
    WordCondition,
    leaves,
)
from .days import Day, first_day, last_day
from .query import ParsedQuery, parse

__all__ = [
    "AT_LEAST",
    "And",
    "Camera",
    "Condition",
    "Day",
    "Filter",
    "Keyword",
    "Lens",
    "Named",
    "Near",
    "Not",
    "Or",
    "ParsedQuery",
    "PhraseCondition",
    "Since",
    "Title",
    "Under",
    "Until",
    "WordCondition",
    "first_day",
    "last_day",
    "leaves",
    "parse",
]
