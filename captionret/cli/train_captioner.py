"""Train a captioner on frozen features.

    captionret train-captioner                                      # model2-lite on the built-in scenes
    captionret train-captioner --variant model1-lite --data flickr8k:data/flickr8k
    captionret train-captioner --variant model2 --data coco:data/coco --epochs 5 --set dropout=0.3
    captionret train-captioner --config run.toml
    captionret train-captioner --list

Ctrl-C saves where the training stands; the same command with --resume goes on from there.
"""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import replace
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from ..config import Registry, run_name
from ..errors import BadSetting
from ..home import find_checkpoint
from .rows_table import rows_table
from .training import run_command, run_facts, settled, training_parser

if TYPE_CHECKING:
    from torch import nn

    from ..training.captioning import CaptionerRun
    from ..training.self_critical import SelfCritical

_OPTIONS: dict[str, dict[str, Any]] = {
    "--hold-out": {
        "action": "store_true",
        "help": "validate on every 20th training image, so that the val split can be scored like a test "
        "split",
    },
    "--start-from": {
        "type": find_checkpoint,
        "metavar": "NAME",
        "help": "a checkpoint of the same network to begin with",
    },
    "--distil-from": {
        "type": find_checkpoint,
        "nargs": "+",
        "default": [],
        "metavar": "NAME",
        "help": "lexical heads whose mean prediction of the training pictures a lexical head learns beside "
        "people's captions; --set taught=0.9: almost that alone",
    },
    "--split": {
        "default": "train",
        "help": "what to train on (default: %(default)s); the val split is what is validated on",
    },
    "--augment": {
        "type": int,
        "metavar": "N",
        "help": "train on N cached views of every picture: whole, mirrored, crops",
    },
    "--fine-tune": {
        "action": "store_true",
        "help": "train the CNN, too: every picture passes through it in every epoch",
    },
    "--eight-bits": {
        "action": "store_true",
        "help": "store matrices that hold a row for each word in eight bits",
    },
    "--random-backbone": {
        "action": "store_true",
        "help": "a CNN with random weights: for tests and timings only",
    },
    "--self-critical": {
        "type": find_checkpoint,
        "metavar": "NAME",
        "help": "go on from this checkpoint, for the CIDEr-D of the captions that it generates itself",
    },
    "--baseline": {
        "default": "mean",
        "help": "of the reward: mean (of the other samples) or greedy (default: %(default)s)",
    },
    "--samples": {
        "type": int,
        "default": 5,
        "metavar": "N",
        "help": "captions drawn of each image (default: %(default)s)",
    },
    "--learns": {
        "default": "all",
        "help": "of a self-critical training: all weights, or biases only (default: %(default)s)",
    },
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Train a captioner, save it with its card, and print its directory."""
    return run_command(options(), arguments, variants_table, _started)


def options() -> argparse.ArgumentParser:
    """The command's options."""
    return training_parser(
        "train-captioner",
        __doc__ or "",
        usual="default: model2-lite",
        precision="auto",
        more=_OPTIONS,
    )


def _started(given: argparse.Namespace) -> "CaptionerRun":
    variant, config, self_critical = _what(given)
    config = settled(given, config)
    if given.augment is not None:
        config = replace(config, views=given.augment)
    facts = run_facts(given, variant, config, run_name(variant, config, _rows()[variant]))
    from ..training.captioning import CaptionerRun

    return CaptionerRun(
        **facts,
        split=given.split,
        hold_out=given.hold_out,
        start=given.self_critical or given.start_from,
        self_critical=self_critical,
        fine_tune=given.fine_tune,
        teachers=tuple(given.distil_from),
        random_backbone=given.random_backbone,
        eight_bits=given.eight_bits,
    )


def _what(given: argparse.Namespace) -> "tuple[str, Any, SelfCritical | None]":
    """The variant, its settings, and how to train it self-critically if so."""
    if not given.self_critical:
        if given.learns != "all":
            raise BadSetting(
                "--learns says what a self-critical training changes. Add --self-critical DIR, or leave it "
                "out."
            )
        variant = given.variant or "model2-lite"
        return variant, _rows()[variant], None
    if given.variant or given.start_from or given.fine_tune:
        raise BadSetting(
            "--self-critical goes on from its checkpoint's variant and weights: leave those options out."
        )
    if not given.out:
        raise BadSetting("Where shall the better checkpoint go? Give --out DIR.")
    from ..models.captioning.config import CAPTIONER
    from ..models.checkpoint import read_checkpoint
    from ..training.self_critical import CHANGES, SelfCritical

    checkpoint = read_checkpoint(given.self_critical, CAPTIONER)
    how = SelfCritical(given.baseline, given.samples, given.learns)
    return checkpoint.variant, replace(checkpoint.config, **CHANGES), how


def _rows() -> Registry[Any]:
    """What this command trains: captioners, and lexical heads."""
    from ..models.captioning.config import VARIANTS
    from ..models.lexical.config import LEXICAL_HEADS

    return Registry("variant", {**VARIANTS, **LEXICAL_HEADS})


def variants_table() -> str:
    """The variants as a table: what they are made of, and how many parameters learn with a vocabulary of
    2,933 words (Flickr8k's)."""
    columns: dict[str, Callable[[Any], Any]] = {
        "CNN": attrgetter("backbone"),
        "decoder": lambda row: getattr(row, "decoder", "lexical"),
        "E": lambda row: getattr(row, "embed_dim", None),
        "H": attrgetter("hidden_dim"),
        "layers": lambda row: getattr(row, "layers", None),
        "words": lambda row: row.word_vectors or "learned",
    }
    return rows_table("variant", columns, _rows(), _network, 2933)


def _network(config: Any, words: int) -> "nn.Module":
    from ..training.captioning import network_of

    return network_of(config, words)
