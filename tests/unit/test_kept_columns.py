"""Columns of words that are kept at hand, and how many."""

import numpy as np
import pytest

from captionret.retrieval import WordMatrix
from captionret.retrieval.index.columns import ProbabilityColumns
from captionret.retrieval.index.stored_words import PlacedPart, StoredWords
from captionret.retrieval.index.word_postings import word_part
from captionret.retrieval.kept_columns import KeptColumns
from captionret.retrieval.predicted import WordProbabilities

WORDS = [f"word{number:03d}" for number in range(200)]


def predicted() -> WordProbabilities:
    likely = np.random.default_rng(0).random((50, len(WORDS)))
    part = word_part(WordMatrix.of_matrix(WORDS, likely, 0.3), None)
    head: ProbabilityColumns = StoredWords([PlacedPart(part, np.arange(50, dtype=np.int32))], 50).head
    return WordProbabilities(head, None)


def test_words_that_were_asked_for_long_ago_take_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(KeptColumns, "MOST", 50 * 8 * 30)
    words, fresh = predicted(), predicted()
    for word in WORDS:
        words.of(word), words.odds(word)
    assert len(words._known._held) == len(words._raw._held) == len(words._odds._held) == 30
    for word in (WORDS[0], WORDS[-1]):  # one that was let go of, one that is kept
        assert words.of(word).tolist() == fresh.of(word).tolist()
        assert words.odds(word).tolist() == fresh.odds(word).tolist()


def test_the_columns_of_one_query_stay_however_long_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(KeptColumns, "MOST", 1)
    kept = KeptColumns()
    made: list[str] = []

    def make(word: str) -> np.ndarray:
        made.append(word)
        return np.zeros(9)

    for _ in range(3):
        for word in WORDS[: KeptColumns.LEAST]:
            kept.get(word, make)
    assert len(made) == KeptColumns.LEAST


def test_pictures_out_of_order_have_the_same_words_as_in_order() -> None:
    likely = np.random.default_rng(1).random((40, len(WORDS)))
    part = word_part(WordMatrix.of_matrix(WORDS, likely, 0.5), None)
    turned = np.arange(40, dtype=np.int32)[::-1].copy()
    turned[3] = -1  # it does not count
    plain = StoredWords([PlacedPart(part, np.arange(40, dtype=np.int32))], 40).head
    other = StoredWords([PlacedPart(part, turned)], 40).head
    for word in WORDS[:20]:
        expected = plain.column(word)[::-1].copy()
        expected[36] = 0
        assert other.column(word).tolist() == expected.tolist()
