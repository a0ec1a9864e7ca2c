"""Relevance from human captions, and the measures of a ranking against it, each beside its definition written
out."""

import itertools
import json
import math
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from captionret.errors import BadDataset, BadSetting, UnknownName
from captionret.evaluation import relevance, semantic
from captionret.evaluation.captions.cider import CiderD
from captionret.evaluation.relevance import RELEVANCES, cider, load_relevance, sbert, tfidf
from captionret.evaluation.semantic import (
    measure,
    ndcg_exponential,
    ndcg_irsgs,
    ndcg_linear,
    pearson,
    ties_at,
)
from captionret.evaluation.significance import mean_interval, paired_interval
from captionret.text import words

GOLDEN = json.loads(
    (Path(__file__).parents[1] / "golden" / "ranking_metrics.json").read_text(encoding="utf-8")
)

CAPTIONS = [
    ["a dog runs on the grass", "the brown dog runs", "a dog and a dog and a dog"],
    ["a cat sleeps", "a cat"],
    ["two dogs run on the grass in a park with a red ball", "dogs", "a dog and a dog runs"],
    ["a cat sleeps"],
]
WORD = st.sampled_from(["a", "dog", "cat", "runs", "on", "grass"])
IMAGES = st.lists(
    st.lists(st.lists(WORD, min_size=1, max_size=9).map(" ".join), min_size=1, max_size=4),
    min_size=1,
    max_size=6,
)

Gain = Callable[[float], float]
Discount = Callable[[int], float]
VARIANTS: dict[str, tuple[Callable[..., np.ndarray], Gain, Discount]] = {
    "lin": (ndcg_linear, lambda rel: rel, lambda rank: 1 / math.log2(rank + 1)),
    "exp": (ndcg_exponential, lambda rel: 2**rel - 1, lambda rank: 1 / math.log2(rank + 1)),
    "irsgs": (ndcg_irsgs, lambda rel: rel, lambda rank: 1.0 if rank == 1 else 1 / math.log2(rank)),
}


def meanings(sentences: Any) -> np.ndarray:
    """Unit vectors that depend on the sentence alone."""
    rows = [np.random.default_rng(list(sentence.encode())).normal(size=3) for sentence in sentences]
    return np.array([row / np.linalg.norm(row) for row in rows], np.float32)


def naive_ndcg(order: list[int], gains: list[float], discount: Discount, k: int) -> float:
    found = sum(gains[image] * discount(rank) for rank, image in enumerate(order[:k], 1))
    best = sum(gain * discount(rank) for rank, gain in enumerate(sorted(gains, reverse=True)[:k], 1))
    return found / best if best else 0.0


def naive_expected_ndcg(scores: list[float], gains: list[float], discount: Discount, k: int) -> float:
    """The mean over every order of the images in which no better score stands behind a worse one."""
    images = range(len(scores))
    orders = [
        list(order)
        for order in itertools.permutations(images)
        if all(scores[a] >= scores[b] for a, b in itertools.pairwise(order))
    ]
    return float(np.mean([naive_ndcg(order, gains, discount, k) for order in orders]))


def test_sbert_is_the_mean_cosine_over_all_pairs_of_captions_and_never_negative() -> None:
    found = sbert(CAPTIONS, meanings)
    expected = [
        [
            max(0.0, float(np.mean([meanings([a])[0] @ meanings([b])[0] for a in one for b in other])))
            for other in CAPTIONS
        ]
        for one in CAPTIONS
    ]
    assert found == pytest.approx(np.array(expected), abs=1e-6)
    assert found.dtype == np.float32
    opposite = {"yes": [1, 0], "no": [-1, 0]}
    assert (
        sbert([["yes"], ["no"]], lambda texts: np.array([opposite[text] for text in texts], np.float32))[0, 1]
        == 0
    )


@given(IMAGES)
@settings(max_examples=60, deadline=None)
def test_tfidf_is_its_definition(captions: list[list[str]]) -> None:
    counts = [Counter(word for text in texts for word in words(text)) for texts in captions]
    vocabulary = sorted(set().union(*counts))
    idf = {word: math.log(len(captions) / sum(word in image for image in counts)) for word in vocabulary}
    vectors = [np.array([image[word] * idf[word] for word in vocabulary]) for image in counts]
    for i, j in itertools.product(range(len(captions)), repeat=2):
        norms = np.linalg.norm(vectors[i]) * np.linalg.norm(vectors[j])
        assert tfidf(captions)[i, j] == pytest.approx(
            vectors[i] @ vectors[j] / norms if norms else 0, abs=1e-6
        )


@given(IMAGES, st.integers(1, 5))
@settings(max_examples=60, deadline=None)
def test_cider_is_the_mean_of_both_directions_of_cider_d_with_clipping_and_length_penalty(
    captions: list[list[str]], block: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(relevance, "_BLOCK", block)
        found = cider(captions)
    scorer = CiderD(captions)
    for i, j in itertools.product(range(len(captions)), repeat=2):
        there, _ = scorer.score(captions[i], [j] * len(captions[i]))
        back, _ = scorer.score(captions[j], [i] * len(captions[j]))
        assert found[i, j] == pytest.approx((there + back) / 2, rel=1e-5, abs=1e-6)


def test_cider_counts_a_repeated_phrase_as_often_as_both_sides_have_it() -> None:
    found = cider(CAPTIONS)
    there, back = (CiderD(CAPTIONS).score(CAPTIONS[i], [j] * 3)[0] for i, j in ((0, 2), (2, 0)))
    assert there != back and found[0, 2] == pytest.approx((there + back) / 2)


def test_cider_reads_a_caption_of_punctuation_alone_as_saying_nothing() -> None:
    found = cider([["a dog", "..."], ["a cat", "!"], ["..."]])
    assert np.isfinite(found).all() and found[2].tolist() == [0, 0, 0]


@pytest.mark.parametrize("kind", RELEVANCES)
def test_relevance_is_symmetric_finite_and_not_negative(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(relevance.RELEVANCES, "sbert", lambda captions: sbert(captions, meanings))
    matrix = load_relevance(kind, CAPTIONS)
    assert matrix.dtype == np.float32 and matrix.shape == (4, 4)
    assert np.array_equal(matrix, matrix.T) and np.isfinite(matrix).all() and matrix.min() >= 0
    order = [2, 0, 3, 1]
    assert load_relevance(kind, [CAPTIONS[i] for i in order]) == pytest.approx(
        matrix[np.ix_(order, order)], abs=1e-6
    )


def test_relevance_is_read_from_the_disk_the_second_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = load_relevance("cider", CAPTIONS, tmp_path / "new")
    monkeypatch.setitem(relevance.RELEVANCES, "cider", lambda captions: pytest.fail("it was computed again"))
    assert np.array_equal(
        load_relevance("cider", [tuple(texts) for texts in CAPTIONS], tmp_path / "new"), first
    )


def test_other_captions_and_other_kinds_have_other_files(tmp_path: Path) -> None:
    # the same captions in a row, parted otherwise
    moved = [CAPTIONS[0][:2], [CAPTIONS[0][2], *CAPTIONS[1]], *CAPTIONS[2:]]
    for kind, captions in itertools.product(("cider", "tfidf"), (CAPTIONS, CAPTIONS[::-1], moved)):
        load_relevance(kind, captions, tmp_path)
    assert len(list(tmp_path.iterdir())) == 6


@pytest.mark.parametrize(
    "damage", ["cut short", "empty", "text", "other shape", "a number", "a bad number", "a pickle"]
)
def test_a_damaged_matrix_is_made_again_with_a_warning_that_names_it(tmp_path: Path, damage: str) -> None:
    whole = load_relevance("tfidf", CAPTIONS, tmp_path)
    (path,) = tmp_path.iterdir()
    if damage in ("cut short", "empty", "text"):
        path.write_bytes({"cut short": path.read_bytes()[:-9], "empty": b"", "text": b"hello"}[damage])
    else:
        broken = {"other shape": whole[:2], "a pickle": np.array([{"a": 1}], object)}.get(
            damage, whole.copy()
        )
        if damage.endswith("number"):
            broken[0, 1] = 0.5 if damage == "a number" else np.nan
        np.save(path, broken, allow_pickle=True)
    with pytest.warns(UserWarning, match=path.name):
        assert np.array_equal(load_relevance("tfidf", CAPTIONS, tmp_path), whole)
    assert np.array_equal(np.load(path), whole)


@pytest.mark.parametrize("captions", [[], [["a dog"], []], [["a dog"], "a cat"], [["a dog"], [" "]]])
@pytest.mark.parametrize("kind", RELEVANCES)
def test_images_without_captions_have_no_relevance(kind: str, captions: Any) -> None:
    with pytest.raises(BadDataset):
        load_relevance(kind, captions)


def test_an_unknown_relevance_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UnknownName, match="cider, sbert, tfidf"):
        load_relevance("spice", CAPTIONS)


def test_measuring_never_imports_torch() -> None:
    code = (
        "import sys, captionret.evaluation.semantic, captionret.evaluation.relevance; sys.exit('torch' "
        "in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("k", GOLDEN["ndcg"])
def test_ndcg_is_that_of_the_reference_code(k: str, variant: str) -> None:
    ranked = GOLDEN["ndcg_rel"]
    images = len(ranked) + 1
    scores, relevant = np.zeros((images, images)), np.ones((images, images))
    scores[0, 1:], relevant[0, 1:] = -np.arange(len(ranked)), ranked
    found = VARIANTS[variant][0](scores, relevant, int(k))
    assert found[0, -1] == pytest.approx(GOLDEN["ndcg"][k][variant], abs=1e-12)


MATRICES = st.integers(2, 6).flatmap(
    lambda n: st.tuples(
        *(st.lists(st.sampled_from([0.0, 0.5, 1.0, 3.0]), min_size=n * n, max_size=n * n) for _ in range(2))
    )
)


@given(MATRICES, st.integers(1, 8), st.sampled_from(sorted(VARIANTS)), st.integers(1, 4))
@settings(max_examples=80, deadline=None)
def test_ndcg_is_its_mean_over_all_orders_of_ties(matrices: Any, k: int, variant: str, block: int) -> None:
    n = math.isqrt(len(matrices[0]))
    scores, relevant = (np.array(values).reshape(n, n) for values in matrices)
    measured, gain, discount = VARIANTS[variant]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(semantic, "_ROWS", block)
        found = measured(scores, relevant, k)
    assert found.shape == (n, k)
    for query, rank in itertools.product(range(n), range(1, k + 1)):
        others = [image for image in range(n) if image != query]
        gains = [gain(relevant[query, image]) for image in others]
        expected = naive_expected_ndcg([scores[query, image] for image in others], gains, discount, rank)
        assert found[query, rank - 1] == pytest.approx(expected, abs=1e-9)


@given(MATRICES, st.integers(1, 4))
@settings(max_examples=80, deadline=None)
def test_correlation_and_ties_are_their_definitions(matrices: Any, block: int) -> None:
    n = math.isqrt(len(matrices[0]))
    scores, relevant = (np.array(values).reshape(n, n) for values in matrices)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(semantic, "_ROWS", block)
        correlations, ties = pearson(scores, relevant), ties_at(scores, 3)
    for query in range(n):
        x, y = np.delete(scores[query], query), np.delete(relevant[query], query)
        constant = len(set(x)) == 1 or len(set(y)) == 1
        assert correlations[query] == pytest.approx(0 if constant else np.corrcoef(x, y)[0, 1], abs=1e-12)
        assert ties[query] == np.count_nonzero(x == sorted(x, reverse=True)[min(3, len(x)) - 1])


def random_pair(n: int = 60) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    return random.random((n, n), np.float32), random.random((n, n), np.float32)


def test_the_query_itself_never_counts() -> None:
    scores, relevant = random_pair()
    each = measure(scores, relevant)
    for matrix in (scores, relevant):
        np.fill_diagonal(matrix, 1000)
    again = measure(scores, relevant)
    for name in ("ndcg", "pcc", "ties10"):
        assert np.array_equal(getattr(each, name), getattr(again, name))


def test_gallery_order_never_changes_a_measure() -> None:
    scores, relevant = random_pair()
    scores = np.round(scores, 1)
    order = np.random.default_rng(1).permutation(len(scores))
    each, moved = (
        measure(scores, relevant),
        measure(scores[np.ix_(order, order)], relevant[np.ix_(order, order)]),
    )
    assert moved.ndcg == pytest.approx(each.ndcg[order]) and moved.pcc == pytest.approx(each.pcc[order])
    assert np.array_equal(moved.ties10, each.ties10[order])


def test_scores_that_are_the_relevance_are_perfect_and_others_are_not() -> None:
    scores, relevant = random_pair()
    best = measure(relevant, relevant).summary()
    assert (best.ndcg10, best.ndcg50, best.pcc, best.ties10) == pytest.approx((1, 1, 1, 1))
    other = measure(scores, relevant).summary()
    assert 0 < other.ndcg10 < 1 and abs(other.pcc) < 0.1


def test_constant_scores_get_what_random_orders_get_on_average() -> None:
    _, relevant = random_pair(30)
    random = np.random.default_rng(2)
    luck = np.mean([measure(random.random(relevant.shape), relevant).ndcg10.mean() for _ in range(300)])
    constant = measure(np.full_like(relevant, 0.3), relevant).summary()
    assert constant.ndcg10 == pytest.approx(luck, abs=0.002)
    assert constant.pcc == 0 and constant.ties10 == 29


def test_a_query_to_which_nothing_is_relevant_counts_as_nothing_found() -> None:
    scores, relevant = random_pair(12)
    relevant[4] = 0
    each = measure(scores, relevant)
    assert not each.ndcg[4].any() and each.pcc[4] == 0 and each.ndcg[3].all()


def test_few_images_are_measured_as_far_as_they_go() -> None:
    scores, relevant = random_pair(3)
    each = measure(scores, relevant)
    assert each.ndcg.shape == (3, 50) and each.ndcg50 == pytest.approx(each.ndcg[:, 1])
    assert each.summary().to_json().keys() == {"ndcg10", "ndcg50", "pcc", "ties10"}


def test_a_large_offset_of_the_scores_changes_no_correlation() -> None:
    scores, relevant = random_pair()
    assert pearson(scores.astype(np.float64) + 1e6, relevant) == pytest.approx(
        pearson(scores, relevant), abs=1e-6
    )


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_scores_that_are_not_finite_are_refused_by_place(bad: float) -> None:
    scores, relevant = random_pair()
    scores[7, 3] = bad
    for measured in (
        measure,
        pearson,
        lambda scores, relevant: ties_at(scores),
        lambda scores, relevant: ndcg_linear(scores, relevant, 10),
    ):
        with pytest.raises(BadSetting, match=r"query 7 has .* for image 3"):
            measured(scores, relevant)
    with pytest.raises(BadSetting, match="Relevance must be finite"):
        measure(relevant, scores)


def test_what_cannot_be_measured_is_refused() -> None:
    scores, relevant = random_pair(5)
    for pair, message in [
        ((scores[:4], relevant), "square"),
        ((scores[:4, :4], relevant), "one split"),
        ((scores[:1, :1], relevant[:1, :1]), "two images"),
        ((scores, relevant - 1), "0 or more"),
    ]:
        with pytest.raises(BadSetting, match=message):
            measure(*pair)
    with pytest.raises(BadSetting, match="at least 1"):
        ndcg_linear(scores, relevant, 0)


def test_mean_interval_is_the_paired_one_against_nothing() -> None:
    scores = np.random.default_rng(1).normal(0.3, 0.1, 500)
    mean, low, high = mean_interval(scores, seed=3)
    assert (mean, low, high) == paired_interval(scores, np.zeros(500), seed=3)
    assert low < 0.3 < high and high - low == pytest.approx(2 * 1.96 * 0.1 / math.sqrt(500), rel=0.15)


@pytest.mark.parametrize("scores", [[], [[1.0]], [1.0, math.nan]])
def test_mean_interval_refuses_what_has_no_mean(scores: Any) -> None:
    with pytest.raises(BadSetting, match="mean interval needs"):
        mean_interval(scores)
