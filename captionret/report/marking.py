"""Captions and paths inside a page: shared words marked, everything escaped."""

from collections.abc import Sequence

from markupsafe import Markup

from ..text import tokenize
from .visible import visible


def marked(caption: str, shared: Sequence[str]) -> Markup:
    """The caption, escaped, with every shared word in <mark>. Words are found as retrieval found them: by the
    one tokenizer."""
    parts, end = [], 0
    for start, token in _tokens(caption):
        if token in shared:
            parts.append(
                Markup("{}<mark>{}</mark>").format(
                    visible(caption[end:start]), visible(caption[start : start + len(token)])
                )
            )
            end = start + len(token)
    return Markup("").join([*parts, visible(caption[end:])])


def unmarked(caption: str, shared: Sequence[str]) -> list[str]:
    """The shared words that the caption itself does not hold (a mode may compare more words than it
    writes)."""
    held = {token for _, token in _tokens(caption)}
    return [word for word in shared if word not in held]


def _tokens(caption: str) -> list[tuple[int, str]]:
    """Each token with its place in the caption."""
    # so that places stay
    lowered = "".join(low if len(low := letter.lower()) == 1 else letter for letter in caption)
    found, end = [], 0
    for token in tokenize(caption):
        start = lowered.find(token, end)
        if start >= 0:  # quotation marks are spelled differently as tokens
            found.append((start, token))
            end = start + len(token)
    return found


def breakable(path: str) -> Markup:
    """A path that a narrow column breaks after its slashes first."""
    return Markup("/<wbr>").join(visible(path).split("/"))
