"""From what a captioner answers to captions as a library keeps them: on one line, without markup and control
characters, of a length that a person reads."""

import html
import re
import unicodedata
from collections.abc import Sequence

from ..errors import BadImage
from ..records import Caption
from ..text import words
from .protocol import Answer

MOST_CHARACTERS = 20_000  # of an answer; a longer one is no caption
_PAGE = re.compile(r"\s*(<!doctype html|<html|<\?xml)", re.IGNORECASE)
_TAG = re.compile(r"</?[a-z][^<>]{0,200}>|<!--.{0,500}?-->", re.IGNORECASE | re.DOTALL)
_THOUGHTS = re.compile(r"<think>.*?(</think>|\Z)", re.IGNORECASE | re.DOTALL)
_MARKS = re.compile(r"(\*\*|__|`+|^#+\s+|^\s*[-*•]\s+)", re.MULTILINE)


class NoAnswer(Exception):
    """What a captioner answers is no caption. The message says why."""


def captions_of(answer: Answer, max_words: int) -> tuple[Caption, ...]:
    """The captions of one picture, each once. errors: NoAnswer"""
    if isinstance(answer, BadImage):
        raise NoAnswer(answer.message)
    if isinstance(answer, str | Caption):
        answer = (answer,)
    if not isinstance(answer, Sequence):
        raise NoAnswer(f"the captioner answered with {type(answer).__name__}, not with captions.")
    found: dict[str, Caption] = {}
    for one in answer:
        caption = _caption(one, max_words)
        if caption is not None:
            found.setdefault(caption.text, caption)
    if not found:
        raise NoAnswer("the captioner found no caption.")
    return tuple(found.values())


def plain(text: str, max_words: int) -> str:
    """The same as `on_one_line`, without the quotation marks in which models put their answers.

    errors: NoAnswer for a page of HTML, and for what no one would read

    >>> plain("**A dog** <b>runs</b>\\n on\\tgrass.", 60)
    'A dog runs on grass.'
    """
    return on_one_line(text, max_words).strip(" \"'")


def on_one_line(text: str, max_words: int) -> str:
    """A text on one line, without markup and control characters, no longer than so many words. errors:
    NoAnswer"""
    if _PAGE.match(text):
        raise NoAnswer("the captioner answered with a page of markup.")
    if len(text) > MOST_CHARACTERS:
        raise NoAnswer(f"the captioner answered with {len(text):,} characters, which is no caption.")
    text = html.unescape(_TAG.sub(" ", _THOUGHTS.sub(" ", text)))
    text = _MARKS.sub(" ", text)
    text = "".join(
        " " if unicodedata.category(one) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp") else one for one in text
    )
    listed = text.split()
    return " ".join(listed[:max_words])


def _caption(one: object, max_words: int) -> Caption | None:
    """None for a caption without a word."""
    if isinstance(one, Caption):
        text = plain(one.text, max_words)
        if text == one.text:
            return one if words(text) else None
        one = Caption(text, tuple(text.split()), one.logprob, one.tags, one.score)
        return one if words(text) else None
    if not isinstance(one, str):
        raise NoAnswer(f"the captioner answered with {type(one).__name__}, not with a text.")
    text = plain(one, max_words)
    return Caption(text, tuple(text.split()), 0.0) if words(text) else None
