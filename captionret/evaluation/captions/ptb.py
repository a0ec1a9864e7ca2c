"""The caption scorers' tokens without Java: CoreNLP 3.4.1's PTBTokenizer (-preserveLines -lowerCase), then
punctuation left out.

Published caption metrics are computed on these tokens. The rules here were found by watching what that
program answers, and are kept to it by `benchmarks/ptb_agreement.py`. The list of what is left out is
upper-case while the tokens are lower-case, so brackets survive as `-lrb-` and `-rrb-`: that is how the field
measures, and it is kept.

A text is read alone here, while that program reads a whole file and lets the next line decide whether an
initial ends a sentence ("the letter K." before "A dog" gives k, at the end of the file k.). It joins "4 1/2"
by a no-break space, at which the scorers part it again.
"""

import re
from collections.abc import Iterable

# A token of nothing but these is left out; a single "!" or "?" too, which no rule takes.
_LEFT_OUT = ".,:;-'`\""

_BRACKETS = str.maketrans(
    {"(": "-lrb-", ")": "-rrb-", "[": "-lsb-", "]": "-rsb-", "{": "-lcb-", "}": "-rcb-"}
)
_BRACKET = re.compile(r"[()\[\]{}]")

# What is spelt otherwise, or deleted, before the rules look at it; only texts that are not plain ASCII pay
# for it.
_SPELLING = str.maketrans(
    {"’": "'", "‘": "`", "“": '"', "”": '"', "‐": "-", "‑": "-", "–": "--", "—": "--", "…": "...", "\xad": ""}
    | {
        "£": " # ",
        "€": "$",
        "¤": "$",
        "¢": " cents ",
        "½": " 1/2 ",
        "¼": " 1/4 ",
        "¾": " 3/4 ",
        "⅓": " 1/3 ",
        "⅔": " 2/3 ",
    }
    | dict.fromkeys("«»‹›‒―\u200b\u200c\u200d\u200e\u200f\ufeff", " ")
)

# Abbreviations that keep their full stop, in any spelling.
_ABBREVIATIONS = r"""
    adj|adm|adv|al|ala|alex|apr|ariz|assn|assoc|asst|atty|aug|ave|bhd|bldg|blvd|brig|bros|calif|capt|cf|
    cie|cmdr|co|col|colo|conn|corp|cos|cpl|ct|dak|dec|dept|det|dr|drs|elec|ens|esq|est|etc|ext|feb|fla|
    fri|ft|ga|gen|gov|govs|hon|inc|ind|insp|intl|invt|jan|jos|jr|jul|jun|kan|kans|ky|lt|ltd|maj|mar|md|
    messrs|mfg|mich|minn|mlle|mme|mo|mon|mont|mr|mrs|ms|msgr|mt|mtg|natl|neb|nev|nov|oct|okla|penn|pfc|
    ph|ph\.d|plc|ppte|ppty|pres|prof|pte|ptes|pty|ptys|pvt|rd|rep|reps|rev|rt|sen|sens|sep|sept|seq|sfc|
    sgt|spc|sq|sr|st|ste|supt|sys|tel|tenn|thu|thurs|tue|tues|univ|va|vs|vt|wed|wis|wisc|wm|wyo"""
# These are also words, and abbreviations only where they begin with a capital.
_STATES = ("Ark", "Az", "Del", "Ill", "La", "Mass", "Miss", "Ore", "Pa", "Tex", "Wash")
_CAPITALISED = "|".join(f"{state}|{state.upper()}" for state in _STATES)

# A capitalised one of these after an initial begins a new sentence: "the letter K. The" has no initial, "J.
# Smith" has.
_OPENERS = r"""
    a|about|according|after|an|as|at|but|earlier|he|her|here|however|if|in|it|last|many|more|now|once|
    one|other|our|she|since|so|some|such|that|the|their|then|there|these|they|this|we|what|when|while|
    yet|you"""

# Two words written as one, and where they part.
_JOINED = ["can-not", "gon-na", "wan-na", "got-ta", "lem-me", "gim-me", "'t-is", "'t-was"]
_FIRST_HALF = "|".join("{}(?={}\\b)".format(*word.split("-")) for word in _JOINED)

# The first alternative that matches wins; the bounds {,50} keep hostile text linear.
_TOKEN = re.compile(
    rf"""
      (?!(?i:{_FIRST_HALF})) [^\W\d_]++ (?=[\s,]|\Z)                     # most words by far
    | (?i:{_FIRST_HALF})                                                 # can not
    | </?[A-Za-z][^<>\s]{{,50}}>                                         # <unk>
    | (?:https?://|www\.)[^\s"<>()|]+ | \w[\w.-]{{,50}}+@\w+(?:\.\w+)*   # addresses
    | (?i:[^\W\d_]+(?=n['`]t)) | (?i:n['`]t)\w*                          # do n't
    | '' | '(?i:s|m|d|ll|re|ve)\b                                        # he 's; it '' s
    | (?i:[dlo]'[^\W\d_]+ | [^\W\d_]+[aeiou]'[aeiou][^\W\d_]*)           # o'clock, ho'ohu
    | (?i:ma'am | c'mon | '(?:em|till?|cause|n)\b'? | (?:dunkin|ol)') | '\d0s
    | [A-Za-z](?=\.\s+(?=[A-Z])(?i:{_OPENERS})\b)                        # letter k. The
    | [A-Za-z](?:\.[A-Za-z])*\.(?![^\W\d_])                              # u.s.
    | (?:(?i:{_ABBREVIATIONS})|{_CAPITALISED})\.(?!\w)
    | (?i:nos?|figs?|arts?|pp?)\.(?=\s*\d)                               # no. 5, but: no.
    | [^\W\d_][\w-]{{,50}}+\.(?=[,;:])                                   # a stop before a comma
    | [A-Z]+(?:&[A-Z]+)+ | [Cc](?:\+\+|\#) | [\#@][A-Za-z]\w*            # at&t, c++, @home
    | \d+/\d+\w*(?:[/-]\w+)*                                             # 1/2
    | [^\W_]+(?:-[^\W_]+)*(?:/[^\W\d_][^\W_]*(?:-[^\W_]+)*)+             # his/her
    | [^\W_]+(?:/[^\W_]+)+                                               # 3/x
    | [^\W_]+(?:[._][^\W_]+){{,20}}(?:-[^\W_]+)+                         # t-shirt
    | [+-]?\d*(?:[.,:]\d+)+ | [+]\d+ | (?<![^\W_])-\d+                   # 5:30, -5
    | [^\W\d_][^\W_]*(?:[_.!?][^\W\d_][^\W_]*)* | [^\W_]+                # words, foo.com, 3d
    | [:;=]['o-]?[()DPdp](?!\w)                                          # :-)
    | --+ | \.\.+ | [!?]{{2,}} | \*+ | _+ | [<>]+ | [^\s!?]
    """,
    re.VERBOSE,
)


def tokenize(text: str) -> list[str]:
    """The tokens that are scored, lower-case, in order: "A man's hat." -> ["a", "man", "'s", "hat"]."""
    if not text.isascii():
        text = text.translate(_SPELLING)
    tokens = [token.lower() for token in _TOKEN.findall(text) if token.strip(_LEFT_OUT)]
    return [token.translate(_BRACKETS) for token in tokens] if _BRACKET.search(text) else tokens


def tokenize_many(texts: Iterable[str]) -> list[list[str]]:
    """`tokenize` for each text."""
    return [tokenize(text) for text in texts]
