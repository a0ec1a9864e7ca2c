"""Typed words that find pictures: every mode of words, space and both, by captions and by labels.

python benchmarks/text_modes.py --split val                                      # where settings are chosen
python benchmarks/text_modes.py --split test --labels labels:data/caltech        # scored once

Captions of the split each ask for their picture (R@1, R@5, R@10, MRR); labels each for theirs (R-precision,
MRR).
Words are the shipped lexical head's alone, with ImageNet's classes.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from results import kind_of, parser

from captionret.app.loading.named import calibration_of
from captionret.app.measuring.captioned_split import caption_split
from captionret.app.measuring.measured_text import encode_texts
from captionret.app.places import LEXICAL_HEAD, SHIPPED, SHIPPED_SPACES
from captionret.datasets import open_dataset
from captionret.decoding import BeamSearch
from captionret.evaluation.label_search import measure_labels
from captionret.evaluation.text_search import measure_text, text_scores
from captionret.home import data_folder
from captionret.library.words.word_probabilities import kept_classes, kept_words
from captionret.models.captioning.captioner import Captioner
from captionret.models.embedding.model import EmbeddingModel
from captionret.models.lexical.head import LexicalHead
from captionret.models.lexical.predictor import WordPredictor
from captionret.records import Item
from captionret.retrieval import MODES, Gallery, TableSource
from captionret.training.features import extract

MODES_SHOWN = ("expected-cosine", "words", "embedding", "auto")


def main() -> None:
    """Print a row for each mode."""
    options = split_options(__doc__ or "")
    options.add_argument("--labels", help="a collection of labelled pictures")
    given = options.parse_args()
    head, space = shipped()
    predictor = WordPredictor(head)

    items = open_dataset(given.data).split(given.split)
    captions = [(caption, row) for row, item in enumerate(items) for caption in item.captions]
    gallery = gallery_of(items, head, predictor, space, given.features)
    queries = encode_texts([caption for caption, _ in captions], {"embedding": space}, gallery)
    rows = [gallery.row_of_id[str(row)] for _, row in captions]
    print(f"{kind_of(given.data)} {given.split}: {len(queries):,} captions, {len(gallery):,} pictures")
    for name in MODES_SHOWN:
        found = measure_text(name, text_scores(MODES[name], gallery, queries), rows, len(gallery))
        print(f"{name:16} R@1 {found.r1:.1f}  R@5 {found.r5:.1f}  R@10 {found.r10:.1f}  MRR {found.mrr:.3f}")
    if given.labels:
        show_labels(given.labels, head, predictor, space, given.features)


def split_options(about: str | None, file: Path | None = None) -> argparse.ArgumentParser:
    """Those of every command that measures on a split of a collection. file: of its section, None: none"""
    options = parser(about, file)
    options.add_argument("--data", default="flickr8k:data/flickr8k")
    options.add_argument("--split", default="val")
    options.add_argument("--features", type=Path, default=data_folder("features"))
    return options


def shipped() -> tuple[LexicalHead, EmbeddingModel]:
    """The shipped lexical head and space."""
    return LexicalHead.load(LEXICAL_HEAD), EmbeddingModel.load(SHIPPED_SPACES["embedding"])


def show_labels(
    spec: str, head: LexicalHead, predictor: WordPredictor, space: EmbeddingModel, features: Path
) -> None:
    """Print a row for each mode, the mean over labels."""
    items = [item for item in open_dataset(spec).items if item.labels]
    gallery = gallery_of(items, head, predictor, space, features)
    labels = sorted({label for item in items for label in item.labels})
    of_row = [items[int(name)].labels for name in gallery.ids]
    right = np.array([[label in own for own in of_row] for label in labels])
    queries = encode_texts(labels, {"embedding": space}, gallery)
    print(f"{spec}: {len(labels)} labels, {len(gallery):,} pictures")
    for name in MODES_SHOWN:
        found = measure_labels(name, text_scores(MODES[name], gallery, queries), right)
        print(f"{name:16} R-precision {found.r_precision:.3f}  MRR {found.mrr:.3f}  misses {found.misses}")


def gallery_of(
    items: Sequence[Item], head: LexicalHead, predictor: WordPredictor, space: EmbeddingModel, features: Path
) -> Gallery:
    """The pictures with captions as a library has them, words, classes and vectors; ids are their places
    among the items."""
    paths = [item.path for item in items if item.path]
    pooled, failures = extract(head.backbone, paths, root=features)
    if failures:
        raise SystemExit(failures[0].reason)
    captioner = Captioner.load(SHIPPED)
    captions = caption_split(captioner, items, BeamSearch(), batch_size=50, features=features).captions
    table = pooled.of(np.arange(len(paths))).numpy()
    seen, _ = extract(head.learns_from, paths, head.config.feature, root=features)
    predicted = [
        predictor.predict_words([], [""] * len(rows), table[rows], own=seen.of(rows).numpy())
        for rows in np.array_split(np.arange(len(paths)), -(-len(paths) // 250))
    ]
    classes = predictor.predict_classes(table)
    keys = [f"{row:064x}" for row in range(len(paths))]  # equal pictures stay two: each has its captions
    source = TableSource(
        keys,
        captions=[[caption] for caption in captions],
        features=table,
        word_probabilities=kept_words(predictor.words, np.concatenate(predicted)),
        classes=None if classes is None else kept_classes(classes),
        spaces={"embedding": space},
        calibration=calibration_of(predictor.describe()),
    )
    names = [str(row) for row in range(len(paths))]
    return Gallery(names, captions, keys, source=source)


if __name__ == "__main__":
    main()
