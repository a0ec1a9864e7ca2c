"""What captions call things that they seldom name: an automobile is a car, an ibis a bird.

The table is made from WordNet by `benchmarks/noun_words.py`. It needs no vectors and no encoder.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from .inflections import number_forms


@dataclass(frozen=True, slots=True)
class Noun:
    """Other words for a thing.

    others: that mean the same; kinds: of what it is a kind, the nearest first
    """

    others: tuple[str, ...]
    kinds: tuple[str, ...]


def find_noun(word: str) -> Noun | None:
    """What a noun that captions seldom hold, in singular or plural, is called otherwise; None for others.

    >>> find_noun("automobiles").others, find_noun("ibis").kinds
    (('car',), ('wading bird', 'bird'))
    """
    rows = _rows()
    form = next((one for one in (word, *sorted(number_forms(word, rows))) if one in rows), None)
    if form is None:
        return None
    row = rows[form]
    others, kinds = (tuple(part.split(", ")) if part else () for part in row.split("\t"))
    return Noun(others, kinds)


@cache
def _rows() -> Mapping[str, str]:
    text = Path(__file__).with_name("noun_words.txt").read_text(encoding="utf-8")
    lines = (line.partition("\t") for line in text.splitlines() if not line.startswith("#"))
    return {word: rest for word, _, rest in lines}
