"""The caption scorers' tokens without Java: CoreNLP 3.4.1's PTBTokenizer (-preserveLines -lowerCase), then punctuation left out.

Published caption metrics are computed on these tokens. The rules here were found by watching what that program answers, and are kept
to it by `benchmarks/ptb_agreement.py`. The list of what is left out is upper-case while the tokens are lower-case,
so brackets survive as `-lrb-` and `-rrb-`: that is how the field measures, and it is kept.
"""

import re
from collections.abc import Iterable

_DROPPED = frozenset(["''", "'", "``", "`", ".", "?", "!", ",", ":", "-", "--", "...", ";"])

_TOKEN = re.compile(
    r"""
      (?:can(?=not\b)|gon(?=na\b)|wan(?=na\b)|got(?=ta\b)|lem(?=me\b)|gim(?=me\b))
    | n't\b
    | '(?:s|m|d|ll|re|ve)\b
    | (?:[a-z]\.)+[a-z]?\b\.?
    | (?:mr|mrs|ms|dr|st|mt|vs|etc|jr|sr)\.
    | \d+(?:[.,:/-]\d+)*
    | [^\W\d_]+?(?=n't\b)
    | \w+(?:[-/.]\w+)*
    | \.\.\.+ | --+ | [!?]+
    | \S
    """,
    re.VERBOSE,
)


def tokenize(text: str) -> list[str]:
    """The tokens that are scored, lower-case, in order: "A man's hat." -> ["a", "man", "'s", "hat"]."""
    return [token for token in _TOKEN.findall(text.lower()) if token not in _DROPPED]


def tokenize_many(texts: Iterable[str]) -> list[list[str]]:
    """`tokenize` for each text."""
    return [tokenize(text) for text in texts]
