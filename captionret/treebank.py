r"""Text split as the Penn Treebank does, by the rules of NLTK's `NLTKWordTokenizer`, without loading NLTK,
which takes longer than a search.

The rules are those of NLTK 3.10 (Copyright (C) 2001-2026 NLTK Project, Apache License 2.0), after Robert
MacIntyre's sed script. A test compares both.

>>> split("Good muffins cost $3.88, don't they?")
['Good', 'muffins', 'cost', '$', '3.88', ',', 'do', "n't", 'they', '?']
"""

import re

_STARTING_QUOTES = (
    (r"([«“‘„]|[`]+)", r" \1 "),
    (r"^\"", r"``"),
    (r"(``)", r" \1 "),
    (r"([ \(\[{<])(\"|\'{2})", r"\1 `` "),
    (r"(?i)(?<!\w)(\')(?!(?:re|ve|ll|m|t|s|d|n)\b)(?=\w)", r"\1 "),
)
_PUNCTUATION = (
    (r"([^\.])(\.)([\]\)}>\"'»”’ ]*+)\s*$", r"\1 \2 \3 "),
    (r"([:,])([^\d])", r" \1 \2"),
    (r"([:,])$", r" \1 "),
    (r"\.{2,}", r" \g<0> "),
    (r"[;@#$%&]", r" \g<0> "),
    (r"[\u2012-\u2015]", r" \g<0> "),
    (r"([^\.])(\.)([\]\)}>\"']*)\s*$", r"\1 \2\3 "),
    (r"[?!]", r" \g<0> "),
    (r"([^'])' ", r"\1 ' "),
    (r"[*]", r" \g<0> "),
    (r"[\]\[\(\)\{\}\<\>]", r" \g<0> "),
    (r"--", r" -- "),
)
_ENDING_QUOTES = (
    ("([»”’])", r" \1 "),
    (r"''", " '' "),
    (r'"', " '' "),
    (r"\s+", " "),
    (r"([^' ])('[sS]|'[mM]|'[dD]|') ", r"\1 \2 "),
    (r"([^' ])('ll|'LL|'re|'RE|'ve|'VE|n't|N'T) ", r"\1 \2 "),
)
_CONTRACTIONS = (
    r"(?i)\b(can)(not)\b",
    r"(?i)\b(d)('ye)\b",
    r"(?i)\b(gim)(me)\b",
    r"(?i)\b(gon)(na)\b",
    r"(?i)\b(got)(ta)\b",
    r"(?i)\b(lem)(me)\b",
    r"(?i)\b(more)('n)\b",
    r"(?i)\b(wan)(na)(?=\s)",
    r"(?i) ('t)(is)\b",
    r"(?i) ('t)(was)\b",
)


def split(text: str) -> list[str]:
    """The tokens of a sentence."""
    for pattern, replaced in (*_STARTING_QUOTES, *_PUNCTUATION):
        text = re.sub(pattern, replaced, text)
    text = f" {text} "
    for pattern, replaced in (*_ENDING_QUOTES, *((one, r" \1 \2 ") for one in _CONTRACTIONS)):
        text = re.sub(pattern, replaced, text)
    return text.split()
