"""captionret COMMAND: find pictures by words and by other pictures, and everything that goes with it.

captionret index ~/Pictures --library photos
captionret search "a dog on a beach" --library photos
captionret COMMAND --help
"""

import importlib
import logging
import os
import sys
from collections.abc import Callable, Sequence

from .. import __version__
from ..errors import BadSetting
from .commands import COMMANDS, HEADINGS, find_command
from .completers import command_to_complete
from .running import FOUND, run

log = logging.getLogger(__name__)


def main() -> int:
    """Run the command that was typed. This is the entry point `captionret`."""
    return run(lambda _: dispatch(sys.argv[1:]))


def run_script(script: str) -> int:
    """Run the command of a file in scripts/ with what was typed after it."""
    return run(lambda _: dispatch([script, *sys.argv[1:]]))


def dispatch(typed: Sequence[str]) -> int:
    """Run the command that the first word names with the words after it.

    errors: BadSetting without a command, UnknownName for one that does not exist, and the command's own
    """
    name, *rest = typed or [""]
    if "_ARGCOMPLETE" in os.environ:
        name, rest = command_to_complete(COMMANDS) or "", []
    if name in ("-h", "--help", "help"):
        if not rest:
            print(overview())
            return FOUND
        name, rest = rest[0], ["--help"]
    if name == "--version":
        print(f"captionret {__version__}")
        return FOUND
    if name.startswith("-") or not name:
        wrong = f"{name} is not a command." if name else "No command is given."
        raise BadSetting(f"{wrong} captionret --help lists them.")
    command, old = find_command(name)
    if old:
        log.warning(f"{old} is now called {command}; the old name is accepted in this release only.")
    return command_main(command)(rest)


def command_main(command: str) -> Callable[[Sequence[str] | None], int]:
    """The function that runs a row of COMMANDS; its module is imported only now."""
    module = importlib.import_module(f".{COMMANDS[command].module}", __package__)
    found: Callable[[Sequence[str] | None], int] = module.main
    return found


def overview() -> str:
    """What `captionret --help` prints: every command with what it does."""
    width = max(map(len, COMMANDS))
    lines = ["usage: captionret COMMAND ...", "", (__doc__ or "").strip()]
    for name, row in COMMANDS.items():
        if name in HEADINGS:
            lines += ["", f"{HEADINGS[name]}:"]
        lines.append(f"  {name:<{width}}  {row.about}")
    return "\n".join(lines)
