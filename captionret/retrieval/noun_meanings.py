"""What nouns that captions seldom hold are, in a sentence: a gerenuk is a slender East African antelope.

A space of sentences has hardly met such a word, but can place what a dictionary says of it. The file is made
from WordNet by `benchmarks/noun_meanings.py`.
"""

from functools import cache, lru_cache
from pathlib import Path
from zipfile import ZipFile

from ..text import words
from .inflections import number_forms

LETTERS = 2  # a part of the file has the nouns that begin with the same so many
LICENCE = "LICENCE"  # the part with WordNet's
_MOST_WORDS = 5  # of a noun
_PARTS_KEPT = 8
_ARTICLES = frozenset({"a", "an", "the"})


def noun_meanings(text: str) -> tuple[str, ...]:
    """The meanings of a text that is a noun, the commonest first, each with the noun before it; none of other
    texts, and of nouns that captions often hold.

    >>> noun_meanings("gerenuks")[0]
    'gerenuk, litocranius walleri: slender East African antelope with slim neck and backward-curving horns'
    """
    read = [word.replace("-", "") for word in words(text)]
    if len(read) > 1 and read[0] in _ARTICLES:
        read.pop(0)
    if not 0 < len(read) <= _MOST_WORDS:
        return ()
    *before, last = read
    nouns = _Nouns(before)
    return next(
        (found for form in (last, *sorted(number_forms(last, nouns))) if (found := nouns.of(form))), ()
    )


class _Nouns:
    """The last words of the nouns that begin with certain words, written in one or apart."""

    def __init__(self, before: list[str]) -> None:
        self._before = "".join(before)

    def __contains__(self, last: object) -> bool:
        return isinstance(last, str) and bool(self.of(last))

    def of(self, last: str) -> tuple[str, ...]:
        """The meanings of the noun that ends with a word."""
        noun = self._before + last
        _, found, after = _part(noun[:LETTERS]).partition(f"\n{noun}\t")
        return tuple(after.partition("\n")[0].split("\t")) if found else ()


@lru_cache(_PARTS_KEPT)
def _part(letters: str) -> str:
    """The nouns that begin with some letters, a line each after an empty one."""
    archive = _archive()
    return "\n" + archive.read(letters).decode("ascii") if letters in archive.NameToInfo else ""


@cache
def _archive() -> ZipFile:
    return ZipFile(Path(__file__).with_name("noun_meanings.zip"))
