"""Fisher's randomisation test and Holm's correction, against scipy and against every draw written out."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from captionret.errors import BadSetting
from captionret.evaluation.significance import holm, randomisation_test

TENTHS = st.integers(0, 10).map(lambda tenth: tenth / 10)


@settings(deadline=None)
@given(st.lists(st.tuples(TENTHS, TENTHS), min_size=1, max_size=9))
def test_few_items_get_the_exact_p_of_all_exchanges(pairs: list[tuple[float, float]]) -> None:
    differences = [round(10 * (a - b)) for a, b in pairs]
    sums = [
        sum(sign * one for sign, one in zip(signs, differences, strict=True))
        for signs in itertools.product((1, -1), repeat=len(pairs))
    ]
    naive = sum(abs(one) >= abs(sum(differences)) for one in sums) / len(sums)
    a, b = zip(*pairs, strict=True)
    assert randomisation_test(a, b) == pytest.approx(naive)


def test_many_items_get_the_p_of_scipys_test() -> None:
    random = np.random.default_rng(0)
    a = random.normal(0, 1, 60)
    b = a + random.normal(0.1, 0.5, 60)
    reference = stats.permutation_test(
        (a, b),
        lambda x, y, axis: np.mean(x - y, axis=axis),
        permutation_type="samples",
        n_resamples=20_000,
        rng=np.random.default_rng(1),
    )
    assert randomisation_test(a, b, samples=20_000) == pytest.approx(reference.pvalue, abs=0.01)
    assert randomisation_test(a, b) == randomisation_test(b, a), "the same seed, the same p"
    assert randomisation_test(a, a) == 1
    assert randomisation_test(a, a + 1) == pytest.approx(1 / 10_001), "never 0"


def test_holm_is_the_example_of_the_paper_and_keeps_the_order() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]).tolist() == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.9]).tolist() == [1.0, 1.0]
    assert holm([]).tolist() == []


@given(st.lists(st.floats(0, 1), max_size=8))
def test_holm_rejects_what_stepping_down_rejects(p_values: list[float]) -> None:
    """At level .05: the k-th smallest p is held against .05 / (M - k + 1), until one is not below."""
    found = holm(p_values) <= 0.05
    rejected, stopped = set(), False
    for step, place in enumerate(np.argsort(p_values, kind="stable").tolist()):
        stopped = stopped or p_values[place] * (len(p_values) - step) > 0.05
        rejected |= set() if stopped else {place}
    assert set(np.flatnonzero(found).tolist()) == rejected


def test_what_no_test_can_be_made_of_is_refused() -> None:
    for a, b in (([1.0], [1.0, 2.0]), ([], []), ([np.nan], [1.0])):
        with pytest.raises(BadSetting, match="randomisation test"):
            randomisation_test(a, b)
    with pytest.raises(BadSetting, match="Holm"):
        holm([0.5, 1.5])
