"""What the words of queries mean in a gallery: understanding, with meanings looked up where they must be."""

from collections.abc import Iterable

from ...retrieval import Gallery
from ...retrieval.understanding import Understood, understand
from ...text import content_words, words, words_as_typed
from .meanings import word_meanings


class WordReader:
    """Reads words by what one gallery knows; each word is looked up once.

    >>> from captionret.retrieval import Gallery
    >>> reader = WordReader(Gallery(["1.jpg"], ["a dog on a beach"]))
    >>> print(*reader.read_text("two dogs"), sep="; ")
    two: nothing that is known here; dogs: dog (other form)
    """

    def __init__(self, gallery: Gallery) -> None:
        self._known = gallery.known_words
        self._read: dict[str, Understood] = {}  # by the word as it is typed

    def read_text(self, text: str) -> tuple[Understood, ...]:
        """What each word of a text means, in their order."""
        return self.read(words_as_typed(text, set(words(text))))

    def read(self, typed: Iterable[str]) -> tuple[Understood, ...]:
        """What each word means; one that stands there twice is read once."""
        distinct: dict[str, str] = {}
        for word in typed:
            distinct.setdefault(word.lower(), word)
        return tuple(self._understood(word) for word in distinct.values())

    def _understood(self, typed: str) -> Understood:
        if typed not in self._read:
            strange = typed.lower() not in self._known and bool(content_words([typed]))
            (self._read[typed],) = understand([typed], self._known, word_meanings() if strange else None)
        return self._read[typed]
