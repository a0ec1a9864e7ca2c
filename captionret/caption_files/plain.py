"""Texts of other programs as captions: on one line, without markup and control characters, of a length that a
person reads."""

import html
import re
import unicodedata

MOST_CHARACTERS = 20_000  # of a text; a longer one is no caption
MOST_WORDS = 60
_PAGE = re.compile(r"\s*(<!doctype html|<html|<\?xml)", re.IGNORECASE)
_TAG = re.compile(r"</?[a-z][^<>]{0,200}>|<!--.{0,500}?-->", re.IGNORECASE | re.DOTALL)
_THOUGHTS = re.compile(r"<think>.*?(</think>|\Z)", re.IGNORECASE | re.DOTALL)
_MARKS = re.compile(r"(\*\*|__|`+|^#+\s+|^\s*[-*•]\s+)", re.MULTILINE)
# what most captions are, to which no rule applies
_PLAIN = re.compile(r"[A-Za-z0-9'\"(][A-Za-z0-9 ,.;:!?'\"()/%$+-]*")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def on_one_line(text: str, most_words: int = MOST_WORDS) -> str:
    """A text on one line, without markup and control characters, cut after so many words.

    errors: ValueError for a page of HTML, and for what no one would read

    >>> on_one_line("**A dog** <b>runs</b>\\n on\\tgrass.")
    'A dog runs on grass.'
    """
    if len(text) > MOST_CHARACTERS:
        raise ValueError(f"it has {len(text):,} characters, which is no caption.")
    if not _PLAIN.fullmatch(text):
        if _PAGE.match(text):
            raise ValueError("it is a page of markup.")
        text = html.unescape(_TAG.sub(" ", _THOUGHTS.sub(" ", text)))
        text = "".join(" " if _is_control(one) else one for one in _MARKS.sub(" ", text))
    return " ".join(text.split()[:most_words])


def without_controls(text: str) -> str:
    """A text on one line, without control characters, and otherwise as it is."""
    return " ".join(_CONTROL.sub(" ", text).split())


def _is_control(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")
