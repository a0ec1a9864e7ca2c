"""Two words for one thing: whether `sofa` finds what people call a couch.

python benchmarks/synonyms.py                 # Flickr8k val, where the weight is chosen
python benchmarks/synonyms.py --split test    # scored once

A noun that captions call otherwise as well (captionret/retrieval/noun_words.txt) is typed; pictures are right
of which two people or more say it or the other word.
"""

from collections.abc import Sequence
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray
from results import RESULTS, kind_of, markdown_table, write_section
from text_modes import gallery_of, shipped, split_options

from captionret.app.measuring.measured_text import encode_texts
from captionret.datasets import open_dataset
from captionret.evaluation.calibration import right_pictures
from captionret.evaluation.label_search import measure_labels
from captionret.evaluation.text_search import text_scores
from captionret.models.embedding.model import EmbeddingModel
from captionret.models.lexical.predictor import WordPredictor
from captionret.retrieval import MODES, Gallery, corpus, understanding
from captionret.retrieval.lemmas import lemma
from captionret.retrieval.nouns import find_noun, is_often_said

MODES_SHOWN = ("words", "auto")
LEAST, MOST = 3, 150  # pictures that a noun is right for
WEIGHTS = (0.0, 0.5, understanding.SYNONYM, 1.0)  # what the other word counts; 0: it is not read


def synonyms() -> dict[str, tuple[str, ...]]:
    """Each noun that captions often hold with the other words for it."""
    nouns = {word: find_noun(word) for word in sorted(corpus.rates()) if is_often_said(word)}
    return {word: noun.others for word, noun in nouns.items() if noun is not None and noun.others}


def measured(
    gallery: Gallery, texts: Sequence[str], right: NDArray[np.bool_], space: EmbeddingModel
) -> list[list[float]]:
    """Of each of MODES_SHOWN the R-precision and MRR of the nouns, x100, and how many of them find nothing.
    right: (Q, N)"""
    nouns = encode_texts(texts, {"embedding": space}, gallery)
    found = []
    for name in MODES_SHOWN:
        labels = measure_labels(name, text_scores(MODES[name], gallery, nouns), right)
        found.append([100 * labels.r_precision, 100 * labels.mrr, labels.misses])
    return found


def _nothing(word: str) -> None:
    """As find_noun, where no noun is called otherwise."""


def main() -> None:
    """Measure and write a row for each mode and weight."""
    given = split_options(__doc__, RESULTS).parse_args()
    head, space = shipped()
    items = open_dataset(given.data).split(given.split)
    gallery = gallery_of(items, head, WordPredictor(head), space, given.features)
    said = [items[int(name)].captions for name in gallery.ids]
    pictures = right_pictures(said)
    others = synonyms()
    rows_of = {
        noun: sorted({row for one in (noun, *words) for row in pictures.get(lemma(one), ())})
        for noun, words in others.items()
    }
    nouns = [noun for noun, rows in rows_of.items() if LEAST <= len(rows) <= MOST]
    right = np.zeros((len(nouns), len(gallery)), np.bool_)
    for place, noun in enumerate(nouns):
        right[place, rows_of[noun]] = True
    table: list[list[object]] = []
    for weight in WEIGHTS:
        found = find_noun if weight else _nothing
        way = f"{weight:g}{' (shipped)' if weight == understanding.SYNONYM else ''}"
        with patch.multiple(understanding, SYNONYM=weight, find_noun=found):
            values = measured(gallery, nouns, right, space)
        table += [[mode, way, *one] for mode, one in zip(MODES_SHOWN, values, strict=True)]
    table.sort(key=lambda row: MODES_SHOWN.index(str(row[0])))
    columns = ["mode", "the other word counts", "R-precision", "MRR", "find nothing"]
    write_section(
        given.results,
        f"Two words for one thing, {given.split}",
        f"{len(nouns)} nouns that captions call otherwise as well, typed among the {len(gallery):,} pictures "
        f"of {kind_of(given.data)}, {given.split}; right are those of which two people or more say it or the "
        f"other word.\n\n"
        f"{markdown_table(columns, table)}",
        f"python benchmarks/synonyms.py --split {given.split}",
    )


if __name__ == "__main__":
    main()
