"""When a single word finds pictures: where one picture is probable enough alone (ALONE in
captionret.retrieval.predicted), or where by expectation enough of the ten likeliest show it (EXPECTED). Of
words that no caption holds hardly any shall find a picture, of those that captions hold the fewest nothing.

python benchmarks/word_floors.py              # Flickr8k val, on which both are chosen

Each half of the pictures is scored by a calibration that was learnt from the other half, else probabilities
would be better than they are. Its words are those that no caption of this half holds, whether the other half
holds them or not: words that nobody uses in either are known to be unused, as those of new pictures are not.
`benchmarks/trust.py --split test` scores what was chosen.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from itertools import product

import numpy as np
from numpy.typing import NDArray
from results import ROOT, kind_of, markdown_table, write_section
from text_modes import gallery_of, shipped, split_options

from captionret.app.measuring.measured_text import encode_texts
from captionret.datasets import open_dataset
from captionret.evaluation.calibration import WordPairs, absent_words, word_pairs
from captionret.evaluation.word_fit import fit_calibration
from captionret.models.embedding.model import EmbeddingModel
from captionret.models.lexical.predictor import WordPredictor
from captionret.retrieval import MODES, Gallery, predicted
from captionret.retrieval.calibrated import Calibration, WordGroup
from captionret.retrieval.modes.likelihood import PreparedLikelihood
from captionret.retrieval.sources import PartOfGallery

Captions = Sequence[Sequence[str]]
LEAST_ALONE = (0.17, 0.2, 0.25, 0.3, 0.35)
EXPECTED = (0.35, 0.4, 0.45, 0.5, 0.6, np.inf)  # the last one: single pictures alone
MODES_SHOWN, WHAT = ("words", "auto"), ("absent that find, %", "present that do not, %")

Half = tuple[NDArray[np.int64], Gallery]  # some rows of a gallery, calibrated by what others taught


@dataclass(frozen=True)
class Evidence:
    """What speaks for Q words as queries.

    best:   (Q, 10) the largest probabilities of any pictures
    beside: (2, Q) whether mode words, and mode auto, finds one without them
    right:  (Q, 10) whether these pictures are right
    usual:  (Q,) the share of all pictures that are
    """

    best: NDArray[np.float64]
    beside: NDArray[np.bool_]
    right: NDArray[np.bool_]
    usual: NDArray[np.float64]

    def finds(self, alone: float, expected: float, auto: bool) -> NDArray[np.bool_]:
        """(Q,) which words find a picture."""
        return (self.best[:, 0] >= alone) | (self.best.sum(1) >= expected) | self.beside[int(auto)]


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


def words_of(captions: Captions) -> tuple[list[str], WordPairs]:
    """Words that no caption of some pictures holds, and those that captions hold."""
    nothing = np.zeros(len(captions))
    return absent_words(captions), word_pairs(lambda _: nothing, captions)


def evidence(half: Half, words: Sequence[str], right: NDArray[np.bool_], space: EmbeddingModel) -> Evidence:
    """What speaks for each word among the pictures of a half; right: (n, Q) which of these show it"""
    rows, gallery = half
    predicted.ALONE, predicted.EXPECTED = np.inf, np.inf  # so that nothing is found by them
    by_words, auto = gallery.prepared(MODES["words"]), gallery.prepared(MODES["auto"])
    assert isinstance(by_words, PreparedLikelihood)
    best, beside, shown = list[NDArray[np.float64]](), list[tuple[bool, bool]](), list[NDArray[np.bool_]]()
    for place, query in enumerate(encode_texts(words, {"embedding": space}, gallery)):
        named, fits, likely = by_words.fits(query), auto.fits(query), by_words.text(query).surest[rows]
        assert named is not None and fits is not None, "it is a text"
        first = np.argsort(-likely, kind="stable")[: predicted.SEVERAL]
        best.append(likely[first])
        beside.append((bool(named[rows].any()), bool(fits[rows].any())))
        shown.append(right[first, place])
    return Evidence(np.array(best), np.array(beside).T, np.array(shown), right.mean(0))


def joined(parts: Sequence[Evidence]) -> Evidence:
    """That of both halves."""
    names = [one.name for one in fields(Evidence)]
    axes = [1 if name == "beside" else 0 for name in names]
    joint = (
        np.concatenate([getattr(one, name) for one in parts], axis)
        for name, axis in zip(names, axes, strict=True)
    )
    return Evidence(*joint)


def wrong(absent: Evidence, present: Evidence, alone: float, expected: float, auto: bool) -> list[float]:
    """The shares of absent words that find something, and of present ones that do not, x100."""
    found, missed = absent.finds(alone, expected, auto), ~present.finds(alone, expected, auto)
    return [100 * float(found.mean()), 100 * float(missed.mean())]


def floors_table(absent: Evidence, present: Evidence) -> str:
    """What each pair of ALONE and EXPECTED is worth."""
    rows = [
        [
            alone,
            expected,
            *wrong(absent, present, alone, expected, False),
            *wrong(absent, present, alone, expected, True),
        ]
        for alone, expected in product(LEAST_ALONE, EXPECTED)
    ]
    return markdown_table(
        ["ALONE", "EXPECTED", *(f"{mode}: {what}" for mode in MODES_SHOWN for what in WHAT)], rows
    )


def guesses(present: Evidence, alone: float, expected: float) -> str:
    """How often the ten likeliest are right where none is likely enough alone."""
    guessed = (present.best[:, 0] < alone) & (present.best.sum(1) >= expected)
    right = present.right[guessed]
    return (
        f"{guessed.sum()} words that captions hold find guesses alone: {100 * right.mean():.1f} % of these "
        f"are right ({100 * present.usual[guessed].mean():.1f} % of all pictures are), for "
        f"{100 * right.any(1).mean():.0f} % of the words one or more."
    )


def main() -> None:
    """Measure and write what each floor is worth."""
    options = split_options(__doc__ or "")
    given = options.parse_args()
    head, space = shipped()
    dataset = open_dataset(given.data)
    items = dataset.split(given.split)
    whole = gallery_of(items, head, WordPredictor(head), space, given.features)
    captions = [items[int(name)].captions for name in whole.ids]
    parts = halves(whole, captions, [item.captions for item in dataset.split("train") if item.captions])
    alone, expected = predicted.ALONE, predicted.EXPECTED
    found_absent, found_present = list[Evidence](), list[Evidence]()
    for half in parts:
        unused, pairs = words_of([captions[int(row)] for row in half[0]])
        nothing = np.zeros((len(half[0]), len(unused)), np.bool_)
        found_absent.append(evidence(half, unused, nothing, space))
        found_present.append(evidence(half, pairs.words, pairs.right, space))
    absent, present = joined(found_absent), joined(found_present)
    both = [
        f"{mode}: {', '.join(f'{share:.1f} %' for share in wrong(absent, present, alone, expected, auto))}"
        for mode, auto in zip(MODES_SHOWN, (False, True), strict=True)
    ]
    about = (
        f"{kind_of(given.data)}, {given.split}, each half of the pictures by a calibration that was learnt "
        f"from the other. Single words as queries: {len(absent.best)} that no caption of a half holds, "
        f"{len(present.best)} that captions of it hold. A word finds pictures where one has ALONE or more, "
        f"or where the probabilities of the {predicted.SEVERAL} likeliest make EXPECTED. With {alone} and "
        f"{expected}, which ship, these shares of absent and of present words are answered wrongly: "
        f"{'; '.join(both)}. {guesses(present, alone, expected)}"
    )
    write_section(
        ROOT / "benchmarks/RESULTS.md",
        "When a word finds pictures",
        f"{about}\n\n{floors_table(absent, present)}",
        f"python benchmarks/word_floors.py --split {given.split}",
    )


if __name__ == "__main__":
    main()
