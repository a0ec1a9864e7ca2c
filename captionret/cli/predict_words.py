"""Predict the words of a library's pictures: for each word the probability that a caption of the picture
holds it. Some modes compare these.

captionret predict-words --library photos                    # by the shipped lexical head, in seconds
captionret predict-words --library photos --samples 30       # and by 30 drawn captions each: slower, better
captionret search --image q.jpg --library photos --mode expected-cosine
"""

import argparse
import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ..app.places import LEXICAL_HEAD, checkpoint_path
from ..errors import BadSetting
from .libraries import add_library, open_library
from .options import FOUND, NOT_CALIBRATED, NOTHING_FOUND, add_device, old_name, parser, say

if TYPE_CHECKING:  # these import torch
    from ..app.models import Library
    from ..models.lexical.predictor import WordPredictor

log = logging.getLogger(__name__)


def main(arguments: Sequence[str] | None = None) -> int:
    """Predict what is not predicted yet, and print of how many pictures that was; 1 for a library without
    pictures."""
    given = _options().parse_args(arguments)
    if given.no_head and not given.samples:
        raise BadSetting("Without a lexical head, captions have to be drawn. Add --samples 30.")
    if given.samples < 0:
        raise BadSetting(f"--samples must be at least 0, not {given.samples}.")

    with open_library(given.library) as library:
        predictor = _predictor(given, library)
        new = library.predict_words(predictor)
        log.info(f"Predicted by {predictor.name}.")
        print(f"new {new:,}  known {len(library) - new:,}")
        if len(library) and library.snapshot().calibration is None:
            say(NOT_CALIBRATED)
        return FOUND if len(library) else NOTHING_FOUND


def _options() -> argparse.ArgumentParser:
    options = parser("predict-words", __doc__ or "")
    add_library(options)
    head = options.add_argument(
        "--head", metavar="NAME", help="a lexical head: a name or a directory (default: the shipped one)"
    )
    old_name(options, "--words-head", head)
    options.add_argument("--no-head", action="store_true", help="drawn captions alone")
    options.add_argument(
        "--samples",
        type=int,
        default=0,
        metavar="N",
        help="also draw N captions of each picture (default: none)",
    )
    options.add_argument(
        "--temperature", type=float, default=1.0, metavar="T", help="of drawing (default: %(default)s)"
    )
    options.add_argument(
        "--checkpoint", metavar="NAME", help="what draws captions (default: the library's own captioner)"
    )
    add_device(options)
    return options


def _predictor(given: argparse.Namespace, library: "Library") -> "WordPredictor":
    from ..app.models import captioner_for
    from ..models.captioning.captioner import DRAWN
    from ..models.lexical.head import LexicalHead
    from ..models.lexical.predictor import WordPredictor

    drawn = replace(DRAWN, captions=given.samples or DRAWN.captions, temperature=given.temperature)
    place = checkpoint_path(given.head) if given.head else LEXICAL_HEAD
    head = None if given.no_head else LexicalHead.load(place, given.device)
    captioner = captioner_for(library, given.checkpoint, drawn, given.device) if given.samples else None
    return WordPredictor(head, captioner, drawn)
