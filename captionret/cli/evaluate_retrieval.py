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
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..app.described_split import describe_split, library_split
from ..app.places import LEXICAL_HEAD, checkpoint_path, library_path
from ..app.spaces import default_spaces, load_spaces
from ..datasets import open_dataset
from ..errors import BadDataset, BadSetting, MissingWeights
from ..home import data_folder
from ..library import Library
from ..records import Item
from ..retrieval import MODES, Gallery, find_mode
from .options import FOUND, add_device, old_name, parser, path_argument, say

if TYPE_CHECKING:
    from ..evaluation.modes import MeasuredMode
    from ..models.embedding.model import EmbeddingModel

SHOWN = ("mode", "relevance", "NDCG@10", "95 % from", "to", "NDCG@50", "PCC", "ties@10")
FORMATS = dict.fromkeys(SHOWN[2:7], ".3f") | {"ties@10": ".1f"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure modes on a split; print their table and write the report."""
    given = _parse(arguments)
    modes = list(MODES) if given.modes == ["all"] else [find_mode(name).name for name in given.modes]
    if given.pages < 0 or given.samples < 0:
        raise BadSetting(f"--pages {given.pages}, --samples {given.samples}: both must be at least 0.")
    dataset = open_dataset(given.data)
    say(dataset.summary())
    items = [item for item in dataset.split(given.split) if item.captions and item.path is not None]
    if len(items) < 2:
        raise BadDataset(
            f"{given.data} has {len(items)} captioned pictures in split {given.split!r}: too few to find one "
            "by another."
        )
    gallery, rows = _gallery(given, items)
    relevances = _relevances(given.relevance, items, rows)
    if given.learn_hybrid:
        return _learn(given, gallery, modes, next(iter(relevances.values())))
    from ..evaluation.modes import measured

    matrices = _matrices(gallery, modes, [items[row] for row in rows])
    found = measured(matrices, relevances)
    _show(found)
    if given.out:
        from ..app.retrieval_report import write_report

        write_report(
            given.out,
            gallery,
            [items[row] for row in rows],
            matrices,
            relevances,
            found,
            f"{dataset.spec}, {given.split}",
            given.pages,
        )
    return FOUND


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    options = parser("evaluate-retrieval", __doc__ or "")
    options.add_argument("--data", required=True, metavar="KIND:PATH")
    options.add_argument("--split", default="test", help="(default: %(default)s)")
    options.add_argument(
        "--modes",
        nargs="+",
        default=["all"],
        metavar="MODE",
        help="rows of retrieve.py --list-modes (default: all)",
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
    add_device(options)
    return options.parse_args(arguments)


def _gallery(given: argparse.Namespace, items: Sequence[Item]) -> tuple[Gallery, list[int]]:
    """The split as a gallery, and for each of its rows which item it is: rows stand in the order of ids,
    equal pictures once."""
    if given.library:
        library = Library.open(library_path(given.library))
        made_by = library.made_by
        for mode, space in _spaces(
            given, made_by.described.get("backbone") if made_by else None, library.gallery()
        ).items():
            library.use_space(mode, space)
        gallery = library_split(library, items)
    else:
        from ..models.captioning.captioner import DRAWN, Captioner
        from ..models.lexical.head import LexicalHead
        from ..models.lexical.predictor import WordPredictor

        captioner = Captioner.load(checkpoint_path(given.checkpoint), given.device)
        head = LexicalHead.load(given.head or LEXICAL_HEAD, given.device)
        fits = head.checkpoint.backbone["sha256"] == captioner.checkpoint.backbone["sha256"]
        if not fits:
            say(
                f"{head.name} reads another backbone's features than {captioner.name}: word probabilities "
                "come from drawn captions alone."
            )
        sampled = captioner if given.samples else None
        drawn = replace(DRAWN, captions=given.samples or DRAWN.captions)
        predictor = WordPredictor(head if fits else None, sampled, drawn) if fits or sampled else None
        gallery = describe_split(
            captioner, predictor, items, given.features, spaces=_spaces(given, captioner.checkpoint.backbone)
        )
    place = {item.id: row for row, item in enumerate(items)}
    return gallery, [place[name] for name in gallery.ids]


def _spaces(
    given: argparse.Namespace, backbone: dict[str, Any] | None, gallery: Gallery | None = None
) -> "dict[str, EmbeddingModel]":
    """The spaces that were given, and the shipped one where a mode compares in it; modes without a space are
    left out later.

    backbone: whose features there are
    """
    found = load_spaces(given.embedding, given.device)
    asked = list(MODES) if given.modes == ["all"] else given.modes
    empty = Gallery([], []) if gallery is None else gallery
    wanted = sorted(set().union(*(find_mode(name).required_parts(empty) for name in asked)) - found.keys())
    for name, space in default_spaces(wanted, given.device).items():
        try:
            space.check(backbone)
            found[name] = space
        except BadSetting as error:
            say(f"The shipped space is left out: {error}")
    return found


def _relevances(kinds: Sequence[str], items: Sequence[Item], rows: Sequence[int]) -> dict[str, np.ndarray]:
    from ..evaluation.relevance import RELEVANCES, load_relevance

    found = {}
    for kind in kinds:
        try:
            captions = [items[row].captions for row in rows]
            found[kind] = load_relevance(kind, captions, data_folder("relevance"))
        except MissingWeights as error:
            if len(kinds) == 1:
                raise
            say(f"Relevance {kind!r} is left out of {', '.join(RELEVANCES)}: {error}")
    return found


def _matrices(gallery: Gallery, modes: Sequence[str], items: Sequence[Item]) -> dict[str, np.ndarray]:
    from tqdm import tqdm

    from ..evaluation.modes import reference_matrices, score_matrix

    matrices = reference_matrices([item.captions for item in items])
    for name in tqdm(modes, desc="modes", unit="mode"):
        mode = find_mode(name)
        if missing := sorted(mode.required_parts(gallery) - gallery.parts):
            say(f"Mode {name} is left out: it compares {' and '.join(missing)}. {_remedy(missing[0])}")
            continue
        matrices[name] = score_matrix(mode, gallery)
    return matrices


def _remedy(part: str) -> str:
    if part == "word_probabilities":
        return "Make them: captionret predict-words --library NAME."
    return f"Train a space (captionret train-embedding) and give it: --embedding DIR, for mode {part}."


def _show(found: "Sequence[MeasuredMode]") -> None:
    from ..report.terminal import table

    print(table(SHOWN, [list(one.row().values()) for one in found], FORMATS))


def _learn(given: argparse.Namespace, gallery: Gallery, modes: Sequence[str], relevance: np.ndarray) -> int:
    """Print the weights, and keep them with the library."""
    if given.split == "test":
        say(
            "Learnt on test: what the hybrid reaches on this split from now on says nothing. Learn on "
            "--split val."
        )
    from ..evaluation.modes import learn_hybrid, score_matrix

    usable = [
        name
        for name in modes
        if not MODES[name].composite and MODES[name].required_parts(gallery) <= gallery.parts
    ]
    weights = learn_hybrid({name: score_matrix(MODES[name], gallery) for name in usable}, relevance)
    for name, weight in weights.items():
        print(f"{name} {weight:g}")
    if given.library:
        with Library.open(library_path(given.library)) as library:
            library.set_hybrid(weights)
        say(f"Kept with {given.library}: its mode hybrid uses them from now on.")
    return FOUND
