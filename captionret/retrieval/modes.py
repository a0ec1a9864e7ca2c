"""A mode is one way to compare a query with a gallery. A new mode is one small class and one entry in MODES."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from ..errors import BadSetting, UnknownName
from ..text import STOP_WORDS, word_set
from .gallery import Gallery
from .jaccard import JaccardIndex


@dataclass(frozen=True, slots=True, eq=False)
class DescribedQuery:
    """A query with all that is known of it. Which parts are there decides which modes can answer.

    caption: the query picture's generated caption; None where no picture is asked for
    text:    the query text; None where none was given
    sha256:  of the query picture's content, by which it is left out of its own answer; None without a picture
    """

    caption: str | None = None
    text: str | None = None
    sha256: str | None = None

    @property
    def parts(self) -> frozenset[str]:
        """Of "image" and "text" those it has."""
        return frozenset(name for name, value in (("image", self.caption), ("text", self.text)) if value is not None)

    @property
    def words(self) -> frozenset[str]:
        """The set of words of caption and text together."""
        return word_set(self.caption or "") | word_set(self.text or "")


class Prepared(Protocol):
    """A mode that has read a gallery of N images."""

    def scores(self, query: DescribedQuery) -> np.ndarray:
        """(N,) float32, higher is better, never NaN; 0 or less: nothing in common. A new array each time: `search` writes into it."""
        ...

    def why(self, query: DescribedQuery, row: int) -> tuple[str, ...]:
        """What this image and the query share, the most telling first."""
        ...


class Mode(Protocol):
    """One way to compare.

    name:    its key in MODES and the value of --mode
    about:   one sentence for --help
    accepts: of "image" and "text" those that a query may hold
    """

    name: str
    about: str
    accepts: frozenset[str]

    def prepare(self, gallery: Gallery) -> Prepared:
        """Read the gallery once, so that many queries can be answered."""
        ...


class JaccardMode:
    """The words of the captions as sets: |A∩B| / |A∪B|."""

    name = "jaccard"
    about = "the share of words that the two captions have in common"
    accepts = frozenset({"image", "text"})

    def prepare(self, gallery: Gallery) -> "PreparedJaccard":
        """Index the words of the gallery's captions."""
        return PreparedJaccard(gallery)


class PreparedJaccard:
    """The word index of one gallery."""

    def __init__(self, gallery: Gallery) -> None:
        self.gallery = gallery
        self.index = JaccardIndex(gallery.words)

    def scores(self, query: DescribedQuery) -> np.ndarray:
        """(N,) float32; BadSetting for a query without any word."""
        if not query.words:
            given = " and ".join(repr(part) for part in (query.caption, query.text) if part is not None) or "nothing"
            raise BadSetting(f"The query holds no word to compare by (it is {given}). Ask with at least one word.")
        return self.index.scores(query.words)

    def why(self, query: DescribedQuery, row: int) -> tuple[str, ...]:
        """The shared words: those that say what is seen before stop words, the rarest in the gallery first."""
        shared = query.words & self.gallery.words[row]
        return tuple(sorted(shared, key=lambda word: (word in STOP_WORDS, self.index.frequency(word), word)))


MODES: dict[str, Mode] = {mode.name: mode for mode in (JaccardMode(),)}


def find_mode(name: str) -> Mode:
    """The mode of that name; an unknown one is an error that lists them."""
    if name not in MODES:
        raise UnknownName.among("mode", name, MODES)
    return MODES[name]
