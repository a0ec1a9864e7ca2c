"""The words that a hit shows, each with how probable it is that a person says it of the picture."""

from collections.abc import Mapping, Sequence

from ..text import STOP_WORDS
from .gallery import Gallery
from .protocols import Mode
from .query import EncodedQuery

MOST = 5  # words of a picture that are shown
LEAST = 0.1  # the least probability of a word that two pictures share; a text's words are shown anyhow
GUESS = 0.01  # the least probability of a word that is shown in another's place

ShownWords = tuple[tuple[str, float], ...]


def shows_words(mode: Mode, gallery: Gallery) -> bool:
    """Whether hits of this mode come with probabilities: it compares by them, or knows no words itself, and
    they are there."""
    by_words = mode.in_space or "word_probabilities" in mode.required_parts(gallery)
    return by_words and "word_probabilities" in gallery.parts


def hit_words(
    gallery: Gallery,
    query: EncodedQuery,
    row: int,
    why: Sequence[str],
    asked: Mapping[str, Mapping[str, float]],
) -> ShownWords:
    """The words of the text in their order, each as the likeliest of what it is read as, if likely at all;
    then of a query picture the words that made the match.

    why: these, the most telling first; asked: see asked_words
    """
    predicted, found = gallery.predicted, dict[str, float]()
    for word, readings in asked.items():
        if word not in STOP_WORDS:
            best = max(readings, key=lambda one: readings[one] * predicted.at(one, row))
            value = predicted.at(best, row)
            if best == word or value >= GUESS:
                found[best] = value
    if query.caption is None and query.feedback is None:
        return tuple(found.items())
    shown = {form for word in found for form in predicted.forms(word)}
    for word in (word for word in why if word in predicted and word not in STOP_WORDS):
        value = predicted.at(word, row)
        if len(found) < MOST and value >= LEAST and word not in shown:
            found[word] = value
            shown |= {*predicted.forms(word)}
    return tuple(found.items())
