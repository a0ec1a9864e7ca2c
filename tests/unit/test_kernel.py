"""The compiled kernel finds the best rows that plain NumPy finds, with the same scores to the bit; without it
everything works, slower."""

from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from compiled import compiled

from captionret.retrieval.index import best
from captionret.retrieval.index.best import Word, best_sets, smallest_of_blocks
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
