"""The classes that a text names, as mode `auto` counts them."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ...text import STOP_WORDS, content_words, words
from .. import corpus
from ..index.columns import WordColumns
from ..index.stored_words import StoredColumns
from ..predicted import RARE
from ..query import EncodedQuery

# Divided by the number of words that say what is seen. On Flickr8k val .8 to 1.2 are alike for captions; of
# nouns that were hidden from the lexical head less finds a little more, of the others more does.
CLASSES = 1.0
KNOWN = 0.85  # less by this share for words that captions often say
LEAST_CLASS = 1e-3  # less probable classes are all alike
# A picture fits a text also where it is of the classes that the space reads in it as probably: where .6 was
# enough, one in 130 words that no caption of a half of Flickr8k val holds found a picture by that alone (an
# umpire, for there is a ball player), and none that captions hold needed it.
NAMED = 0.9
# The same where no word of the text is known, so that only classes can tell: set by judgement.
NAMED_ALONE = 0.2
# A picture is shown as a guess for words of which nothing was learnt (beyond_words) where the classes that
# these name are so much more probable than of most pictures, in log-probability: on Flickr8k val nine in ten
# words that captions hold and nobody learnt find some picture then, and one in seven a right one among ten.
# That was measured with .4 and the space of before. The scores of the sample photographs' own words were in
# view, too, when this and HINTED_SELDOM were set.
HINTED = 0.42
# The same for words that captions hold too seldom to be learnt: of those that no caption of val holds
# one in twenty finds a picture then.
SELDOM, HINTED_SELDOM = 1e-4, 2.5


class NamedClasses:
    """The probabilities of ImageNet's classes of N pictures, of which a query reads those that it names."""

    def __init__(self, columns: WordColumns) -> None:
        self._columns = columns

    def added(self, query: EncodedQuery) -> NDArray[np.float64]:
        """(N,) what they add to the score of a text."""
        return _class_weight(query.meant) * self._logs(query)

    def named(self, query: EncodedQuery, known: bool) -> NDArray[np.bool_]:
        """(N,) whether each picture is of classes that a text names.

        known: whether anything is predicted of its words
        """
        return self._total(query, lambda p: p) >= (NAMED if known else NAMED_ALONE)

    def fits(self, query: EncodedQuery, known: bool) -> NDArray[np.bool_]:
        """(N,) which pictures fit a text by the classes that it names. known: as in named"""
        found = self.named(query, known)
        if query.beyond_words or _seldom(query.meant):
            found |= self._logs(query) >= (HINTED if query.beyond_words else HINTED_SELDOM)
        return found

    def _logs(self, query: EncodedQuery) -> NDArray[np.float64]:
        """(N,) the mean log-probability of the classes that the text names, from the gallery's mean."""
        total = self._total(query, lambda p: np.log(np.maximum(p, LEAST_CLASS)) - np.log(LEAST_CLASS))
        return total - (total.mean() if len(total) else 0.0)

    def _total(
        self, query: EncodedQuery, of: Callable[[NDArray[np.float64]], NDArray[np.float64]]
    ) -> NDArray[np.float64]:
        """(N,) the sum over the text's classes of what follows from a probability, by weight; where nothing
        is kept that is 0."""
        columns, total = self._columns, np.zeros(self._columns.count)
        for name, weight in query.classes.items():
            if isinstance(columns, StoredColumns):
                for part, lists in zip(columns.parts, columns.lists(name), strict=True):
                    for rows, likely in lists:
                        part.add(total, rows, weight * of(likely.astype(np.float64)))
            else:
                likely = columns.column(name)
                held = np.flatnonzero(likely)
                total[held] += weight * of(likely[held])
        return total


def _seldom(text: str) -> bool:
    """Whether captions hardly ever hold a word of it that says what is seen."""
    return all(corpus.rates().get(word, 0.0) < SELDOM for word in content_words(words(text)))


def _class_weight(text: str) -> float:
    """How much classes count for a text: more, where it has few words, and words that captions seldom say."""
    telling = [word for word in dict.fromkeys(words(text)) if word not in STOP_WORDS]
    if not telling:
        return 0.0
    often = sum(corpus.rates().get(word, 0.0) >= RARE for word in telling) / len(telling)
    return CLASSES * (1 - KNOWN * often) / len(telling)
