"""The answers to a shell that asks how to complete a command that is being typed; by argcomplete."""

import argparse
import os
from collections.abc import Callable, Iterable
from typing import Any


def command_to_complete(commands: Iterable[str]) -> str | None:
    """The command whose options are being completed; None where the command itself is, and it is then
    completed and the process ends."""
    typed = os.environ["COMP_LINE"].split()
    skipped = int(
        os.environ["_ARGCOMPLETE"]
    )  # words before the arguments: captionret, or python -m captionret
    started = len(typed) > skipped + 1 or os.environ["COMP_LINE"].endswith(" ")
    if started and len(typed) > skipped and typed[skipped] in commands:
        os.environ["_ARGCOMPLETE"] = str(skipped + 1)
        return typed[skipped]
    options = argparse.ArgumentParser(prog="captionret")
    options.add_argument("command", choices=list(commands))
    complete(options)
    return None


def complete(options: argparse.ArgumentParser) -> None:
    """Print the completions of what is typed so far, and end the process."""
    import argcomplete

    for action in options._actions:
        for name in action.option_strings:
            if name in _COMPLETERS:
                action.completer = _COMPLETERS[name]  # type: ignore[attr-defined]
    argcomplete.autocomplete(options)


def _checkpoints(**_: Any) -> Iterable[str]:
    from ..home import known_checkpoints

    return known_checkpoints()


def _libraries(**_: Any) -> Iterable[str]:
    from ..home import data_folder

    return [path.name for path in data_folder("libraries").glob("*/")]


def _modes(**_: Any) -> Iterable[str]:
    from ..retrieval import every_mode

    return every_mode()


_COMPLETERS: dict[str, Callable[..., Iterable[str]]] = {
    "--checkpoint": _checkpoints,
    "--embedding": _checkpoints,
    "--library": _libraries,
    "--mode": _modes,
}
