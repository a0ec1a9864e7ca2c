"""Say what a picture shows with what others have said: the nearest captions of a collection, or the nearest words.

    python scripts/annotate.py --checkpoint checkpoints/photos-space --image q.jpg
    python scripts/annotate.py --checkpoint checkpoints/photos-space --image https://example.org/q.jpg --captions-from coco:data/coco

The words are the vocabulary of the training captions, or for a space of word vectors all words that have one: labels that it was
never trained on are found, too.
"""

import argparse
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import BadDataset, BadImage, BadSetting
from ..fetching import fetch, is_address
from ..images import open_image
from ..text import STOP_WORDS
from .command import FOUND, add_device, checkpoint_path, parser, say

if TYPE_CHECKING:  # it imports torch, which --help does without
    from ..models.joint import JointModel


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    given = _parse(arguments)
    if given.top < 1:
        raise BadSetting(f"--top must be at least 1, not {given.top}.")

    from ..models.joint import JointModel

    with tempfile.TemporaryDirectory() as folder:
        path = _local(given.image, Path(folder))
        model = JointModel.load(checkpoint_path(given.checkpoint), given.device)
        vector = model.encode_images([path])[0]  # (D,)
    texts, vectors = _words(model) if given.captions_from is None else _captions(model, given)
    scores = vectors @ vector
    order = np.lexsort((np.array(texts), -scores))[: given.top]  # ties by spelling
    found = [(float(scores[row]), texts[row]) for row in order]
    _show(given, found)
    return FOUND


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    options = parser("annotate", __doc__ or "")
    options.add_argument("--checkpoint", required=True, metavar="DIR", help="an embedding space: a directory, or a name in checkpoints/")
    options.add_argument("--image", required=True, metavar="FILE|URL", help="a picture, or a web address of one")
    which = options.add_mutually_exclusive_group()
    which.add_argument("--captions-from", metavar="KIND:PATH", help="the collection whose captions may be said")
    which.add_argument("--labels", action="store_true", help="say words (the default)")
    options.add_argument("--split", default="train", help="of the collection; all: every caption (default: %(default)s)")
    options.add_argument("--top", type=int, default=5, metavar="N", help="(default: %(default)s)")
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


def _words(model: "JointModel") -> tuple[list[str], np.ndarray]:
    words = [word for word in model.words() if word not in STOP_WORDS]
    return words, model.encode_words(words)


def _captions(model: "JointModel", given: argparse.Namespace) -> tuple[list[str], np.ndarray]:
    """The different captions of the collection that can be read, and their vectors."""
    from ..datasets import open_dataset

    dataset = open_dataset(given.captions_from)
    say(dataset.summary())
    items = dataset.split(given.split if dataset.splits() else "all")
    captions = [caption for caption in dict.fromkeys(one for item in items for one in item.captions) if not model.read.lacks(caption)]
    if not captions:
        raise BadDataset(f"{dataset.spec}, split {given.split}, holds no caption that {model.name} can read. Choose another collection.")
    return captions, model.encode_sentences(captions, progress=True)


def _show(given: argparse.Namespace, found: Sequence[tuple[float, str]]) -> None:
    from ..report.terminal import Value, table

    if given.json:
        kind = "labels" if given.captions_from is None else "captions"
        print(json.dumps({"image": given.image, kind: [{"text": text, "score": score} for score, text in found]}, indent=1))
    else:
        rows: list[list[Value]] = [[rank, f"{score:.2f}", text] for rank, (score, text) in enumerate(found, 1)]
        print(table(("", "score", "word" if given.captions_from is None else "caption"), rows))
