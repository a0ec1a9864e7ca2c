"""Options of captioners of every kind."""

import argparse
from pathlib import PurePath
from typing import TYPE_CHECKING

from .options import say, text_argument

if TYPE_CHECKING:
    from ..captioners import CaptionerOptions
    from ..library import Library
    from ..library.protocols import EncodingPictures

_NAMES = (
    "prompt",
    "max_words",
    "keywords",
    "send_size",
    "concurrency",
    "timeout",
    "retries",
    "key_from",
    "price",
    "dtype",
)

_NO_WEIGHT = (
    "Mode clip compares in the encoder's space; auto and hybrid do once its weight in this library is "
    "learnt: captionret evaluate-retrieval --data KIND:PATH --split val --library NAME --learn-hybrid."
)


def add_captioners(options: argparse.ArgumentParser) -> None:
    """--captioner and what goes with it."""
    of_kinds = options.add_argument_group(
        "captioners of other kinds", "the captions of each are kept under its name, see docs/captioners.md"
    )
    of_kinds.add_argument(
        "--captioner",
        action="append",
        default=[],
        metavar="KIND:WHAT",
        help="transformers:DIR-or-NAME, openai:URL#MODEL (sends pictures to that server), "
        "file:captions.jsonl, a plug-in's, or a checkpoint; may be repeated",
    )
    of_kinds.add_argument(
        "--prompt",
        type=text_argument,
        metavar="TEXT",
        help="what a model that takes one is asked; {path}, {folder} and {date} are the picture's",
    )
    of_kinds.add_argument(
        "--max-words", type=int, default=60, metavar="N", help="of a caption (default: %(default)s)"
    )
    of_kinds.add_argument(
        "--dtype",
        default="auto",
        help="of a transformers model: auto, float32, bfloat16, float16 (default: %(default)s)",
    )
    _add_server(of_kinds)


def _add_server(of_kinds: argparse._ArgumentGroup) -> None:
    """What concerns a server alone."""
    of_kinds.add_argument("--keywords", action="store_true", help="ask a server for keywords, too")
    of_kinds.add_argument(
        "--drop-captioner",
        action="append",
        default=[],
        metavar="NAME",
        help="ask a captioner of the library no longer, and forget its captions",
    )
    of_kinds.add_argument(
        "--send-size",
        type=int,
        default=512,
        metavar="N",
        help="longest side of what is sent (default: %(default)s)",
    )
    of_kinds.add_argument(
        "--concurrency", type=int, default=4, metavar="N", help="requests at a time (default: %(default)s)"
    )
    of_kinds.add_argument(
        "--timeout",
        type=float,
        default=120.0,
        metavar="S",
        help="seconds for a request (default: %(default)g)",
    )
    of_kinds.add_argument(
        "--retries", type=int, default=4, metavar="N", help="of a request that failed (default: %(default)s)"
    )
    of_kinds.add_argument(
        "--key-from",
        default="OPENAI_API_KEY",
        metavar="NAME",
        help="the environment variable that holds a server's key (default: %(default)s)",
    )
    of_kinds.add_argument(
        "--price-per-million",
        type=_price,
        dest="price",
        metavar="IN,OUT",
        help="what a million tokens cost that are sent, and received, to show what a server's captions cost",
    )


def _price(text: str) -> tuple[float, float]:
    """Two amounts of money."""
    sent, received = map(float, text.split(","))
    return sent, received


def captioner_options(given: argparse.Namespace) -> "CaptionerOptions":
    """What was typed. errors: BadSetting"""
    from ..captioners import CaptionerOptions

    return CaptionerOptions(
        **{name: getattr(given, name) for name in _NAMES},
        captions=given.captions_per_image,
        device=given.device,
        trust_remote_code=given.trust_remote_code,
    )


def present_and_others(given: argparse.Namespace, library: "Library") -> tuple[bool, str | None, list[str]]:
    """Whether a captioner of ours gives the library its features, its checkpoint where one was named, and the
    further captioners."""
    from ..captioners.kinds import is_kind

    made_by, checkpoint = library.made_by, given.checkpoint
    others = [spec for spec in given.captioner if is_kind(spec)]
    ours = [spec for spec in given.captioner if not is_kind(spec)]
    if checkpoint is None and ours:
        same = made_by is not None and PurePath(ours[0]).name == made_by.name
        if made_by is None or same or given.recaption:
            checkpoint, ours = ours[0] if not same else None, ours[1:]
    alone = made_by is None and checkpoint is None and (bool(others) or library.pictures_alone)
    return not alone, checkpoint, [spec for spec in given.captioner if spec in (*others, *ours)]


def encode_pictures(library: "Library", encoder: "EncodingPictures") -> None:
    """Keep the vectors of a library's pictures, and say what takes part in which mode where some are new."""
    if library.encode_pictures(encoder) and encoder.mode not in (library.snapshot().contents.hybrid or {}):
        say(_NO_WEIGHT)
