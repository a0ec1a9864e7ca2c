"""Texts of unknown origin for a terminal: nothing in them can move its cursor, break a line or reorder
letters."""

import re

# Controls, line and paragraph separators, lone surrogates (bytes that are no UTF-8) and the marks that
# reorder or hide text. U+200C and U+200D stay: they join letters and emoji.
_INVISIBLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f"
    "\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
)
_NAMED = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def visible(text: str) -> str:
    r"""`text` on one line, with control characters, bytes that are no UTF-8 and direction marks as escapes
    (\n, \x1b, \u202e)."""
    return _INVISIBLE.sub(_escape, text)


def visible_lines(text: str) -> str:
    """`text` as `visible` makes it, but with its own line ends: a message, whatever names stand in it."""
    return "\n".join(visible(line) for line in text.split("\n"))


def _escape(match: re.Match[str]) -> str:
    letter = match.group()
    code = ord(letter)
    if 0xDC80 <= code <= 0xDCFF:  # how Python spells a byte of a file name that is no UTF-8
        code -= 0xDC00
    return _NAMED.get(letter) or (
        f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
    )
