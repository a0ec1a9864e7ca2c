"""Of very many pictures a compiled kernel finds roughly how likely a text is of each: as near as it says, so
that hits and scores are those of comparing all exactly, to the bit."""

import mmap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from compiled import compiled
from numpy.typing import NDArray

from captionret.image_classes import classes_of
from captionret.library.index.array_file import MOST_HELD, IndexFile, write_index_file
from captionret.library.words.word_files import part_of
from captionret.library.words.word_places import placed_words
from captionret.records import Explanation, Hit
from captionret.retrieval import MODES, EncodedQuery, Gallery, TableSource, WordMatrix, rough, search
from captionret.retrieval.calibrated import Calibration, WordGroup
from captionret.retrieval.certain import CertainColumns
from captionret.retrieval.index import few_rows
from captionret.retrieval.index.few_rows import FewColumns, look_up
from captionret.retrieval.index.halves import unit_rows
from captionret.retrieval.index.stored_words import StoredWords
from captionret.retrieval.modes import auto, text_likelihood
from captionret.retrieval.modes.text_likelihood import TextLikelihood
from captionret.retrieval.predicted import WordProbabilities
from captionret.retrieval.rough_sums import Roughly, reached_by

COUNT = 5_000  # pictures, in parts of which the kernel takes some in two blocks
WORDS = ("a", "beach", "dog", "dogs", "of", "red", "runs", "running", "zebra")
CLASSES = tuple(dict.fromkeys(name for word in ("dog", "zebra") for name in classes_of()[word]))[:5]
CALIBRATION = Calibration(
    "p",
    "a head",
    "made up",
    [
        WordGroup(("dog", "dogs"), 1.4, 0.7, 0.3, 0.6),
        WordGroup(("run", "runs", "running"), 0.8, -0.4, 0.1),
        WordGroup(("beach",), 1.1, 0.2, 0.2),
        WordGroup(("a",), 0.9, 0.1, 0.0),
    ],
    0.5,
)
TEXTS: tuple[Mapping[str, Mapping[str, float]], ...] = (
    {"dog": {"dog": 1.0}},
    {"a": {"a": 1.0}, "dog": {"dog": 1.0}, "runs": {"runs": 1.0}, "of": {"of": 1.0}, "beach": {"beach": 1.0}},
    {"dogs": {"dog": 1.0, "dogs": 1.0}},
    {"pup": {"dog": 0.7, "zebra": 0.4}, "red": {"red": 1.0}},
    {"zebra": {"zebra": 1.0}, "jogging": {"runs": 0.5, "running": 1.0}},
    {"of": {"of": 1.0}, "a": {"a": 1.0}},
)


@pytest.fixture(scope="module", autouse=True)
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    """Compiled from the source that is here, whatever was built before."""
    made = compiled(Path(few_rows.__file__).with_name("_likelihood.c"), tmp_path_factory.mktemp("kernel"))
    before = rough.KERNEL, few_rows.KERNEL
    rough.KERNEL = few_rows.KERNEL = made
    yield made
    rough.KERNEL, few_rows.KERNEL = before


def drawn(names: tuple[str, ...], share: float, seed: int) -> WordMatrix:
    random = np.random.default_rng(seed)
    likely = np.exp(random.normal(-3.5, 2.0, (COUNT, len(names)))).clip(0, 1)
    likely[random.random(likely.shape) > share] = 0
    likely[:3, :2] = [[1.0, 0.9995], [1.0, 1.0], [0.9995, 0.9995]]
    return WordMatrix.of_matrix(names, likely.astype(np.float16), 3e-4)


@pytest.fixture(scope="module", params=["classes", "no classes"])
def stored(request: pytest.FixtureRequest) -> StoredWords:
    """Three parts, one of them in no order."""
    words = drawn(WORDS, 0.8, 1)
    classes = drawn(CLASSES, 0.1, 2) if request.param == "classes" else None
    random = np.random.default_rng(3)
    bounds, parts, places = (0, 3_000, 4_000, COUNT), [], []
    for first, last in pairwise(bounds):
        rows = np.arange(first, last)
        if first == 3_000:
            random.shuffle(rows)
        own = None if classes is None else classes.take(rows)
        parts.append(part_of([f"{row:064x}" for row in rows], words.take(rows), own))
        places.append(rows.astype(np.int32))
    return placed_words(parts, places, {}, COUNT)


def probabilities(stored: StoredWords, calibrated: bool = True) -> WordProbabilities:
    return WordProbabilities(stored.head, stored.classes, CALIBRATION if calibrated else None)


def said() -> np.ndarray:
    """Of every seventh picture a caption says a word."""
    found: np.ndarray = np.arange(COUNT) % 7 == 0
    return found


@pytest.mark.parametrize("calibrated", [True, False])
@pytest.mark.parametrize("text", TEXTS)
def test_rough_ones_are_as_near_as_they_say(
    stored: StoredWords, text: Mapping[str, Mapping[str, float]], calibrated: bool
) -> None:
    asked = TextLikelihood(probabilities(stored, calibrated), text, said)
    found = asked.rough
    assert found is not None
    assert np.abs(found.scores - asked.scores()).max() < found.off / 2
    odds = np.log(asked.surest) - np.log1p(-asked.surest)
    assert np.abs(found.surest - odds).max() < found.surest_off / 2


@pytest.mark.parametrize("calibrated", [True, False])
@pytest.mark.parametrize("text", TEXTS)
def test_best_are_those_of_comparing_all_exactly(
    stored: StoredWords,
    text: Mapping[str, Mapping[str, float]],
    calibrated: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    quick = TextLikelihood(probabilities(stored, calibrated), text, said)
    limits = [None, np.arange(COUNT) % 3 > 0, np.zeros(COUNT, np.bool_)]
    every = [(top, least, limit) for top in (1, 40, COUNT) for least in (-1e30, -3.0) for limit in limits]
    found, floor = [quick.best(*one) for one in every], quick.floor
    monkeypatch.setattr(rough, "KERNEL", None)
    monkeypatch.setattr(few_rows, "KERNEL", None)
    whole = TextLikelihood(probabilities(stored, calibrated), text, said)
    assert whole.rough is None
    assert floor == whole.floor
    assert found == [whole.best(*one) for one in every]


def test_what_a_person_wrote_is_certain_there_too(stored: StoredWords) -> None:
    written = np.zeros(COUNT, np.bool_)
    written[[5, 3_100, 4_999]] = True

    def holding(phrase: tuple[str, ...]) -> np.ndarray:
        return np.isin(np.arange(COUNT), [3_100, 4_999, 7]) & (phrase == ("dog",))

    head = CertainColumns(stored.head, written, holding)
    asked = TextLikelihood(WordProbabilities(head, stored.classes, CALIBRATION), TEXTS[0], said)
    assert asked.rough is not None
    assert np.abs(asked.rough.scores - asked.scores()).max() < asked.rough.off
    assert asked.rough.surest[[3_100, 4_999]].min() > 6 > asked.rough.surest[7]
    scores, fits = asked.scores(), asked.fits()
    expected = np.argsort(-np.where(fits, scores, -np.inf), kind="stable")[:50]
    assert [row for row, _ in asked.best(50, -1e30, None)] == expected.tolist()


@pytest.mark.parametrize(("count", "is_rough"), [(0, True), (4, True), (5, False)])
def test_of_certain_captions_those_alone_count_that_say_a_word_of_the_text(
    count: int, is_rough: bool, stored: StoredWords, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_likelihood, "_ONE_RAISED_OF", COUNT // 4)
    every = np.ones(COUNT, np.bool_)  # all captions are certain: of a library of a file's, say
    says: dict[tuple[str, ...], NDArray[np.bool_]] = {("dogs",): np.arange(COUNT) < count, ("beach",): every}
    head = CertainColumns(stored.head, every, lambda phrase: says.get(phrase, ~every))
    asked = TextLikelihood(WordProbabilities(head, stored.classes, CALIBRATION), TEXTS[0], said)
    assert (asked.rough is not None) == is_rough
    if asked.rough is not None:
        assert np.abs(asked.rough.scores - asked.scores()).max() < asked.rough.off
    scores, fits = asked.scores(), asked.fits()
    expected = np.argsort(-np.where(fits, scores, -np.inf), kind="stable")[:50]
    assert [row for row, _ in asked.best(50, -1e30, None)] == expected.tolist()


def test_some_rows_hold_what_all_rows_hold(stored: StoredWords) -> None:
    rows = np.array([4_999, 0, 3_500, 3_001, 17, 3_500, 2_999])
    some = FewColumns(stored.head, rows)
    for word in (*WORDS, "no such word"):
        assert some.column(word).tolist() == stored.head.column(word)[rows].tolist()


def test_words_of_pictures_that_were_read_together_are_those_of_each(stored: StoredWords) -> None:
    rows = [4_999, 0, 3_500, 17]
    together, alone = probabilities(stored), probabilities(stored)
    together.read_of(rows)
    for row in (*rows, 18):
        assert [together.at(word, row) for word in WORDS] == [alone.at(word, row) for word in WORDS]
        assert together.classes_behind("dog", row) == alone.classes_behind("dog", row)
    together.read_of([])
    assert together.at("dog", 0) == alone.at("dog", 0)


def test_rows_are_looked_up_alike_with_and_without_the_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    rows, weights = np.array([1, 4, 9], np.uint16), np.array([0.5, 0.25, 1], np.float16)
    wanted = np.array([9, 0, 4, 70_000], np.int32)
    found = [np.ones(4), np.ones(4)]
    look_up(rows, weights, wanted, found[0])
    monkeypatch.setattr(few_rows, "KERNEL", None)
    look_up(rows, weights, wanted, found[1])
    assert found[0].tolist() == found[1].tolist() == [2, 1, 1.25, 1]


def test_hits_come_with_the_same_words_and_reasons(
    stored: StoredWords, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Kept(TableSource):
        def stored_words(self, hashes: object) -> StoredWords:
            return stored

    names = [f"{row:04d}.jpg" for row in range(COUNT)]
    hashes = [f"{row:064x}" for row in range(COUNT)]
    source = Kept(hashes, word_probabilities=stored.matrix(), calibration=CALIBRATION)

    def hits() -> list[object]:
        gallery = Gallery(names, ["" for _ in names], hashes, source=source)
        queries = (EncodedQuery(text="a red dog runs"), EncodedQuery(text="zebra"))
        return [hit for query in queries for hit in search(gallery, query, "words", 12)]

    found = hits()
    monkeypatch.setattr(rough, "KERNEL", None)
    assert len(found) == 24 and found == hits()


@dataclass
class Vectors:
    """Rows in memory, as a table keeps them."""

    units: NDArray[np.float32]

    @property
    def halves(self) -> NDArray[np.float16]:
        return self.units.astype(np.float16)

    @property
    def places(self) -> NDArray[np.int64]:
        return np.arange(len(self.units))

    def rows(self, places: NDArray[np.int64]) -> NDArray[np.float32]:
        return self.units[places]


@pytest.mark.parametrize("as_table", [True, False])
def test_mode_auto_finds_the_same_of_very_many(
    stored: StoredWords, as_table: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    units = unit_rows(np.random.default_rng(5).normal(size=(COUNT, 24)).astype(np.float32))

    class Kept(TableSource):
        def stored_words(self, hashes: object) -> StoredWords:
            return stored

        def vector_table(self, mode: str) -> Vectors | None:
            return Vectors(units) if as_table else None

    names = [f"{row:04d}.jpg" for row in range(COUNT)]
    hashes = [f"{row:064x}" for row in range(COUNT)]
    source = Kept(
        hashes,
        word_probabilities=stored.matrix(),
        classes=None if stored.classes is None else stored.matrix(classes=True),
        calibration=CALIBRATION,
        vectors={"embedding": units},
    )
    usual, named = units[:40], dict.fromkeys(CLASSES[:2], 0.5)
    asked: tuple[tuple[str, dict[str, NDArray[np.float32]]], ...] = (
        ("a red dog runs", {"embedding": units[17]}),
        ("zebra", {}),
    )

    def answers() -> list[tuple[list[Hit], Explanation]]:
        gallery = Gallery(names, ["" for _ in names], hashes, source=source)
        found = []
        for text, vectors in asked:
            query = EncodedQuery(text=text, vectors=vectors, usual=usual, classes=named)
            hits = search(gallery, query, "auto", 30)
            row = gallery.row_of_id[hits[3].id]
            found.append((hits, gallery.prepared(MODES["auto"]).explain(query, row)))
        return found

    exact = answers()
    monkeypatch.setattr(auto, "EXACT_UP_TO", 1_000)
    for (expected, why), (found, explained) in zip(exact, answers(), strict=True):
        assert [(hit.id, hit.words, hit.weak, hit.why) for hit in found] == [
            (hit.id, hit.words, hit.weak, hit.why) for hit in expected
        ]
        assert [hit.score for hit in found] == pytest.approx([hit.score for hit in expected], rel=2e-5)
        assert dict(explained.parts) == pytest.approx(dict(why.parts), rel=2e-5, abs=1e-5)


def test_queries_that_are_answered_at_a_time_are_compared_once_each(
    stored: StoredWords, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Kept(TableSource):
        def stored_words(self, hashes: object) -> StoredWords:
            return stored

    names, hashes = [f"{row:04d}.jpg" for row in range(COUNT)], [f"{row:064x}" for row in range(COUNT)]
    source = Kept(hashes, word_probabilities=stored.matrix(), calibration=CALIBRATION)
    compared = list[object]()
    compare = rough.rough_likelihoods

    def counted(*given: Any) -> rough.Rough | None:
        compared.append(given)
        return compare(*given)

    monkeypatch.setattr(text_likelihood, "rough_likelihoods", counted)
    monkeypatch.setattr(auto, "EXACT_UP_TO", 1_000)
    prepared = Gallery(names, ["" for _ in names], hashes, source=source).prepared(MODES["auto"])
    queries = [EncodedQuery(text=text) for text in ("a red dog", "zebra")]
    best = [prepared.best(query, 5, -1e30, None) for query in queries]
    for query, found in zip(queries, best, strict=True):  # as two threads ask, now one and now the other
        assert found is not None and len(found) == 5
        prepared.weak(query, np.array([row for row, _ in found]))
        assert prepared.best(query, 5, -1e30, None) == found
    assert len(compared) == 2


def test_the_kernel_takes_nothing_that_does_not_fit(kernel: ModuleType) -> None:
    words = np.array([(1.0, 1, 0, 1)], rough._WORD)
    reading = np.array([(1.0, 0, -1, 0.0, 0, 1, 0, -1, 0.0, 1.0, 0.0, 1.0)], rough._READING)
    forms, room = np.zeros(1, np.int32), [np.zeros(8, np.float32) for _ in range(2)]
    rows, weights = np.array([1, 3], np.uint16), np.array([0.5, 0.5], np.float16)

    def found(
        words: np.ndarray = words,
        reading: np.ndarray = reading,
        forms: np.ndarray = forms,
        lists: list[object] | None = None,
        numbers: int = 8,
    ) -> None:
        given = [(0, rows, weights)] if lists is None else lists
        kernel.likelihoods(
            words, reading, forms, 1, 1e-4, 0.999, 0.3, True, given, np.zeros(numbers), 1.0, *room
        )

    found()
    outside: list[dict[str, Any]] = [
        {"lists": [(0, np.array([1, 8], np.uint16), weights)]},
        {"lists": [(0, np.array([-1, 3], np.int32), weights)]},
        {"lists": [(1, rows, weights)]},
        {"lists": [(0, rows, weights[:1])]},
        {"lists": [(0, rows, weights.astype(np.float64))]},
        {"numbers": 7},
        {"forms": np.ones(1, np.int32)},
        {"words": np.array([(1.0, 1, 0, 2)], rough._WORD)},
        {"words": words[:0]},
    ]
    for field, value in (
        ("column", 1),
        ("classes", 1),
        ("group_classes", -2),
        ("first_form", 1),
        ("forms", 0),
    ):
        changed = reading.copy()
        changed[field] = value
        outside.append({"reading": changed})
    for one in outside:
        with pytest.raises(ValueError, match=r"do not fit|of no column"):
            found(**one)
    found(lists=[(0, np.array([3, 1], np.uint16), weights)])  # in no order: a wrong number, and no harm


def test_a_file_that_was_let_go_reads_as_before(tmp_path: Path) -> None:
    write_index_file(tmp_path / "a", {}, {"numbers": np.arange(100_000)})
    file = IndexFile(tmp_path / "a")
    before = file.whole("numbers")
    file.let_go()
    assert before.tolist() == file.whole("numbers").tolist() == list(range(100_000))


@pytest.mark.skipif(not hasattr(mmap, "MADV_DONTNEED"), reason="memory cannot be given back here")
def test_memory_is_given_back_when_much_was_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_index_file(tmp_path / "a", {}, {"numbers": np.arange(1_000)})
    file, advised = IndexFile(tmp_path / "a"), list[int]()

    class Map:
        def madvise(self, advice: int) -> None:
            advised.append(advice)

    monkeypatch.setattr(file, "_map", Map())
    for read, calls in ((MOST_HELD // 2, 0), (MOST_HELD // 2, 1), (1, 1), (None, 2), (MOST_HELD - 1, 2)):
        file.let_go(read)
        assert len(advised) == calls


@pytest.mark.parametrize("weight", [0.7, 0.0])
def test_standardised_scores_are_as_near_as_they_say(weight: float) -> None:
    exact = np.random.default_rng(1).normal(-30, 2, 70_001)
    near = (exact + np.random.default_rng(2).uniform(-1e-4, 1e-4, len(exact))).astype(np.float32)
    found = Roughly(near, 1.1e-4, lambda rows: exact[rows]).standardised(weight)
    assert np.abs(found.scores - found.exactly(np.arange(len(exact)))).max() <= found.off
    assert float(found.scores.mean(dtype=np.float64)) == pytest.approx(0, abs=1e-5)
    assert float(found.scores.std(dtype=np.float64)) == pytest.approx(weight, rel=1e-5)
    alike = Roughly(np.full(9, 3.1, np.float32), 0.1, lambda rows: np.full(len(rows), 3.1))
    assert alike.standardised(weight).scores.tolist() == [0.0] * 9


def test_a_score_that_some_reach_is_reached_by_so_many() -> None:
    scores = np.random.default_rng(0).normal(size=10_007).astype(np.float32)
    ordered = np.sort(scores)[::-1]
    for count in (1, 10, 300, 5_000, 10_007):
        reached = reached_by(scores, count)
        assert (scores >= reached).sum() >= count
        assert reached >= ordered[min(3 * count, 10_006)], "and by few others"
    assert reached_by(scores, 10_008) == -np.inf
