"""Jaccard similarity: the definition, and the index that must agree with it exactly."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from captionret.retrieval.jaccard import JaccardIndex, jaccard
from captionret.text import word_set

WORD = st.sampled_from(["a", "dog", "cat", "runs", "on", "the", "beach", "grass", "red", "blue", "two"])
CAPTION = st.frozensets(WORD)


def test_jaccard_is_shared_words_over_all_words() -> None:
    assert jaccard({"a", "dog", "runs"}, {"a", "dog", "sleeps"}) == 2 / 4
    assert jaccard({"dog"}, {"dog"}) == 1
    assert jaccard({"dog"}, {"cat"}) == 0


def test_two_empty_sets_share_nothing() -> None:
    assert jaccard(set(), set()) == 0
    assert JaccardIndex([frozenset(), frozenset({"dog"})]).scores([]).tolist() == [0, 0]


@pytest.mark.parametrize(
    ("a", "b", "score"),
    [
        ("A dog is by the fence", "a dog is by the fence.", 1.0),  # scored 0.727 where the two sides were split differently
        ("a cat on a bed .", "a dog on a road .", 2 / 6),  # and not 0.429: a full stop is no word that two captions share
        ("a cat on a bed .", "cat sleeping in bed", 2 / 6),
    ],
)
def test_punctuation_and_case_never_change_a_score(a: str, b: str, score: float) -> None:
    assert jaccard(word_set(a), word_set(b)) == pytest.approx(score)


@given(st.lists(CAPTION, max_size=70), CAPTION | st.frozensets(st.text(max_size=3)))
def test_index_agrees_with_the_definition_on_every_caption(captions: list[frozenset[str]], query: frozenset[str]) -> None:
    expected = np.array([jaccard(query, caption) for caption in captions], np.float32)
    scores = JaccardIndex(captions).scores(query)
    assert scores.dtype == np.float32
    assert np.array_equal(scores, expected)


def test_rare_and_frequent_words_are_counted_alike() -> None:
    rng = np.random.default_rng(3)
    captions = [frozenset(f"w{int(word)}" for word in rng.zipf(1.3, 9) if word < 5000) for _ in range(3000)]
    index = JaccardIndex(captions)
    for query in captions[:40]:
        assert np.array_equal(index.scores(query), np.array([jaccard(query, caption) for caption in captions], np.float32))


def test_query_of_more_than_255_words_is_counted_in_full() -> None:
    words = frozenset(f"w{number}" for number in range(700))
    index = JaccardIndex([words, frozenset(list(words)[:300])])
    assert index.scores(words).tolist() == [1.0, pytest.approx(300 / 700)]


def test_words_that_no_caption_holds_count_in_the_union() -> None:
    assert JaccardIndex([frozenset({"dog"})]).scores({"dog", "zeppelin"}).tolist() == [0.5]


def test_repeated_query_words_count_once() -> None:
    assert JaccardIndex([frozenset({"dog", "cat"})]).scores(["dog", "dog", "dog"]).tolist() == [0.5]


def test_scoring_twice_gives_the_same_scores_and_leaves_the_first_answer_alone() -> None:
    index = JaccardIndex([frozenset({"dog"}), frozenset({"cat"})])
    first = index.scores({"dog"})
    second = index.scores({"cat"})
    assert (first.tolist(), second.tolist()) == ([1, 0], [0, 1])


def test_index_agrees_with_the_definition_on_real_captions(shared_data: Callable[[str], Path]) -> None:
    from captionret.datasets import open_dataset

    captions = [word_set(item.captions[0]) for item in open_dataset(f"flickr8k:{shared_data('flickr8k')}").split("val")]
    index = JaccardIndex(captions)
    for query in captions[:20]:
        assert np.array_equal(index.scores(query), np.array([jaccard(query, caption) for caption in captions], np.float32))
