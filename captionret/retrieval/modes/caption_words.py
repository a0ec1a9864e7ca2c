"""Which words of a text the captions of a gallery's pictures say."""

import numpy as np
from numpy.typing import NDArray

from ...text import content_words, words
from ..protocols import GalleryContents
from ..query import EncodedQuery
from .of_queries import OfQueries

Mask = NDArray[np.bool_]


class CaptionWords:
    """The captions of one gallery, asked for the words of a text.

    >>> from captionret.retrieval import Gallery
    >>> captioned = CaptionWords(Gallery(["1.jpg", "2.jpg"], ["a dog on a beach", "a red car"]))
    >>> query = EncodedQuery(text="a dog and a car")
    >>> captioned.any(query).tolist(), captioned.at(query, 1)
    ([True, True], ('car',))
    """

    def __init__(self, gallery: GalleryContents) -> None:
        self._gallery = gallery
        self._read = OfQueries[dict[str, Mask]]()  # they are asked for again for each hit

    def any(self, query: EncodedQuery) -> Mask:
        """(N,) of which pictures a caption says one of the words that say what is seen, in any form."""
        found = np.zeros(len(self._gallery), np.bool_)
        for mask in self._masks(query).values():
            found |= mask
        return found

    def at(self, query: EncodedQuery, row: int) -> tuple[str, ...]:
        """The words of the text that a caption of one picture says, as it spells them."""
        return tuple(word for word, mask in self._masks(query).items() if mask[row])

    def _masks(self, query: EncodedQuery) -> dict[str, Mask]:
        holding = self._gallery.row_sets.holding
        return self._read.get(query, lambda: {word: holding(words(word)) for word in _alike(query)})


def _alike(query: EncodedQuery) -> list[str]:
    """The words of a text that say what is seen, and those of which each stands for one of them."""
    found = dict[str, None]()
    for word in content_words(words(query.text or "")):
        understood = query.read_as(word)
        found |= dict.fromkeys((word,) if understood is None else understood.alike)
    return list(found)
