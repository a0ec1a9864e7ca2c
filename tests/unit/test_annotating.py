"""Annotating a picture: the vectors of words are made once, and a picture is looked at once."""

import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from captionret.app.annotating import Choices, annotate
from captionret.app.kept_vectors import kept_vectors
from captionret.models.embedding.model import EmbeddingModel
from captionret.models.vision.backbones import Backbone, as_float16

WORDS = ["red", "green", "blue"]


class Space:
    """Knows three words, and counts how often it encodes them."""

    fingerprint = "ab" * 32
    config = SimpleNamespace(sentence_parts=("minilm",))
    encoded = 0

    def words(self) -> list[str]:
        return WORDS

    def encode_images(self, picture: Path) -> np.ndarray:
        colour = np.asarray(Image.open(picture).resize((1, 1)), np.float32)[0, 0]
        unit: np.ndarray = colour / np.linalg.norm(colour)
        return unit

    def encode_words(self, words: list[str]) -> np.ndarray:
        self.encoded += 1
        return np.eye(3, dtype=np.float32)[[WORDS.index(word) for word in words]]


def green(folder: Path) -> str:
    Image.new("RGB", (9, 9), (0, 200, 10)).save(folder / "q.png")
    return str(folder / "q.png")


def test_words_are_encoded_once_and_again_where_the_file_is_damaged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    picture, folder = green(tmp_path), tmp_path / "indexes"
    space: Any = Space()
    choices = Choices(folder=folder)
    answers = [annotate(lambda: space, picture, choices) for _ in range(2)]
    assert space.encoded == 1 and answers[0] == answers[1]
    assert [fit.text for fit in answers[0]] == ["green", "blue", "red"]
    (file,) = folder.iterdir()
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    for damaged in (bytes(content), content[:30], b"[]\n", b""):
        file.write_bytes(damaged)
        caplog.clear()
        with caplog.at_level(logging.INFO):
            assert annotate(lambda: space, picture, choices) == answers[0]
        assert f"{file} cannot be used" in caplog.text
    assert space.encoded == 5


def test_a_bar_is_shown_on_a_terminal_alone(tmp_path: Path) -> None:
    picture, asked = green(tmp_path), list[bool | None]()

    class Telling(Space):
        read = SimpleNamespace(missing_reason=lambda text: None)

        def encode_texts(self, texts: list[str], progress: bool | None = False) -> np.ndarray:
            asked.append(progress)
            return self.encode_words(WORDS)[: len(texts)]

    space: Any = Telling()
    collection = tmp_path / "captions.csv"
    collection.write_text(f"image,caption\n{picture},red\n", encoding="utf-8")
    choices = Choices(folder=tmp_path, captions_from=f"table:{collection}", split="all")
    annotate(lambda: space, picture, choices)
    assert asked == [None], "always, where it is True"


def test_words_of_another_space_are_not_taken(tmp_path: Path) -> None:
    picture, choices = green(tmp_path), Choices(folder=tmp_path / "indexes")
    first: Any = Space()
    other: Any = Space()
    other.fingerprint = "cd" * 32
    annotate(lambda: first, picture, choices)
    annotate(lambda: other, picture, choices)
    assert other.encoded == 1


def test_vectors_that_cannot_be_kept_are_used_all_the_same(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    with caplog.at_level(logging.INFO):
        found = kept_vectors(tmp_path / "file/words.vectors", lambda: np.eye(2, dtype=np.float32))
    assert found.tolist() == [[1, 0], [0, 1]] and "made again the next time" in caplog.text


def test_a_space_that_reads_words_looks_at_a_picture_once(monkeypatch: pytest.MonkeyPatch) -> None:
    model = EmbeddingModel.load("photos-space", "cpu")
    picture = np.random.default_rng(0).integers(0, 256, (260, 260, 3), np.uint8)
    predicted, (pooled, _) = model.predictor.predict(picture), model.backbone.read(picture[None])
    passes: list[int] = []
    read_all = Backbone.read_all

    def counted(self: Backbone, pixels: np.ndarray) -> Any:
        passes.append(len(pixels))
        return read_all(self, pixels)

    monkeypatch.setattr(Backbone, "read_all", counted)
    vector = model.encode_images(picture)
    assert passes == [1]
    words = np.array([predicted.get(word, 0) for word in model.picture_words], np.float16)
    expected = model.encode_features(np.concatenate([as_float16(pooled.numpy()), words[None]], 1))
    assert vector == pytest.approx(expected[0], abs=1e-5)
