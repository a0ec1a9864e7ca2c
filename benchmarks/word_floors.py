"""From which probability on a single word finds a picture (FLOOR in captionret.retrieval.predicted), and how
many of the ten likeliest have to show it by expectation (EXPECTED) where none is so probable: of words that
no caption holds hardly any shall find a picture, of those that captions hold the fewest nothing.

python benchmarks/word_floors.py              # Flickr8k val, on which floors are chosen

Each half of the pictures is scored by a calibration that was learnt from the other half, else probabilities
would be better than they are. `benchmarks/trust.py --split test` scores what was chosen.
"""

import argparse
from collections.abc import Sequence
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from results import ROOT, markdown_table, write_section
from text_modes import gallery_of

from captionret.app.measured_text import encode_texts
from captionret.app.places import LEXICAL_HEAD, SHIPPED_SPACES
from captionret.datasets import open_dataset
from captionret.evaluation.calibration import absent_words, word_pairs
from captionret.evaluation.word_fit import fit_calibration
from captionret.home import data_folder
from captionret.models.embedding.model import EmbeddingModel
from captionret.models.lexical.head import LexicalHead
from captionret.models.lexical.predictor import WordPredictor
from captionret.retrieval import MODES, Gallery, predicted
from captionret.retrieval.calibrated import Calibration, WordGroup
from captionret.retrieval.modes.likelihood import PreparedLikelihood
from captionret.retrieval.sources import PartOfGallery

Captions = Sequence[Sequence[str]]
FLOORS = (0.15, 0.16, 0.17, 0.18, 0.2)
EXPECTED = (0.3, 0.35, 0.4, 0.5, np.inf)  # the last one: single pictures alone
MODES_SHOWN, WHAT = ("words", "auto"), ("absent that find, %", "present that do not, %")

Half = tuple[NDArray[np.int64], Gallery]  # some rows of a gallery, calibrated by what others taught
# (Q, 10) of Q words the largest probabilities of any pictures; (Q,) whether mode auto finds one without them;
# (Q, 10) the rows of those pictures
Evidence = tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.int64]]


class Recalibrated(PartOfGallery):
    """What a gallery holds, its words calibrated otherwise."""

    def __init__(self, whole: Gallery, calibration: Calibration) -> None:
        super().__init__(whole)
        self._calibration = calibration

    @property
    def calibration(self) -> Calibration | None:
        """The other one."""
        return self._calibration


def halves(whole: Gallery, captions: Captions, further: Captions) -> list[Half]:
    """Both halves of a gallery; further: captions of other pictures, see fit_calibration"""

    def named(groups: list[WordGroup], alone: float) -> Calibration:
        return Calibration("", "half", "half", groups, alone)

    assert whole.classes is not None
    place = np.random.default_rng(0).permutation(len(whole)) % 2
    found = []
    for number in range(2):
        learnt = np.flatnonzero(place != number)
        words, classes = whole.word_probabilities.take(learnt), whole.classes.take(learnt)
        fitted = fit_calibration(words, classes, [captions[row] for row in learnt], named, further)
        source = Recalibrated(whole, fitted.calibration)
        gallery = Gallery(list(whole.ids), list(whole.captions), list(whole.hashes), source=source)
        found.append((np.flatnonzero(place == number), gallery))
    return found


def evidence(parts: Sequence[Half], words: Sequence[str], space: EmbeddingModel) -> Evidence:
    """What speaks for each word among the pictures of all parts."""
    likely, beside = [list[NDArray[np.float64]]() for _ in words], np.zeros(len(words), np.bool_)
    predicted.FLOOR, predicted.EXPECTED = 2.0, np.inf  # so that mode auto finds nothing by words
    for rows, gallery in parts:
        by_words, auto = gallery.prepared(MODES["words"]), gallery.prepared(MODES["auto"])
        assert isinstance(by_words, PreparedLikelihood)
        for place, query in enumerate(encode_texts(words, {"embedding": space}, gallery)):
            fits = auto.fits(query)
            assert fits is not None, "it is a text"
            likely[place].append(by_words.surest(query)[rows])
            beside[place] |= fits[rows].any()
    table = np.array([np.concatenate(one) for one in likely])
    first = np.argsort(-table, axis=1, kind="stable")[:, : predicted.SEVERAL]
    order = np.concatenate([rows for rows, _ in parts])
    return np.take_along_axis(table, first, 1), beside, order[first]


def floors_table(absent: Evidence, present: Evidence) -> str:
    """What each pair of FLOOR and EXPECTED is worth."""
    rows: list[list[object]] = []
    for floor, expected in product(FLOORS, EXPECTED):
        row: list[object] = [floor, expected]
        for auto in (False, True):
            finds = [
                100 * float(((best[:, 0] >= floor) | (best.sum(1) >= expected) | (beside & auto)).mean())
                for best, beside, _ in (absent, present)
            ]
            row += [finds[0], 100 - finds[1]]
        rows.append(row)
    return markdown_table(
        ["FLOOR", "EXPECTED", *(f"{mode}: {what}" for mode in MODES_SHOWN for what in WHAT)], rows
    )


def guesses(present: Evidence, right: NDArray[np.bool_], floor: float, expected: float) -> str:
    """How often the ten likeliest are right where none is likely enough alone; right: (N, Q)"""
    best, _, rows = present
    guessed = np.flatnonzero((best[:, 0] < floor) & (best.sum(1) >= expected))
    shown, usual = right[rows[guessed], guessed[:, None]], right[:, guessed]
    return (
        f"{len(guessed)} words that captions hold find guesses alone: {100 * shown.mean():.1f} % of these "
        f"are right ({100 * usual.mean():.1f} % of all pictures are), for {100 * shown.any(1).mean():.0f} % "
        "of the words one or more."
    )


def main() -> None:
    """Measure and write what each floor is worth."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--data", default="flickr8k:data/flickr8k")
    options.add_argument("--split", default="val")
    options.add_argument("--features", type=Path, default=data_folder("features"))
    given = options.parse_args()
    head, space = LexicalHead.load(LEXICAL_HEAD), EmbeddingModel.load(SHIPPED_SPACES["embedding"])
    dataset = open_dataset(given.data)
    items = dataset.split(given.split)
    whole = gallery_of(items, head, WordPredictor(head), space, given.features)
    captions = [items[int(name)].captions for name in whole.ids]
    parts = halves(whole, captions, [item.captions for item in dataset.split("train") if item.captions])
    pairs = word_pairs(lambda word: np.zeros(len(captions)), captions)
    floor, expected = predicted.FLOOR, predicted.EXPECTED
    absent, present = (evidence(parts, words, space) for words in (absent_words(captions), pairs.words))
    about = (
        f"{given.data}, {given.split}, each half of the pictures by a calibration that was learnt from the "
        "other. Single words as queries: 200 that no caption of them holds, "
        f"{len(pairs.words)} that captions hold. A word finds the pictures that show it with FLOOR or more; "
        f"if there are none, the {predicted.SEVERAL} likeliest, if their probabilities make EXPECTED. "
        f"With {floor} and {expected}, {guesses(present, pairs.right, floor, expected)}"
    )
    write_section(
        ROOT / "benchmarks/RESULTS.md",
        "From which probability on a word finds pictures",
        f"{about}\n\n{floors_table(absent, present)}",
        f"python benchmarks/word_floors.py --split {given.split}",
    )


if __name__ == "__main__":
    main()
