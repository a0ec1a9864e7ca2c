"""Measure every mode of retrieval: each image of a split asks for the others, and people's captions say how
related they are.

    captionret evaluate-retrieval --data flickr8k:data/flickr8k --out retrieval
    captionret evaluate-retrieval --data coco:data/coco --split val --modes jaccard cnn --relevance tfidf
    captionret evaluate-retrieval --data flickr8k:data/flickr8k --split val --learn-hybrid --library photos

Without a library the split is captioned by the shipped checkpoint, and its word probabilities are those of
the shipped lexical head and of 30 captions drawn of each picture; both are cached. Relevance comes from human
captions alone: by a sentence encoder (sbert, where it is installed), by tf-idf, by CIDEr-D. The rows random
and oracle (Jaccard over human captions) show what the numbers are worth.
"""

import argparse
from collections.abc import Sequence

from ..app.measured_modes import ModesMeasuring, learned_weights, measure_modes
from ..datasets import open_dataset
from ..errors import BadSetting
from ..home import data_folder
from .options import FOUND, add_device, old_name, parser, path_argument, say

SHOWN = ("mode", "relevance", "NDCG@10", "95 % from", "to", "NDCG@50", "PCC", "ties@10")
FORMATS = dict.fromkeys(SHOWN[2:7], ".3f") | {"ties@10": ".1f"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure modes on a split; print their table and write the report."""
    given = _parse(arguments)
    how = _measuring(given)
    dataset = open_dataset(given.data)
    say(dataset.summary())
    if given.learn_hybrid:
        if given.split == "test":
            say(
                "Learned on test: what the hybrid reaches on this split from now on says nothing. Learn on "
                "--split val."
            )
        for name, weight in learned_weights(dataset, given.split, how).items():
            print(f"{name} {weight:g}")
        return FOUND
    from ..report.terminal import table

    found = measure_modes(dataset, given.split, how)
    for error in found.left_out:
        say(error.in_shell())
    print(table(SHOWN, [list(one.row().values()) for one in found.measured], FORMATS))
    if given.out:
        from ..app.retrieval_report import write_report

        write_report(given.out, found, given.pages)
    return FOUND


def _measuring(given: argparse.Namespace) -> ModesMeasuring:
    if given.pages < 0 or given.samples < 0:
        raise BadSetting(f"--pages {given.pages}, --samples {given.samples}: both must be at least 0.")
    return ModesMeasuring(
        modes=() if given.modes == ["all"] else given.modes,
        relevance=given.relevance,
        library=given.library,
        checkpoint=given.checkpoint,
        head=given.head,
        spaces=given.embedding,
        samples=given.samples,
        device=given.device,
        folder=given.features,
    )


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    options = parser("evaluate-retrieval", __doc__ or "")
    options.add_argument("--data", required=True, metavar="KIND:PATH")
    options.add_argument("--split", default="test", help="(default: %(default)s)")
    options.add_argument(
        "--modes",
        nargs="+",
        default=["all"],
        metavar="MODE",
        help="see captionret modes (default: all)",
    )
    options.add_argument(
        "--relevance",
        nargs="+",
        default=["sbert", "tfidf", "cider"],
        metavar="KIND",
        help="sbert, tfidf, cider (default: all three)",
    )
    options.add_argument(
        "--library", metavar="NAME", help="one that holds the split's pictures, in place of captioning it"
    )
    options.add_argument("--checkpoint", metavar="DIR", help="what captions (default: the shipped one)")
    head = options.add_argument(
        "--head", metavar="NAME", help="a lexical head: a name or a directory (default: the shipped one)"
    )
    old_name(options, "--words-head", head)
    options.add_argument(
        "--embedding",
        nargs="+",
        default=[],
        metavar="DIR",
        help="spaces of images and sentences, one of a kind (default: the shipped one)",
    )
    options.add_argument(
        "--samples",
        type=int,
        default=30,
        metavar="N",
        help="captions drawn of each picture for its word probabilities (default: 30)",
    )
    _add_what_comes_out(options)
    add_device(options)
    return options.parse_args(arguments)


def _add_what_comes_out(options: argparse.ArgumentParser) -> None:
    options.add_argument(
        "--out", type=path_argument, metavar="DIR", help="write modes.csv, differences.csv, plots and pages"
    )
    options.add_argument(
        "--pages",
        type=int,
        default=20,
        metavar="N",
        help="queries that get a page of their own (default: %(default)s)",
    )
    options.add_argument(
        "--learn-hybrid",
        action="store_true",
        help="learn the hybrid's weights on this split; kept with --library",
    )
    options.add_argument(
        "--features",
        type=path_argument,
        default=data_folder("features"),
        metavar="DIR",
        help="the feature cache (default: %(default)s)",
    )
