"""Hubness and its remedies against the equations written out as loops."""

from collections.abc import Callable
from itertools import permutations
from math import exp, inf, log

import numpy as np
import pytest

from captionret.errors import BadSetting, UnknownName
from captionret.evaluation import hubness
from captionret.evaluation.hubness import (
    csls,
    find_remedies,
    inverted_softmax,
    k_occurrence,
    measure_hubness,
    mutual_proximity,
    skewness,
    without_self,
)


def some_scores(
    queries: int = 7, images: int = 9, distinct: int | None = None, masked: int = 0, seed: int = 0
) -> np.ndarray:
    random = np.random.default_rng(seed)
    scores = (
        random.normal(size=(queries, images))
        if distinct is None
        else random.integers(distinct, size=(queries, images))
    )
    found = scores.astype(np.float32)
    found.flat[random.permutation(found.size)[:masked]] = -np.inf
    return found


def compared(values: np.ndarray) -> list[float]:
    return [value for value in values.tolist() if value > -inf]


def naive_occurrence(scores: np.ndarray, k: int) -> list[float]:
    """The mean, over all orders of the images, of the counts by lists that are sorted with ties in that
    order."""
    orders = list(permutations(range(scores.shape[1])))
    counts = [0.0] * scores.shape[1]
    for order in orders:
        for row in scores.tolist():
            for image in [
                image for image in sorted(order, key=lambda image: -row[image]) if row[image] > -inf
            ][:k]:
                counts[image] += 1 / len(orders)
    return counts


@pytest.mark.parametrize(
    ("k", "distinct", "masked"), [(1, None, 0), (3, None, 5), (2, 3, 4), (3, 2, 0), (9, 3, 6)]
)
def test_occurrences_are_those_of_sorted_lists_over_all_orders_of_ties(
    k: int, distinct: int | None, masked: int
) -> None:
    scores = some_scores(8, 5, distinct, masked)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hubness, "_ROWS", 3)
        assert k_occurrence(scores, k).tolist() == pytest.approx(naive_occurrence(scores, k))


def test_places_are_shared_out_and_never_lost() -> None:
    scores = some_scores(300, 40, distinct=6)
    assert k_occurrence(scores, 10).sum() == pytest.approx(300 * 10)
    assert k_occurrence(np.zeros((30, 12), np.float32), 4).tolist() == pytest.approx([30 * 4 / 12] * 12)
    assert k_occurrence(np.full((3, 4), -np.inf, np.float32), 2).tolist() == [0] * 4


def test_skewness_of_a_hand_worked_example() -> None:
    # 0 0 0 4: mean 1, deviations -1 -1 -1 3, variance 12/4 = 3, third moment 24/4 = 6
    assert skewness(np.array([0, 0, 0, 4])) == pytest.approx(6 / 3**1.5)
    assert skewness(np.array([1, 2, 3])) == pytest.approx(0) and skewness(np.array([5, 5, 5])) == 0


def test_the_figures_of_a_hand_worked_gallery() -> None:
    # image 0 is everybody's nearest; 1 is 0's; nobody's nearest are 2 and 3
    scores = np.array([[9, 5, 2, 1], [8, 9, 1, 2], [7, 3, 9, 1], [6, 1, 2, 9]], np.float32)
    found = measure_hubness(without_self(scores), 1)
    assert found.occurrence.tolist() == [3, 1, 0, 0]
    assert (found.maximum, found.antihubs, found.hub_share, found.worst(2)) == (3, 0.5, 0.75, [0, 1])
    assert found.distribution() == {0: 2, 1: 1, 3: 1}
    assert found.to_json() == {
        "k": 1,
        "skewness": found.skewness,
        "maximum": 3,
        "antihubs": 0.5,
        "hub_share": 0.75,
    }


def test_an_image_is_no_neighbour_of_itself_nor_of_one_that_shares_nothing() -> None:
    scores = np.array([[1, 0, 0.5], [0, 1, -0.1], [0.5, -0.1, 1]], np.float32)
    assert without_self(scores).tolist() == [
        [-inf, 0, 0.5],
        [0, -inf, pytest.approx(-0.1)],
        [0.5, pytest.approx(-0.1), -inf],
    ]
    assert without_self(scores, relative=False).tolist() == [[-inf, -inf, 0.5], [-inf] * 3, [0.5, -inf, -inf]]
    assert scores[0, 0] == 1, "the scores that were given are left alone"
    with pytest.raises(BadSetting, match="as many queries as images"):
        without_self(scores[:2])


def naive_csls(scores: np.ndarray, k: int) -> list[list[float]]:
    def mean_of_best(values: np.ndarray) -> float:
        best = sorted(compared(values), reverse=True)[:k]
        return sum(best) / len(best) if best else 0

    return [
        [2 * s - mean_of_best(scores[q]) - mean_of_best(scores[:, x]) for x, s in enumerate(row)]
        for q, row in enumerate(scores.tolist())
    ]


def naive_mutual_proximity(scores: np.ndarray) -> list[list[float]]:
    def below(values: np.ndarray, s: float) -> float:
        return sum(value < s for value in compared(values)) / max(len(compared(values)), 1)

    return [
        [below(scores[q], s) * below(scores[:, x], s) if s > -inf else -inf for x, s in enumerate(row)]
        for q, row in enumerate(scores.tolist())
    ]


def naive_inverted_softmax(scores: np.ndarray, beta: float) -> list[list[float]]:
    return [
        [
            beta * s - log(sum(exp(beta * other) for other in scores[:, x].tolist())) if s > -inf else -inf
            for x, s in enumerate(row)
        ]
        for row in scores.tolist()
    ]


@pytest.mark.parametrize(
    "scores",
    [some_scores(), some_scores(masked=12), some_scores(12, 4, distinct=3, masked=5)],
    ids=["plain", "masked", "ties"],
)
@pytest.mark.parametrize(
    ("remedy", "naive"),
    [
        (lambda scores: csls(scores, 3), lambda scores: naive_csls(scores, 3)),
        (csls, lambda scores: naive_csls(scores, 10)),
        (mutual_proximity, naive_mutual_proximity),
        (lambda scores: inverted_softmax(scores, 5.0), lambda scores: naive_inverted_softmax(scores, 5.0)),
        (
            inverted_softmax,
            lambda scores: naive_inverted_softmax(scores, 3 / float(np.std(compared(scores.reshape(-1))))),
        ),
    ],
    ids=["csls 3", "csls", "mutual proximity", "inverted softmax 5", "inverted softmax"],
)
def test_a_remedy_is_its_equation(
    remedy: Callable[[np.ndarray], np.ndarray],
    naive: Callable[[np.ndarray], list[list[float]]],
    scores: np.ndarray,
) -> None:
    before = scores.copy()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hubness, "_ROWS", 3)
        found = remedy(scores)
    assert found.dtype == np.float32
    assert found == pytest.approx(np.array(naive(scores)), abs=2e-5, rel=1e-5)
    assert np.array_equal(scores, before)


def test_a_pair_that_is_never_compared_never_becomes_one() -> None:
    scores = some_scores(6, 6, masked=9)
    scores[:, 2] = scores[4] = -np.inf
    for remedy in hubness.REMEDIES.values():
        assert np.array_equal(remedy(scores) == -np.inf, scores == -np.inf)


def test_each_remedy_takes_places_from_the_hubs_of_many_dimensions() -> None:
    random = np.random.default_rng(0)
    points = random.normal(size=(400, 60))  # those that happen to lie towards the middle are near to all
    scores = without_self(-np.linalg.norm(points[:, None] - points, axis=2))
    plain = measure_hubness(scores)
    assert plain.skewness > 3 and plain.antihubs > 0.1
    for name, remedy in hubness.REMEDIES.items():
        better = measure_hubness(remedy(scores))
        assert (
            better.skewness < plain.skewness / 2
            and better.antihubs < plain.antihubs
            and better.maximum < plain.maximum
        ), name


def test_remedies_are_found_by_name() -> None:
    assert list(find_remedies(["all"])) == ["csls", "mutual-proximity", "inverted-softmax"]
    assert list(find_remedies(["inverted-softmax", "csls"])) == [
        "csls",
        "inverted-softmax",
    ] and not find_remedies([])
    with pytest.raises(UnknownName, match="Did you mean 'csls'"):
        find_remedies(["clsl"])


@pytest.mark.parametrize("remedy", [k_occurrence, *hubness.REMEDIES.values()])
def test_what_is_no_matrix_of_scores_is_refused(remedy: Callable[[np.ndarray], np.ndarray]) -> None:
    for scores, message in (
        (np.zeros(3), "shape"),
        (np.zeros((0, 3)), "shape"),
        (np.array([[0, np.nan]]), "NaN or infinite"),
        (np.array([[0, np.inf]]), "NaN or infinite"),
    ):
        with pytest.raises(BadSetting, match=message):
            remedy(scores)


def test_settings_that_cannot_work_are_refused() -> None:
    with pytest.raises(BadSetting, match="k is 0"):
        k_occurrence(some_scores(), 0)
    with pytest.raises(BadSetting, match="k is 0"):
        csls(some_scores(), 0)
    for beta in (0, -1, inf, float("nan")):
        with pytest.raises(BadSetting, match="beta"):
            inverted_softmax(some_scores(), beta)
