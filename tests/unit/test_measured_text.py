"""Texts as queries of a gallery: which pictures are right, and what a space reads nothing of."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from captionret.app.measuring import measured_text
from captionret.app.measuring.measured_split import MeasuredSplit
from captionret.app.measuring.measured_text import caption_queries, encode_texts, label_queries, measure_texts
from captionret.errors import CaptionretError
from captionret.records import Item
from captionret.retrieval import MODES, Gallery, TableSource, WordMatrix


class TwoWords:
    """A space of two words, each a direction."""

    config = SimpleNamespace(dim=2)

    def missing_reason(self, text: str) -> str:
        return "" if {"dog", "car"} & set(text.split()) else "no word"

    def encode_texts(self, texts: list[str], progress: bool | None = False) -> np.ndarray:
        return np.array([[1, 0] if "dog" in text.split() else [0, 1] for text in texts], np.float32)


SPACES: dict[str, Any] = {"embedding": TwoWords()}


@pytest.fixture(autouse=True)
def no_classes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The space of two words cannot read the names of ImageNet's classes."""
    monkeypatch.setattr(measured_text, "named_classes", lambda texts, space: [{} for _ in texts])


@pytest.fixture
def split() -> MeasuredSplit:
    """Three files, of which the last is a copy of the first."""
    names = {"a.jpg": ("1", "a dog", "dog"), "b.jpg": ("2", "a red car", "car"), "c.jpg": ("1", "", "pet")}
    items = [
        Item(name, Path(name), (caption, "xyzzy") if caption else ("the dog",), labels=(label,))
        for name, (_, caption, label) in names.items()
    ]
    vectors = {"embedding": np.eye(2, dtype=np.float32)}
    gallery = Gallery(
        list(names),
        ["a dog runs", "a car", "a dog runs"],
        [content for content, _, _ in names.values()],
        source=TableSource(["1", "2"], vectors=vectors),
    )
    return MeasuredSplit(gallery, items[:2], items, SPACES)


def test_a_copys_captions_and_labels_ask_for_the_picture_that_stands_for_it(split: MeasuredSplit) -> None:
    assert split.rows == [0, 1, 0]
    queries = caption_queries(split.every, split.rows, SPACES)
    assert queries.ids == ["a.jpg#0", "a.jpg#1", "b.jpg#0", "b.jpg#1", "c.jpg#0"]
    assert queries.right == [[0], [0], [1], [1], [0]]
    labels = label_queries(split)
    assert dict(zip(labels.ids, labels.right, strict=True)) == {"car": [1], "dog": [0], "pet": [0]}


def test_words_are_read_as_a_search_reads_them() -> None:
    words = WordMatrix.of_rows([{"dog": 0.9}, {"car": 0.9}])
    source = TableSource(
        ["1", "2"], word_probabilities=words, vectors={"embedding": np.eye(2, dtype=np.float32)}
    )
    held = Gallery(["a.jpg", "b.jpg"], ["a dog", "a car"], ["1", "2"], source=source)
    (plural,) = encode_texts(["dogs"], SPACES, held)
    assert [str(one) for one in plural.understood or ()] == ["dogs: dog (other form)"]
    assert MODES["words"].prepare(held).scores(plural).argmax() == 0
    (plain,) = encode_texts(["dogs"], SPACES)
    assert plain.understood is None


def test_a_text_that_a_space_reads_nothing_of_is_a_miss_there(split: MeasuredSplit) -> None:
    dog, other = encode_texts(["a dog", "xyzzy"], SPACES)
    assert dog.vectors["embedding"].tolist() == [1, 0] and other.vectors["embedding"].tolist() == [0, 0]
    queries = caption_queries(split.every, split.rows, SPACES)
    left_out: list[CaptionretError] = []
    found = {
        one.mode: one for one in measure_texts(split.gallery, ["jaccard", "cnn", "words"], queries, left_out)
    }
    assert list(found) == ["random", "jaccard", "embedding"], "embedding stands beside whatever is measured"
    assert [found[mode].misses for mode in ("jaccard", "embedding")] == [2, 2]
    assert found["embedding"].r1 == pytest.approx(60)
    assert any("Mode words is left out" in str(error) for error in left_out)
