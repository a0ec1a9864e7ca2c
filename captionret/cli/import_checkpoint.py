"""Turn the published files of the original captioning tutorial into a checkpoint that captionret opens,
without running any of them.

captionret import-checkpoint --encoder encoder-5-3000.pkl --decoder decoder-5-3000.pkl --vocab vocab.pkl \\
    --out checkpoints/NAME
"""

from collections.abc import Sequence
from pathlib import Path

from ..counting import counted
from .options import FOUND, parser, say


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the checkpoint and print its directory."""
    options = parser("import-checkpoint", __doc__ or "")
    options.add_argument("--encoder", type=Path, required=True, metavar="FILE", help="encoder-5-3000.pkl")
    options.add_argument("--decoder", type=Path, required=True, metavar="FILE", help="decoder-5-3000.pkl")
    options.add_argument(
        "--vocab", type=Path, required=True, metavar="FILE", help="vocab.pkl, published with these weights"
    )
    options.add_argument(
        "--backbone",
        default="resnet152",
        metavar="NAME",
        help="the CNN they were trained with (default: %(default)s)",
    )
    options.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="DIR",
        help="the checkpoint to write, e.g. checkpoints/NAME",
    )
    given = options.parse_args(arguments)

    from ..models.captioning.import_published import import_published
    from ..models.card import write_card  # torch takes seconds; --help should not

    made = import_published(given.encoder, given.decoder, given.vocab, given.backbone, given.out)
    write_card(given.out)
    config = made.config
    sizes = (
        f"E {config.embed_dim}, H {config.hidden_dim}, {config.layers} layer(s), "
        f"{counted(len(made.vocabulary), 'words')}"
    )
    say(f"{made.variant}: {config.backbone}, {sizes}")
    print(given.out)
    return FOUND
