"""What a text asks for, in words of which something is predicted."""

from collections.abc import Iterable, Mapping

from ..image_classes import classes_of
from ..text import content_words, words
from .predicted import WordProbabilities
from .query import EncodedQuery
from .understanding import MEANING, Understood

_PHRASE = 3  # words of the longest names of classes that are looked for


def asked_words(predicted: WordProbabilities, query: EncodedQuery) -> dict[str, Mapping[str, float]]:
    """The words of a text of which something is predicted, each with the words that it is read as and their
    weights.

    A known word among others is taken as it is spelt: two dogs are not a dog. Alone it stands for its other
    forms, too.
    """
    read = words(query.text or "")
    alone = len(content_words(read)) == 1
    found: dict[str, Mapping[str, float]] = {}
    for word in dict.fromkeys(_with_phrases(read)):
        understood = query.read_as(word)
        if word in predicted and (understood is None or not alone):
            found[word] = {word: 1.0} | _same(understood, predicted)
        elif understood is not None:
            weights = {one.word: one.weight for one in understood.readings if one.word in predicted}
            found |= {word: weights} if weights else {}
    return found


def _same(understood: Understood | None, predicted: WordProbabilities) -> dict[str, float]:
    """Commoner words that mean the same as a known word of a text: "car", for an automobile; not those that
    people use as often, which among others are taken as they are spelt."""
    read = () if understood is None else understood.readings
    return {
        one.word: one.weight
        for one in read
        if one.how == MEANING and one.weight == 1 and one.word in predicted
    }


def _with_phrases(read: tuple[str, ...]) -> Iterable[str]:
    """The words, then the names of classes that several of them make: "sea lion"."""
    yield from read
    known: Mapping[str, tuple[str, ...]] = classes_of()
    for length in range(2, _PHRASE + 1):
        phrases = (" ".join(read[first : first + length]) for first in range(len(read) - length + 1))
        yield from (phrase for phrase in phrases if phrase in known)
