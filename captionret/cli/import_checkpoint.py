"""Turn the published files of the original captioning tutorial into a checkpoint that captionret opens."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from ..errors import CaptionretError


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    parser = argparse.ArgumentParser(prog="import_checkpoint.py", description=__doc__)
    parser.add_argument("--encoder", type=Path, required=True, metavar="FILE", help="encoder-5-3000.pkl")
    parser.add_argument("--decoder", type=Path, required=True, metavar="FILE", help="decoder-5-3000.pkl")
    parser.add_argument("--vocab", type=Path, required=True, metavar="FILE", help="vocab.pkl, published with these weights")
    parser.add_argument("--backbone", default="resnet152", metavar="NAME", help="the CNN they were trained with (default: %(default)s)")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="the checkpoint to write, e.g. checkpoints/NAME")
    given = parser.parse_args(arguments)

    from ..models.import_published import import_published  # torch takes seconds; --help should not

    try:
        made = import_published(given.encoder, given.decoder, given.vocab, given.backbone, given.out)
    except CaptionretError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    config = made.config
    sizes = f"E {config.embed_dim}, H {config.hidden_dim}, {config.layers} layer(s), {len(made.vocabulary):,} words"
    print(f"{made.variant}: {config.backbone}, {sizes}", file=sys.stderr)
    print(given.out)
    return 0
