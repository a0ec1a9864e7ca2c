"""What was meant by a word with an error of typing: the likeliest of the words one error away, or that
sound the same."""

import re
from collections.abc import Mapping

from ..text import STOP_WORDS
from . import corpus
from .known_words import KnownWords

_SHORTEST = 3  # letters of a word that can be meant
# An error that can be made in one way, letters that changed places, a letter left out or doubled, is so many
# times as likely as a wrong letter, which may be any of 25. Chosen on Flickr8k val.
_ONE_WAY = 10.0
# A word that no picture shows is meant all the same, where it is so many times as likely as any that one
# shows: "dult" is no "duct". Chosen there, too.
_SURELY = 100.0
_DOUBLED = re.compile(r"(.)\1+")
_UNHEARD = 1e-6  # of captions: how common a word is that the corpus of captions does not hold


def suggested(word: str, known: Mapping[str, int]) -> str | None:
    """The likeliest word one error of typing away, of those that some picture shows, unless another is far
    likelier; None where none shows any.

    One error is a letter too many, too few or wrong, or two that changed places; or a word that is written as
    it sounds, as "elefant". A word is the likelier, the more common it is in captions, and the more pictures
    show it.
    """
    if len(word) < _SHORTEST or not word.isalpha():
        return None
    from rapidfuzz import process
    from rapidfuzz.distance import OSA

    choices = [other for other in known if len(other) >= _SHORTEST and other not in STOP_WORDS]
    found = process.extract(word, choices, scorer=OSA.distance, score_cutoff=1, limit=None)
    near = [other for other, _, _ in found]
    heard = sound(word)
    alike = [other for other in choices if sound(other) == heard]
    likely = {other: _likely(word, other, known) for other in dict.fromkeys([*near, *alike])}
    shown = {other: value for other, value in likely.items() if is_shown(other, known)}
    if not shown:
        return None
    best, best_shown = (max(one, key=lambda other: (one[other], other)) for one in (likely, shown))
    return best if likely[best] >= _SURELY * likely[best_shown] else best_shown


def sound(word: str) -> str:
    """A word in letters that sound as its own, each once where it is doubled.

    >>> sound("elephant") == sound("elefant"), sound("bicycle") == sound("bycicle"), sound("cat")
    (True, True, 'kat')
    """
    for letters, alike in (("ph", "f"), ("c", "k"), ("y", "i")):
        word = word.replace(letters, alike)
    return _DOUBLED.sub(r"\1", word)


def is_shown(word: str, known: Mapping[str, int]) -> bool:
    """Whether any picture shows a word of those that are known."""
    return known.finds(word) if isinstance(known, KnownWords) else bool(known[word])


def _likely(typed: str, meant: str, known: Mapping[str, int]) -> float:
    one_way = sound(typed) == sound(meant) or _one_way(typed, meant)
    common = corpus.rates().get(meant, 0.0) + _UNHEARD
    return float(common * (1 + known[meant]) ** 0.5 * (_ONE_WAY if one_way else 1.0))


def _one_way(typed: str, meant: str) -> bool:
    """Whether the error is letters that changed places, or a letter left out or doubled.

    >>> _one_way("dgo", "dog"), _one_way("doog", "dog"), _one_way("dig", "dog")
    (True, True, False)
    """
    if len(typed) != len(meant):
        return len(typed) < len(meant) or any(
            typed[place] == typed[place + 1] and typed[:place] + typed[place + 1 :] == meant
            for place in range(len(typed) - 1)
        )
    return sorted(typed) == sorted(meant)
