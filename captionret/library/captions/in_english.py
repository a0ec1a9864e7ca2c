"""Whether captions are in English, as queries and word probabilities are."""

import logging
from collections.abc import Iterable
from itertools import islice

from ...retrieval import corpus
from ...text import words

log = logging.getLogger(__name__)

LEAST = 0.6  # of the words of English captions nine in ten and more are known, of German ones a quarter
_FEW = 40  # words that say nothing of a language yet
_LOOKED_AT = 2000  # captions


def warn_of_another_language(label: str, captions: Iterable[str]) -> None:
    """Say that captions hold few words that English captions hold."""
    found = [word for caption in islice(captions, _LOOKED_AT) for word in words(caption)]
    if len(found) < _FEW:
        return
    rates = corpus.rates()
    share = sum(word in rates for word in found) / len(found)
    if share < LEAST:
        log.warning(
            f"{share:.0%} of the words in captions by {label} are known in English captions. A search in "
            "English finds little of what they say: ask their captioner for English."
        )
