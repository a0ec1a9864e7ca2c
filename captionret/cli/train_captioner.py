"""Train a captioner on frozen features.

    captionret train-captioner                                      # model2-lite on the built-in scenes
    captionret train-captioner --variant model1-lite --data flickr8k:data/flickr8k
    captionret train-captioner --variant model2 --data coco:data/coco --epochs 5 --set dropout=0.3
    captionret train-captioner --config run.toml
    captionret train-captioner --list

Ctrl-C saves where the training stands; the same command with --resume goes on from there.
"""

import argparse
import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..config import Registry, run_name
from ..errors import BadSetting
from ..home import find_checkpoint
from .options import FOUND
from .training import add_options, finished, opened, parsed, place, run_facts, settled, training_parser

if TYPE_CHECKING:
    from ..models.captioning.config import CaptionerConfig
    from ..models.lexical.config import LexicalConfig
    from ..training.self_critical import SelfCritical

log = logging.getLogger(__name__)


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
        "help": "of the reward: mean (of the other samples, default) or greedy",
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
    given = parsed(options(), arguments)
    if given.list:
        print(variants_table())
        return FOUND

    from ..models.device import choose_device
    from ..report.plots import training_curve
    from ..training.captioning import CaptionerRun, train_captioner

    variant, config, self_critical = _what(given)
    config = settled(given, config)
    if given.augment is not None:
        config = replace(config, views=given.augment)
    device = choose_device(given.device)
    datasets = opened(given)
    run = CaptionerRun(
        name=variant,
        config=config,
        out=place(given, run_name(variant, config, _rows()[variant])),
        **run_facts(given, datasets),
        split=given.split,
        hold_out=given.hold_out,
        start=given.self_critical or given.start_from,
        self_critical=self_critical,
        fine_tune=given.fine_tune,
    )
    trained = train_captioner(run, _backbone(config.backbone, given, device), device, given.resume)
    curve = training_curve(trained[0].training["history"], run.out / "training.png")
    log.info(f"The training curve: {curve}")
    return finished(run.out, trained)


def options() -> argparse.ArgumentParser:
    """The command's options."""
    found = training_parser(
        "train-captioner",
        __doc__ or "",
        row="--variant",
        usual="model2-lite",
        patience=5,
        precision="auto",
        data="scenes",
    )
    add_options(found, _OPTIONS)
    return found


def _what(given: argparse.Namespace) -> "tuple[str, CaptionerConfig | LexicalConfig, SelfCritical | None]":
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


def _backbone(name: str, given: argparse.Namespace, device: Any) -> Any:
    import torch

    from ..models.vision.backbones import load_backbone

    if given.random_backbone:
        log.warning(f"Random weights for {name}, as asked for: the captions will mean nothing.")
        torch.manual_seed(given.seed)
    return load_backbone(name, random=given.random_backbone, device=device, frozen=not given.fine_tune)
