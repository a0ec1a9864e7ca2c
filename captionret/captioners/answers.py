"""From what a captioner answers to captions as a library keeps them: on one line, without markup and control
characters, of a length that a person reads."""

from collections.abc import Sequence

from ..caption_files.plain import on_one_line
from ..errors import BadImage
from ..records import Caption
from ..text import words
from .protocol import Answer


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
    try:
        return on_one_line(text, max_words).strip(" \"'")
    except ValueError as error:
        raise NoAnswer(f"the captioner's answer is no caption: {error}") from None


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
