"""Word probabilities held against people's captions, each figure against its definition written out."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from captionret.errors import BadSetting
from captionret.evaluation.calibration import (
    WordPairs,
    absent_words,
    at_threshold,
    calibration_error,
    reliability,
    word_pairs,
)
from captionret.retrieval import WordMatrix
from captionret.retrieval.index.columns import Columns
from captionret.retrieval.lemmas import lemma

PAIRS = st.lists(st.tuples(st.floats(0, 1, width=32), st.booleans()), min_size=1, max_size=40)


def pairs_of(table: list[tuple[float, bool]]) -> WordPairs:
    p, right = zip(*table, strict=True)
    return WordPairs(("dog",), np.array(p, np.float32)[:, None], np.array(right)[:, None])


def test_a_picture_is_right_if_two_captions_hold_the_word_in_any_form() -> None:
    captions = [["a dog runs", "two dogs"]] * 5 + [["a dog", "a cat"]] * 5 + [["the cat", "cats sit"]] * 5
    rows = [{"dog": 0.75, "dogs": 0.25}] * 5 + [{"dog": 0.5}] * 5 + [{"cat": 1.0, "a": 1.0}] * 5
    pairs = word_pairs(Columns(WordMatrix.of_rows(rows)).column, captions)
    assert pairs.words == ("cat", "cats", "dog", "dogs"), (
        "no stop word, and no 'runs', which one caption says"
    )
    assert pairs.right[:, 2].tolist() == pairs.right[:, 3].tolist() == [True] * 5 + [False] * 10
    assert pairs.probabilities[:, 2].tolist() == [0.75] * 5 + [0.5] * 5 + [0.0] * 5
    assert pairs.probabilities[:, 1].max() == 0, "a word that the model does not know"
    found = at_threshold(pairs, 0.5)
    assert (found.precision, found.recall, found.words) == (10 / 15, 10 / 20, 2)
    assert found.spread == pytest.approx((0.55, 0.75, 0.95)), "of 1 for cat and .5 for dog"
    assert at_threshold(pairs, 1.01).precision == 1


@settings(deadline=None)
@given(PAIRS)
def test_the_calibration_error_is_its_definition(table: list[tuple[float, bool]]) -> None:
    kept = [(p, right) for p, right in table if p >= np.float32(0.05)]
    total = 0.0
    for number in range(10):
        own = [pair for pair in kept if min(int(pair[0] * 10), 9) == number]
        if own:
            total += abs(sum(p for p, _ in own) - sum(right for _, right in own))
    expected = total / len(kept) if kept else 0
    assert calibration_error(pairs_of(table)) == pytest.approx(expected, abs=1e-6)
    assert sum(one.pairs for one in reliability(pairs_of(table))) == len(kept)


def test_absent_words_are_in_no_caption_in_any_form() -> None:
    captions = [["a man rides a giraffe"], ["two zebras"]]
    found = absent_words(captions, 50)
    assert len(found) == len(set(found)) == 50
    assert not {"man", "men", "giraffe", "giraffes", "zebra", "riding"} & set(found)
    present = {lemma(word) for word in "man rides giraffe two zebras".split()}
    assert not present & {lemma(word) for word in found}
    with pytest.raises(BadSetting, match="Only"):
        absent_words(captions, 10**6)


def test_other_pictures_and_captions_that_say_nothing_are_refused() -> None:
    with pytest.raises(BadSetting, match="captions of 5 pictures"):
        word_pairs(lambda _: np.zeros(12), [["a dog", "dogs"]] * 5)
    with pytest.raises(BadSetting, match="No word"):
        word_pairs(lambda _: np.zeros(1), [["a dog", "dogs"]])
