"""What captions call things that they seldom name, or call otherwise as well: an automobile is a car, an ibis
a bird, a sofa a couch.

The table is made from WordNet by `benchmarks/noun_words.py`. It needs no vectors and no encoder.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from . import corpus
from .inflections import number_forms
from .predicted import RARE


@dataclass(frozen=True, slots=True)
class Noun:
    """Other words for a thing.

    word: the noun, in the form that the table has; others: that mean the same
    kinds: of what it is a kind, the nearest first
    """

    word: str
    others: tuple[str, ...]
    kinds: tuple[str, ...]


def find_noun(word: str) -> Noun | None:
    """What a noun, in singular or plural, is called otherwise; None for others, and for those that captions
    call by one word alone.

    >>> find_noun("automobiles").others, find_noun("ibis").kinds, find_noun("sofas").others
    (('car',), ('wading bird', 'bird'), ('couch',))
    """
    rows = _rows()
    forms = (one for one in (word, *sorted(number_forms(word, rows))) if one in rows)
    if is_often_said(word):  # the trunk of a tree is none of the trunks that swimmers wear
        forms = (one for one in forms if is_often_said(one) and len(one) <= len(word))
    form = next(forms, None)
    if form is None:
        return None
    row = rows[form]
    others, kinds = (tuple(part.split(", ")) if part else () for part in row.split("\t"))
    return Noun(form, others, kinds)


def is_often_said(word: str) -> bool:
    """Whether captions hold a word often enough for a lexical head to learn it."""
    return corpus.rates().get(word, 0.0) >= RARE


@cache
def _rows() -> Mapping[str, str]:
    text = Path(__file__).with_name("noun_words.txt").read_text(encoding="utf-8")
    lines = (line.partition("\t") for line in text.splitlines() if not line.startswith("#"))
    return {word: rest for word, _, rest in lines}
