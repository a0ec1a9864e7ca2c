"""What the words of a query mean in terms of the words that a gallery knows: "cats" is "cat", "motorcyle"
"motorcycle", "automobile" mostly "car".

for one in understand(["puppys"], {"puppy": 12, "dog": 90}):
    print(one)                                   # puppys: puppy (other form)
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from ..text import STOP_WORDS, content_words, words
from . import corpus
from .inflections import number_forms, verb_forms
from .noun_meanings import noun_meanings
from .nouns import find_noun, is_often_said
from .spelling import is_shown, suggested

ITSELF, FORM, TYPO, MEANING, KIND = "as it is", "other form", "typing error", "meaning", "a kind of"
ALIKE = 0.5  # weight of a reading from which a condition on the query's word holds for it, too
# Weight of another word for a thing, beside a noun of which much was learnt; by benchmarks/synonyms.py.
SYNONYM = 0.8
# Weights of what a thing is a kind of, the nearest first: on classes of ImageNet, and on nouns of Flickr8k
# val, that were hidden and typed, better than .6, .5, .4.
_KINDS = (0.6, 0.4, 0.25)
_BETWEEN = " ,;:\t\n"  # marks that may stand at the end while somebody types on
_MARKS = _BETWEEN + '.!?…"“”„«»()[]-–—'
_LETTERS = re.compile(r"[^\W\d_]+")
_OTHER_VERB_FORM = 0.5  # weight beside the word itself: "building" is not only "build"
_SHORT_NAME = 5  # letters
_COMMON = 15_000  # words of English that many people use; nouns of other languages are seldom among them
# Others may be errors of typing where a word one error away is so many times as common; from a rank on also
# where there are others of their meaning. Chosen on Flickr8k val.
_COMMONER, _RARE = 2, 50_000


class Meanings(Protocol):
    """Which words mean nearly the same."""

    def rank(self, word: str) -> int | None:
        """The place of a word among all by how common it is, 0 for the commonest; None where it is none."""
        ...

    def near(self, word: str, known: Sequence[str]) -> Sequence[tuple[str, float]]:
        """Of `known` those that mean nearly the same, the nearest first, with weights from 0 to 1."""
        ...


@dataclass(frozen=True, slots=True)
class Reading:
    """A word that a query's word is read as.

    weight: from 0 to 1; how: one of ITSELF, FORM, TYPO, MEANING, KIND
    """

    word: str
    weight: float
    how: str


@dataclass(frozen=True, slots=True)
class Understood:
    """A word of a query as a gallery knows it.

    word:       in small letters, as it is compared; typed: as it was typed
    readings:   the likeliest first; none where nothing can be made of the word
    suggestion: what was probably meant, where the word is not known; it need not be a reading
    common:     whether it is a word that many people use, of which the gallery knows at most the meaning
    """

    word: str
    readings: tuple[Reading, ...]
    suggestion: str | None = None
    typed: str = ""
    common: bool = False

    @property
    def known(self) -> bool:
        """Whether anything can be made of it."""
        return bool(self.readings)

    @property
    def exact(self) -> bool:
        """Whether the gallery knows the word as it is spelt."""
        return any(reading.how == ITSELF for reading in self.readings)

    @property
    def alike(self) -> tuple[str, ...]:
        """The words of which each stands for it."""
        return tuple(one.word for one in self.readings if one.weight >= ALIKE and one.how != KIND)

    def __str__(self) -> str:
        if not self.readings:
            return f"{self.word}: nothing that is known here"
        shown = (
            one.word + (f" {one.weight:.2f}".replace("0.", ".") if one.weight < 1 else "") + _why(one.how)
            for one in self.readings
        )
        return f"{self.word}: {', '.join(shown)}"


def understand(
    asked: Iterable[str], known: Mapping[str, int], meanings: Meanings | None = None
) -> tuple[Understood, ...]:
    """What each word is read as: itself, its other forms, and other words for the same; else the word that it
    is a typing error of; else those of nearly the same meaning, and what it is a kind of.

    asked:    words of a query, as they were typed; repeats are read once
    known:    the words that a gallery knows, with how many pictures show each
    meanings: None: words are known by their spelling alone
    """
    typed: dict[str, str] = {}
    for word in asked:
        typed.setdefault(word.lower(), word)
    return tuple(
        replace(_understood(word, as_typed, known, meanings), typed=as_typed)
        for word, as_typed in typed.items()
    )


def as_read(text: str, understood: Sequence[Understood]) -> str:
    """A text for what compares whole sentences: errors of typing corrected, and a word that stands alone
    without the marks around it and in the number that captions use most, so that it finds the same however it
    is typed. Sentences keep their full stop, which those have that spaces learnt.

    >>> as_read("Dogs", understand(["dogs"], {"dog": 9, "dogs": 3}))
    'dog'
    >>> as_read("two dgos", understand(["two", "dgos"], {"dog": 9, "dogs": 3}))
    'two dogs'
    >>> as_read("dog,", ()), as_read("A dog, running:", ())
    ('dog', 'A dog, running')
    """
    read = words(text)
    telling = content_words(read)
    bare = text.strip(_MARKS if len(telling) == 1 else _BETWEEN)
    text = bare if words(bare) == read else text  # marks that are a part of a word stay
    meant: dict[str, str] = {}
    for one in understood:
        if one.suggestion is not None and any(reading.how == TYPO for reading in one.readings):
            meant[one.word] = one.suggestion
        spelt = [reading for reading in one.readings if reading.how not in (MEANING, KIND)]
        if len(telling) == 1 and one.word in telling and spelt:
            alike = [reading.word for reading in spelt if reading.weight == 1]
            meant[one.word] = max(alike, key=lambda form: (corpus.rates().get(form, 0.0), form))
    return _LETTERS.sub(lambda found: meant.get(found.group().lower(), found.group()), text)


def is_english(word: str) -> bool:
    """Whether captions or a dictionary of nouns hold a word.

    >>> is_english("dog"), is_english("gerenuk"), is_english("hund")
    (True, True, False)
    """
    return word in corpus.rates() or find_noun(word) is not None or bool(noun_meanings(word))


def _understood(word: str, typed: str, known: Mapping[str, int], meanings: Meanings | None) -> Understood:
    if word in STOP_WORDS or not word.isalpha():
        return Understood(word, (Reading(word, 1.0, ITSELF),) if word in known else ())
    readings = _forms(word, known)
    noun = _noun(word, known)
    if readings and (mended := _mended(word, typed, readings, known, meanings)) is not None:
        return mended
    if readings:
        return Understood(word, (*readings, *(one for one in noun if one.how == MEANING)))
    meant = None if noun or _is_name(typed, meanings) else suggested(word, known)
    near = (
        []
        if meanings is None or _is_error(word, meant, meanings, _RARE)
        else meanings.near(word, list(known))
    )
    if meant is not None and not near and _is_error(word, meant, meanings, _COMMON):
        forms = (Reading(one.word, one.weight, TYPO) for one in _forms(meant, known))
        return Understood(word, tuple(forms), meant)
    rank = None if meanings is None or _is_name(typed, meanings) else meanings.rank(word)
    read = [*noun, *(Reading(other, weight, MEANING) for other, weight in near)]
    best: dict[str, Reading] = {}
    for one in sorted(read, key=lambda one: -one.weight):
        best.setdefault(one.word, one)
    readings = tuple(best.values())
    common = bool(noun) or (rank is not None and rank < _COMMON)
    return Understood(word, readings, meant, common=common)


def _mended(
    word: str, typed: str, forms: Sequence[Reading], known: Mapping[str, int], meanings: Meanings | None
) -> Understood | None:
    """A word that is none, of which only other forms would be known if it were one, as the error of typing of
    a word that has all of these forms: "bik" is "bike", not what "biking" is of; None for others."""
    if meanings is None or word in known or word in corpus.rates() or _is_name(typed, meanings):
        return None
    meant = suggested(word, known)
    if meant is None or not _is_error(word, meant, meanings, _RARE):
        return None
    read, held = _forms(meant, known), {one.word for one in forms}
    if meant in held or not held <= {one.word for one in read}:
        return None
    return Understood(word, tuple(Reading(one.word, one.weight, TYPO) for one in read), meant)


def _noun(word: str, known: Mapping[str, int]) -> tuple[Reading, ...]:
    """The known words for the same as a noun; of one that captions seldom hold for its kinds, too.

    A noun that captions often hold is read as those alone that find a picture by themselves: else two that
    hardly any shows would find one together.
    """
    noun = find_noun(word)
    if noun is None:
        return ()
    often = is_often_said(noun.word)
    shown = [other for other in noun.others if other in known and (not often or is_shown(other, known))]
    others = [Reading(other, SYNONYM if often else 1.0, MEANING) for other in shown]
    kinds = zip([kind for kind in noun.kinds if kind in known], _KINDS, strict=False)
    return (*others, *(Reading(kind, weight, KIND) for kind, weight in kinds))


def _forms(word: str, known: Mapping[str, int]) -> tuple[Reading, ...]:
    """The word and its other forms, as far as they are known."""
    lexicon = _Lexicon(known)
    number = number_forms(word, lexicon) & known.keys()
    verb = (verb_forms(word, lexicon) & known.keys()) - number
    weight = _OTHER_VERB_FORM if number else 1.0
    own = [Reading(word, 1.0, ITSELF)] if word in known else []
    others = [Reading(one, 1.0, FORM) for one in sorted(number - {word})]
    found = (*own, *others, *(Reading(one, weight, FORM) for one in sorted(verb)))
    return found or tuple(Reading(one, 1.0, FORM) for one in sorted(_marked(word, known)))


def _marked(word: str, known: Iterable[str]) -> set[str]:
    """The known words that differ from a word in the marks on their letters alone: "zoe" is "zoë"."""
    plain = _without_marks(word)
    return {one for one in known if (one == plain or not one.isascii()) and _without_marks(one) == plain}


def _without_marks(word: str) -> str:
    return "".join(
        letter
        for letter in unicodedata.normalize("NFKD", word.casefold())
        if not unicodedata.combining(letter)
    )


class _Lexicon:
    """The words that there are: those that a gallery knows, and those of the corpus of captions."""

    def __init__(self, known: Mapping[str, int]) -> None:
        self.known = known

    def __contains__(self, word: object) -> bool:
        return word in self.known or word in corpus.rates()


def _is_name(typed: str, meanings: Meanings | None) -> bool:
    """Whether a short word with a capital is a name, or a noun of another language, rather than an error."""
    known = meanings is not None and meanings.rank(typed.lower()) is not None
    return known and typed.istitle() and len(typed) <= _SHORT_NAME


def _is_error(word: str, meant: str | None, meanings: Meanings | None, rare: int) -> bool:
    """Whether a word is more likely an error of typing than one of its own.

    rare: the rank from which on a word may be an error
    """
    if meant is None:
        return False
    rank = None if meanings is None else meanings.rank(word)
    other = None if meanings is None else meanings.rank(meant)
    return rank is None or (rank >= rare and other is not None and rank >= _COMMONER * other)


def _why(how: str) -> str:
    return "" if how == ITSELF else f" ({how})"
