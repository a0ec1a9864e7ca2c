"""Annotate a picture with the captions of a collection that fit it best, or with the words that do.

    captionret annotate --checkpoint photos-space --image q.jpg
    captionret annotate --checkpoint photos-space --image q.jpg --captions-from coco:data/coco
    captionret annotate --checkpoint photos-space --image https://example.org/q.jpg          # is downloaded

The words are the vocabulary of the training captions, or for a space of word vectors all words that have one:
labels that it was never trained on are found, too. Up to 200,000 words or captions are all compared; more are
searched through an index, where --search approximate has made one.
"""

import argparse
import hashlib
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..app.places import checkpoint_path
from ..errors import BadDataset, BadImage, BadSetting
from ..fetching import fetch, is_address
from ..home import data_folder
from ..images import open_image
from ..retrieval.index.nearest import EXACT_UP_TO, ExactIndex, open_index
from ..text import STOP_WORDS
from .options import FOUND, add_device, parser, path_argument, say

if TYPE_CHECKING:  # it imports torch, which --help does without
    from ..models.embedding.model import EmbeddingModel


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the captions or words that fit a picture, the best first."""
    given = _parse(arguments)
    if given.top < 1:
        raise BadSetting(f"--top must be at least 1, not {given.top}.")

    from ..models.embedding.model import EmbeddingModel

    with tempfile.TemporaryDirectory() as folder:
        path = _local(given.image, Path(folder))
        model = EmbeddingModel.load(checkpoint_path(given.checkpoint), given.device)
        vector = model.encode_images([path])[0]  # (D,)
    texts, vectors = _words(model) if given.captions_from is None else _captions(model, given)
    rows, scores = _index(given, model, texts, vectors).search(vector[None], given.top)
    _show(
        given, [(score, texts[row]) for row, score in zip(rows[0].tolist(), scores[0].tolist(), strict=True)]
    )
    return FOUND


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    options = parser("annotate", __doc__ or "")
    options.add_argument(
        "--checkpoint",
        required=True,
        metavar="DIR",
        help="an embedding space: a directory, or a name in checkpoints/",
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
    options.add_argument("--top", type=int, default=5, metavar="N", help="(default: %(default)s)")
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
        help="where it is kept (default: %(default)s)",
    )
    options.add_argument("--json", action="store_true", help="print the answer as JSON")
    add_device(options)
    return options.parse_args(arguments)


def _local(image: str, folder: Path) -> Path:
    """The picture as a file that can be read; what an address leads to is put into `folder`."""
    if not image:
        raise BadSetting("--image is empty. Give a file, or a web address.")
    if not is_address(image):
        path = Path(image).expanduser()
        open_image(path, at_least=1)  # before anything is loaded in vain
        return path
    content = fetch(image)
    try:
        open_image(content, at_least=1)
    except BadImage as error:
        raise BadImage(str(error).replace("the given picture", image)) from None
    path = folder / "picture"
    path.write_bytes(content)
    return path


def _index(
    given: argparse.Namespace, model: "EmbeddingModel", texts: Sequence[str], vectors: np.ndarray
) -> ExactIndex:
    """What finds the nearest of the texts. Without --search an index is used but not made: for one picture
    that would not pay."""
    if given.search == "exact":
        return ExactIndex(vectors)
    key = hashlib.sha256("\n".join([model.fingerprint, *texts]).encode()).hexdigest()[:24]
    file = given.indexes / f"{'words' if given.captions_from is None else 'captions'}-{key}.graph"
    made = given.search == "approximate"
    return open_index(
        vectors, file, 0 if made else EXACT_UP_TO, build=made, progress=True, note=say if made else _silent
    )


def _silent(text: str) -> None:
    """That all are compared is the usual thing."""


def _words(model: "EmbeddingModel") -> tuple[list[str], np.ndarray]:
    words = sorted(word for word in model.words() if word not in STOP_WORDS)  # ties by spelling
    return words, model.encode_words(words)


def _captions(model: "EmbeddingModel", given: argparse.Namespace) -> tuple[list[str], np.ndarray]:
    """The different captions of the collection that can be read, and their vectors."""
    from ..datasets import open_dataset

    dataset = open_dataset(given.captions_from)
    say(dataset.summary())
    items = dataset.split(given.split if dataset.splits() else "all")
    captions = sorted(
        {caption for item in items for caption in item.captions if not model.read.missing_reason(caption)}
    )
    if not captions:
        raise BadDataset(
            f"{dataset.spec}, split {given.split}, holds no caption that {model.name} can read. Choose "
            "another collection."
        )
    return captions, model.encode_texts(captions, progress=True)


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
