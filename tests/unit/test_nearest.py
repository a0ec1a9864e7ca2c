"""The nearest vectors: exact against a loop, the graph against the exact, and what becomes of a kept graph
that is not the right one."""

import json
from pathlib import Path

import numpy as np
import pytest

from captionret.errors import BadSetting
from captionret.retrieval.index import nearest
from captionret.retrieval.index.nearest import ExactIndex, GraphIndex, open_index


def unit(rows: np.ndarray) -> np.ndarray:
    scaled: np.ndarray = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return scaled


def clustered(count: int, dim: int = 24, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Unit rows around some centres, and 40 queries near some of them."""
    random = np.random.default_rng(seed)
    centres = random.standard_normal((30, dim))
    rows = centres[random.integers(30, size=count)] + 0.5 * random.standard_normal((count, dim))
    return unit(rows), unit(rows[:40] + 0.3 * random.standard_normal((40, dim)))


def naive(vectors: np.ndarray, query: np.ndarray, top: int) -> list[int]:
    scores = [
        float(sum(np.float64(a) * np.float64(b) for a, b in zip(row, query, strict=True))) for row in vectors
    ]
    return sorted(range(len(vectors)), key=lambda row: (-round(scores[row], 6), row))[:top]


def test_exact_search_is_a_loop_over_all_rows() -> None:
    vectors, queries = clustered(120, 7)
    vectors[50] = vectors[3]  # equal rows tie, and the first comes first
    queries[0] = vectors[3]
    found = ExactIndex(vectors).search(queries[:8], 6)
    assert found.rows.tolist() == [naive(vectors, query, 6) for query in queries[:8]]
    assert found.rows[0, :2].tolist() == [3, 50] and found.scores[0, 0] == found.scores[0, 1]
    assert found.scores == pytest.approx(np.take_along_axis(queries[:8] @ vectors.T, found.rows, 1), abs=1e-6)
    assert ExactIndex(vectors).search(queries[:1], 500).rows.shape == (1, 120)
    assert ExactIndex(vectors).search(queries[:0], 5).rows.shape == (0, 5)


def test_the_graph_finds_nearly_all_that_exact_search_finds(tmp_path: Path) -> None:
    vectors, queries = clustered(4000)
    found = open_index(vectors, tmp_path / "graph", exact_up_to=0).search(queries, 10)
    exact = ExactIndex(vectors).search(queries, 10)
    recall = np.mean(
        [len(set(a) & set(b)) / 10 for a, b in zip(found.rows.tolist(), exact.rows.tolist(), strict=True)]
    )
    assert recall >= 0.95
    same = found.rows == exact.rows
    assert (found.scores[same] == exact.scores[same]).all(), "scores are exact whoever proposed the row"
    assert (np.diff(found.scores, axis=1) <= 0).all()


def test_up_to_the_limit_search_is_exact_and_nothing_is_written(tmp_path: Path) -> None:
    vectors, _ = clustered(50)
    assert type(open_index(vectors, tmp_path / "graph", exact_up_to=50)) is ExactIndex
    assert type(open_index(vectors, tmp_path / "graph")) is ExactIndex and nearest.EXACT_UP_TO == 200_000
    assert not list(tmp_path.iterdir())
    assert type(open_index(vectors, tmp_path / "graph", exact_up_to=49)) is GraphIndex


def test_rows_may_lie_in_memory_in_any_way(tmp_path: Path) -> None:
    vectors, queries = clustered(400)
    plain = open_index(vectors, tmp_path / "graph", exact_up_to=0).search(queries, 5)
    said: list[str] = []
    turned = open_index(
        np.asfortranarray(vectors), tmp_path / "graph", exact_up_to=0, note=said.append
    ).search(np.asfortranarray(queries), 5)
    assert not said and (turned.rows == plain.rows).all() and (turned.scores == plain.scores).all()
    (tmp_path / "graph").unlink()
    assert (
        open_index(np.asfortranarray(vectors), tmp_path / "graph", exact_up_to=0).search(queries, 5).rows
        == plain.rows
    ).all()


def test_a_kept_graph_answers_as_before_and_is_not_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vectors, queries = clustered(600)
    before = open_index(vectors, tmp_path / "graph", exact_up_to=0).search(queries, 5)
    monkeypatch.setattr(nearest, "_built", None)
    after = open_index(vectors, tmp_path / "graph", exact_up_to=0).search(queries, 5)
    assert (after.rows == before.rows).all() and (after.scores == before.scores).all()
    assert [path.name for path in tmp_path.iterdir()] == ["graph"]


@pytest.mark.parametrize("change", ["one number", "one row more", "rows changed about", "another setting"])
def test_a_graph_of_other_vectors_is_never_used(
    change: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vectors, _ = clustered(200)
    open_index(vectors, tmp_path / "graph", exact_up_to=0)
    old = (tmp_path / "graph").read_bytes()
    if change == "one number":
        vectors[77, 3] = np.nextafter(vectors[77, 3], np.float32(2))
    elif change == "one row more":
        vectors = np.concatenate([vectors, vectors[:1]])
    elif change == "rows changed about":
        vectors = vectors[::-1]
    else:
        monkeypatch.setattr(nearest, "BUILD_WIDTH", 50)
    said: list[str] = []
    kept = open_index(vectors, tmp_path / "graph", exact_up_to=0, build=False, note=said.append)
    assert (
        type(kept) is ExactIndex
        and "no index of these vectors" in said[0]
        and (tmp_path / "graph").read_bytes() == old
    )
    made = open_index(vectors, tmp_path / "graph", exact_up_to=0, note=said.append)
    assert made.search(vectors, 1).rows[:200, 0].tolist() == list(range(200))
    assert "put into a new one" in said[1] and (tmp_path / "graph").read_bytes() != old


@pytest.mark.parametrize("harm", ["cut", "a bit", "head", "empty", "text", "list"])
def test_a_damaged_graph_is_named_and_made_again(harm: str, tmp_path: Path) -> None:
    vectors, queries = clustered(200)
    file = tmp_path / "graph"
    before = open_index(vectors, file, exact_up_to=0).search(queries, 3)
    whole = file.read_bytes()
    place = whole.index(b"\n") + 2000
    flipped = whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :]
    file.write_bytes(
        {
            "cut": whole[:-9],
            "a bit": flipped,
            "head": whole[20:],
            "empty": b"",
            "text": b"{}\nno graph",
            "list": b"[1]\n",
        }[harm]
    )
    said: list[str] = []
    after = open_index(vectors, file, exact_up_to=0, note=said.append).search(queries, 3)
    assert str(file) in said[0] and ("is damaged" in said[0]) == (harm in ("cut", "a bit"))
    assert (after.rows == before.rows).all() and file.read_bytes() == whole


def test_a_file_whose_hash_is_right_but_that_voyager_refuses_is_made_again(tmp_path: Path) -> None:
    vectors, _ = clustered(60)
    file = tmp_path / "graph"
    open_index(vectors, file, exact_up_to=0)
    fingerprint = json.loads(file.read_bytes().partition(b"\n")[0])["vectors"]
    nearest._write(file, fingerprint, b"VOYA from the future", 1.0)
    said: list[str] = []
    assert type(open_index(vectors, file, exact_up_to=0, note=said.append)) is GraphIndex
    assert "cannot be used by the installed voyager" in said[0]


def test_recall_of_a_graph_is_measured_on_its_own_vectors_kept_and_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    vectors, _ = clustered(300)
    monkeypatch.setattr(GraphIndex, "_proposed", lambda *_: np.arange(0, 300, 3))
    with caplog.at_level("INFO"):
        index = open_index(vectors, tmp_path / "graph", exact_up_to=0)
        assert isinstance(index, GraphIndex) and 0.1 < index.recall < 0.7
        monkeypatch.undo()
        again = open_index(vectors, tmp_path / "graph", exact_up_to=0)
    assert isinstance(again, GraphIndex) and again.recall == index.recall
    assert caplog.text.count(f"it finds {index.recall:.1%} of the ten nearest") == 2


def test_where_it_cannot_be_kept_the_graph_is_used_all_the_same(tmp_path: Path) -> None:
    vectors, queries = clustered(60)
    (tmp_path / "taken").mkdir()
    said: list[str] = []
    found = open_index(vectors, tmp_path / "taken", exact_up_to=0, note=said.append)
    assert found.search(queries, 3).rows.shape == (40, 3)
    assert "could not be kept" in said[-1]


def test_more_neighbours_than_a_graph_is_good_for_are_exact(tmp_path: Path) -> None:
    vectors, queries = clustered(1500)
    graph = open_index(vectors, tmp_path / "graph", exact_up_to=0)
    assert (graph.search(queries[:2], 1200).rows == ExactIndex(vectors).search(queries[:2], 1200).rows).all()
    assert graph.search(queries[:2], 900).rows.shape == (2, 900)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (np.ones(3, np.float32), r"\(N, D\)"),
        (np.ones((2, 2), np.int64), "int64"),
        (np.array([[1, 0], [0, 0]], np.float32), r"row 1 .* length 0.0"),
        (np.array([[1, 0], [np.nan, 1]], np.float32), "row 1 .* length nan"),
        (np.array([[3, 4]], np.float32), r"row 0 .* length 5.0"),
    ],
)
def test_rows_that_are_no_unit_vectors_are_refused(rows: np.ndarray, message: str, tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match=f"The vectors .*{message}"):
        open_index(rows, tmp_path / "graph")
    with pytest.raises(BadSetting, match=f"The queries .*{message}"):
        ExactIndex(np.eye(2, dtype=np.float32)).search(rows, 1)


def test_a_search_that_cannot_work_is_refused() -> None:
    index = ExactIndex(np.eye(3, dtype=np.float32))
    with pytest.raises(BadSetting, match="at least 1"):
        index.search(np.eye(3, dtype=np.float32), 0)
    with pytest.raises(BadSetting, match="2 numbers each, the vectors 3"):
        index.search(np.eye(2, dtype=np.float32), 1)
