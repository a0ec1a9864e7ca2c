"""Captioners that share a CNN caption in one pass of it, each what it would say alone."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from shapes import Trained
from torch import Tensor

from captionret.app.loading.one_pass import KeptCaptions, OnePass
from captionret.cli import index
from captionret.decoding import BeamSearch
from captionret.library import Library
from captionret.models.captioning.captioner import Captioner
from captionret.models.captioning.config import CAPTIONER
from captionret.models.checkpoint import read_checkpoint, save_checkpoint
from captionret.models.vision.engines.reader import Reader
from captionret.records import Caption

Other = Callable[[str, int], Path]


@pytest.fixture
def other(trained: Trained, tmp_path: Path) -> Other:
    """A checkpoint that says other words, for its output is shifted by so many."""

    def make(name: str, by: int) -> Path:
        checkpoint = read_checkpoint(trained.checkpoint, CAPTIONER)
        words = len(checkpoint.vocabulary)
        tensors = {
            key: tensor.roll(by, 0) if key.startswith("output") and len(tensor) == words else tensor
            for key, tensor in checkpoint.tensors.items()
        }
        save_checkpoint(tmp_path / name, replace(checkpoint, tensors=tensors))
        return tmp_path / name

    return make


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many pictures each run of a CNN was given."""
    counts: list[int] = []
    read = Reader.read

    def counted(self: Reader, pixels: NDArray[np.uint8]) -> tuple[Tensor, Tensor]:
        counts.append(len(pixels))
        return read(self, pixels)

    monkeypatch.setattr(Reader, "read", counted)
    return counts


@pytest.fixture
def pictures(trained: Trained, tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    shutil.copytree(trained.pictures, folder)
    return folder


def captions(library: Path, by: str) -> dict[str, str]:
    with Library.open(library) as opened:
        gallery = opened.snapshot(by).gallery()
        return dict(zip(gallery.paths, gallery.captions, strict=True))


def alone(checkpoint: Path, pictures: Path) -> dict[str, str]:
    paths = sorted(pictures.glob("*.png"))
    found = Captioner.load(checkpoint, "cpu").caption(paths)
    return {path.name: some[0].text for path, some in zip(paths, found, strict=True)}


def test_captioners_of_one_cnn_caption_in_one_pass(
    trained: Trained, other: Other, reads: list[int], pictures: Path, tmp_path: Path
) -> None:
    library, second, third = tmp_path / "library", other("second", 1), other("third", 2)
    count = len(list(pictures.glob("*.png")))
    typed = ["--library", str(library), "--device", "cpu"]
    first = [str(pictures), "--checkpoint", str(trained.checkpoint), "--captioner", str(second)]
    assert index.main([*typed, *first]) == 0
    assert sum(reads) == count
    expected = alone(second, pictures)
    assert captions(library, "second") == expected != alone(trained.checkpoint, pictures)

    reads.clear()
    assert index.main([*typed, "--captioner", str(third), "--captioner", str(other("fourth", 3))]) == 0
    assert sum(reads) == count, "two further ones: one pass"
    assert captions(library, "third") == alone(third, pictures)

    shutil.copyfile(next(pictures.glob("*.png")), pictures / "again.png")
    with (pictures / "again.png").open("ab") as file:
        file.write(b"another content")
    reads.clear()
    assert index.main(typed) == 0
    assert sum(reads) == 1, "a new picture is read once for all four"
    assert len(captions(library, "third")) == len(captions(library, "fourth")) == count + 1


def test_captions_of_another_decoding_are_asked_for_anew(trained: Trained, reads: list[int]) -> None:
    reader, beside = (Captioner.load(trained.checkpoint, "cpu", engine="torch") for _ in range(2))
    one_pass = OnePass(lambda: [(beside, BeamSearch(2))])
    paths = sorted(trained.pictures.glob("*.png"))[:2]
    list(one_pass.read_by(reader).caption_stream(paths, decoding=BeamSearch(2), batch_size=4))
    answering = one_pass.answering(beside)
    reads.clear()
    list(answering.caption_stream(paths, decoding=BeamSearch(2), batch_size=4))
    assert reads == []
    list(answering.caption_stream(paths, decoding=BeamSearch(1), batch_size=4))
    assert reads == [2]


def test_what_is_kept_comes_back_as_it_was() -> None:
    kept = KeptCaptions()
    given: Any = [[Caption("a dog", ("a", "dog"), -1.25)], []]
    kept.put(["00" * 32, "11" * 32], given)
    kept.put(["22" * 32], given[:1])
    assert kept.take("22" * 32) == kept.take("00" * 32) == given[0]
    assert kept.take("11" * 32) == [] and kept.take("33" * 32) is None
    kept.clear()
    kept.put(["33" * 32], given[:1])
    assert kept.take("00" * 32) is None and kept.take("33" * 32) == given[0] and len(kept) == 1
