"""Texts and labels as queries: against every order of ties written out, and against the tools that others
use."""

import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from captionret.errors import BadSetting
from captionret.evaluation.label_search import label_figures, measure_labels
from captionret.evaluation.text_search import measure_text, random_text, text_scores
from captionret.evaluation.ties import expected_rank, expected_reciprocal_rank
from captionret.retrieval import MODES, EncodedQuery, Gallery

SCORES = st.lists(st.sampled_from([0.0, 0.25, 0.5, 1.0]), min_size=2, max_size=6)


def orders(scores: list[float]) -> list[tuple[int, ...]]:
    """Every order in which the pictures may be shown: best score first, ties in any order."""
    return [
        order
        for order in itertools.permutations(range(len(scores)))
        if all(scores[a] >= scores[b] for a, b in itertools.pairwise(order))
    ]


def mean_over_orders(scores: list[float], figure: Callable[[tuple[int, ...]], float]) -> float:
    found = [figure(order) for order in orders(scores)]
    return sum(found) / len(found)


@settings(deadline=None)
@given(SCORES, st.data())
def test_a_text_gets_the_mean_over_all_orders_of_ties(scores: list[float], data: st.DataObject) -> None:
    own = data.draw(st.integers(0, len(scores) - 1))
    found = measure_text("mode", [np.array(scores, np.float32)], [own], len(scores))
    for k, value in ((1, found.r1), (5, found.r5), (10, found.r10)):
        naive = mean_over_orders(scores, lambda order, k=k: own in order[:k])  # type: ignore[misc]
        assert value == pytest.approx(100 * naive)
    assert found.mrr == pytest.approx(mean_over_orders(scores, lambda order: 1 / (order.index(own) + 1)))
    rank = mean_over_orders(scores, lambda order: order.index(own))
    assert found.medr == math.floor(rank + 1e-9) + 1


@settings(deadline=None)
@given(SCORES, st.data())
def test_a_label_gets_the_mean_over_all_orders_of_ties(scores: list[float], data: st.DataObject) -> None:
    right = data.draw(st.lists(st.booleans(), min_size=len(scores), max_size=len(scores)).filter(any))
    wanted = sum(right)

    def first(order: tuple[int, ...]) -> float:
        return 1 / (1 + next(place for place, row in enumerate(order) if right[row]))

    def average(order: tuple[int, ...]) -> float:
        hits = np.cumsum([right[row] for row in order])
        return float(sum(hits[place] / (place + 1) for place, row in enumerate(order) if right[row]) / wanted)

    expected = (
        mean_over_orders(scores, lambda order: sum(right[row] for row in order[:wanted]) / wanted),
        mean_over_orders(scores, first),
        mean_over_orders(scores, average),
    )
    assert label_figures(np.array(scores, np.float32), np.array(right)) == pytest.approx(expected)


@pytest.mark.parametrize(("better", "tied", "right"), [(0, 5, 2), (3, 6, 1), (2, 4, 4), (0, 1, 1)])
def test_the_first_right_answer_of_a_tie_is_drawn_without_replacement(
    better: int, tied: int, right: int
) -> None:
    first = [min(drawn) for drawn in itertools.combinations(range(tied), right)]
    counts = [np.array([number]) for number in (better, tied, right)]
    assert expected_rank(*counts)[0] == pytest.approx(better + sum(first) / len(first))
    reciprocal = sum(1 / (better + place + 1) for place in first) / len(first)
    assert expected_reciprocal_rank(*counts)[0] == pytest.approx(reciprocal)


def test_a_query_without_a_word_that_the_mode_knows_is_a_counted_miss() -> None:
    gallery = Gallery(["1.jpg", "2.jpg"], ["a dog on a beach", "a red car"])
    texts = ["the dog", "...", "xyzzy", "red"]
    answers = list(text_scores(MODES["jaccard"], gallery, [EncodedQuery(text=text) for text in texts]))
    assert [answer is None for answer in answers] == [False, True, True, False]
    found = measure_text("jaccard", answers, [0, 0, 1, 0], 2)
    assert found.misses == 2 and found.known.tolist() == [True, False, False, True]
    assert found.values()[:3] == [25.0, 50.0, 50.0], "'red' finds the other picture first"
    assert found.mrr == pytest.approx((1 + 0 + 0 + 1 / 2) / 4)
    assert measure_text("jaccard", [None], [0], 2).medr == 3, "after every picture"


def test_random_gets_what_chance_gets() -> None:
    found = random_text(50, 40)
    assert found.r1 == pytest.approx(100 / 40) and found.r10 == pytest.approx(1000 / 40)
    assert found.mrr == pytest.approx(sum(1 / rank for rank in range(1, 41)) / 40)
    assert found.medr == 20 and found.misses == 0


def test_a_label_without_a_known_word_counts_as_0_and_one_without_pictures_is_refused() -> None:
    scores = np.array([3.0, 2.0, 1.0], np.float32)
    found = measure_labels("mode", [scores, None], np.array([[1, 0, 1], [0, 1, 0]], bool))
    assert found.values() == pytest.approx([0.25, 0.5, (1 + 2 / 3) / 4, 1])
    with pytest.raises(BadSetting, match="Every label needs a picture"):
        measure_labels("mode", [scores, scores], np.array([[1, 0, 1], [0, 0, 0]], bool))


def test_scores_that_are_no_numbers_and_answers_to_other_queries_are_refused() -> None:
    with pytest.raises(BadSetting, match="not finite"):
        measure_text("mode", [np.array([np.nan, 1])], [0], 2)
    for answers in ([], [None, None]):
        with pytest.raises(BadSetting, match="for 1 query"):
            measure_text("mode", answers, [0], 2)
