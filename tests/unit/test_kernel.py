"""The compiled kernel finds the best rows that plain NumPy finds, with the same scores to the bit; without it
everything works, slower."""

import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from compiled import compiled

from captionret import compiled as loading
from captionret.retrieval import index
from captionret.retrieval.index import best
from captionret.retrieval.index.best import (
    JACCARD,
    PLAIN,
    RATIO,
    Held,
    Scoring,
    Word,
    best_sets,
    best_sums,
    smallest_lengths,
    smallest_of_blocks,
)
from captionret.retrieval.index.jaccard import JaccardIndex
from captionret.retrieval.index.sparse import WordMatrix
from captionret.retrieval.search import rank


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    """Compiled from the source that is here, whatever was built before."""
    return compiled(Path(best.__file__).with_name("_kernel.c"), tmp_path_factory.mktemp("kernel"))


def words_of(count: int, rng: np.random.Generator) -> tuple[list[Word], np.ndarray]:
    """Some words in some rows, as bits or lists, and how many of them each row holds."""
    words: list[Word] = []
    held = np.zeros(count, np.int64)
    for _ in range(rng.integers(0, 12)):
        rows = rng.random(count) < rng.choice([0.001, 0.02, 0.3, 0.9])
        held += rows
        as_bits = bool(rng.random() < 0.5)
        packed = np.packbits(rows, bitorder="little")
        words.append((packed if as_bits else np.flatnonzero(rows).astype(np.int32), as_bits))
    return words, held


def test_kernel_finds_what_all_scores_say(kernel: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    for trial in range(150):
        count = int(rng.choice([0, 1, 5, 63, 64, 65, 1000, 16384, 16385, 40000]))
        words, held = words_of(count, rng)
        dtype = [np.uint8, np.uint16, np.uint32][int(rng.integers(3))]
        sizes = (held + rng.integers(0, 4, count)).astype(dtype)
        allowed = rng.random(count) < 0.3 if rng.random() < 0.5 else None
        asked = len(words) + int(rng.integers(0, 3))
        top, least = int(rng.choice([1, 3, 10, 100])), float(rng.choice([1e-38, 0.2, 0.5]))
        answers = []
        for one in (kernel, None):
            monkeypatch.setattr(best, "KERNEL", one)
            answers.append(best_sets(words, asked, sizes, smallest_of_blocks(sizes), allowed, top, least))
        assert answers[0] == answers[1], trial


def test_kernel_finds_near_copies_by_their_rarest_words(
    kernel: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What lacks few words holds some of the rarest: most rows are never looked at, of any size."""
    rng, count = np.random.default_rng(0), 36_000
    for trial in range(30):
        copies = rng.choice(count, 40, replace=False)
        words: list[Word] = []
        held = np.zeros(count, np.int64)
        for share in rng.choice([0.0005, 0.003, 0.01, 0.3], 9):
            rows = rng.random(count) < share
            rows[copies] = rng.random(40) < 0.85
            held += rows
            in_bits = np.packbits(rows, bitorder="little")
            words.append((in_bits, True) if share > 0.1 else (np.flatnonzero(rows).astype(np.int32), False))
        sizes = (held + rng.integers(0, rng.choice([3, 90]), count)).astype([np.uint8, np.uint16][trial % 2])
        allowed = rng.random(count) < 0.7 if trial % 3 == 0 else None
        top, least = (10, 0.0001) if trial % 5 else (3, 0.6)
        answers = []
        for one in (kernel, None):
            monkeypatch.setattr(best, "KERNEL", one)
            answers.append(best_sets(words, 10, sizes, smallest_of_blocks(sizes), allowed, top, least))
        assert answers[0] == answers[1], trial


def test_kernel_finds_the_best_of_weights_that_all_scores_say(
    kernel: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(best, "KERNEL", kernel)
    rng, words = np.random.default_rng(0), [f"w{number:02d}" for number in range(30)]
    for trial in range(60):
        count = int(rng.choice([1, 10, 500, 16384, 40000]))
        values = rng.random((count, 30)) * (rng.random((count, 30)) < rng.choice([0.02, 0.1, 0.3, 0.9], 30))
        values = np.round(4 * values) / 4 if trial % 3 == 0 else values  # many ties
        matrix = WordMatrix.of_matrix(words, values, 0.01)
        idf = {word: 5 * float(rng.random()) for word in words} if trial % 2 else None
        index = JaccardIndex(matrix, idf)
        allowed = rng.random(count) < 0.5 if trial % 4 == 1 else None
        own = matrix.row(int(rng.integers(count)))
        some = {word: float(rng.random() + 0.01) for word in words if rng.random() < 0.4}
        for query in (own or {"w00": 1.0}, {**some, "unheard": 1.0}):
            scores = index.scores(query)
            masked = scores if allowed is None else np.where(allowed, scores, -np.inf)
            top, least = int(rng.choice([1, 3, 10, 50])), float(rng.choice([1.2e-38, 0.1, 0.4]))
            rows = rank(masked, range(count), top, least).tolist()
            found = index.best(query, top, least, allowed)
            if not index.lists.of_sets:
                assert found == [(row, float(scores[row])) for row in rows], trial


def a_word(count: int, rng: np.random.Generator) -> tuple[Held, np.ndarray]:
    """A word in some rows, held in one of four ways, and its weight in every row."""
    held = rng.random(count) < rng.choice([0.001, 0.02, 0.3, 0.9])
    rows, usual = (
        np.flatnonzero(held).astype(np.int32),
        np.float32(rng.choice([0.25, 0.5, rng.random() + 0.01])),
    )
    others = rows[rng.random(len(rows)) < 0.1]
    weights = np.where(held, usual, np.float32(0))
    way = int(rng.integers(4))
    if way < 2:
        weights[others] = np.round(4 * rng.random(len(others))) / 4 + 0.25
        bits = np.packbits(held, bitorder="little") if way else None
        most = float(weights.max(initial=usual))
        word = Held(None if way else rows, bits, None, float(usual), others, weights[others], most)
        return word, weights
    weights[rows] = rng.random(len(rows)).astype(np.float32) + np.float32(0.01)
    return Held.of_weights(*((rows, weights[rows]) if way == 2 else (None, weights))), weights


@pytest.mark.parametrize("kind", [JACCARD, RATIO, PLAIN], ids=["jaccard", "ratio", "plain"])
def test_kernel_finds_the_best_by_sums_that_all_sums_say(
    kernel: ModuleType, monkeypatch: pytest.MonkeyPatch, kind: int
) -> None:
    monkeypatch.setattr(best, "KERNEL", kernel)
    rng = np.random.default_rng(kind)
    for trial in range(40):
        count = int(rng.choice([1, 10, 500, 16384, 16385, 40000]))
        words = [a_word(count, rng) for _ in range(rng.integers(1, 9))]
        asked = [float(np.float32(rng.choice([0.5, 1.0, rng.random() + 0.01]))) for _ in words]
        products = kind != JACCARD
        term = np.multiply if products else np.minimum
        sums, each = np.zeros(count), np.zeros(count)
        for (_, weights), value in zip(words, asked, strict=True):
            sums += term(weights, np.float32(value))
            each += weights
        each += np.where(rng.random(count) < 0.05, 0, rng.random(count))  # some rows hold nothing else
        total, offset = sum(asked), float(rng.choice([0, 0.1 * rng.random()])) if kind == RATIO else 0.0
        with np.errstate(divide="ignore", invalid="ignore"):
            every = {
                JACCARD: sums / (each + total - sums),
                RATIO: np.where(each * total > 1e-9, np.clip((sums - offset) / (each * total), -1, 1), 0),
                PLAIN: sums,
            }[kind]
        scores = np.where(sums > 0, every, 0).astype(np.float32)
        allowed = rng.random(count) < 0.5 if trial % 4 == 1 else None
        masked = scores if allowed is None else np.where(allowed, scores, -np.inf)
        top, least = int(rng.choice([1, 3, 10, 50])), float(rng.choice([1.2e-38, 0.1, 0.4]))
        scoring = Scoring(kind, products, count, total, offset, each, smallest_lengths(each))
        given = [(held, value) for (held, _), value in zip(words, asked, strict=True)]
        rows = rank(masked, range(count), top, least).tolist()
        assert best_sums(given, scoring, allowed, top, least) == [(row, float(scores[row])) for row in rows]


def test_kernel_finds_the_best_that_come_last_and_ties_by_row(
    kernel: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a row has to score is known from the rarest words before the first row is read."""
    monkeypatch.setattr(best, "KERNEL", kernel)
    count = 50_000
    rare = np.array([11, 16_384, 49_990, 49_991, 49_999], np.int32)
    common = Held.of_weights(None, np.where(np.arange(count) % 2 == 0, np.float32(0.5), np.float32(0)))
    words = [
        (common, 0.5),
        (Held.of_weights(rare, np.array([0.25, 1, 1, 1, 0.5], np.float32)), 1.0),
        (Held.of_weights(rare[1:], np.ones(4, np.float32)), 0.25),
    ]
    each = np.full(count, 2.0)
    scoring = Scoring(JACCARD, False, count, 1.75, each=each)
    found = best_sums(words, scoring, None, 3, 1.2e-38)
    assert found is not None
    assert [row for row, _ in found] == [16_384, 49_990, 49_991]
    assert found[1][1] == pytest.approx(1.75 / 2) and found[2][1] == pytest.approx(1.25 / 2.5)
    for allowed in (np.arange(count) < 49_990, np.arange(count) > 16_384):
        limited = best_sums(words, scoring, allowed, 1, 1.2e-38)
        assert limited is not None and limited[0][0] == (16_384 if allowed[0] else 49_990)


def test_largest_weight_of_a_word_is_looked_for_once() -> None:
    matrix = WordMatrix.of_matrix(["dog", "sea"], np.array([[0.5, 0.25], [0.75, 0]]), 0.01)
    lists = JaccardIndex(matrix).lists
    assert lists.held("dog") is lists.held("dog") and lists.held("unheard") is None


def test_kernel_refuses_sums_that_do_not_fit(kernel: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(best, "KERNEL", kernel)
    rows, weights = np.array([0, 7], np.int32), np.ones(2, np.float32)
    nothing = Held(None, None, None, 1.0, None, None, 1.0)
    bad = [
        (Held.of_weights(rows, weights), Scoring(PLAIN, True, 7)),  # a row beyond the last
        (Held.of_weights(-rows[::-1].copy(), weights), Scoring(PLAIN, True, 9)),
        (Held.of_weights(rows, weights[:1]), Scoring(PLAIN, True, 9)),
        (nothing, Scoring(PLAIN, True, 9)),
        (nothing._replace(bits=np.zeros(1, np.uint8)), Scoring(PLAIN, True, 9)),
        (nothing._replace(rows=rows, others=rows, of_others=weights[:1]), Scoring(PLAIN, True, 9)),
        (Held.of_weights(rows, weights), Scoring(JACCARD, False, 9, 1.0, each=np.ones(8))),
        (Held.of_weights(rows, weights), Scoring(RATIO, True, 9, 1.0, each=np.ones(9))),  # no blocks
    ]
    for word, scoring in bad:
        with pytest.raises(ValueError, match="not fit"):
            best_sums([(word, 1.0)], scoring, None, 5, 0.1)


def test_queries_of_very_many_words_are_answered_without_the_kernel(
    kernel: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(best, "KERNEL", kernel)
    words: list[Word] = [(np.array([0, 2], np.int32), False)] * 200
    sizes = np.array([200, 3, 250], np.uint8)
    found = best_sets(words, 200, sizes, smallest_of_blocks(sizes), None, 5, 0.1)
    assert found == [(0, 1.0), (2, float(np.float32(0.8)))]


@pytest.mark.parametrize(
    "words",
    [
        [(np.array([7], np.int32), 0)],
        [(np.array([-1], np.int32), 0)],
        [(np.zeros(0, np.uint8), 1)],
        [("no array", 0)],
        [()],
    ],
    ids=["row beyond the last", "row below 0", "too few bits", "no array", "no pair"],
)
def test_kernel_refuses_what_does_not_fit(kernel: ModuleType, words: list[object]) -> None:
    sizes = np.array([1, 2], np.uint8)
    with pytest.raises((ValueError, TypeError)):
        kernel.best_sets(words, 1, sizes, smallest_of_blocks(sizes), None, 5, 0.1)


def test_kernel_of_another_version_is_left_alone(
    kernel: ModuleType, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "captionret.retrieval.index._kernel", kernel)
    monkeypatch.setattr(index, "_kernel", kernel, raising=False)
    assert loading.compiled("_kernel", kernel.REVISION, index.__name__) is kernel and not caplog.records
    assert loading.compiled("_kernel", kernel.REVISION + 1, index.__name__) is None
    assert "compiled for another version" in caplog.text
