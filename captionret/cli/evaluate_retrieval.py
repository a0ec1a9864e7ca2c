"""Measure every mode of retrieval: each image of a split asks for the others, and each of people's captions
for its picture.

    captionret evaluate-retrieval --data flickr8k:data/flickr8k --out retrieval
    captionret evaluate-retrieval --data coco:data/coco --split val --modes jaccard cnn --relevance tfidf
    captionret evaluate-retrieval --data labels:data/caltech        # each label is typed as a query
    captionret evaluate-retrieval --data flickr8k:data/flickr8k --measure words
    captionret evaluate-retrieval --data flickr8k:data/flickr8k --split val --learn-hybrid --library photos

Without a library the split is captioned by the shipped checkpoint, and its word probabilities are those of
the shipped lexical head and of 30 captions drawn of each picture; both are cached. How related images are
comes from human captions alone: by a sentence encoder (sbert, where it is installed), by tf-idf, by CIDEr-D.
The rows random and oracle (Jaccard over human captions) show what the numbers are worth. Figures are expected
values over random order within ties.
"""

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..counting import counted
from ..errors import BadSetting
from .options import (
    FOUND,
    add_captions_by,
    add_data,
    add_device,
    add_features,
    old_name,
    parser,
    path_argument,
    say,
)

if TYPE_CHECKING:  # --help need not wait for these
    from ..app.measuring.measured_split import ModesMeasuring
    from ..datasets import Dataset

SHOWN = ("mode", "relevance", "NDCG@10", "95 % from", "to", "NDCG@50", "PCC", "ties@10")
FORMATS = dict.fromkeys(SHOWN[2:7], ".3f") | {"ties@10": ".1f"}
IMAGE, TEXT, LABELS, WORDS = "image", "text", "labels", "words"
PUBLISHED = (
    "Published by others for text to image on Flickr8k test, zero-shot, R@5: CLIP ViT-B/32 80.5 (OpenAI), "
    "86.3 (LAION-2B)."
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure modes on a split; print their tables and write the report."""
    given = _parse(arguments)
    from ..app.measuring.measured_modes import learned_weights
    from ..app.missing import open_data

    how = _measuring(given)
    dataset = open_data(given.data, given.fetch_missing)
    say(dataset.summary())
    split = given.split or ("test" if dataset.splits() else "all")
    if given.learn_hybrid:
        if split == "test":
            say(
                "Learned on test: what the hybrid reaches on this split from now on says nothing. Learn on "
                "--split val."
            )
        for name, weight in learned_weights(dataset, split, how).items():
            print(f"{name} {weight:g}")
        return FOUND
    captioned = any(item.captions for item in dataset.items)
    asked = given.measure or ([IMAGE, TEXT] if captioned else [LABELS])
    if {IMAGE, TEXT} & set(asked):
        _modes(dataset, split, how, given, asked)
    if LABELS in asked:
        _labels(dataset, split, how, given)
    if WORDS in asked:
        _words(dataset, split, how, given)
    return FOUND


def _modes(
    dataset: "Dataset", split: str, how: "ModesMeasuring", given: argparse.Namespace, asked: Sequence[str]
) -> None:
    """Image -> image and text -> image, side by side."""
    from ..app.measuring.measured_modes import measure_modes
    from ..evaluation import text_search
    from ..report.terminal import Value, table

    found = measure_modes(dataset, split, how, asked, given.runs)
    for error in found.left_out:
        say(error.in_shell())
    texts: dict[str, list[Value]] = {one.mode: [*one.values()] for one in found.texts}
    none: list[Value] = [None] * len(text_search.COLUMNS)
    if found.texts:
        say(
            f"Text to image (R@1 to misses): {counted(found.queries, 'captions')}, each asks for its picture."
        )
    if found.texts and dataset.spec.startswith("flickr8k:") and split == "test":
        say(PUBLISHED)
    if not found.measured:
        rows = [[name, *values] for name, values in texts.items()]
        print(table(("mode", *text_search.COLUMNS), rows, text_search.FORMATS))
    else:
        more = text_search.COLUMNS if texts else ()
        rows = [
            [*one.row().values(), *(texts.get(one.mode, none) if texts else ())] for one in found.measured
        ]
        print(table((*SHOWN, *more), rows, FORMATS | text_search.FORMATS))
    if given.out:
        from ..app.measuring.retrieval_report import write_report

        write_report(given.out, found, given.pages)


def _labels(dataset: "Dataset", split: str, how: "ModesMeasuring", given: argparse.Namespace) -> None:
    """Labels typed as queries."""
    from ..app.measuring.measured_text import measure_labels
    from ..evaluation.label_search import COLUMNS
    from ..evaluation.label_search import FORMATS as formats
    from ..report.terminal import table

    found = measure_labels(dataset, split, how, given.runs)
    for error in found.left_out:
        say(error.in_shell())
    say(f"{counted(len(found.labels), 'labels')}, each asks for its pictures among {found.pictures:,}.")
    print(table(("mode", *COLUMNS), [[one.mode, *one.values()] for one in found.found], formats))
    if given.out:
        from ..app.measuring.text_report import write_labels

        write_labels(given.out / LABELS if given.measure else given.out, found)


def _words(dataset: "Dataset", split: str, how: "ModesMeasuring", given: argparse.Namespace) -> None:
    """Word probabilities held against captions."""
    from ..app.measuring import text_report
    from ..app.measuring.measured_words import measure_words
    from ..report.terminal import table

    found = measure_words(dataset, split, how)
    for error in found.left_out:
        say(error.in_shell())
    say(f"{counted(found.words, 'words')} held against people's captions.")
    print(f"Expected calibration error {found.error:.3f}\n")
    print(table(text_report.BIN_COLUMNS, text_report.bin_rows(found)), end="\n\n")
    print(table(text_report.THRESHOLD_COLUMNS, text_report.threshold_rows(found)), end="\n\n")
    print(table(text_report.WORD_COLUMNS, text_report.answered_rows(found)))
    if given.out:
        text_report.write_words(given.out, found)


def _measuring(given: argparse.Namespace) -> "ModesMeasuring":
    if given.pages < 0 or given.samples < 0:
        raise BadSetting(f"--pages {given.pages}, --samples {given.samples}: both must be at least 0.")
    from ..app.measuring.measured_split import ModesMeasuring

    return ModesMeasuring(
        modes=() if given.modes == ["all"] else given.modes,
        relevance=given.relevance,
        library=given.library,
        captions_by=given.captions_by,
        checkpoint=given.checkpoint,
        head=given.head,
        spaces=given.embedding,
        samples=given.samples,
        device=given.device,
        folder=given.features,
    )


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    options = parser("evaluate-retrieval", __doc__ or "")
    _add_what_is_measured(options)
    options.add_argument(
        "--library", metavar="NAME", help="one that holds the split's pictures, in place of captioning it"
    )
    add_captions_by(options)
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


def _add_what_is_measured(options: argparse.ArgumentParser) -> None:
    add_data(options, split=None, usual="test; all, where the collection has no splits")
    options.add_argument(
        "--measure",
        nargs="+",
        choices=(IMAGE, TEXT, LABELS, WORDS),
        metavar="WHAT",
        help="image: pictures ask for pictures; text: captions ask for their picture; labels: the "
        "collection's labels ask for their pictures; words: calibration, thresholds and single words "
        "(default: image text, or labels where there are no captions)",
    )
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


def _add_what_comes_out(options: argparse.ArgumentParser) -> None:
    options.add_argument(
        "--out", type=path_argument, metavar="DIR", help="write tables (CSV, LaTeX), plots and pages"
    )
    options.add_argument(
        "--runs", type=path_argument, metavar="DIR", help="write TREC run files and qrels, for other tools"
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
    add_features(options)
