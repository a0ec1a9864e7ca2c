"""How much to take back of high probabilities of words that captions seldom hold: of little to learn from, a
predictor is too sure.

    learnt = learn_bends(held_out, right, forms)
    bends_of(right, forms, learnt)

Two numbers for all words, learnt by logistic regression: what is taken back of the logit above BENT_FROM, and
what more for words that are less usual than `_USUAL`. How usual a word is, the stated corpus of captions
says: zebras are rare in many people's pictures, but not in what predictors learn from.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..retrieval import corpus
from ..retrieval.calibrated import BENT_FROM, logit

_COMMON = 0.2  # words used of more pictures than this share are right as they are
_USUAL, _SELDOM = 0.03, 1e-4  # between these shares of captions it goes by the log
_LEAST = 0.1  # no word keeps less, so that what is more probable stays so
_STEPS, _STEP = 30, 0.2

Table = NDArray[np.float64]


def learn_bends(held_out: Table, right: NDArray[np.bool_], forms: Sequence[Sequence[str]]) -> Table:
    """(2,) for bends_of.

    held_out: (N, G) probabilities of groups of forms, of each picture by what was learnt from others
    right:    (N, G) whether people used them
    """
    row, group = np.nonzero((held_out >= BENT_FROM) & (right.mean(0) < _COMMON))
    odds, used = logit(held_out[row, group]), right[row, group]
    above = odds - float(logit(np.array(BENT_FROM)))
    parts = np.stack([above, above * _unusual(forms)[group]])
    found = np.zeros(2)
    for _ in range(_STEPS):
        probable = 1 / (1 + np.exp(-(odds + found @ parts)))
        hessian = (parts * (probable * (1 - probable))) @ parts.T + np.eye(2)
        step = np.linalg.solve(hessian, parts @ (used - probable) - found)
        found = found + np.clip(step, -_STEP, _STEP)
    return found


def bends_of(right: NDArray[np.bool_], forms: Sequence[Sequence[str]], learnt: Table) -> Table:
    """(G,) the share of the logit above BENT_FROM that each group keeps."""
    kept = 1 + learnt[0] + learnt[1] * _unusual(forms)
    return np.where(right.mean(0) < _COMMON, np.clip(kept, _LEAST, 1), 1.0)


def _unusual(forms: Sequence[Sequence[str]]) -> Table:
    rates = [max(corpus.rates().get(form, 0.0) for form in group) for group in forms]
    found: Table = np.log(np.clip(rates, _SELDOM, _USUAL) / _USUAL)
    return found
