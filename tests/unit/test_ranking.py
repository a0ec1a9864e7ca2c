"""Ranking between images and sentences: against the original VSE evaluation, and against every order of ties
written out."""

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from captionret.errors import BadSetting
from captionret.evaluation import ranking
from captionret.evaluation.ranking import Recall, rank_both_ways
from captionret.evaluation.ties import hit_probability

GOLDEN = json.loads(
    (Path(__file__).parents[1] / "golden" / "ranking_metrics.json").read_text(encoding="utf-8")
)["recall"]


def unit(rows: np.ndarray) -> np.ndarray:
    scaled: np.ndarray = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return scaled


def values(recall: Recall) -> list[float]:
    return [recall.r1, recall.r5, recall.r10, recall.medr, recall.meanr]


def random_scores(
    images: int, each: int, distinct: int | None = None, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Scores with or without ties, and captions that stand in no order."""
    random = np.random.default_rng(seed)
    owner = random.permutation(np.repeat(np.arange(images), each))
    scores = (
        random.random((images, len(owner)), np.float32)
        if distinct is None
        else random.integers(distinct, size=(images, len(owner)))
    )
    return scores.astype(np.float32), owner


def naive_ranks(scores: np.ndarray, owner: np.ndarray) -> tuple[list[int], list[int]]:
    """Ranks counted from 0 where no two scores are equal: i2t, t2i."""
    i2t = [
        min(place for place, caption in enumerate(np.argsort(-row).tolist()) if owner[caption] == image)
        for image, row in enumerate(scores)
    ]
    t2i = [np.argsort(-column).tolist().index(owner[caption]) for caption, column in enumerate(scores.T)]
    return i2t, t2i


def naive_recall(ranks: list[int]) -> list[float]:
    hits = [100 * sum(rank < k for rank in ranks) / len(ranks) for k in (1, 5, 10)]
    return [*hits, int(np.median(ranks)) + 1, sum(ranks) / len(ranks) + 1]


def best_rank_in_every_order(scores: list[float], right: set[int]) -> list[int]:
    """The rank, from 0, of the first right answer in each order that puts no better score behind a worse
    one."""
    orders = [
        order
        for order in itertools.permutations(range(len(scores)))
        if all(scores[a] >= scores[b] for a, b in itertools.pairwise(order))
    ]
    return [min(order.index(answer) for answer in right) for order in orders]


def naive_expected(queries: list[list[int]]) -> list[float]:
    """The measures of queries of which each has its ranks in every order."""
    expected = [sum(ranks) / len(ranks) for ranks in queries]
    hits = [
        100 * float(np.mean([sum(rank < k for rank in ranks) / len(ranks) for ranks in queries]))
        for k in (1, 5, 10)
    ]
    return [*hits, np.floor(np.median(expected) + 1e-9) + 1, float(np.mean(expected)) + 1]


@pytest.mark.parametrize("case", GOLDEN, ids=lambda case: f"{case['N']} images")
def test_every_figure_of_the_original_evaluation_is_reproduced(case: dict[str, Any]) -> None:
    random = np.random.RandomState(case["seed"])
    images = random.standard_normal((case["N"], case["D"]))
    noise = random.standard_normal((5 * case["N"], case["D"]))
    captions = unit(case["alpha"] * np.repeat(images, 5, axis=0) + noise)
    found = rank_both_ways((unit(images) @ captions.T).astype(np.float32), np.repeat(np.arange(case["N"]), 5))
    assert values(found.i2t) == pytest.approx(case["i2t"], abs=1e-9)
    assert values(found.t2i) == pytest.approx(case["t2i"], abs=1e-9)


@pytest.mark.parametrize(("images", "each"), [(1, 1), (3, 5), (70, 1), (131, 5)])
def test_without_ties_the_ranks_are_those_of_a_sort(images: int, each: int) -> None:
    scores, owner = random_scores(images, each)
    i2t, t2i = naive_ranks(scores, owner)
    found = rank_both_ways(scores, owner)
    assert values(found.i2t) == pytest.approx(naive_recall(i2t))
    assert values(found.t2i) == pytest.approx(naive_recall(t2i))


@given(st.integers(1, 3), st.integers(1, 3), st.integers(1, 3), st.integers(0, 10**6), st.integers(1, 3))
@settings(max_examples=60, deadline=None)
def test_with_ties_every_figure_is_its_mean_over_all_orders(
    images: int, each: int, distinct: int, seed: int, block: int
) -> None:
    each = each if images * each <= 6 else 2
    scores, owner = random_scores(images, each, distinct, seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ranking, "_ROWS", block)
        found = rank_both_ways(scores, owner)
    i2t = [
        best_rank_in_every_order(row.tolist(), set(np.flatnonzero(owner == image).tolist()))
        for image, row in enumerate(scores)
    ]
    t2i = [
        best_rank_in_every_order(column.tolist(), {int(owner[caption])})
        for caption, column in enumerate(scores.T)
    ]
    assert values(found.i2t) == pytest.approx(naive_expected(i2t))
    assert values(found.t2i) == pytest.approx(naive_expected(t2i))


@pytest.mark.parametrize(
    ("better", "tied", "right"),
    [(0, 6, 2), (3, 7, 5), (4, 6, 1), (5, 2, 2), (9, 3, 2), (10, 3, 1), (0, 12, 3)],
)
def test_a_hit_among_ties_has_the_probability_of_drawing_without_replacement(
    better: int, tied: int, right: int
) -> None:
    for k in (1, 5, 10):
        places = min(max(k - better, 0), tied)
        draws = list(itertools.combinations(range(tied), places))
        expected = sum(any(drawn < right for drawn in draw) for draw in draws) / len(draws)
        assert hit_probability(np.array([better]), np.array([tied]), np.array([right]), k)[
            0
        ] == pytest.approx(expected)


def test_constant_scores_get_what_chance_gets() -> None:
    owner = np.repeat(np.arange(40), 5)
    found = rank_both_ways(np.full((40, 200), 0.5, np.float32), owner)
    assert found.t2i.r1 == pytest.approx(100 / 40) and found.t2i.r10 == pytest.approx(1000 / 40)
    assert found.t2i.meanr == pytest.approx((1 + 40) / 2)
    assert found.i2t.r1 == pytest.approx(100 * 5 / 200)
    assert found.i2t.meanr == pytest.approx((200 + 1) / 6), "the first of 5 among 200"


def test_scores_in_a_few_steps_get_the_mean_of_random_orders() -> None:
    scores, owner = random_scores(30, 5, distinct=4)
    random = np.random.default_rng(1)
    drawn = [rank_both_ways(scores + random.random(scores.shape) / 2, owner) for _ in range(400)]
    found = rank_both_ways(scores, owner)
    for direction in ("i2t", "t2i"):
        for name in ("r1", "r5", "r10", "meanr"):
            mean = np.mean([getattr(getattr(one, direction), name) for one in drawn])
            assert getattr(getattr(found, direction), name) == pytest.approx(mean, abs=0.8)


def test_the_best_of_an_images_captions_counts_not_the_first() -> None:
    scores = np.array([[0.1, 0.9, 0.5, 0.2], [0.8, 0.3, 0.1, 0.2]], np.float32)
    found = rank_both_ways(scores, np.array([0, 0, 1, 1]))
    assert (found.i2t.r1, found.i2t.meanr) == (50, (1 + 3) / 2)


def test_caption_order_never_changes_a_figure() -> None:
    scores, owner = random_scores(50, 5, distinct=20)
    order = np.random.default_rng(3).permutation(len(owner))
    found, moved = rank_both_ways(scores, owner), rank_both_ways(scores[:, order], owner[order])
    assert values(moved.i2t) == pytest.approx(values(found.i2t)) and values(moved.t2i) == pytest.approx(
        values(found.t2i)
    )


def test_folds_are_the_mean_of_consecutive_images_ranked_among_themselves() -> None:
    scores, owner = random_scores(60, 5, distinct=50)
    parts = []
    for start in range(0, 60, 12):
        mine = np.flatnonzero((owner >= start) & (owner < start + 12))
        parts.append(rank_both_ways(scores[start : start + 12][:, mine], owner[mine] - start))
    found = rank_both_ways(scores, owner, folds=5)
    assert values(found.i2t) == pytest.approx(np.mean([values(part.i2t) for part in parts], axis=0))
    assert values(found.t2i) == pytest.approx(np.mean([values(part.t2i) for part in parts], axis=0))
    assert found.rsum == pytest.approx(np.mean([part.rsum for part in parts]))
    assert found.rsum > rank_both_ways(scores, owner).rsum, "a fifth of the images is the easier task"


def test_the_json_has_the_published_names() -> None:
    found = rank_both_ways(*random_scores(20, 5)).to_json()
    assert found.keys() == {"i2t", "t2i", "rsum"} and found["i2t"].keys() == found["t2i"].keys() == {
        "r1",
        "r5",
        "r10",
        "medr",
        "meanr",
    }
    assert found["rsum"] == pytest.approx(
        sum(found[way][k] for way in ("i2t", "t2i") for k in ("r1", "r5", "r10"))
    )
    assert json.loads(json.dumps(found)) == found


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_scores_that_are_not_finite_are_refused_by_place(bad: float) -> None:
    scores, owner = random_scores(80, 5)
    scores[71, 9] = bad
    with pytest.raises(BadSetting, match=r"image 71 has .* for caption 9"):
        rank_both_ways(scores, owner)


@pytest.mark.parametrize(
    ("scores", "owner", "folds", "message"),
    [
        (np.zeros((2, 4)), [0, 0, 1], 1, "shapes"),
        (np.zeros(4), [0, 0, 1, 1], 1, "shapes"),
        (np.zeros((0, 0)), np.zeros(0, int), 1, "shapes"),
        (np.zeros((2, 4)), [0.0, 0.0, 1.0, 1.0], 1, "whole number"),
        (np.zeros((2, 4)), [0, 0, 1, 2], 1, "0 to 1; they are 0 to 2"),
        (np.zeros((2, 4)), [0, 0, -1, 1], 1, "they are -1"),
        (np.zeros((2, 4)), [0, 0, 0, 0], 1, "image 1"),
        (np.zeros((2, 4)), [0, 0, 1, 1], 3, "3 folds"),
        (np.zeros((2, 4)), [0, 0, 1, 1], 0, "0 folds"),
    ],
)
def test_what_cannot_be_ranked_is_refused(scores: np.ndarray, owner: Any, folds: int, message: str) -> None:
    with pytest.raises(BadSetting, match=message):
        rank_both_ways(scores, owner, folds)


def test_random_scores_find_what_chance_finds() -> None:
    scores, owner = random_scores(1000, 5)
    assert rank_both_ways(scores, owner).t2i.r10 == pytest.approx(100 * 10 / 1000, abs=0.3)
