"""Train an embedding space of images and sentences on frozen features.

    captionret train-embedding --variant vse++ --data flickr8k:data/flickr8k
    captionret train-embedding --variant vse --data vse:data/f8k --set margin=0.1 --set dim=512 --out NAME
    captionret train-embedding --variant devise --data pascal:data/pascal --set targets=labels
    captionret train-embedding --variant skipthought-rank --data coco:data/coco --set skipthought=DIR
    captionret train-embedding --config run.toml
    captionret train-embedding --list

Ctrl-C saves where the training stands; the same command with --resume goes on from there.
"""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING

from ..config import run_name
from ..errors import BadSetting
from .rows_table import rows_table
from .training import run_command, run_facts, settled, training_parser

if TYPE_CHECKING:
    from torch import nn

    from ..models.embedding.config import EmbeddingConfig
    from ..training.embedding import EmbeddingRun

# What else the original programs have options for, and what takes its place here; the loss is shown after
# every batch.
OLD_OPTIONS = {
    "data": "--data",
    "saveto": "--out",
    "reload_": "--resume",
    "max_violation": "loss=hardest",
    "dispFreq": "always",
}
FIELDS = """margin dim word_dim feature_dim sentence_tower negatives loss optimizer learning_rate epochs
batch_size weight_decay clip_norm max_words validate_every""".split()


def main(arguments: Sequence[str] | None = None) -> int:
    """Train an embedding space, save it with its card, and print its directory."""
    return run_command(options(), arguments, models_table, _started)


def options() -> argparse.ArgumentParser:
    """The command's options."""
    found = training_parser("train-embedding", __doc__ or "", usual="to be given", was="--model")
    found.add_argument(
        "--words-from",
        metavar="NAME",
        help="with picture_words=True: the lexical head that predicts the words which the image tower reads, "
        "its name or directory (default: the shipped one)",
    )
    found.add_argument(
        "--eight-bits", action="store_true", help="store the rows of words in eight bits, half of float16"
    )
    found.epilog = fields_help()
    return found


def _started(given: argparse.Namespace) -> "EmbeddingRun":
    from ..models.embedding.rows import EMBEDDING_MODELS

    if given.variant is None:
        raise BadSetting("Which variant shall be trained? Give --variant NAME; --list shows them.")
    row = EMBEDDING_MODELS[given.variant]
    config = settled(given, row)
    if given.words_from and not config.picture_words:
        raise BadSetting("--words-from is for a space that reads words. Set picture_words=True with it.")
    name = run_name(given.variant, replace(config, skipthought=None), row)
    if config.skipthought:
        name += f"-{Path(config.skipthought).name}"
    facts = run_facts(given, given.variant, config, name)
    from ..training.embedding import EmbeddingRun, fitting

    facts |= {"config": fitting(config, facts["dataset"]), "eight_bits": given.eight_bits}
    if config.picture_words:
        from ..app.trainings import words_by

        facts["words"] = words_by(given.words_from, given.features, given.device)
    return EmbeddingRun(**facts)


def models_table() -> str:
    """The models as a table: towers, loss, and how many parameters learn with a vocabulary of 7,371 words
    (Flickr8k's)."""
    from ..models.embedding.rows import EMBEDDING_MODELS

    names = ("image_tower", "sentence_tower", "dim", "loss", "targets")
    columns = {name.replace("_", " "): attrgetter(name) for name in names}
    return rows_table("variant", columns, EMBEDDING_MODELS, _network, 7371)


def _network(config: "EmbeddingConfig", words: int) -> "nn.Module":
    from ..models.embedding.network import EmbeddingNetwork

    return EmbeddingNetwork(config, words)


def fields_help() -> str:
    """The fields that are most often set, with what the original programs call them, and where their other
    options went."""
    from ..models.embedding.config import EmbeddingConfig

    usual = EmbeddingConfig()
    known = {one.name: one.metadata["elsewhere"] or one.name for one in usual.known_fields()}
    lines = [f"  {name:<16}{known[name]:<16}{getattr(usual, name)}" for name in FIELDS]
    return "\n".join(
        [
            "fields of --set (either name will do) and other options:",
            f"  {'here':<16}{'in VSE':<16}usually",
            *lines,
            *(f"  {here:<16}{name}" for name, here in OLD_OPTIONS.items()),
            "All fields, and what they mean, stand in captionret/models/embedding/config.py.",
        ]
    )
