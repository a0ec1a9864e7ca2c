"""Reads the project's docstrings for the site: facts become a list, examples become code.

A block of lines such as

    path:   a folder, or a name
    errors: BadLibrary where it is missing

is shown as a list with the names in bold; a block that is Python, with or without `>>>`, as a listing.
"""

import ast
import re
import textwrap
from typing import Any

from griffe import Extension, Object

_FACT = re.compile(r"([\w*][\w*, ]{0,60}?):\s+(\S.*)")


class HouseDocstrings(Extension):
    """Rewrites every docstring before mkdocstrings shows it."""

    def on_instance(self, *, obj: Object, **_: Any) -> None:
        """See the module."""
        if obj.docstring is not None:
            obj.docstring.value = markdown_of(obj.docstring.value)


def markdown_of(docstring: str) -> str:
    """A docstring as Markdown."""
    blocks = re.split(r"\n\s*\n", docstring.strip())
    return "\n\n".join(_block(textwrap.dedent(block)) for block in blocks)


def _block(text: str) -> str:
    lines = text.splitlines()
    if lines[0].startswith(">>> ") or _is_code(text):
        kind = "pycon" if lines[0].startswith(">>> ") else "python"
        return f"```{kind}\n{text}\n```"
    shown: list[str] = []
    open_fact = False
    for line in lines:
        fact = _FACT.fullmatch(line)
        if fact and (fact[1].count(" ") < 3 or "," in fact[1]):
            if shown and not open_fact:
                shown.append("")
            shown.append(f"- **{fact[1]}**: {fact[2]}")
            open_fact = True
        else:
            shown.append(f"    {line.strip()}" if open_fact else line)
    return "\n".join(shown)


def _is_code(text: str) -> bool:
    """Whether a block is Python that does something, rather than a sentence that happens to parse."""
    try:
        parsed = ast.parse(text)
    except SyntaxError:
        return False
    return (
        bool(parsed.body)
        and not all(isinstance(one, ast.Expr) and not isinstance(one.value, ast.Call) for one in parsed.body)
        and not all(isinstance(one, ast.AnnAssign) for one in parsed.body)
    )
