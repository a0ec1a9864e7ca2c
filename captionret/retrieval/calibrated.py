"""From what a predictor says of a word to how often that is right: a calibration, learnt from captions that
people wrote and kept as a small file beside the predictor, or in a library.

calibration = Calibration.read(Path("checkpoints/words-lite/calibration.json"))
calibration.of_head("dog", np.array([0.0, 0.2, 0.9]))     # (3,)

A calibrated probability is that of two or more of five people saying the word, or another of its forms.
`captionret calibrate` learns one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import BadSetting
from ..files import publish_json, read_json
from ..remedies import remedy

FILE = "calibration.json"
FORMAT = 2  # 1: without bends
BENT_FROM = 0.3  # the probability from which a bend changes it
SURE = float(np.float32(0.999))  # the largest probability; what a person wrote has it
_LEAST, _MOST = 1e-4, 0.9995  # between these the logit is taken


@dataclass(frozen=True)
class WordGroup:
    """The forms of one word, which are calibrated together.

    forms:  "dog", "dogs"
    slope, offset: the probability p that any of them is used becomes sigmoid(slope * logit(p) + offset)
    bend:   of what is above BENT_FROM then, this share of the way in the logit is kept
    share:  of the probability of classes that are called so, or are a kind of it, that counts beside
    """

    forms: tuple[str, ...]
    slope: float
    offset: float
    share: float
    bend: float = 1.0


@dataclass(frozen=True)
class Calibration:
    """How the words of one predictor are calibrated.

    predictor: its fingerprint; name: what people call it
    data:      what it was learnt from, in words
    groups:    each word that the predictor knows is in one of them
    alone:     the share of a class's probability that a word is given which only classes know
    """

    predictor: str
    name: str
    data: str
    groups: Sequence[WordGroup]
    alone: float

    def __post_init__(self) -> None:
        numbers = [number for one in self.groups for number in (one.slope, one.offset, one.share, one.bend)]
        if not np.isfinite([*numbers, self.alone]).all():
            raise BadSetting("A calibration holds a number that is none.")
        if any(one.slope <= 0 or one.bend <= 0 for one in self.groups):
            raise BadSetting("A calibration's slopes must be above 0: what is more probable stays so.")
        if not all(0 <= share <= 1 for share in (self.alone, *(one.share for one in self.groups))):
            raise BadSetting("A calibration's shares are from 0 to 1.")

    @cached_property
    def _group_of(self) -> dict[str, WordGroup]:
        return {form: one for one in self.groups for form in one.forms}

    def group(self, word: str) -> WordGroup | None:
        """The forms of a word and how they are calibrated; None for one that is not."""
        return self._group_of.get(word)

    def forms(self, word: str) -> tuple[str, ...]:
        """The forms that count as one with a word, itself among them."""
        group = self._group_of.get(word)
        return (word,) if group is None else group.forms

    def share(self, word: str) -> float:
        """Of the probability of a word's classes how much counts."""
        group = self._group_of.get(word)
        return self.alone if group is None else group.share

    def of_head(self, word: str, likely: NDArray[np.float64]) -> NDArray[np.float64]:
        """(N,) calibrated of (N,) probabilities that a word's forms are used; 0, and what a person wrote,
        stay as they are. A word of no group is not calibrated."""
        group = self._group_of.get(word)
        if group is None:
            return likely
        found = np.minimum(calibrated(likely, group.slope, group.offset, group.bend), SURE)
        return np.where(likely >= 1, SURE, np.where(likely > 0, found, 0.0))

    def write(self, path: Path) -> None:
        """Publish it as a file."""
        publish_json(
            path,
            {
                "format": FORMAT,
                "predictor": self.predictor,
                "name": self.name,
                "data": self.data,
                "alone": round(self.alone, 4),
                "groups": [
                    f"{' '.join(one.forms)} {one.slope:.4g} {one.offset:.4g} {one.share:.3g} {one.bend:.3g}"
                    for one in self.groups
                ],
            },
        )

    @classmethod
    def read(cls, path: Path) -> "Calibration":
        """Read a file. errors: BadSetting where it is damaged or of a later release"""
        facts = read_json(path, lambda message: BadSetting(message, remedy("calibrate")))
        try:
            return cls._from(facts)
        except (KeyError, ValueError, TypeError, AttributeError, OverflowError) as error:
            raise BadSetting(f"{path} is no calibration ({error}).", remedy("calibrate")) from None
        except BadSetting as error:
            raise BadSetting(f"{path} is damaged: {error.message}", remedy("calibrate")) from None

    @classmethod
    def _from(cls, facts: dict[str, Any]) -> "Calibration":
        if facts["format"] > FORMAT:
            raise ValueError("a later release wrote it")
        groups = []
        for line in facts["groups"]:
            parts = [*line.split(" "), *(["1"] if facts["format"] == 1 else [])]
            groups.append(WordGroup(tuple(parts[:-4]), *map(float, parts[-4:])))
        predictor, name, data = (str(facts[part]) for part in ("predictor", "name", "data"))
        return cls(predictor, name, data, groups, float(facts["alone"]))


_BENT_FROM = float(np.log(BENT_FROM) - np.log1p(-BENT_FROM))


def calibrated(
    likely: NDArray[np.float64],
    slope: float | NDArray[np.float64],
    offset: float | NDArray[np.float64],
    bend: float | NDArray[np.float64] = 1.0,
) -> NDArray[np.float64]:
    """sigmoid(slope * logit(p) + offset) of each probability, bent from BENT_FROM on."""
    odds = slope * logit(likely) + offset
    odds = odds + (bend - 1) * np.maximum(odds - _BENT_FROM, 0)
    with np.errstate(over="ignore"):  # odds below -709 are a probability of 0
        found: NDArray[np.float64] = 1 / (1 + np.exp(-odds))
    return found


def logit(likely: NDArray[np.float64]) -> NDArray[np.float64]:
    """log p/(1 - p), of probabilities that are neither 0 nor 1."""
    kept = np.clip(likely, _LEAST, _MOST)
    found: NDArray[np.float64] = np.log(kept) - np.log1p(-kept)
    return found
