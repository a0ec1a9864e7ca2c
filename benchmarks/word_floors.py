"""When a single word finds pictures: where one picture is probable enough alone (ALONE in
captionret.retrieval.predicted), or where by expectation enough (EXPECTED) of the likeliest (SEVERAL) show it.
Of words that no caption holds hardly any shall find a picture, of those that captions hold the fewest
nothing.

python benchmarks/word_floors.py              # Flickr8k val, on which all three are chosen

Each half of the pictures is scored by a calibration that was learnt from the other half, else probabilities
would be better than they are. Its words are those that no caption of this half holds, whether the other half
holds them or not: words that nobody uses in either are known to be unused, as those of new pictures are not.
Those that captions hold are right for LEAST pictures of a half, for as many of a thousand as `trust.py` asks.
`benchmarks/trust.py --split test` scores what was chosen.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from itertools import product

import numpy as np
from numpy.typing import NDArray
from results import RESULTS, kind_of, markdown_table, write_section
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
SEVERAL, ALONE, EXPECTED = (10, 30, 50), (0.25, 0.35, 0.45, 0.6), (0.4, 0.5, 0.6, 0.8)
LEAST = 3
MODES_SHOWN, WHAT = ("words", "auto"), ("absent that find, %", "present that do not, %")

Half = tuple[NDArray[np.int64], Gallery]  # some rows of a gallery, calibrated by what others taught


@dataclass(frozen=True)
class Rule:
    """When a word finds pictures, see above."""

    several: int
    alone: float
    expected: float

    def found(self, best: NDArray[np.float64]) -> NDArray[np.bool_]:
        """(Q, n) the largest probabilities of Q words, the largest first -> (Q,) which find a picture."""
        alone: NDArray[np.bool_] = best[:, 0] >= self.alone
        together: NDArray[np.bool_] = best[:, : self.several].sum(1) >= self.expected
        return alone | together


SHIPPED = Rule(predicted.SEVERAL, predicted.ALONE, predicted.EXPECTED)


@dataclass(frozen=True)
class Evidence:
    """What speaks for Q words as queries.

    best:   (Q, n) the largest probabilities of any pictures, the largest first
    beside: (2, Q) whether mode words, and mode auto, finds one without them
    right:  (Q, 10) whether the first of these pictures are right
    usual:  (Q,) the share of all pictures that are
    """

    best: NDArray[np.float64]
    beside: NDArray[np.bool_]
    right: NDArray[np.bool_]
    usual: NDArray[np.float64]

    def finds(self, rule: Rule, auto: bool) -> NDArray[np.bool_]:
        """(Q,) which words find a picture."""
        beside: NDArray[np.bool_] = self.beside[int(auto)]
        return rule.found(self.best) | beside


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
        fitted = fit_calibration(words, classes, [captions[int(row)] for row in learnt], named, further)
        source = Recalibrated(whole, fitted.calibration)
        gallery = Gallery(list(whole.ids), list(whole.captions), list(whole.hashes), source=source)
        found.append((np.flatnonzero(place == number), gallery))
    return found


def words_of(captions: Captions) -> tuple[list[str], WordPairs]:
    """Words that no caption of some pictures holds, and those that captions hold."""
    nothing = np.zeros(len(captions))
    return absent_words(captions), word_pairs(lambda _: nothing, captions, LEAST)


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
        first = np.argsort(-likely, kind="stable")[: max(SEVERAL)]
        best.append(likely[first])
        beside.append((bool(named[rows].any()), bool(fits[rows].any())))
        shown.append(right[first[: predicted.GUESSES], place])
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


def wrong(absent: Evidence, present: Evidence, rule: Rule) -> list[float]:
    """The shares of absent words that find something, and of present ones that do not, of each mode, x100."""
    both = ((absent.finds(rule, auto), ~present.finds(rule, auto)) for auto in (False, True))
    return [100 * float(share.mean()) for found in both for share in found]


def floors_table(absent: Evidence, present: Evidence) -> str:
    """What each rule is worth."""
    rows: list[list[object]] = [
        [*rule, *wrong(absent, present, Rule(*rule))] for rule in product(SEVERAL, ALONE, EXPECTED)
    ]
    columns = (f"{mode}: {what}" for mode in MODES_SHOWN for what in WHAT)
    return markdown_table(["SEVERAL", "ALONE", "EXPECTED", *columns], rows)


def guesses(present: Evidence) -> str:
    """How often the likeliest are right where none is more than a guess."""
    guessed = (present.best[:, 0] < predicted.GUESS) & SHIPPED.found(present.best)
    right = present.right[guessed]
    return (
        f"{guessed.sum()} words that captions hold find guesses alone: {100 * right.mean():.1f} % of the "
        f"first {predicted.GUESSES} are right ({100 * present.usual[guessed].mean():.1f} % of all pictures "
        f"are), for {100 * right.any(1).mean():.0f} % of the words one or more."
    )


def main() -> None:
    """Measure and write what each floor is worth."""
    options = split_options(__doc__, RESULTS)
    given = options.parse_args()
    head, space = shipped()
    dataset = open_dataset(given.data)
    items = dataset.split(given.split)
    whole = gallery_of(items, head, WordPredictor(head), space, given.features)
    captions = [items[int(name)].captions for name in whole.ids]
    parts = halves(whole, captions, [item.captions for item in dataset.split("train") if item.captions])
    found_absent, found_present = list[Evidence](), list[Evidence]()
    for half in parts:
        unused, pairs = words_of([captions[int(row)] for row in half[0]])
        nothing = np.zeros((len(half[0]), len(unused)), np.bool_)
        found_absent.append(evidence(half, unused, nothing, space))
        found_present.append(evidence(half, pairs.words, pairs.right, space))
    absent, present = joined(found_absent), joined(found_present)
    shares = wrong(absent, present, SHIPPED)
    about = (
        f"{kind_of(given.data)}, {given.split}, each half of the pictures by a calibration that was learnt "
        f"from the other. Single words as queries: {len(absent.best)} that no caption of a half holds, "
        f"{len(present.best)} that are right for {LEAST} pictures of it or more. A word finds pictures where "
        "one has ALONE or more, or where the probabilities of the SEVERAL likeliest make EXPECTED; beside by "
        f"classes, captions and the space. With {SHIPPED.several}, {SHIPPED.alone} and {SHIPPED.expected}, "
        "which ship, these shares of absent and of present words are answered wrongly: "
        f"words {shares[0]:.1f} and {shares[1]:.1f} %, auto {shares[2]:.1f} and {shares[3]:.1f} %. "
        f"{guesses(present)}"
    )
    write_section(
        given.results,
        "When a word finds pictures",
        f"{about}\n\n{floors_table(absent, present)}",
        f"python benchmarks/word_floors.py --split {given.split}",
    )


if __name__ == "__main__":
    main()
