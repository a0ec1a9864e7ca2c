"""What open words lose: nouns of Flickr8k's captions are hidden from the lexical head and typed as queries,
so that only classes, words of nearly the same meaning and the space can tell them. How much is lost where a
mode refuses them (nothing is found), and how much by how it ranks?

python benchmarks/hidden_words.py                 # Flickr8k val; a stand-in for labels of other collections

A quarter of the nouns is hidden at a time, in all forms, from the head and from the counts of words. The
space was trained with them, so it is better here than for words that no caption held.
"""

from collections.abc import Sequence
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray
from results import RESULTS, kind_of, markdown_table, write_section
from text_modes import gallery_of, shipped, split_options
from understood_words import NOUNS

from captionret.app.measuring.measured_text import encode_texts
from captionret.datasets import open_dataset
from captionret.errors import NoWords
from captionret.evaluation.calibration import right_pictures
from captionret.evaluation.label_search import LabelSearch, measure_labels
from captionret.evaluation.text_search import text_scores
from captionret.image_classes import classes_of
from captionret.models.embedding.model import EmbeddingModel
from captionret.models.lexical.predictor import WordPredictor
from captionret.retrieval import MODES, EncodedQuery, Gallery, Mode, WordMatrix, corpus
from captionret.retrieval.lemmas import lemma
from captionret.retrieval.sources import PartOfGallery

FOLDS, MODES_SHOWN = 4, ("words", "auto", "embedding")
LEAST, MOST = 5, 150  # pictures that a noun is right for
Scores = list[NDArray[np.float32] | None]


class Hiding(PartOfGallery):
    """What a gallery holds, without some words of the lexical head."""

    def __init__(self, whole: Gallery, hidden: frozenset[str]) -> None:
        super().__init__(whole)
        self._words = without(whole.word_probabilities, hidden)

    def captions(self, hashes: Sequence[str]) -> list[tuple[str, ...]]:
        """None, for they might say the words."""
        return [() for _ in hashes]

    def word_probabilities(self, hashes: Sequence[str]) -> WordMatrix:
        """N rows of the words that are left."""
        return self._words.take(self._rows(hashes))


def without(matrix: WordMatrix, hidden: frozenset[str]) -> WordMatrix:
    """The rows without words of these base forms."""
    rows = [matrix.row(number) for number in range(len(matrix))]
    return WordMatrix.of_rows(
        [{word: p for word, p in row.items() if lemma(word) not in hidden} for row in rows]
    )


def ranked(mode: Mode, gallery: Gallery, queries: Sequence[EncodedQuery]) -> Scores:
    """The scores of all pictures, whether the mode refuses a query or not."""
    prepared, found = gallery.prepared(mode), Scores()
    for query in queries:
        try:
            scores = prepared.scores(query)
        except NoWords:
            found.append(None)
            continue
        found.append(None if scores.min() == scores.max() else scores)
    return found


def measured(
    whole: Gallery, nouns: Sequence[str], right: NDArray[np.bool_], space: EmbeddingModel
) -> dict[str, list[tuple[LabelSearch, LabelSearch]]]:
    """By mode, of each part of the nouns what is found with refusals and by ranking alone; right: (Q, N)"""
    found: dict[str, list[tuple[LabelSearch, LabelSearch]]] = {name: [] for name in MODES_SHOWN}
    usual = corpus.rates()
    for fold in range(FOLDS):
        hidden = frozenset(lemma(noun) for noun in nouns[fold::FOLDS])
        left = {word: rate for word, rate in usual.items() if lemma(word) not in hidden}
        source = Hiding(whole, hidden)
        gallery = Gallery(list(whole.ids), [""] * len(whole), list(whole.hashes), source=source)
        with patch.object(corpus, "rates", return_value=left):
            queries = encode_texts(nouns[fold::FOLDS], {"embedding": space}, gallery)
            for name in MODES_SHOWN:
                answers = text_scores(MODES[name], gallery, queries), ranked(MODES[name], gallery, queries)
                refusing, ranking = (measure_labels(name, one, right[fold::FOLDS]) for one in answers)
                found[name].append((refusing, ranking))
    return found


def main() -> None:
    """Measure and write a row for each mode and kind of noun."""
    given = split_options(__doc__, RESULTS).parse_args()
    head, space = shipped()
    items = open_dataset(given.data).split(given.split)
    whole = gallery_of(items, head, WordPredictor(head), space, given.features)
    pictures = right_pictures([items[int(name)].captions for name in whole.ids])
    nouns = [noun for noun in NOUNS if LEAST <= len(pictures.get(lemma(noun), ())) <= MOST]
    right = np.zeros((len(nouns), len(whole)), np.bool_)
    for place, noun in enumerate(nouns):
        right[place, list(pictures[lemma(noun)])] = True
    order = [noun for fold in range(FOLDS) for noun in nouns[fold::FOLDS]]
    of_class = np.array([noun in classes_of() for noun in order])
    rows: list[list[object]] = []
    for name, parts in measured(whole, nouns, right, space).items():
        refusing, ranking = (np.concatenate([pair[way].r_precisions for pair in parts]) for way in (0, 1))
        known = np.concatenate([refused.known for refused, _ in parts])
        for kind, some in (("all", of_class | True), ("of a class", of_class), ("others", ~of_class)):
            shares = (100 * float(one[some].mean()) for one in (refusing, ranking, ~known))
            rows.append([name, kind, *shares])
    table = markdown_table(["mode", "nouns", "R-precision", "by ranking alone", "refused"], rows)
    write_section(
        given.results,
        "What open words lose",
        f"{len(nouns)} nouns among {len(whole):,} pictures of {kind_of(given.data)}, {given.split}, hidden "
        f"from the lexical head and typed as queries; {of_class.sum()} of them are called so by a class, or "
        f"what one is a kind of. x100.\n\n{table}",
        f"python benchmarks/hidden_words.py --split {given.split}",
    )


if __name__ == "__main__":
    main()
