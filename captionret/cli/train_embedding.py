"""Train an embedding space of images and sentences on frozen features.

    python scripts/train_embedding.py --model vse++ --data flickr8k:data/flickr8k
    python scripts/train_embedding.py --model vse --data vse:data/f8k --set margin=0.1 --set dim=512 --out checkpoints/mine
    python scripts/train_embedding.py --model devise --data pascal:data/pascal --set targets=labels
    python scripts/train_embedding.py --model skipthought-rank --data flickr8k:data/flickr8k --set skipthought=checkpoints/uni
    python scripts/train_embedding.py --list

Ctrl-C saves where the training stands; the same command with --resume goes on from there.
"""  # noqa: E501

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..app.places import checkpoints_folder
from ..errors import BadSetting
from ..home import data_folder
from .options import FOUND, add_device, command_again, parser, path_argument, refuse_to_overwrite, say

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
    """Run the command; return its exit code."""
    given = _parse(arguments)
    if given.list:
        print(models_table())
        return FOUND
    if given.model is None:
        raise BadSetting("Which model shall be trained? Give --model NAME; --list shows them.")

    from ..config import run_name
    from ..datasets import open_dataset
    from ..models.device import choose_device
    from ..models.embedding.card import write_embedding_card
    from ..models.embedding.rows import EMBEDDING_MODELS
    from ..training.embedding import EmbeddingRun, fitting, train_embedding_space

    config = EMBEDDING_MODELS[given.model].with_settings(given.set)
    device = choose_device(given.device)
    dataset, *also = [open_dataset(spec) for spec in (given.data, *given.also)]
    for one in (dataset, *also):
        say(one.summary())
    name = run_name(given.model, replace(config, skipthought=None), EMBEDDING_MODELS[given.model])
    config = fitting(config, dataset)
    if config.skipthought:
        name += f"-{Path(config.skipthought).name}"
    out = given.out or checkpoints_folder() / f"{name}-{given.data.partition(':')[0]}"
    refuse_to_overwrite(out, given.resume)
    run = EmbeddingRun(
        name=given.model,
        config=config,
        dataset=dataset,
        out=out,
        also=tuple(also),
        seed=given.seed,
        patience=given.patience,
        command=command_again("train-embedding", sys.argv[1:] if arguments is None else arguments),
        features_root=given.features,
        half=given.half,
    )
    checkpoint, failures = train_embedding_space(
        run, _backbone(config.backbone, device), device, given.resume
    )
    for reason in failures:
        say(f"left out: {reason}")
    write_embedding_card(out)
    say(kept(checkpoint.training))
    print(out)
    return FOUND


def kept(training: Mapping[str, Any]) -> str:
    """What a training ended with, in a sentence or two."""
    best = training["history"][training["best_epoch"] - 1]
    measured = [
        f"{name} {best[name]:.4g}"
        for name in ("rsum", "triple_accuracy", "true_rank", "hit5", "unseen_hit5")
        if name in best
    ]
    said = f"Kept validation {best['epoch']}: {', '.join(measured)}; {training['seconds']:.0f} s in all."
    if left_out := training.get("captions_left_out"):
        said += f" {left_out:,} captions were left out: no word of theirs can be read."
    return said


def models_table() -> str:
    """The models as a table: towers, loss, and how many parameters learn with a vocabulary of 7,371 words
    (Flickr8k's)."""
    from ..models.embedding.network import EmbeddingNetwork
    from ..models.embedding.rows import EMBEDDING_MODELS
    from ..models.trained import count_parameters
    from ..report.terminal import Value, table

    rows: list[list[Value]] = [
        [
            name,
            row.image_tower,
            row.sentence_tower,
            row.dim,
            row.loss,
            row.targets,
            count_parameters(EmbeddingNetwork(row, 7371)),
        ]
        for name, row in EMBEDDING_MODELS.items()
    ]
    return table(["model", "image tower", "sentence tower", "dim", "loss", "targets", "parameters"], rows)


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


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    options = parser("train-embedding", __doc__ or "")
    options.epilog = fields_help()
    options.add_argument("--model", help="a row of --list")
    options.add_argument("--list", action="store_true", help="print the models and stop")
    options.add_argument(
        "--data",
        default="scenes",
        metavar="KIND:PATH",
        help="coco:DIR, flickr8k:DIR, vse:DIR/NAME ... (default: the built-in scenes)",
    )
    options.add_argument(
        "--also",
        action="append",
        default=[],
        metavar="KIND:PATH",
        help="train on this collection's train split, too; repeatable",
    )
    options.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="FIELD=VALUE",
        help="change a field of the model, see below; repeatable",
    )
    options.add_argument(
        "--out",
        type=path_argument,
        metavar="DIR",
        help="the checkpoint directory (default: checkpoints/MODEL-KIND)",
    )
    options.add_argument("--resume", action="store_true", help="go on with a training that was cut")
    options.add_argument("--half", action="store_true", help="store the weights as float16")
    options.add_argument("--seed", type=int, default=0)
    options.add_argument(
        "--patience",
        type=int,
        default=5,
        metavar="N",
        help="stop after N epochs that were no better (default: %(default)s)",
    )
    options.add_argument(
        "--features",
        type=path_argument,
        default=data_folder("features"),
        metavar="DIR",
        help="the feature cache (default: %(default)s)",
    )
    add_device(options)
    return options.parse_args(arguments)


def _backbone(name: str, device: Any) -> Any:
    from ..models.embedding.config import PRECOMPUTED
    from ..models.vision.backbones import load_backbone

    return None if name == PRECOMPUTED else load_backbone(name, device=device)
