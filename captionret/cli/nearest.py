"""Find what is nearest to a sentence or a word in the space of a skip-thought encoder.

    captionret nearest --checkpoint uni --to "a dog runs" --sentences texts.txt
    captionret nearest --checkpoint uni --to "a dog runs" --captions-from flickr8k:data/flickr8k --top 10
    captionret nearest --checkpoint uni --to dog --words

Words are compared as the encoder reads them, those that it was trained on and all others whose vectors are
guessed from GloVe's.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..app.places import checkpoint_path
from ..errors import BadDataset, BadSetting
from .encode import sentences_of
from .options import FOUND, add_device, parser, path_argument, say

if TYPE_CHECKING:  # it imports torch, which --help does without
    from ..models.sentence.skipthought.encoder import SkipThought


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the nearest sentences or words, the nearest first."""
    given = _parse(arguments)
    if given.top < 1:
        raise BadSetting(f"--top must be at least 1, not {given.top}.")

    from ..models.sentence.skipthought.encoder import SkipThought

    model = SkipThought.load(checkpoint_path(given.checkpoint), given.device)
    if given.words:
        found = model.nearest_words(given.to, given.top)
    else:
        if why := model.missing_reason(given.to):
            raise BadSetting(f"{given.to!r} {why}. Give other words.")
        found = model.nearest_sentences(given.to, _corpus(model, given), given.top, progress=None)
    _show(given, found)
    return FOUND


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    options = parser("nearest", __doc__ or "")
    options.add_argument(
        "--checkpoint",
        required=True,
        metavar="DIR",
        help="a skip-thought encoder: its directory, or name in checkpoints/",
    )
    options.add_argument("--to", required=True, metavar="TEXT", help="a sentence, or a word")
    among = options.add_mutually_exclusive_group(required=True)
    among.add_argument(
        "--sentences", type=path_argument, metavar="FILE", help="among the lines of a text file"
    )
    among.add_argument("--captions-from", metavar="KIND:PATH", help="among a collection's captions")
    among.add_argument("--words", action="store_true", help="among all words")
    options.add_argument(
        "--split", default="train", help="of the collection; all: every caption (default: %(default)s)"
    )
    options.add_argument(
        "--top", type=int, default=5, metavar="N", help="at most so many (default: %(default)s)"
    )
    options.add_argument("--json", action="store_true", help="print the answer as JSON")
    add_device(options)
    return options.parse_args(arguments)


def _corpus(model: "SkipThought", given: argparse.Namespace) -> list[str]:
    """The sentences to choose from; those that cannot be read are counted on stderr."""
    if given.sentences:
        name, texts = str(Path(given.sentences)), sentences_of(given.sentences)
    else:
        from ..datasets import open_dataset

        dataset = open_dataset(given.captions_from)
        say(dataset.summary())
        items = dataset.split(given.split if dataset.splits() else "all")
        name, texts = dataset.spec, [caption for item in items for caption in item.captions]
    readable = [text for text in texts if not model.missing_reason(text)]
    if not readable:
        raise BadDataset(
            f"{name} holds no sentence that {model.name} can read. Give another file or collection."
        )
    if len(readable) < len(texts):
        say(
            f"{len(texts) - len(readable):,} of {len(texts):,} sentences hold no word that {model.name} can "
            "read, and are left out."
        )
    return readable


def _show(given: argparse.Namespace, found: Sequence[tuple[float, str]]) -> None:
    from ..report.terminal import Value, table

    kind = "words" if given.words else "sentences"
    if given.json:
        print(
            json.dumps(
                {"to": given.to, kind: [{"text": text, "score": score} for score, text in found]}, indent=1
            )
        )
    else:
        rows: list[list[Value]] = [
            [rank, f"{score:.2f}", text] for rank, (score, text) in enumerate(found, 1)
        ]
        print(table(("", "cosine", kind.removesuffix("s")), rows))
