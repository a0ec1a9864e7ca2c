"""Writes docs/commands.md: every command with every option, as its --help has them.

python -m docs.command_pages
"""

import argparse
import contextlib
import importlib
import re
from pathlib import Path
from unittest.mock import patch

from captionret.cli.commands import COMMANDS, HEADINGS
from captionret.home import home

PAGE = Path(__file__).with_name("commands.md")

_LEAD = """\
# Commands

<!-- written by docs/command_pages.py -->

`captionret COMMAND --help` shows the same in the terminal. Every command also knows `-q`, `--quiet`: no notes
and no bars on stderr, warnings and errors alone. Exit codes: 0 found or done, 1 nothing found, 2 wrong usage,
3 bad input.
"""


class _Parsed(BaseException):
    """A command has made its parser."""


def parser_of(command: str) -> argparse.ArgumentParser:
    """The parser of a command, which does nothing else."""
    parsers: list[argparse.ArgumentParser] = []

    def note(parser: argparse.ArgumentParser, *_: object) -> None:
        parsers.append(parser)
        raise _Parsed

    module = importlib.import_module(f"captionret.cli.{COMMANDS[command].module}")
    with patch.object(argparse.ArgumentParser, "parse_args", note), contextlib.suppress(_Parsed):
        module.main([])
    return parsers[0]


def page() -> str:
    """The whole page."""
    parts = [_LEAD]
    for command in COMMANDS:
        if command in HEADINGS:
            parts.append(f"## {HEADINGS[command].capitalize()}\n")
        parts.append(_section(command, parser_of(command)))
    return "\n".join(parts)


def _section(command: str, parser: argparse.ArgumentParser) -> str:
    lines = [f"### captionret {command}", ""]
    for block in re.split(r"\n\s*\n", (parser.description or "").strip()):
        typed = block.lstrip().startswith(("captionret ", "make "))
        lines += ["```text", *_dedented(block), "```", ""] if typed else [_escaped(block), ""]
    rows = [row for group in parser._action_groups for row in _rows(group)]
    if rows:
        lines += ["| | |", "|---|---|", *rows, ""]
    return "\n".join(lines)


def _dedented(block: str) -> list[str]:
    return [line.removeprefix("    ") for line in block.splitlines()]


def _rows(group: argparse._ArgumentGroup) -> list[str]:
    """A row for each option of a group, below the group's name where it has one of its own."""
    rows = []
    for action in group._group_actions:
        if action.help is argparse.SUPPRESS or action.dest in ("help", "quiet"):
            continue
        about = " ".join(((action.help or "") % vars(action)).split()).replace(f"{home()}/", "")
        rows.append(f"| {_names(action)} | {_escaped(about)} |")
    own = group.title not in ("positional arguments", "options")
    return [f"| **{group.title}** | {_escaped(group.description or '')} |", *rows] if own and rows else rows


def _names(action: argparse.Action) -> str:
    choices = "{" + ",".join(map(str, action.choices)) + "}" if action.choices else None
    value = str(action.metavar or choices or action.dest.upper())
    if not action.option_strings:
        return f"`{value}`" if action.nargs not in ("*", "+") else f"`{value} ...`"
    if action.nargs == 0:
        value = ""
    elif isinstance(action.metavar, tuple):
        value = " ".join(action.metavar)
    elif action.nargs == "+":
        value = f"{value} ..."
    elif action.nargs == "?":
        value = f"[{value}]"
    elif isinstance(action.nargs, int):
        value = " ".join([value] * action.nargs)
    names = ", ".join(action.option_strings)
    return f"`{f'{names} {value}'.strip()}`".replace("|", "\\|")


def _escaped(text: str) -> str:
    return re.sub(r"([|*<>_])", r"\\\1", text)


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
