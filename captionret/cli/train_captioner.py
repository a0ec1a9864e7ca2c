"""Train a captioner on frozen features.

    python scripts/train_captioner.py                                              # model2-lite on the built-in scenes
    python scripts/train_captioner.py --variant model1-lite --data flickr8k:data/flickr8k
    python scripts/train_captioner.py --variant model2 --data coco:data/coco --epochs 5 --set dropout=0.3
    python scripts/train_captioner.py --list

Ctrl-C saves where the training stands; the same command with --resume goes on from there.
"""  # noqa: E501

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..app.places import checkpoints_folder, data_folder
from ..config import Registry
from ..errors import BadSetting
from .options import FOUND, add_device, command_again, parser, path_argument, refuse_to_overwrite, say


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    given = _parse(arguments)
    if given.list:
        print(variants_table())
        return FOUND

    from ..config import run_name
    from ..datasets import open_dataset
    from ..models.card import write_card
    from ..models.device import choose_device
    from ..training.captioning import TrainingRun, train_captioner

    variant, config, self_critical = _what(given)
    config = config.with_settings(given.set)
    changes: dict[str, Any] = {"epochs": given.epochs, "batch_size": given.batch_size, "views": given.augment}
    config = replace(config, **{name: value for name, value in changes.items() if value is not None})
    device = choose_device(given.device)
    dataset = open_dataset(given.data)
    also = tuple(open_dataset(spec) for spec in given.also)
    for one in (dataset, *also):
        say(one.summary())
    out = (
        Path(given.out)
        if given.out
        else checkpoints_folder()
        / f"{run_name(variant, config, _rows()[variant])}-{given.data.partition(':')[0]}"
    )
    refuse_to_overwrite(out, given.resume)
    run = TrainingRun(
        variant=variant,
        config=config,
        dataset=dataset,
        out=out,
        split=given.split,
        seed=given.seed,
        patience=given.patience,
        precision=given.precision,
        command=command_again("train-captioner", sys.argv[1:] if arguments is None else arguments),
        features_root=Path(given.features),
        also=also,
        hold_out=given.hold_out,
        start=given.self_critical or given.start_from,
        self_critical=self_critical,
        fine_tune=given.fine_tune,
        half=given.half,
    )
    checkpoint, failures = train_captioner(
        run, _backbone(config.backbone, given, device), device, given.resume
    )
    for reason in failures:
        say(f"left out: {reason}")
    write_card(out)
    _draw_curve(checkpoint.training["history"], out)
    best = checkpoint.training["history"][checkpoint.training["best_epoch"] - 1]
    seconds = checkpoint.training["seconds"]
    reached = (
        f"CIDEr-D {best['cider_d']:.1f} with greedy captions"
        if "cider_d" in best
        else f"NDCG@10 {best['ndcg10']:.1f}"
    )
    say(f"Kept epoch {best['epoch']}: {reached} in validation; {seconds:.0f} s in all.")
    print(out)
    return FOUND


def _what(given: argparse.Namespace) -> tuple[str, Any, Any]:
    """The variant, its settings, and how to train it self-critically if so."""
    from ..models.checkpoint import load_checkpoint
    from ..training.self_critical import CHANGES, SelfCritical

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
    checkpoint = load_checkpoint(given.self_critical)
    return (
        checkpoint.variant,
        replace(checkpoint.config, **CHANGES),
        SelfCritical(given.baseline, given.samples, given.learns),
    )


def _rows() -> Registry[Any]:
    """What this command trains: captioners, and lexical heads."""
    from ..models.captioning.config import VARIANTS
    from ..models.lexical.config import LEXICAL_HEADS

    return Registry("variant", {**VARIANTS, **LEXICAL_HEADS})


def variants_table() -> str:
    """The variants as a table: what they are made of, and how many parameters learn with a vocabulary of
    2,933 words (Flickr8k's)."""
    from ..models.captioning.config import VARIANTS
    from ..models.captioning.decoders import make_decoder
    from ..models.lexical.config import LEXICAL_HEADS
    from ..models.lexical.network import make_network
    from ..models.trained import count_parameters
    from ..report.terminal import Value, table

    rows: list[list[Value]] = [
        [
            name,
            row.backbone,
            row.decoder,
            row.embed_dim,
            row.hidden_dim,
            row.layers,
            row.word_vectors or "learned",
            count_parameters(make_decoder(row, 2933)),
        ]
        for name, row in VARIANTS.items()
    ]
    rows += [
        [
            name,
            head.backbone,
            "lexical",
            None,
            head.hidden_dim,
            None,
            None,
            count_parameters(make_network(head, 2933)),
        ]
        for name, head in LEXICAL_HEADS.items()
    ]
    return table(["variant", "CNN", "decoder", "E", "H", "layers", "words", "parameters"], rows)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    options = parser("train-captioner", __doc__ or "")
    options.add_argument("--variant", help="a row of --list (default: model2-lite)")
    options.add_argument("--list", action="store_true", help="print the variants and stop")
    options.add_argument(
        "--data",
        default="scenes",
        metavar="KIND:PATH",
        help="coco:DIR, flickr8k:DIR, table:FILE ... (default: the built-in scenes)",
    )
    options.add_argument(
        "--also",
        action="append",
        default=[],
        metavar="KIND:PATH",
        help="train on this collection's train split, too; repeatable",
    )
    options.add_argument(
        "--hold-out",
        action="store_true",
        help="validate on every 20th training image, so that the val split can be scored like a test split",
    )
    options.add_argument(
        "--start-from",
        type=path_argument,
        metavar="DIR",
        help="a checkpoint of the same network to begin with",
    )
    options.add_argument(
        "--self-critical",
        type=path_argument,
        metavar="DIR",
        help="go on from this checkpoint, for the CIDEr-D of what it says itself",
    )
    options.add_argument(
        "--baseline", default="mean", help="of the reward: mean (of the other samples, default) or greedy"
    )
    options.add_argument(
        "--samples",
        type=int,
        default=5,
        metavar="N",
        help="captions drawn of each image (default: %(default)s)",
    )
    options.add_argument(
        "--learns",
        default="all",
        help="of a self-critical training: all weights, or biases only (default: %(default)s)",
    )
    options.add_argument(
        "--split",
        default="train",
        help="what to train on (default: %(default)s); the val split is what is validated on",
    )
    options.add_argument(
        "--out", metavar="DIR", help="the checkpoint directory (default: checkpoints/VARIANT-KIND)"
    )
    options.add_argument("--epochs", type=int, metavar="N")
    options.add_argument("--batch-size", type=int, metavar="N", help="in captions")
    options.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="FIELD=VALUE",
        help="change a field of the variant, e.g. hidden_dim=256; repeatable",
    )
    options.add_argument(
        "--augment",
        type=int,
        metavar="N",
        help="train on N cached views of every picture: whole, mirrored, crops",
    )
    options.add_argument(
        "--fine-tune",
        action="store_true",
        help="train the CNN, too: every picture passes through it in every epoch",
    )
    options.add_argument("--resume", action="store_true", help="go on with a training that was cut")
    options.add_argument("--seed", type=int, default=0)
    options.add_argument(
        "--patience",
        type=int,
        default=5,
        metavar="N",
        help="stop after N epochs that were no better (default: %(default)s)",
    )
    options.add_argument("--precision", default="auto", help="float32, bfloat16, or auto (default)")
    options.add_argument("--half", action="store_true", help="store the weights as float16")
    options.add_argument(
        "--features",
        default=str(data_folder("features")),
        metavar="DIR",
        help="the feature cache (default: %(default)s)",
    )
    options.add_argument(
        "--random-backbone", action="store_true", help="a CNN with random weights: for tests and timings only"
    )
    add_device(options)
    return options.parse_args(arguments)


def _backbone(name: str, given: argparse.Namespace, device: Any) -> Any:
    import torch

    from ..models.vision.backbones import load_backbone

    if given.random_backbone:
        say(f"Random weights for {name}, as asked for: the captions will mean nothing.")
        torch.manual_seed(given.seed)
    return load_backbone(name, random=given.random_backbone, device=device, frozen=not given.fine_tune)


def _draw_curve(history: list[dict[str, float]], out: Path) -> None:
    from ..report.plots import training_curve

    say(f"The training curve: {training_curve(history, out / 'training.png')}")
