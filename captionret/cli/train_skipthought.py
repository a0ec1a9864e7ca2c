"""Train a skip-thought encoder: sentences into vectors, learned from which sentences stand beside each other.

    python scripts/train_skipthought.py --direction uni --data flickr8k:data/flickr8k --also coco:data/coco --out checkpoints/uni
    python scripts/train_skipthought.py --direction bi --data text:book.txt --set hidden_dim=512
    python scripts/train_skipthought.py --combine checkpoints/uni checkpoints/bi --out checkpoints/combined
    python scripts/train_skipthought.py --list

A text holds a sentence on each line, in order; blank lines part what does not belong together. The captions
of an image are each other's neighbours. Ctrl-C saves where the training stands; the same command with
--resume goes on from there.
"""  # noqa: E501

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace

from ..app.places import checkpoint_path, checkpoints_folder
from ..errors import BadSetting
from .options import FOUND, add_device, command_again, parser, path_argument, refuse_to_overwrite, say


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    given = _parse(arguments)
    command = command_again("train-skipthought", sys.argv[1:] if arguments is None else arguments)
    if given.list:
        print(models_table())
    elif given.combine:
        _combine(given, command)
    else:
        _train(given, command)
    return FOUND


def _train(given: argparse.Namespace, command: str) -> None:
    from ..config import run_name
    from ..models.sentence.skipthought.config import SKIP_THOUGHTS

    if given.data is None or given.direction is None:
        raise BadSetting(
            "What shall be trained on which sentences? Give --direction uni or bi, and --data KIND:PATH."
        )
    row = replace(SKIP_THOUGHTS[given.model], direction=given.direction)
    config = row.with_settings(given.set)
    name = f"{config.direction}-{run_name(given.model, config, replace(row, direction=config.direction))}"
    out = given.out or checkpoints_folder() / f"{name}-{given.data.partition(':')[0]}"
    refuse_to_overwrite(out, given.resume)

    from ..datasets import open_dataset
    from ..models.device import choose_device
    from ..models.sentence.skipthought.card import write_skipthought_card
    from ..training.skipthought import SkipThoughtRun, train_skipthought

    device = choose_device(given.device)
    dataset, *also = [open_dataset(spec) for spec in (given.data, *given.also)]
    for one in (dataset, *also):
        say(one.summary())
    run = SkipThoughtRun(
        name=given.model,
        config=config,
        dataset=dataset,
        out=out,
        also=tuple(also),
        seed=given.seed,
        patience=given.patience,
        command=command,
        half=given.half,
    )
    training = train_skipthought(run, device, given.resume).training
    write_skipthought_card(out)
    best = training["history"][training["best_epoch"] - 1]
    say(
        f"Kept epoch {best['epoch']}: perplexity {best['perplexity']:.2f} in validation; "
        f"{training['seconds']:.0f} s in all."
    )
    print(out)


def _combine(given: argparse.Namespace, command: str) -> None:
    if given.out is None:
        raise BadSetting("Where shall the combined encoder go? Give --out DIR.")
    if given.resume or given.set or given.data or given.direction:
        raise BadSetting(
            "--combine takes two trained encoders as they are: leave --data, --direction, --set and --resume "
            "out."
        )
    if (given.out / "config.json").exists():
        raise BadSetting(f"{given.out} already holds a checkpoint. Choose another --out, or delete it first.")

    from ..models.sentence.skipthought.card import write_skipthought_card
    from ..training.skipthought import combine

    uni, bi = (checkpoint_path(path) for path in given.combine)
    checkpoint = combine(uni, bi, given.out, command, given.half)
    write_skipthought_card(given.out)
    say(f"{checkpoint.config.dim:,} dimensions, {len(checkpoint.vocabulary):,} words.")
    print(given.out)


def models_table() -> str:
    """The rows as a table, with how many parameters an encoder and its decoders have with a vocabulary of
    2,922 words (Flickr8k's)."""
    import torch

    from ..models.sentence.skipthought.config import SKIP_THOUGHTS
    from ..models.trained import count_parameters
    from ..report.terminal import Value, table
    from ..training.skipthought import SkipThoughtNetwork

    rows: list[list[Value]] = []
    with torch.device("meta"):  # without any values: the published one's would take half a minute
        for name, row in SKIP_THOUGHTS.items():
            size = count_parameters(SkipThoughtNetwork(row, 2922))
            rows.append(
                [name, row.word_dim, row.hidden_dim, row.vocabulary_size, row.batch_size, row.epochs, size]
            )
    return table(["model", "word_dim", "hidden_dim", "words", "batch", "epochs", "parameters"], rows)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    options = parser("train-skipthought", __doc__ or "")
    options.epilog = (
        "All fields of --set, and what they mean, stand in captionret/models/sentence/skipthought/config.py."
    )
    options.add_argument(
        "--direction",
        choices=("uni", "bi"),
        help="a GRU that reads forwards, or two of half the size, forwards and backwards",
    )
    options.add_argument(
        "--model",
        default="skip-lite",
        help="a row of --list (default: %(default)s); skip is the published one",
    )
    options.add_argument("--list", action="store_true", help="print the models and stop")
    options.add_argument("--data", metavar="KIND:PATH", help="text:FILE, flickr8k:DIR, coco:DIR ...")
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
        help="change a field of the model, e.g. hidden_dim=512; repeatable",
    )
    options.add_argument(
        "--combine",
        nargs=2,
        metavar=("UNI", "BI"),
        help="make one encoder of two trained ones: directories, or names in checkpoints/",
    )
    options.add_argument(
        "--out",
        type=path_argument,
        metavar="DIR",
        help="the checkpoint directory (default: checkpoints/DIRECTION-MODEL-KIND)",
    )
    options.add_argument("--resume", action="store_true", help="go on with a training that was cut")
    options.add_argument("--half", action="store_true", help="store the weights as float16")
    options.add_argument("--seed", type=int, default=0)
    options.add_argument(
        "--patience",
        type=int,
        default=3,
        metavar="N",
        help="stop after N epochs that were no better (default: %(default)s)",
    )
    add_device(options)
    return options.parse_args(arguments)
