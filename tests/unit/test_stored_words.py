"""Word probabilities that are kept by word: every mode answers from them what it answers from the same rows,
to the bit; pictures that a person captioned, or that are new, count by captions; parts are kept tidy."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from mean_colour import Colours, MeanColour, made_library, numbered, picture

from captionret.app.curating.words import words_of_row
from captionret.image_classes import image_classes
from captionret.library import Library
from captionret.library.words import predicting
from captionret.library.words.word_files import UNFINISHED, NamedPart, PredictedWords, part_of, written
from captionret.library.words.word_places import placed_words
from captionret.retrieval import MODES, EncodedQuery, Gallery, TableSource, WordMatrix
from captionret.retrieval import search as search_gallery
from captionret.retrieval.calibrated import Calibration, WordGroup
from captionret.retrieval.certain import CertainColumns
from captionret.retrieval.index.arrays import ArraysInMemory
from captionret.retrieval.index.columns import ProbabilityColumns
from captionret.retrieval.index.few_rows import FewColumns, WholeRows
from captionret.retrieval.index.stored_words import StoredColumns, StoredWords
from captionret.retrieval.index.word_postings import WordPart, word_part_arrays
from captionret.retrieval.predicted import WordProbabilities
from captionret.retrieval.search import rank
from captionret.retrieval.shown_words import shown_counts

WORDS = ("a", "beach", "dog", "dogs", "red", "runs", "sea lion", "the", "zebra")
CLASSES = tuple(one.name for one in image_classes()[:6])
MODES_OF_WORDS = ("words", "expected-jaccard", "expected-cosine", "auto")
Rows = list[dict[str, float]]


def random_rows(count: int, seed: int, words: Sequence[str]) -> Rows:
    chosen = random.Random(seed)
    return [
        {word: chosen.choice((0.0004, 0.005, 0.02, 0.3, 0.9)) for word in words if chosen.random() < 0.7}
        for _ in range(count)
    ]


def matrix(rows: Rows, words: Sequence[str]) -> WordMatrix:
    dense = np.array([[row.get(word, 0.0) for word in words] for row in rows]).reshape(len(rows), len(words))
    return WordMatrix.of_matrix(words, dense, 1e-4)


def hashes(count: int) -> list[str]:
    return [f"{number:064x}" for number in range(count)]


class Kept(TableSource):
    """A table whose words are kept by word, too."""

    def __init__(
        self, names: Sequence[str], words: WordMatrix, classes: WordMatrix, kept: StoredWords
    ) -> None:
        super().__init__(names, word_probabilities=words, classes=classes)
        self._kept = kept

    def stored_words(self, hashes: Sequence[str]) -> StoredWords:
        return self._kept


def galleries(others: Mapping[int, frozenset[str]]) -> tuple[Gallery, Gallery]:
    """The same pictures with their words by row, and by word in three parts of mixed order."""
    count = 60
    rows, seen = random_rows(count, 1, WORDS), random_rows(count, 2, CLASSES)
    order = [*range(0, 40, 2), *range(40, count), *range(1, 40, 2)]
    parts, places = [], []
    for some in (order[:15], order[15:45], [*order[45:], -1]):
        held = [row for row in some if row >= 0]
        extra: Rows = [{"zebra": 0.9}] * (len(some) - len(held))  # of a picture that is gone
        words = matrix([*(rows[row] for row in held), *extra], WORDS)
        classes = matrix([*(seen[row] for row in held), *({} for _ in extra)], CLASSES)
        parts.append(part_of(hashes(len(some)), words, classes))
        places.append(np.array(some, np.int32))
    kept = placed_words(parts, places, others, count)
    every = sorted({*WORDS, *(word for words in others.values() for word in words)})
    own = [dict.fromkeys(others[row], 1.0) if row in others else rows[row] for row in range(count)]
    table = matrix(own, every)
    classes = matrix([{} if row in others else seen[row] for row in range(count)], CLASSES)
    names = [f"{number:03d}.jpg" for number in range(count)]
    texts = ["a dog" if number % 2 else "the red beach" for number in range(count)]
    by_row, by_word = TableSource(hashes(count), word_probabilities=table, classes=classes), None
    by_word = Kept(hashes(count), table, classes, kept)
    expected = Gallery(names, texts, hashes(count), source=by_row)
    numbers = expected.predicted.numbers
    numbers[list(others)] = np.delete(numbers, list(others)).mean()  # of captions it is not known
    return expected, Gallery(names, texts, hashes(count), source=by_word)


@pytest.fixture(scope="module", params=[{}, {3: frozenset({"dog", "moon"}), 44: frozenset({"a", "zebra"})}])
def both(request: pytest.FixtureRequest) -> tuple[Gallery, Gallery]:
    return galleries(request.param)


@pytest.mark.parametrize("mode", MODES_OF_WORDS)
def test_scores_reasons_and_hits_are_those_of_the_rows(both: tuple[Gallery, Gallery], mode: str) -> None:
    by_row, by_word = both
    queries = [
        EncodedQuery(text=text) for text in ("a dog runs", "moon", "zebra", "the red sea lion", "dogs")
    ]
    for query in [*queries, by_row.query(7), by_row.query(3)]:
        ours, theirs = by_word.prepared(MODES[mode]), by_row.prepared(MODES[mode])
        assert ours.scores(query).tobytes() == theirs.scores(query).tobytes()
        for row in (3, 20, 44):
            mine, other = ours.explain(query, row), theirs.explain(query, row)
            assert {one.word: one for one in mine.words} == {one.word: one for one in other.words}
        for top in (1, 5, None):
            hits = [search_gallery(one, query, mode, top) for one in both]
            assert [replace(hit, why=()) for hit in hits[0]] == [replace(hit, why=()) for hit in hits[1]]


@pytest.mark.parametrize("mode", ["words", "expected-jaccard", "expected-cosine"])
def test_best_are_those_of_the_whole_ranking(both: tuple[Gallery, Gallery], mode: str) -> None:
    for gallery in both:
        for text in ("a dog runs", "zebra", "the red sea lion", "dogs", "moon"):
            query, prepared = EncodedQuery(text=text), gallery.prepared(MODES[mode])
            scores, fits = prepared.scores(query), prepared.fits(query)
            for allowed in (None, np.arange(len(gallery)) % 3 > 0):
                left = scores if allowed is None else np.where(allowed, scores, -np.inf)
                left = left if fits is None else np.where(fits, left, -np.inf)
                for top, least in ((1, 1e-30), (7, -5.0 if mode == "words" else 0.1), (100, 1e-30)):
                    rows = rank(left, range(len(left)), top, least).tolist()
                    found = prepared.best(query, top, least, allowed)
                    assert found is None or found == [(row, float(scores[row])) for row in rows]


def test_rows_and_words_are_those_that_were_written(both: tuple[Gallery, Gallery]) -> None:
    by_row, by_word = both
    kept = by_word.stored_words
    assert kept is not None and kept.classes is not None
    for classes, rows in ((False, by_row.word_probabilities), (True, by_row.classes)):
        assert rows is not None
        assert kept.matrix(classes).words == rows.words
        for name in ("starts", "ids", "weights"):
            assert getattr(kept.matrix(classes), name).tobytes() == getattr(rows, name).tobytes()
    ours, theirs = by_word.likely_words(), by_row.likely_words()
    assert all(getattr(ours, one).tobytes() == getattr(theirs, one).tobytes() for one in ("ids", "weights"))
    for row in range(len(by_row)):
        assert by_word.words_of(row) == by_row.words_of(row)
        assert by_word.classes_of(row) == by_row.classes_of(row)
    assert list(by_word.known_words) == list(by_row.known_words)
    assert dict(by_word.known_words) == dict(by_row.known_words)


def test_sums_by_another_table_of_idf_are_not_used() -> None:
    arrays = word_part_arrays(matrix(random_rows(20, 4, WORDS), WORDS), None)
    other = arrays | {"totals": np.zeros(20), "totals.by": np.array([1])}
    kept, stale = (WordPart(ArraysInMemory(one)).totals for one in (arrays, other))
    assert kept.tobytes() == stale.tobytes() and kept.all()


def test_parts_one_after_the_other_say_of_each_picture_what_its_row_says() -> None:
    rows, seen = random_rows(30, 5, WORDS), random_rows(30, 6, CLASSES)
    for row in rows:
        row["the"] = 0.25  # a word that all pictures have
    parts = [
        part_of(
            hashes(10), matrix(rows[first : first + 10], WORDS), matrix(seen[first : first + 10], CLASSES)
        )
        for first in (0, 10, 20)
    ]
    places = [np.arange(first, first + 10, dtype=np.int32) for first in (0, 10, 20)]
    kept = placed_words(parts, places, {}, 30)
    assert kept.classes is not None
    some = np.array([29, 0, 10, 7])
    for columns, words, own in ((kept.head, WORDS, rows), (kept.classes, CLASSES, seen)):
        for word in words:
            held = np.array([row.get(word, 0.0) for row in own], np.float16).astype(np.float64)
            assert columns.column(word).tolist() == held.tolist()
            for few in (FewColumns(columns, some), WholeRows(columns, some)):
                assert few.column(word).tolist() == held[some].tolist()
        for few in (FewColumns(columns, some), WholeRows(columns, some)):
            assert few.total(words).tolist() == columns.total(words)[some].tolist()


def test_a_few_pictures_are_said_what_all_are_said(both: tuple[Gallery, Gallery]) -> None:
    for gallery in both:
        predicted, some = gallery.predicted, np.array([44, 3, 59])
        for word in ("dog", "zebra", "sea lion", "moon"):
            expected = predicted._merged(word)[some].tolist()
            for whole in (False, True):
                assert predicted.some(some, whole).of(word).tolist() == expected
            assert [predicted.at(word, row) for row in some.tolist()] == expected


def test_words_of_one_picture_are_read_from_its_row_alone(
    both: tuple[Gallery, Gallery], monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = words_of_row(both[0], 3)

    def read(*_: object) -> None:
        raise AssertionError("the lists of a word, of each part, are as long as the library")

    monkeypatch.setattr(StoredColumns, "_lists", read)
    assert words_of_row(both[1], 3) == expected and expected


# --- in a library ---


@pytest.mark.parametrize("least", [0.04, 0.31, 0.5, 0.95])
def test_pictures_that_show_words_are_as_many_counted_together_as_one_by_one(
    both: tuple[Gallery, Gallery], least: float
) -> None:
    predicted, count = both[1].predicted, len(both[1])
    groups = [WordGroup(("dog", "dogs"), 1.3, -0.2, 0.4), WordGroup(("red",), 0.7, 1.1, 0.0, 0.5)]
    calibration = Calibration("b" * 64, "colours", "nothing", groups, 0.7)
    certain = np.arange(count) < 4
    head = CertainColumns(
        cast("ProbabilityColumns", predicted.head),
        certain,
        lambda phrase: np.full(count, phrase == ("dogs",)),
    )
    words = sorted(predicted.known)
    for every in (predicted, WordProbabilities(head, predicted.class_columns, calibration)):
        counts = shown_counts(every, words, least)
        assert counts == {word: every.shown(word, least) for word in words}
        assert len(set(counts.values())) > 3


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return made_library(tmp_path, numbered(3))


def added(library: Library, number: int) -> None:
    picture(library.root / f"more-{number}.png", "red", shade=number)
    library.update(library.root, MeanColour(), progress=False)
    library.predict_words(Colours(), progress=False)


def parts_of(library: Library) -> tuple[NamedPart, ...]:
    predicted = PredictedWords.read(library.path)
    assert predicted is not None
    return predicted.parts


def test_new_pictures_become_a_part_and_others_stay(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    library.predict_words(Colours(), progress=False)
    monkeypatch.setattr(Gallery, "features", None)  # would be those of all pictures
    (first,) = parts_of(library)
    added(library, 1)
    assert [one.part.count for one in parts_of(library)] == [3, 1] and parts_of(library)[0].name == first.name


def test_many_small_parts_become_one(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(predicting, "MOST_SMALL", 2)
    library.predict_words(Colours(), progress=False)
    added(library, 1)
    before = [library.gallery().words_of(row) for row in range(4)]
    added(library, 2)
    assert [one.part.count for one in parts_of(library)] == [5]
    assert [library.gallery().words_of(row) for row in range(4)] == before
    assert len([*library.path.glob("word-probabilities*")]) == 2


def test_pictures_that_are_gone_leave_their_part(library: Library) -> None:
    library.predict_words(Colours(), progress=False)
    (library.root / "1.png").unlink()
    library.update(library.root, MeanColour(), progress=False)
    assert len(library.gallery().word_probabilities) == 2
    added(library, 3)
    assert sorted(one.part.count for one in parts_of(library)) == [1, 2]


def test_long_runs_are_kept_in_several_parts(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(predicting, "MOST_PICTURES", 1)
    library.predict_words(Colours(), batch_size=1, progress=False)
    assert [one.part.count for one in parts_of(library)] == [1, 1, 1]
    assert {tuple(library.gallery().words_of(row)) for row in range(3)} and library.verify() == []


def test_a_run_that_was_killed_at_its_end_names_no_picture_twice(library: Library) -> None:
    predictor = Colours()
    library.predict_words(predictor, progress=False)
    gallery = library.gallery()
    again = part_of(gallery.hashes[:2], gallery.word_probabilities.take([0, 1]), None)
    unfinished = PredictedWords(predictor.describe(), (written(library.path, again),))
    unfinished.write(library.path, UNFINISHED)
    added(library, 4)
    assert sum(one.part.count for one in parts_of(library)) == 4 and library.verify() == []


def test_words_follow_their_pictures_through_a_new_index(library: Library) -> None:
    library.predict_words(Colours(), progress=False)
    added(library, 5)
    before = dict(zip(library.gallery().paths, map(library.gallery().words_of, range(4)), strict=True))
    for file in library.path.glob("search-index*"):
        file.unlink()
    library.close()
    with Library.open(library.path) as opened:
        gallery = opened.gallery()
        assert dict(zip(gallery.paths, map(gallery.words_of, range(4)), strict=True)) == before
