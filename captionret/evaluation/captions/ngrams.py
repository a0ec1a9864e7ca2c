"""What the n-gram metrics share: a caption's tokens, and the counts of its runs of one to four."""

from collections import Counter
from collections.abc import Sequence
from itertools import chain

from ...text import UNKNOWN
from . import ptb

ORDER = 4
"""The longest n-gram that BLEU and CIDEr-D look at."""

Ngram = tuple[str, ...]

Text = str | Sequence[str]
"""A caption to score: as text, or as its tokens."""


def tokens_of(caption: Text) -> Sequence[str]:
    """The tokens to compare: a text is tokenized as the reference scorers do, a sequence is taken as the
    tokens already."""
    return ptb.tokenize(caption) if isinstance(caption, str) else caption


def candidate_tokens(caption: Text) -> Sequence[str]:
    """`tokens_of` a generated caption, in which the unknown word matches nothing."""
    tokens = tokens_of(caption)
    return [token if token != UNKNOWN else "" for token in tokens] if UNKNOWN in tokens else tokens


def count_ngrams(tokens: Sequence[str]) -> Counter[Ngram]:
    """How often each n-gram of one to ORDER tokens occurs."""
    runs = (zip(*(tokens[start:] for start in range(n)), strict=False) for n in range(1, ORDER + 1))
    return Counter(chain.from_iterable(runs))
