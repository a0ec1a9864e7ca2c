"""What every command's options share, and what is typed for files, texts and trainings.

A command's module has `main(arguments)`, which parses with a `parser(...)` of this module, calls a service of
`app`, shows what comes back and ends with 0 where something was found, else 1.
"""

import argparse
import logging
import os
import re
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from ..errors import BadSetting
from ..files import expanded
from ..home import data_folder
from .running import FOUND, NOTHING_FOUND, run, say, show_log

NOT_CALIBRATED = (
    "The probabilities are not calibrated: captionret calibrate --library NAME --data SPEC, with captioned "
    "pictures, makes them mean what they say."
)

__all__ = [
    "FETCH_MISSING",
    "FOUND",
    "NOTHING_FOUND",
    "NOT_CALIBRATED",
    "add_data",
    "add_device",
    "add_encoder",
    "add_engine",
    "add_fetch_missing",
    "command_again",
    "old_name",
    "parser",
    "path_argument",
    "refuse_address",
    "refuse_to_overwrite",
    "run",
    "say",
    "text_argument",
]

log = logging.getLogger(__name__)


class CommandParser(argparse.ArgumentParser):
    """A parser that completes what is typed where the shell asks for it."""

    def parse_args(  # type: ignore[override]  # no command passes a namespace of its own
        self, args: Sequence[str] | None = None, namespace: None = None
    ) -> argparse.Namespace:
        """The options that were typed; where the shell asks for completions they are printed instead."""
        if "_ARGCOMPLETE" in os.environ:
            from .completers import complete

            complete(self)
        return super().parse_args(args, namespace)

    def error(self, message: str) -> NoReturn:
        """End with what is wrong in one line, not with all that could have been typed."""
        from difflib import get_close_matches

        option = re.fullmatch(r"unrecognized arguments: (--[^\s=]+).*", message)
        known = [name for action in self._actions for name in action.option_strings]
        near = get_close_matches(option[1], known, 1) if option else []
        hint = f" Did you mean {near[0]}?" if near else ""
        self.exit(
            BadSetting.exit_code, f"{self.prog}: {message}.{hint} {self.prog} --help shows how it is used.\n"
        )


class _Quiet(argparse.Action):
    """--quiet, which holds as soon as it is read."""

    def __call__(self, *_: Any) -> None:
        show_log(logging.WARNING)


class _OldName(argparse.Action):
    """An option under the name that it had in an earlier release."""

    def __init__(self, option_strings: Sequence[str], dest: str, now: argparse.Action) -> None:
        super().__init__(
            option_strings,
            dest,
            nargs=now.nargs,
            type=now.type if callable(now.type) else None,
            choices=now.choices,
            default=argparse.SUPPRESS,
            help=argparse.SUPPRESS,
        )
        self._now = now

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        name = self._now.option_strings[-1]
        log.warning(f"{option_string} is now called {name}; the old name is accepted in this release only.")
        self._now(parser, namespace, values, name)


def old_name(options: argparse._ActionsContainer, old: str, now: argparse.Action) -> None:
    """Accept an option under its old name, too, with one line of notice.

    old_name(options, "--moved", options.add_argument("--relocate", action="store_true"))
    """
    options.add_argument(old, dest=now.dest, action=_OldName, now=now)


def parser(command: str, about: str) -> argparse.ArgumentParser:
    """A parser whose --help begins with the module's own words, and which knows --quiet."""
    options = CommandParser(
        prog=f"captionret {command}",
        description=about,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    options.add_argument(
        "-q",
        "--quiet",
        action=_Quiet,
        nargs=0,
        default=argparse.SUPPRESS,
        help="no notes and no bars on stderr, warnings and errors alone",
    )
    return options


def add_device(arguments: argparse.ArgumentParser) -> None:
    """--device, the same for every command that computes."""
    arguments.add_argument(
        "--device",
        default="auto",
        help="auto (the GPU where there is one), cpu, cuda, cuda:1 ... (default: %(default)s)",
    )


def add_captions_by(options: argparse.ArgumentParser) -> None:
    """--captions-by, the same for every command that measures a library."""
    options.add_argument(
        "--captions-by",
        metavar="NAME",
        help="whose captions of the library, see captionret compare (default: of each picture the best)",
    )


def add_features(options: argparse.ArgumentParser) -> None:
    """--features, the same for every command that reads pictures of a data set."""
    options.add_argument(
        "--features",
        type=path_argument,
        default=data_folder("features"),
        metavar="DIR",
        help="the feature cache (default: %(default)s)",
    )


def add_data(options: argparse.ArgumentParser, split: str | None = "test", usual: str = "test") -> None:
    """--data, --fetch-missing and --split. split: where none is named; usual: the same in words"""
    options.add_argument("--data", required=True, metavar="KIND:PATH", help="the data set")
    add_fetch_missing(options)
    options.add_argument("--split", default=split, help=f"of the data set (default: {usual})")


# What argparse is to know of --fetch-missing.
FETCH_MISSING: dict[str, Any] = {
    "action": "store_true",
    "help": "fetch pictures that are not here, as they are read, from where the data set says (coco: its "
    "coco_url); else nothing is fetched",
}


def add_fetch_missing(options: argparse.ArgumentParser) -> None:
    """--fetch-missing, of commands that read or show the pictures of a data set."""
    options.add_argument("--fetch-missing", **FETCH_MISSING)


def add_engine(arguments: argparse.ArgumentParser, precision_default: str) -> None:
    """--engine and --precision, the same for every command that sends many pictures through a CNN."""
    from ..models.vision.engines.rows import ENGINES, PRECISIONS

    arguments.add_argument(
        "--engine",
        default="auto",
        metavar="NAME",
        help=f"what runs the CNN: {', '.join(ENGINES)}, or auto, the fastest one here that gives the same "
        "captions (default: %(default)s); with torch, PyTorch searches for the captions, too",
    )
    arguments.add_argument(
        "--precision",
        metavar="NAME",
        help=f"of the CNN: {', '.join(PRECISIONS)}; below float32 it is faster and its captions differ a "
        f"little (default: {precision_default})",
    )


def add_encoder(arguments: argparse.ArgumentParser) -> None:
    """--encoder, of a library's mode clip."""
    arguments.add_argument(
        "--encoder",
        metavar="KIND:WHAT",
        help="compare pictures and texts in the space of an encoder, too, by mode clip: "
        "open_clip:MODEL/PRETRAINED, or transformers:DIR for CLIP, SigLIP and the like; from this machine, "
        "nothing is downloaded",
    )
    arguments.add_argument(
        "--trust-remote-code",
        action="store_true",
        help="let code run that lies beside the weights of a model of transformers",
    )


def refuse_to_overwrite(out: Path, resume: bool) -> None:
    """A trained checkpoint, or a training that was cut, is never lost by typing the same command again."""
    if not resume and any((out / name).exists() for name in ("config.json", "training/state.json")):
        raise BadSetting(
            f"{out} already holds a training. Go on with it (--resume), choose another --out, or delete it "
            "first."
        )


def command_again(command: str, typed: Sequence[str]) -> str:
    """What reproduces a training, for its card; a data set's folder is part of it as it was typed."""
    return shlex.join(["captionret", command, *(word for word in typed if word != "--resume")])


def path_argument(given: str) -> Path:
    """An argument that names a file or a folder. An empty one, of a variable that is not set, would mean the
    current folder."""
    if not given:
        raise argparse.ArgumentTypeError("the name is empty")
    refuse_address(given)
    return expanded(given)


def refuse_address(given: str) -> None:
    """A web address is no file, and says so by its own name. errors: BadSetting"""
    if re.match(r"https?://\S", given, re.IGNORECASE):
        raise BadSetting(
            f"{given} is a web address, which captionret annotate and collect alone read. Fetch it, and give "
            "the file."
        )


def text_argument(given: str) -> str:
    """An argument that is text. What the terminal sent must be text in its encoding."""
    if any(0xD800 <= ord(mark) <= 0xDFFF for mark in given):  # how Python keeps bytes that are no text
        shown = given.encode(errors="backslashreplace").decode()
        raise argparse.ArgumentTypeError(f"{shown!r} is not text in the terminal's encoding")
    return given
