"""Annotate a picture with the captions of a collection that fit it best, or with the words that do.

    captionret annotate --image q.jpg
    captionret annotate --image q.jpg --captions-from coco:data/coco
    captionret annotate --image https://example.org/q.jpg --checkpoint checkpoints/mine      # is downloaded

The words are the vocabulary of the training captions, or for a space of word vectors all words that have one:
labels that it was never trained on are found, too. Up to 200,000 words or captions are all compared; more are
searched through an index, where --search approximate has made one.
"""

import argparse
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..app.places import checkpoint_path
from ..errors import BadSetting
from ..home import data_folder
from .options import FOUND, add_device, parser, path_argument

if TYPE_CHECKING:  # it imports torch, which --help does without
    from ..models.embedding.model import EmbeddingModel


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the captions or words that fit a picture, the best first."""
    given = _parse(arguments)
    if given.top < 1:
        raise BadSetting(f"--top must be at least 1, not {given.top}.")
    if not given.image:
        raise BadSetting("--image is empty. Give a file, or a web address.")
    from ..app.annotating import Choices, annotate

    choices = Choices(given.captions_from, given.split, given.search, given.indexes)
    _show(given, annotate(lambda: _space(given), given.image, choices, given.top))
    return FOUND


def _space(given: argparse.Namespace) -> "EmbeddingModel":
    from ..models.embedding.model import EmbeddingModel

    return EmbeddingModel.load(checkpoint_path(given.checkpoint), given.device)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    options = parser("annotate", __doc__ or "")
    options.add_argument(
        "--checkpoint",
        default="photos-space",
        metavar="NAME",
        help="an embedding space: a name or a directory (default: %(default)s, the shipped one)",
    )
    options.add_argument(
        "--image", required=True, metavar="FILE|URL", help="a picture, or a web address of one"
    )
    which = options.add_mutually_exclusive_group()
    which.add_argument("--captions-from", metavar="KIND:PATH", help="the collection to take captions from")
    which.add_argument("--labels", action="store_true", help="answer with words (the default)")
    options.add_argument(
        "--split", default="train", help="of the collection; all: every caption (default: %(default)s)"
    )
    options.add_argument(
        "--top", type=int, default=5, metavar="N", help="at most so many (default: %(default)s)"
    )
    options.add_argument(
        "--search",
        choices=("exact", "approximate"),
        help="compare with everything, or through an index that is made once, in minutes, and kept (default: "
        "see above)",
    )
    options.add_argument(
        "--indexes",
        type=path_argument,
        default=data_folder("indexes"),
        metavar="DIR",
        help="where it is kept, and the vectors of words and captions (default: %(default)s)",
    )
    options.add_argument("--json", action="store_true", help="print the answer as JSON")
    add_device(options)
    return options.parse_args(arguments)


def _show(given: argparse.Namespace, found: Sequence[tuple[float, str]]) -> None:
    from ..report.terminal import Value, table

    if given.json:
        kind = "labels" if given.captions_from is None else "captions"
        print(
            json.dumps(
                {"image": given.image, kind: [{"text": text, "score": score} for score, text in found]},
                indent=1,
            )
        )
    else:
        rows: list[list[Value]] = [
            [rank, f"{score:.2f}", text] for rank, (score, text) in enumerate(found, 1)
        ]
        print(table(("", "score", "word" if given.captions_from is None else "caption"), rows))
