"""Train a skip-thought encoder: sentences into vectors, learned from which sentences stand beside each other.

    captionret train-skipthought --direction uni --data flickr8k:data/flickr8k --also coco:data/coco
    captionret train-skipthought --direction bi --data text:book.txt --set hidden_dim=512
    captionret train-skipthought --combine checkpoints/uni checkpoints/bi --out checkpoints/combined
    captionret train-skipthought --list

A text holds a sentence on each line, in order; blank lines part what does not belong together. The captions
of an image are each other's neighbours. Ctrl-C saves where the training stands; the same command with
--resume goes on from there.
"""

import argparse
import logging
from collections.abc import Sequence
from dataclasses import replace
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from ..app.places import checkpoint_path
from ..config import run_name
from ..counting import counted
from ..errors import BadSetting
from .rows_table import rows_table
from .training import run_command, run_facts, settled, training_parser

if TYPE_CHECKING:
    from torch import nn

    from ..models.sentence.skipthought.config import SkipThoughtConfig
    from ..training.skipthought import SkipThoughtRun

log = logging.getLogger(__name__)

_OPTIONS: dict[str, dict[str, Any]] = {
    "--direction": {
        "choices": ("uni", "bi"),
        "help": "a GRU that reads forwards, or two of half the size, forwards and backwards",
    },
    "--combine": {
        "nargs": 2,
        "metavar": ("UNI", "BI"),
        "help": "make one encoder of two trained ones: directories, or names in checkpoints/",
    },
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Train an encoder or combine two, save it with its card, and print its directory."""
    return run_command(options(), arguments, models_table, _started)


def options() -> argparse.ArgumentParser:
    """The command's options."""
    found = training_parser(
        "train-skipthought",
        __doc__ or "",
        usual="default: skip-lite; skip is the published one",
        patience=3,
        data=None,
        more=_OPTIONS,
        was="--model",
    )
    found.epilog = (
        "All fields of --set, and what they mean, stand in captionret/models/sentence/skipthought/config.py."
    )
    return found


def _started(given: argparse.Namespace) -> "SkipThoughtRun | None":
    from ..models.sentence.skipthought.config import SKIP_THOUGHTS

    if given.combine:
        _combine(given)
        return None
    if given.data is None or given.direction is None:
        raise BadSetting(
            "What shall be trained on which sentences? Give --direction uni or bi, and --data KIND:PATH."
        )
    variant = given.variant or "skip-lite"
    row = replace(SKIP_THOUGHTS[variant], direction=given.direction)
    config = settled(given, row)
    name = f"{config.direction}-{run_name(variant, config, replace(row, direction=config.direction))}"
    facts = run_facts(given, variant, config, name)
    from ..training.skipthought import SkipThoughtRun

    return SkipThoughtRun(**facts)


def _combine(given: argparse.Namespace) -> None:
    if given.out is None:
        raise BadSetting("Where shall the combined encoder go? Give --out DIR.")
    if given.resume or given.set or given.data or given.direction:
        raise BadSetting(
            "--combine takes two trained encoders as they are: leave --data, --direction, --set and --resume "
            "out."
        )
    if (given.out / "config.json").exists():
        raise BadSetting(f"{given.out} already holds a checkpoint. Choose another --out, or delete it first.")

    from ..training.skipthought import combine

    uni, bi = (checkpoint_path(path) for path in given.combine)
    checkpoint = combine(uni, bi, given.out, given.command, given.fp16)
    log.info(
        f"{counted(checkpoint.config.dim, 'dimensions')}, {counted(len(checkpoint.vocabulary), 'words')}."
    )


def models_table() -> str:
    """The rows as a table, with how many parameters an encoder and its decoders have with a vocabulary of
    2,922 words (Flickr8k's)."""
    from ..models.sentence.skipthought.config import SKIP_THOUGHTS

    fields = {"words": "vocabulary_size", "batch": "batch_size"}
    names = ("word_dim", "hidden_dim", "words", "batch", "epochs")
    columns = {name: attrgetter(fields.get(name, name)) for name in names}
    return rows_table("variant", columns, SKIP_THOUGHTS, _network, 2922)


def _network(config: "SkipThoughtConfig", words: int) -> "nn.Module":
    from ..training.skipthought import SkipThoughtNetwork

    return SkipThoughtNetwork(config, words)
