"""Jaccard similarity: the definition, and the index that must agree with it exactly."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from captionret.errors import BadSetting
from captionret.retrieval.index import inverted
from captionret.retrieval.index.inverted import InvertedLists
from captionret.retrieval.index.jaccard import JaccardIndex, jaccard
from captionret.retrieval.index.sparse import WordMatrix
from captionret.text import word_set

WORD = st.sampled_from(["a", "dog", "cat", "runs", "on", "the", "beach", "grass", "red", "blue", "two"])
CAPTION = st.frozensets(WORD)
RELAXED = settings(max_examples=60, deadline=None)  # a busy machine is no failure
WEIGHT = st.floats(2**-10, 2**10, width=32)
DRAWN = st.dictionaries(WORD, WEIGHT)
WORD_WEIGHTS = st.dictionaries(WORD, WEIGHT | st.just(0.0))


def test_jaccard_is_shared_words_over_all_words() -> None:
    assert jaccard({"a", "dog", "runs"}, {"a", "dog", "sleeps"}) == 2 / 4
    assert jaccard({"dog"}, {"dog"}) == 1
    assert jaccard({"dog"}, {"cat"}) == 0


def test_two_empty_sets_share_nothing() -> None:
    assert jaccard(set(), set()) == 0
    assert JaccardIndex(WordMatrix.of_sets([frozenset(), frozenset({"dog"})])).scores([]).tolist() == [0, 0]


@pytest.mark.parametrize(
    ("a", "b", "score"),
    [
        # scored 0.727 where the two sides were split differently
        ("A dog is by the fence", "a dog is by the fence.", 1.0),
        # and not 0.429: a full stop is no word that two captions share
        ("a cat on a bed .", "a dog on a road .", 2 / 6),
        ("a cat on a bed .", "cat sleeping in bed", 2 / 6),
    ],
)
def test_punctuation_and_case_never_change_a_score(a: str, b: str, score: float) -> None:
    assert jaccard(word_set(a), word_set(b)) == pytest.approx(score)


@RELAXED
@given(st.lists(CAPTION, max_size=70), CAPTION | st.frozensets(st.text(max_size=3)))
def test_index_agrees_with_the_definition_on_every_caption(
    captions: list[frozenset[str]], query: frozenset[str]
) -> None:
    expected = np.array([jaccard(query, caption) for caption in captions], np.float32)
    scores = JaccardIndex(WordMatrix.of_sets(captions)).scores(query)
    assert scores.dtype == np.float32
    assert np.array_equal(scores, expected)


def test_rare_and_frequent_words_are_counted_alike() -> None:
    rng = np.random.default_rng(3)
    captions = [frozenset(f"w{int(word)}" for word in rng.zipf(1.3, 9) if word < 5000) for _ in range(3000)]
    index = JaccardIndex(WordMatrix.of_sets(captions))
    for query in captions[:40]:
        expected = [len(query & caption) / len(query | caption) for caption in captions]
        assert np.array_equal(index.scores(query), np.array(expected, np.float32))


def test_query_of_more_than_255_words_is_counted_in_full() -> None:
    words = frozenset(f"w{number}" for number in range(700))
    index = JaccardIndex(WordMatrix.of_sets([words, frozenset(list(words)[:300])]))
    assert index.scores(words).tolist() == [1.0, pytest.approx(300 / 700)]


def test_words_that_no_caption_holds_count_in_the_union() -> None:
    assert JaccardIndex(WordMatrix.of_sets([frozenset({"dog"})])).scores({"dog", "zeppelin"}).tolist() == [
        0.5
    ]


def test_repeated_query_words_count_once() -> None:
    assert JaccardIndex(WordMatrix.of_sets([frozenset({"dog", "cat"})])).scores(
        ["dog", "dog", "dog"]
    ).tolist() == [0.5]


def test_scoring_twice_gives_the_same_scores_and_leaves_the_first_answer_alone() -> None:
    index = JaccardIndex(WordMatrix.of_sets([frozenset({"dog"}), frozenset({"cat"})]))
    first = index.scores({"dog"})
    second = index.scores({"cat"})
    assert (first.tolist(), second.tolist()) == ([1, 0], [0, 1])


def naive(
    a: Mapping[str, float], b: Mapping[str, float], word_weights: Mapping[str, float], unknown: float
) -> float:
    """Weighted Jaccard as it is written down."""
    shared = union = 0.0
    for word in {*a, *b}:
        counted = word_weights.get(word, unknown)
        shared += counted * min(a.get(word, 0), b.get(word, 0))
        union += counted * max(a.get(word, 0), b.get(word, 0))
    return shared / union if union else 0.0


@RELAXED
@given(st.lists(DRAWN, max_size=40), DRAWN, WORD_WEIGHTS, WEIGHT)
def test_weights_agree_with_a_loop_over_the_words(
    rows: list[dict[str, float]], query: dict[str, float], word_weights: dict[str, float], unknown: float
) -> None:
    index = JaccardIndex(WordMatrix.of_rows(rows), word_weights, unknown)
    scores = index.scores(query)
    assert scores.dtype == np.float32
    for score, row in zip(scores.tolist(), rows, strict=True):
        assert score == pytest.approx(naive(query, row, word_weights, unknown), rel=1e-6, abs=0)
        assert jaccard(query, row, word_weights, unknown) == pytest.approx(
            naive(query, row, word_weights, unknown), rel=1e-6, abs=0
        )


@RELAXED
@given(st.lists(DRAWN, max_size=40), DRAWN)
def test_without_word_weights_every_word_counts_alike(
    rows: list[dict[str, float]], query: dict[str, float]
) -> None:
    scores = JaccardIndex(WordMatrix.of_rows(rows)).scores(query)
    assert scores.tolist() == pytest.approx([naive(query, row, {}, 1) for row in rows], rel=1e-6, abs=0)


@RELAXED
@given(st.lists(CAPTION, max_size=40), CAPTION, WORD_WEIGHTS)
def test_sets_with_word_weights_agree_with_a_loop_over_the_words(
    captions: list[frozenset[str]], query: frozenset[str], word_weights: dict[str, float]
) -> None:
    scores = JaccardIndex(WordMatrix.of_sets(captions), word_weights).scores(query)
    heaviest = max(word_weights.values(), default=1)
    expected = [
        naive(dict.fromkeys(query, 1), dict.fromkeys(caption, 1), word_weights, heaviest)
        for caption in captions
    ]
    assert scores.tolist() == pytest.approx(expected, rel=1e-6, abs=0)


@RELAXED
@given(st.lists(CAPTION, max_size=40), DRAWN)
def test_a_weighted_query_is_compared_with_sets(
    captions: list[frozenset[str]], query: dict[str, float]
) -> None:
    scores = JaccardIndex(WordMatrix.of_sets(captions)).scores(query)
    assert scores.tolist() == pytest.approx(
        [naive(query, dict.fromkeys(caption, 1), {}, 1) for caption in captions], rel=1e-6, abs=0
    )


@RELAXED
@given(st.lists(CAPTION, max_size=40), CAPTION)
def test_sets_are_the_special_case_of_weights_that_are_all_one(
    captions: list[frozenset[str]], query: frozenset[str]
) -> None:
    # the last keeps the index from being one of sets
    rows = [*(dict.fromkeys(caption, 1.0) for caption in captions), {"a": 0.5}]
    expected = JaccardIndex(WordMatrix.of_sets(captions)).scores(query)
    assert np.array_equal(JaccardIndex(WordMatrix.of_rows(rows)).scores(query)[:-1], expected)
    assert np.array_equal(
        JaccardIndex(WordMatrix.of_rows(rows[:-1])).scores(dict.fromkeys(query, 1.0)), expected
    )
    assert [jaccard(query, caption) for caption in captions] == [
        jaccard(dict.fromkeys(query, 1), row) for row in rows[:-1]
    ]


@RELAXED
@given(st.lists(DRAWN, min_size=1, max_size=40), WORD_WEIGHTS, st.randoms(use_true_random=False))
def test_gallery_order_never_changes_a_bit_of_a_score(
    rows: list[dict[str, float]], word_weights: dict[str, float], random: Random
) -> None:
    word_probabilities = WordMatrix.of_rows(rows)
    order = random.sample(range(len(rows)), len(rows))
    index, shuffled = (
        JaccardIndex(word_probabilities, word_weights),
        JaccardIndex(word_probabilities.take(order), word_weights),
    )
    alone = [
        JaccardIndex(word_probabilities.take([number]), word_weights) for number in range(min(len(rows), 5))
    ]
    for query in rows[:5]:
        scores = index.scores(query)
        assert np.array_equal(shuffled.scores(query), scores[order])
        assert [one.scores(query)[0] for one in alone] == scores[:5].tolist()


@RELAXED
@given(st.lists(DRAWN, min_size=2, max_size=20), WORD_WEIGHTS)
def test_similarity_is_the_same_bits_either_way_round(
    rows: list[dict[str, float]], word_weights: dict[str, float]
) -> None:
    index = JaccardIndex(WordMatrix.of_rows(rows), word_weights)
    table = np.array([index.scores(row) for row in rows])
    assert np.array_equal(table, table.T)


@RELAXED
@given(st.lists(DRAWN.filter(bool), min_size=1, max_size=40), st.dictionaries(WORD, WEIGHT))
def test_a_row_scores_one_with_its_own_words_and_none_scores_more(
    rows: list[dict[str, float]], word_weights: dict[str, float]
) -> None:
    index = JaccardIndex(WordMatrix.of_rows(rows), word_weights)
    for number, row in enumerate(rows):
        scores = index.scores(row)
        assert scores[number] == 1
        assert scores.min() >= 0 and scores.max() <= 1


def test_galleries_are_scored_across_blocks_in_float16_and_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inverted, "BLOCK", 500)
    rng = np.random.default_rng(5)
    words = [f"w{number:03}" for number in range(60)]
    # rare and frequent words
    matrix = rng.random((4001, 60), np.float32) * (rng.random((4001, 60)) < rng.random(60) ** 4)
    halves = WordMatrix.of_matrix(words, matrix, least=0.01)
    singles = WordMatrix(halves.words, halves.starts, halves.ids, halves.weights.astype(np.float32))
    word_weights = {word: float(weight) for word, weight in zip(words, rng.random(60) * 9, strict=True)}
    index = JaccardIndex(halves, word_weights)
    for number in (0, 499, 500, 2000, 2001, 4000):
        query = halves.row(number)
        scores = index.scores(query)
        assert scores[number] == 1
        assert np.array_equal(scores, JaccardIndex(singles, word_weights).scores(query))
        expected = [naive(query, halves.row(other), word_weights, 0) for other in range(len(halves))]
        assert scores.tolist() == pytest.approx(expected, rel=1e-6, abs=0)


@pytest.mark.parametrize("count", [4000, 4001])
def test_galleries_of_sets_are_scored_across_blocks(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inverted, "BLOCK_OF_COUNTS", 300)
    rng = np.random.default_rng(6)
    # more than 15 such words in a query
    frequent = [frozenset(f"f{word}" for word in range(40) if rng.random() < 0.5) for _ in range(count)]
    captions = [words | {f"w{word}" for word in rng.zipf(1.3, 5) if word < 5000} for words in frequent]
    index = JaccardIndex(WordMatrix.of_sets(captions))
    for query in captions[:10]:
        expected = [len(query & caption) / len(query | caption) for caption in captions]
        assert np.array_equal(index.scores(query), np.array(expected, np.float32))
        assert index.scores(dict.fromkeys(query, 0.5)).tolist() == pytest.approx(
            [
                0.5 * len(query & caption) / (len(caption) + 0.5 * len(query - caption))
                for caption in captions
            ],
            rel=1e-6,
            abs=0,
        )


def test_queries_of_300_words_are_counted_in_full() -> None:
    rng = np.random.default_rng(7)
    rows = [
        {f"w{word}": float(rng.random() + 0.01) for word in rng.choice(500, size, replace=False)}
        for size in (300, 300, 20, 1)
    ]
    word_weights = {f"w{word}": float(rng.random() * 10) for word in range(400)}
    index = JaccardIndex(WordMatrix.of_rows(rows), word_weights)
    stored = [WordMatrix.of_rows(rows).row(number) for number in range(4)]
    for number, query in enumerate(rows):
        expected = [naive(stored[number], row, word_weights, max(word_weights.values())) for row in stored]
        assert index.scores(query).tolist() == pytest.approx(expected, rel=1e-6, abs=0)
        assert index.scores(query)[number] == 1


def test_empty_rows_and_empty_queries_share_nothing() -> None:
    index = JaccardIndex(WordMatrix.of_rows([{}, {"dog": 0.5}]), {"dog": 2.0})
    assert index.scores({}).tolist() == [0, 0]
    assert index.scores({"dog": 0.5}).tolist() == [0, 1]
    assert index.scores({"zeppelin": 0.5}).tolist() == [0, 0]
    assert JaccardIndex(WordMatrix.of_rows([])).scores({"dog": 1.0}).shape == (0,)


def test_words_only_in_the_query_count_in_the_denominator_by_their_weight() -> None:
    word_probabilities = WordMatrix.of_rows([{"dog": 0.5}])
    query = {"dog": 0.5, "zeppelin": 0.25}
    assert JaccardIndex(word_probabilities).scores(query).tolist() == [pytest.approx(0.5 / 0.75)]
    # no entry: as the heaviest
    assert JaccardIndex(word_probabilities, {"dog": 2.0}).scores(query).tolist() == [pytest.approx(1 / 1.5)]
    assert JaccardIndex(word_probabilities, {"dog": 2.0}, unknown_weight=6.0).scores(query).tolist() == [
        pytest.approx(1 / 2.5)
    ]
    assert JaccardIndex(word_probabilities, {"dog": 2.0}, unknown_weight=0.0).scores(query).tolist() == [1]


def test_words_that_count_nothing_never_make_rows_alike() -> None:
    index = JaccardIndex(WordMatrix.of_sets([{"a"}, {"a", "dog"}, set()]), {"a": 0.0, "dog": 1.0})
    assert index.scores({"a"}).tolist() == [0, 0, 0]
    assert index.scores({"a", "dog"}).tolist() == [0, 1, 0]
    assert jaccard({"a"}, {"a"}, {"a": 0.0}) == 0


@pytest.mark.parametrize("weight", [0.0, -1.0, float("nan"), float("inf")])
def test_query_weights_that_are_none_are_refused(weight: float) -> None:
    with pytest.raises(BadSetting, match="'dog'"):
        JaccardIndex(WordMatrix.of_sets([{"dog"}])).scores({"dog": weight})
    with pytest.raises(BadSetting, match="'dog'"):
        jaccard({"dog"}, {"dog": weight})


def test_weights_too_large_to_add_up_are_refused_rather_than_scored() -> None:
    with pytest.raises(BadSetting, match="gallery's weights"):
        JaccardIndex(WordMatrix.of_rows([{"dog": 1e30}]), {"dog": 1e30})
    with pytest.raises(BadSetting, match="query's weights"):
        JaccardIndex(WordMatrix.of_rows([{"dog": 1.0}]), {"dog": 1e30}).scores({"dog": 1e30})


def test_frequency_is_in_how_many_rows_a_word_is() -> None:
    index = JaccardIndex(WordMatrix.of_rows([{"dog": 0.5}, {"dog": 0.1, "cat": 1.0}, {}]))
    assert [index.frequency(word) for word in ("dog", "cat", "zeppelin")] == [2, 1, 0]


def whole(blocks: Iterable[tuple[slice, np.ndarray]], rows: int) -> np.ndarray:
    """The blocks put together, each row having been given once."""
    found, times = np.zeros(rows), np.zeros(rows, int)
    for block, values in blocks:
        found[block] = values
        times[block] += 1
    assert (times == 1).all()
    return found


def test_inverted_lists_count_and_add_up_any_term() -> None:
    rng = np.random.default_rng(8)
    rows = [
        {f"w{word}": float(rng.random() + 0.01) for word in rng.zipf(1.3, 9) if word < 50} for _ in range(300)
    ]
    for word_probabilities in (
        WordMatrix.of_rows(rows),
        WordMatrix.of_sets([frozenset(row) for row in rows]),
    ):
        lists = InvertedLists(word_probabilities)
        stored = [word_probabilities.row(number) for number in range(300)]
        query = {"w1": 0.3, "w2": 2.0, "w7": 0.5, "w40": 1.0, "zeppelin": 4.0}
        if lists.of_sets:
            assert whole(lists.counts(query), 300).tolist() == [
                len(row.keys() & query.keys()) for row in stored
            ]
        else:
            with pytest.raises(ValueError, match="only words of sets"):
                next(lists.counts(query))
        sums = whole(
            lists.sums({word: partial(np.multiply, np.float32(weight)) for word, weight in query.items()}),
            300,
        )
        assert sums.tolist() == pytest.approx(
            [sum(query.get(word, 0) * weight for word, weight in row.items()) for row in stored]
        )


def test_index_agrees_with_the_definition_on_real_captions(shared_data: Callable[[str], Path]) -> None:
    from captionret.datasets import open_dataset

    captions = [
        word_set(item.captions[0])
        for item in open_dataset(f"flickr8k:{shared_data('flickr8k')}").split("val")
    ]
    index = JaccardIndex(WordMatrix.of_sets(captions))
    for query in captions[:20]:
        assert np.array_equal(
            index.scores(query), np.array([jaccard(query, caption) for caption in captions], np.float32)
        )
