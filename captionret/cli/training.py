"""What the commands that train share: their options, a file that describes a run, and the closing lines."""

import argparse
import logging
import sys
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ..app.places import checkpoints_folder, data_folder
from ..config import C
from ..errors import BadSetting, UnknownName
from .options import (
    FETCH_MISSING,
    FOUND,
    add_device,
    command_again,
    old_name,
    parser,
    path_argument,
    refuse_to_overwrite,
)

if TYPE_CHECKING:
    from ..training.run import Run

log = logging.getLogger(__name__)


# The options of every training, each with what argparse is to know of it.
_OPTIONS: dict[str, dict[str, Any]] = {
    "--list": {"action": "store_true", "help": "print the rows and stop"},
    "--config": {
        "type": path_argument,
        "metavar": "FILE.toml",
        "help": "take options from this file, as `epochs = 5`; fields below [set]. What is typed counts more",
    },
    "--fetch-missing": FETCH_MISSING,
    "--also": {
        "action": "append",
        "default": [],
        "metavar": "KIND:PATH",
        "help": "train on this collection's train split, too; repeatable",
    },
    "--set": {
        "action": "append",
        "default": [],
        "metavar": "FIELD=VALUE",
        "help": "change a field of the row, e.g. learning_rate=3e-4; repeatable",
    },
    "--epochs": {
        "type": int,
        "metavar": "N",
        "help": "through the training pictures (default: the row's own)",
    },
    "--batch-size": {
        "type": int,
        "metavar": "N",
        "help": "in captions or sentences (default: the row's own)",
    },
    "--out": {
        "type": path_argument,
        "metavar": "DIR",
        "help": "the checkpoint directory (default: below checkpoints/, by what is trained)",
    },
    "--resume": {
        "action": "store_true",
        "help": "go on with a training that was cut; with a higher --epochs, for more of them",
    },
    "--seed": {"type": int, "default": 0, "help": "of all that is drawn at random (default: %(default)s)"},
    "--patience": {
        "type": int,
        "metavar": "N",
        "help": "stop after N validations that were no better (default: %(default)s)",
    },
    "--precision": {
        "help": "float32, bfloat16, float16, or auto: bfloat16 where it is quicker (default: %(default)s)"
    },
    "--compile": {
        "action": "store_true",
        "help": "compile the network first (torch.compile), which takes a minute or two and a C++ compiler; "
        "meant for long trainings on a GPU",
    },
    "--tensorboard": {
        "action": "store_true",
        "help": "write curves for TensorBoard beside log.jsonl, too",
    },
    "--features": {
        "type": path_argument,
        "default": data_folder("features"),
        "metavar": "DIR",
        "help": "the cache of what the CNN or a frozen encoder gives (default: %(default)s)",
    },
}


def training_parser(
    command: str,
    about: str,
    *,
    usual: str,
    patience: int = 5,
    precision: str = "float32",
    data: str | None = "scenes",
    was: str | None = None,
    more: Mapping[str, dict[str, Any]] = MappingProxyType({}),
) -> argparse.ArgumentParser:
    """A parser with the options of every training.

    usual: the row of --list that is trained where none is named, in words
    data:  the collection without --data; None: one must be named
    was:   what --variant was called
    more:  the command's own options, each with what argparse is to know of it
    """
    options = parser(command, about)
    variant = options.add_argument("--variant", metavar="NAME", help=f"a row of --list ({usual})")
    if was:
        old_name(options, was, variant)
    kinds = "coco:DIR, flickr8k:DIR, table:FILE, vse:DIR/NAME, text:FILE ..."
    built_in = " (default: the built-in scenes)" if data else ""
    options.add_argument("--data", default=data, metavar="KIND:PATH", help=kinds + built_in)
    for name, facts in {**_OPTIONS, **more}.items():
        options.add_argument(name, **facts)
    fp16 = options.add_argument("--fp16", action="store_true", help="store the weights as float16")
    old_name(options, "--half", fp16)
    options.set_defaults(patience=patience, precision=precision)
    add_device(options)
    return options


def run_command(
    options: argparse.ArgumentParser,
    arguments: Sequence[str] | None,
    listed: Callable[[], str],
    started: Callable[[argparse.Namespace], "Run[Any] | None"],
) -> int:
    """Do what every command that trains does: print its rows, or train, and print the checkpoint's directory.

    listed:  its rows as a table
    started: what shall be trained, or None where it was done without training; it finds what was mistyped
             before it loads PyTorch
    """
    given = parsed(options, arguments)
    if given.list:
        print(listed())
        return FOUND
    run = started(given)
    if run is not None:
        from ..app.trainings import train_and_draw
        from ..models.card import kept_epoch
        from ..models.device import choose_device

        checkpoint = train_and_draw(run, choose_device(given.device), given.resume)
        log.info(kept_epoch({"kind": checkpoint.kind, "training": checkpoint.training}))
    print(given.out)
    return FOUND


def parsed(options: argparse.ArgumentParser, arguments: Sequence[str] | None) -> argparse.Namespace:
    """The options, those of a --config file below what is typed; with what reproduces the training as
    `command`, and the file's text as `description`."""
    given = options.parse_args(arguments)
    description = ""
    if given.config is not None:
        description, chosen = _described(given.config, options)
        options.set_defaults(**chosen)
        given = options.parse_args(arguments)
    typed = sys.argv[1:] if arguments is None else arguments
    given.command = command_again(options.prog.split()[-1], typed)
    given.description = description
    return given


def _described(file: Path, options: argparse.ArgumentParser) -> tuple[str, dict[str, Any]]:
    """The text of a file that describes a run, and its values by the options' names.

    errors: BadSetting for a file that is no TOML or a value of another type, UnknownName for no option
    """
    try:
        text = file.read_text(encoding="utf-8")
        values = tomllib.loads(text)
    except OSError as error:
        raise BadSetting(f"{file} cannot be read ({error.strerror}). Check the path.") from None
    except ValueError as error:
        raise BadSetting(f"{file} is not TOML ({error}). Write options as epochs = 5.") from None
    known = {
        option.removeprefix("--").replace("-", "_"): action
        for action in options._actions
        for option in action.option_strings
        if option.startswith("--") and action.dest not in ("help", "config", "list")
    }
    fields = values.pop("set", {})
    if not isinstance(fields, dict):
        raise BadSetting(f"{file}: [set] is a table of fields, not {fields!r}.")
    chosen: dict[str, Any] = {"set": [f"{name}={_text(value)}" for name, value in fields.items()]}
    for name, value in values.items():
        dest = name.replace("-", "_")
        if dest not in known:
            raise UnknownName.among("option", name, [one.replace("_", "-") for one in known])
        chosen[known[dest].dest] = _value(file, name, value, known[dest])
    return text, chosen


def _value(file: Path, name: str, value: Any, action: argparse.Action) -> Any:
    """A value of a file as argparse takes it for a default: it converts and checks texts itself."""
    if action.nargs == 0:  # a switch
        right, wanted = isinstance(value, bool), "true or false"
    elif isinstance(action.default, list):
        right, wanted = (
            isinstance(value, list) and all(isinstance(one, str) for one in value),
            "a list of texts",
        )
    else:
        single = isinstance(value, str | int | float) and not isinstance(value, bool)
        right, wanted = single, "a single value"
    if not right:
        raise BadSetting(f"{file}: {name} takes {wanted}, not {value!r}.")
    return value if isinstance(value, bool | list) else str(value)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def settled(given: argparse.Namespace, config: C) -> C:
    """The row's settings with those that were asked for."""
    changes = {"epochs": given.epochs, "batch_size": given.batch_size}
    return replace(
        config.with_settings(given.set), **{name: one for name, one in changes.items() if one is not None}
    )


def run_facts(given: argparse.Namespace, model: str, config: C, name: str) -> dict[str, Any]:
    """What of the options is the same in every Run; where its checkpoint goes is noted as `given.out`.

    name:   of the run, for the directory's where none is named
    errors: BadSetting where another training is there already
    """
    from ..app.missing import open_data

    given.out = given.out or checkpoints_folder() / f"{name}-{given.data.partition(':')[0]}"
    refuse_to_overwrite(given.out, given.resume)
    dataset, *also = (open_data(spec, given.fetch_missing) for spec in (given.data, *given.also))
    for one in (dataset, *also):
        log.info(one.summary())
    same = (
        "out",
        "seed",
        "patience",
        "precision",
        "command",
        "description",
        "fp16",
        "tensorboard",
        "compile",
    )
    return {
        "name": model,
        "config": config,
        "dataset": dataset,
        "also": tuple(also),
        "features_root": given.features,
        **{name: getattr(given, name) for name in same},
    }
