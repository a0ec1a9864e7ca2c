"""For a query that nothing fits: words of the library that are near to those asked for."""

from itertools import islice

from ..app.query.near_words import near_words
from ..retrieval.spelling import suggested
from ..text import STOP_WORDS, words
from .library_words import shown_words
from .shelf import Shelved

_MOST, _EACH = 6, 3  # in all, and of one word


def nearest_words(shelved: Shelved, text: str) -> list[str]:
    """Words that pictures show, those probably meant first, then the nearest in meaning."""
    asked = [word for word in words(text) if word not in STOP_WORDS]
    shown = {one.word: one.pictures for one in shown_words(shelved) if " " not in one.word}
    found: dict[str, None] = {}
    for word in asked:
        if word not in shown:
            meant = suggested(word, shown)
            found |= {meant: None} if meant else {}
            found |= dict.fromkeys(islice(near_words(word, list(shown)), _EACH))
    return [word for word in found if word not in asked][:_MOST]
