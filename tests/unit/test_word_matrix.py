"""WordMatrix: rows come out as they went in, in one order whatever order they came in, and what is no weight
is refused."""

import dataclasses
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from captionret.errors import BadSetting
from captionret.retrieval.index.sparse import WordMatrix, WordWeights, weighted

WORD = st.sampled_from(["a", "dog", "cat", "runs", "on", "the", "beach", "Übung", "two"]) | st.text(
    max_size=2
)
WEIGHT = st.floats(2**-10, 2**10, width=16)  # what float16 and float32 hold without rounding
ROW = st.dictionaries(WORD, WEIGHT, max_size=8)
RELAXED = settings(max_examples=60, deadline=None)  # a busy machine is no failure


@RELAXED
@given(st.lists(st.frozensets(WORD), max_size=12))
def test_sets_come_out_as_they_went_in_with_weights_of_one(sets: list[frozenset[str]]) -> None:
    word_probabilities = WordMatrix.of_sets(sets)
    assert len(word_probabilities) == len(sets)
    assert [word_probabilities.row(number) for number in range(len(sets))] == [
        dict.fromkeys(words, 1.0) for words in sets
    ]


@RELAXED
@given(st.lists(ROW, max_size=12))
def test_rows_come_out_as_they_went_in(rows: list[dict[str, float]]) -> None:
    word_probabilities = WordMatrix.of_rows(rows)
    assert [word_probabilities.row(number) for number in range(len(rows))] == rows
    assert word_probabilities.starts.dtype == np.int64 and word_probabilities.ids.dtype == np.int32
    assert word_probabilities.weights.dtype == np.float32
    assert list(word_probabilities.words) == sorted({word for row in rows for word in row})


@RELAXED
@given(st.lists(ROW, max_size=8), st.randoms(use_true_random=False))
def test_the_order_in_which_words_come_never_shows(rows: list[dict[str, float]], random: Random) -> None:
    mixed = [dict(random.sample(list(row.items()), len(row))) for row in rows]
    first, second = WordMatrix.of_rows(rows), WordMatrix.of_rows(mixed)
    assert first.words == second.words
    for name in ("starts", "ids", "weights"):
        assert np.array_equal(getattr(first, name), getattr(second, name))


def test_a_matrix_keeps_what_reaches_the_least_weight_as_float16() -> None:
    matrix = np.array([[0.5, 0.1, 0.0], [0.05, 0.3, 0.0999], [0, 0, 0]], np.float32)
    word_probabilities = WordMatrix.of_matrix(["dog", "cat", "bed"], matrix, least=0.1)
    assert word_probabilities.weights.dtype == np.float16
    half = [{"dog": 0.5, "cat": float(np.float16(0.1))}, {"cat": float(np.float16(0.3))}, {}]
    assert [word_probabilities.row(number) for number in range(3)] == half
    assert list(word_probabilities.row(0)) == ["cat", "dog"]  # by spelling


@RELAXED
@given(st.lists(ROW, min_size=1, max_size=8), st.lists(st.integers(0, 7), max_size=12))
def test_taken_rows_are_the_rows_in_the_order_asked_for(
    rows: list[dict[str, float]], places: list[int]
) -> None:
    places = [place % len(rows) for place in places]
    taken = WordMatrix.of_rows(rows).take(places)
    assert [taken.row(number) for number in range(len(taken))] == [rows[place] for place in places]


def test_rows_beyond_the_last_are_an_error_and_negative_ones_count_from_the_end() -> None:
    word_probabilities = WordMatrix.of_sets([{"dog"}, {"cat"}])
    assert word_probabilities.row(-1) == {"cat": 1.0}
    assert word_probabilities.take([-1]).row(0) == {"cat": 1.0}
    for reach in (lambda: word_probabilities.row(2), lambda: word_probabilities.take([2])):
        with pytest.raises(IndexError):
            reach()


def test_no_rows_and_empty_rows_are_word_probabilities() -> None:
    assert len(WordMatrix.of_sets([])) == len(WordMatrix.of_rows([])) == 0
    assert len(WordMatrix.of_matrix([], np.zeros((2, 0), np.float32), 0.1)) == 2
    assert WordMatrix.of_rows([{}, {"dog": 0.5}, {}]).take([2, 1]).row(1) == {"dog": 0.5}


@pytest.mark.parametrize("weight", [0.0, -0.5, float("nan"), float("inf"), 1e-60, 1e60])
def test_weights_that_are_none_are_refused_by_row_and_word(weight: float) -> None:
    with pytest.raises(BadSetting, match=r"Row 2 gives 'cat' the weight .*float32"):
        WordMatrix.of_rows([{"dog": 1.0}, {}, {"bed": 0.5, "cat": weight}])


@pytest.mark.parametrize("weight", [-0.5, float("nan"), float("inf")])
def test_a_matrix_with_anything_but_weights_is_refused(weight: float) -> None:
    with pytest.raises(BadSetting, match="negative, infinite or undefined"):
        WordMatrix.of_matrix(["dog", "cat"], np.array([[0.5, weight]], np.float32), least=0.1)


def test_weights_that_float16_cannot_hold_are_refused() -> None:
    with pytest.raises(BadSetting, match=r"'dog' the weight inf \(as float16\)"):
        WordMatrix.of_matrix(["dog"], np.array([[1e6]], np.float32), least=0.1)
    with pytest.raises(BadSetting, match=r"'dog' the weight 0.0 \(as float16\)"):
        WordMatrix.of_matrix(["dog"], np.array([[1e-9]], np.float32), least=1e-10)


@pytest.mark.parametrize("least", [0.0, -1.0, float("nan"), float("inf")])
def test_a_least_weight_that_keeps_zeros_or_nothing_is_refused(least: float) -> None:
    with pytest.raises(BadSetting, match="least weight"):
        WordMatrix.of_matrix(["dog"], np.ones((1, 1), np.float32), least)


@pytest.mark.parametrize(("words", "shape"), [(["dog", "dog"], (1, 2)), (["dog"], (1, 2)), (["dog"], (1,))])
def test_a_matrix_whose_columns_are_not_the_words_is_refused(
    words: list[str], shape: tuple[int, ...]
) -> None:
    with pytest.raises(BadSetting, match="distinct words"):
        WordMatrix.of_matrix(words, np.ones(shape, np.float32), 0.1)


GOOD: dict[str, Any] = {
    "words": ("cat", "dog"),
    "starts": np.array([0, 1, 3]),
    "ids": np.array([1, 0, 1], np.int32),
    "weights": np.array([1, 0.5, 1], np.float16),
}


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"words": ("dog", "cat")}, "ascending"),
        ({"words": ("dog", "dog")}, "ascending"),
        ({"words": ("cat",)}, "name word 1"),
        ({"starts": np.array([0, 1, 2])}, "do not fill"),
        ({"starts": np.array([1, 1, 3])}, "do not fill"),
        ({"starts": np.array([0, 4, 3])}, "do not fill"),
        ({"starts": np.array([], np.int64)}, "do not fill"),
        ({"ids": np.array([1, 1, 0], np.int32)}, "twice"),
        ({"ids": np.array([1, 1, 1], np.int32)}, "twice"),
        ({"ids": np.array([1, 0, 1])}, "int64"),
        ({"weights": np.array([1, 0.5, 1])}, "float64"),
        ({"weights": np.array([1, 0, 1], np.float16)}, "Row 1 gives 'cat' the weight 0.0"),
    ],
)
def test_arrays_that_are_no_word_probabilities_are_refused(changed: dict[str, Any], reason: str) -> None:
    WordMatrix(**GOOD)
    with pytest.raises(BadSetting, match=reason):
        WordMatrix(**{**GOOD, **changed})


def test_word_probabilities_cannot_be_reassigned() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        WordMatrix.of_sets([{"dog"}]).words = ()  # type: ignore[misc]


def test_words_without_an_entry_weigh_as_much_as_the_heaviest_unless_told() -> None:
    assert WordWeights({"a": 0.1, "dog": 3.5}).of(["zeppelin", "a"]).tolist() == [3.5, np.float32(0.1)]
    assert WordWeights({"a": 0.1, "dog": 3.5}, unknown=0.0).of(["zeppelin"]).tolist() == [0]
    assert WordWeights().of(["zeppelin"]).tolist() == [1]


@pytest.mark.parametrize("weight", [-0.1, float("nan"), float("inf"), 1e60])
def test_word_weights_that_are_no_weights_are_refused_by_name(weight: float) -> None:
    with pytest.raises(BadSetting, match="'dog'"):
        WordWeights({"a": 1.0, "dog": weight}, unknown=1.0)
    with pytest.raises(BadSetting, match="without an entry"):
        WordWeights({"a": 1.0}, unknown=weight)


def test_a_query_of_words_weighs_one_each_and_a_mapping_what_it_says() -> None:
    assert list(weighted(["dog", "cat", "dog"]).items()) == [("cat", 1.0), ("dog", 1.0)]
    assert weighted({"dog": 0.3}) == {"dog": float(np.float32(0.3))}


@pytest.mark.parametrize("weight", [0.0, -1.0, float("nan"), float("inf"), 1e-60, 1e60])
def test_a_query_weight_that_is_none_is_refused(weight: float) -> None:
    with pytest.raises(BadSetting, match="'dog'"):
        weighted({"dog": weight})
