"""Vectors that are kept beside the features: computed once, and never of features as they were before."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from captionret.errors import BadSetting, NoSpace
from captionret.library import checksums
from captionret.library.checksums import BLOCK
from captionret.library.vectors import features, space_vectors, vector_tables
from captionret.library.vectors.features import FeatureFile
from captionret.library.vectors.space_vectors import LOCK, Rows, vectors_in
from captionret.library.vectors.vector_tables import KeptVectorTable, vector_table
from captionret.library.vectors.with_words import FeaturesWithWords
from captionret.library.words.word_files import PredictedWords, part_of
from captionret.locks import locked
from captionret.retrieval import WordMatrix
from captionret.retrieval.index.halves import KeepsNearness, best_rows, cosines, unit_rows
from captionret.retrieval.modes.hubs import nearness
from captionret.retrieval.search import rank

Numbers = NDArray[np.float16]


class Space:
    """Doubles features; counts how many rows it was given."""

    name = "doubling"

    def __init__(self, key: str = "a") -> None:
        self.key, self.encoded = key, 0

    def check(self, backbone: dict[str, Any] | None) -> None:
        pass

    def encode_features(self, rows: np.ndarray) -> np.ndarray:
        if not rows.any(1).all():
            raise BadSetting("a row of zeros")
        self.encoded += len(rows)
        return rows.astype(np.float32) * 2

    def encode_texts(self, sentences: Any) -> np.ndarray:
        raise NotImplementedError


def rows_of(count: int, seed: int = 0) -> Numbers:
    return np.random.default_rng(seed).normal(size=(count, 3)).astype(np.float16)


def written(folder: Path, rows: Numbers) -> FeatureFile:
    """The rows as a library has them, the others of the file's rows before them."""
    file = folder / "features-x-1.f16"
    features.append(file, 0, rows)
    blocks = range(0, len(rows), BLOCK)
    sums = {first // BLOCK: checksums.of_block(rows[first : first + BLOCK]) for first in blocks}
    return FeatureFile(file, len(rows), rows.shape[1], sums)


def asked(space: Any, file: Rows, rows: list[int]) -> np.ndarray:
    return vectors_in(space, file, rows, set())


COUNT = 2 * BLOCK + 7
SOME = [3, BLOCK + 1, 2, COUNT - 1, 3]


@pytest.fixture
def whole() -> Numbers:
    return rows_of(COUNT)


def kept(folder: Path, end: str) -> Path:
    (file,) = folder.glob(f"vectors-*{end}")
    return file


class Words(Space):
    """As Space, of what stands behind the features, too."""

    picture_words = ("cat", "dog")


def predicted(*parts: list[dict[str, float]], by: str = "p") -> PredictedWords:
    made = [
        part_of([f"{row:064x}" for row in range(len(rows))], WordMatrix.of_rows(rows), None) for rows in parts
    ]
    return PredictedWords({"fingerprint": by}, tuple(made))


def test_words_stand_behind_the_features_of_the_pictures_they_are_predicted_of(tmp_path: Path) -> None:
    file = written(tmp_path, rows_of(5))
    words = predicted([{"dog": 0.5, "sun": 0.9}, {"cat": 0.25}], [{"dog": 0.75, "cat": 0.005}])
    places = [np.array([4, -1]), np.array([1])]
    rows = FeaturesWithWords(file, ("cat", "dog"), words, places).take([1, 4, 0, 4], set())
    assert np.array_equal(rows[:, :3], file.take([1, 4, 0, 4], set()))
    assert rows[:, 3:].tolist() == [[0, 0.75], [0, 0.5], [0, 0], [0, 0.5]]


def test_vectors_with_words_are_made_again_where_more_is_predicted_or_by_another(tmp_path: Path) -> None:
    file = written(tmp_path, rows_of(COUNT))
    first, second = [{"dog": 0.5}], [{"cat": 0.25}]

    def made(words: PredictedWords, *places: list[int]) -> int:
        space = Words()
        asked(space, FeaturesWithWords(file, ("cat", "dog"), words, [np.array(one) for one in places]), SOME)
        return space.encoded

    assert made(predicted(first), [0]) == COUNT and made(predicted(first), [0]) == 0
    assert made(predicted(first, second), [0], [BLOCK]) == BLOCK, "the block of the new one"
    assert made(predicted([*first, *second]), [0, BLOCK]) == 0, "the same in one part"
    assert made(predicted([*first, *second], by="q"), [0, BLOCK]) == COUNT


def test_vectors_are_computed_once(tmp_path: Path, whole: Numbers) -> None:
    first, again = Space(), Space()
    assert np.array_equal(asked(first, written(tmp_path, whole), SOME), whole[SOME].astype(np.float32) * 2)
    assert first.encoded == COUNT
    found = asked(again, written(tmp_path, whole), SOME)
    assert np.array_equal(found, whole[SOME].astype(np.float32) * 2) and found.dtype == np.float32
    assert np.array_equal(asked(again, written(tmp_path, whole), list(range(COUNT))), whole.astype("f4") * 2)
    assert again.encoded == 0


def test_only_blocks_that_are_asked_for_are_computed(tmp_path: Path, whole: Numbers) -> None:
    space = Space()
    assert np.array_equal(asked(space, written(tmp_path, whole), [BLOCK + 2]), whole[[BLOCK + 2]] * 2)
    assert space.encoded == BLOCK
    assert np.array_equal(asked(space, written(tmp_path, whole), SOME), whole[SOME] * np.float32(2))
    assert space.encoded == COUNT


def test_of_new_pictures_their_blocks_alone_are_computed(tmp_path: Path, whole: Numbers) -> None:
    asked(Space(), written(tmp_path, whole), SOME)
    more, space = np.concatenate([whole, rows_of(5, seed=1)]), Space()
    assert np.array_equal(
        asked(space, written(tmp_path, more), list(range(COUNT + 5))), more.astype("f4") * 2
    )
    assert space.encoded == 12


def test_vectors_of_other_features_are_made_again(tmp_path: Path, whole: Numbers) -> None:
    asked(Space(), written(tmp_path, whole), SOME)
    other, space = whole.copy(), Space()
    other[2] += 1
    assert np.array_equal(asked(space, written(tmp_path, other), SOME), other[SOME].astype(np.float32) * 2)
    assert space.encoded == BLOCK


def flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[30] ^= 4
    file.write_bytes(content)


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-20])


def without_blocks(file: Path) -> None:
    file.write_text(json.dumps(json.loads(file.read_text()) | {"blocks": [1, 2]}))


def of_no_width(file: Path) -> None:
    file.write_text(json.dumps(json.loads(file.read_text()) | {"dim": 0}))


@pytest.mark.parametrize(
    ("end", "harm"),
    [
        *((".f32", harm) for harm in (flip, cut, Path.unlink)),
        *((".json", harm) for harm in (flip, cut, Path.unlink, without_blocks, of_no_width)),
    ],
)
def test_damaged_vectors_are_made_again(
    tmp_path: Path, whole: Numbers, end: str, harm: Callable[[Path], None]
) -> None:
    asked(Space(), written(tmp_path, whole), SOME)
    harm(kept(tmp_path, end))
    for space in (Space(), Space()):
        found = asked(space, written(tmp_path, whole), SOME)
        assert np.array_equal(found, whole[SOME].astype(np.float32) * 2)
    assert space.encoded == 0


def test_each_space_has_its_own_and_those_of_deleted_features_go(tmp_path: Path, whole: Numbers) -> None:
    file = written(tmp_path, whole)
    asked(Space("a"), file, SOME)
    other = Space("b")
    asked(other, file, SOME)
    assert other.encoded == COUNT and len(list(tmp_path.glob("vectors-*.f32"))) == 2
    moved = tmp_path / "features-y-2.f16"
    file.file.rename(moved)
    asked(Space("a"), FeatureFile(moved, COUNT, 3, file.sums), SOME)
    assert len(list(tmp_path.glob("vectors-*.f32"))) == len(list(tmp_path.glob("vectors-*.json"))) == 1


@pytest.mark.parametrize("error", [PermissionError(13, "read-only"), NoSpace("no space left")])
def test_where_nothing_can_be_kept_they_are_computed(
    tmp_path: Path, whole: Numbers, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise error

    monkeypatch.setattr(space_vectors, "publish_json", fails)
    for space in (Space(), Space()):
        assert np.array_equal(asked(space, written(tmp_path, whole), SOME), whole[SOME] * np.float32(2))
        assert space.encoded == COUNT


def test_nobody_waits_for_a_process_that_keeps_them(tmp_path: Path, whole: Numbers) -> None:
    file = written(tmp_path, whole)
    with locked(tmp_path / LOCK):
        assert np.array_equal(asked(Space(), file, SOME), whole[SOME] * np.float32(2))
    assert not list(tmp_path.glob("vectors-*"))


def test_a_picture_that_nobody_asks_for_spoils_no_answer(tmp_path: Path, whole: Numbers) -> None:
    whole[5] = 0
    file = written(tmp_path, whole)
    assert np.array_equal(asked(Space(), file, SOME), whole[SOME] * np.float32(2))
    with pytest.raises(BadSetting, match="a row of zeros"):
        asked(Space(), file, [4, 5])


def test_a_space_without_a_key_is_computed_each_time(tmp_path: Path, whole: Numbers) -> None:
    space: Any = Space()
    del space.key
    asked(space, written(tmp_path, whole), SOME)
    assert space.encoded == len(SOME) and not list(tmp_path.glob("vectors*"))


# --- very many pictures: the float16 copy ---


def best_of(table: KeptVectorTable) -> list[tuple[int, float]]:
    return best_rows(table, np.array([0.6, 0, 0.8], np.float32), 9, -2.0, None)


def expected_best(rows: Numbers, places: list[int]) -> list[tuple[int, float]]:
    vectors = rows[places].astype(np.float32) * 2
    scores = cosines(unit_rows(vectors), np.array([0.6, 0, 0.8], np.float32))
    return [(row, float(scores[row])) for row in rank(scores, range(len(scores)), 9).tolist()]


def table_of(space: Any, file: FeatureFile, places: list[int] = SOME) -> KeptVectorTable | None:
    return vector_table(space, file, np.array(places), set())


def test_tables_answer_as_the_vectors_do_and_are_made_once(tmp_path: Path, whole: Numbers) -> None:
    first, again = Space(), Space()
    for space in (first, again):
        table = table_of(space, written(tmp_path, whole))
        assert table is not None and best_of(table) == expected_best(whole, SOME)
    assert (first.encoded, again.encoded) == (COUNT, 0)
    more = np.concatenate([whole, rows_of(5, seed=1)])
    table = table_of(again, written(tmp_path, more), list(range(COUNT + 5)))
    assert table is not None and best_of(table) == expected_best(more, list(range(COUNT + 5)))
    assert again.encoded == 12


def test_nearness_to_usual_texts_is_kept_and_made_again_for_others(
    tmp_path: Path, whole: Numbers, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = unit_rows(np.random.default_rng(2).normal(size=(9, 3)).astype(np.float32))
    expected, counted = nearness(whole.astype(np.float32) * 2, usual)[SOME], list[int]()

    def computed(rows: NDArray[np.float32], places: NDArray[np.float32]) -> NDArray[np.float32]:
        counted.append(len(rows))
        return nearness(rows, places)

    monkeypatch.setattr(vector_tables, "nearness", computed)
    for times in (1, 1):
        table = table_of(Space(), written(tmp_path, whole))
        assert isinstance(table, KeepsNearness)
        found = table.nearness(usual)
        assert found is not None and found.tolist() == expected.tolist()
        assert sum(counted) == COUNT * times
    flip(kept(tmp_path, "-nearness.f32"))
    for others in (usual, usual[::-1].copy()):
        table = table_of(Space(), written(tmp_path, whole))
        found = None if table is None else table.nearness(others)
        assert found is not None and found.tolist() == pytest.approx(expected.tolist(), abs=1e-5)
    assert sum(counted) > COUNT
    with locked(tmp_path / LOCK):
        table = table_of(Space(), written(tmp_path, whole))
        assert table is not None and table.nearness(usual[:5].copy()) is None


@pytest.mark.parametrize("harm", [flip, cut, Path.unlink])
@pytest.mark.parametrize("end", ["-halves.f16", "-halves.json", "[0-9a-f].f32", "[0-9a-f].json"])
def test_damaged_tables_are_made_again(
    tmp_path: Path, whole: Numbers, end: str, harm: Callable[[Path], None]
) -> None:
    table_of(Space(), written(tmp_path, whole))
    harm(kept(tmp_path, end))
    for _ in range(2):
        table = table_of(Space(), written(tmp_path, whole))
        assert table is not None and best_of(table) == expected_best(whole, SOME)


def test_where_a_table_cannot_be_kept_there_is_none(tmp_path: Path, whole: Numbers) -> None:
    file = written(tmp_path, whole)
    with locked(tmp_path / LOCK):
        assert table_of(Space(), file) is None
    nameless: Any = Space()
    del nameless.key
    assert table_of(nameless, file) is None
    spoilt = whole.copy()
    spoilt[5] = 0
    assert table_of(Space("b"), written(tmp_path, spoilt)) is None
