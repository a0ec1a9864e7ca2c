"""The words of a library, in the order in which people would use them."""

from ..app.curating.words import LibraryWord, as_people_say, library_words
from ..errors import BadCheckpoint, BadSetting, MissingWeights
from ..report.visible import visible
from ..retrieval.spelling import suggested
from ..text import STOP_WORDS
from .records import CountedWord, WordList
from .shelf import Shelved


def shown_words(shelved: Shelved) -> list[LibraryWord]:
    """The words that pictures show; first those that people use, the commonest first, then those that only
    name classes. Kept until the library changes."""
    return shelved.kept("words", lambda: _words(shelved))


def _words(shelved: Shelved) -> list[LibraryWord]:
    try:
        return library_words(shelved.searcher)
    except (BadCheckpoint, BadSetting, MissingWeights):  # nothing predicts its words: those of its captions
        counts = shelved.snapshot().gallery().known_words
        return as_people_say(
            LibraryWord(word, count) for word, count in counts.items() if word not in STOP_WORDS
        )


def word_list(shelved: Shelved, prefix: str, limit: int) -> WordList:
    """The library's words that begin so; where there are none, the one that was probably meant."""
    every = shown_words(shelved)
    start = prefix.strip().lower()
    found = [one for one in every if one.word.startswith(start)][:limit]
    meant = None
    if start and not found:
        meant = suggested(start, {one.word: one.pictures for one in every})
    listed = [CountedWord(word=visible(one.word), pictures=one.pictures) for one in found]
    return WordList(words=listed, meant=meant)
