"""A captioner without a network: it says a picture's mean colour in words. Real files in, real failures
out."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from captionret.decoding import Decoding
from captionret.errors import BadImage
from captionret.images import Picture, load_views
from captionret.library import Library, WordPredicting
from captionret.records import Caption, CaptionResult, Failure

COLOURS = {
    "red": (220, 30, 30),
    "green": (30, 180, 30),
    "blue": (30, 30, 220),
    "yellow": (230, 220, 40),
    "white": (250, 250, 250),
    "black": (5, 5, 5),
}


def picture(path: Path, colour: str, shade: int = 0, size: int = 16) -> Path:
    """Write a plain picture; each shade is another content of the same colour."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rgb = tuple(max(0, min(255, value + shade)) for value in COLOURS[colour])
    Image.new("RGB", (size, size), rgb).save(path)
    return path


def numbered(count: int) -> dict[str, tuple[str, int]]:
    """Pictures for `made_library`: "0.png" red, "1.png" green, "2.png" blue, and so on, each another one."""
    return {f"{number}.png": (("red", "green", "blue")[number % 3], number) for number in range(count)}


def made_library(
    folder: Path, pictures: Mapping[str, str | tuple[str, int]], words: WordPredicting | None = None
) -> Library:
    """The library folder/library of plain pictures in folder/photos, captioned, its words predicted by
    `words`. pictures: the colour, or colour and shade, by the file's name"""
    for name, look in pictures.items():
        picture(folder / "photos" / name, *([look] if isinstance(look, str) else look))
    library = Library.create(folder / "library", folder / "photos")
    library.update(captioner=MeanColour(), progress=False)
    if words is not None:
        library.predict_words(words, progress=False)
    return library


class MeanColour:
    """seen: every path it was asked to caption, in order."""

    def __init__(self, fingerprint: str = "f" * 64, name: str = "mean-colour", dim: int = 3) -> None:
        self.fingerprint = fingerprint
        self.name = name
        self.dim = dim
        self.seen: list[Path] = []

    def describe(self) -> dict[str, Any]:
        return {"name": self.name, "checkpoint": None}

    def caption_stream(
        self, paths: Sequence[Path | Picture], *, decoding: Decoding, batch_size: int
    ) -> Iterator[list[CaptionResult | Failure]]:
        for start in range(0, len(paths), batch_size):
            yield [self.answer(path) for path in paths[start : start + batch_size]]

    def answer(self, path: Any) -> CaptionResult | Failure:
        self.seen.append(path)
        try:
            sha256, pixels = load_views(path, 4)
        except BadImage as error:
            return Failure(str(path), str(error))
        mean = pixels[0].reshape(-1, 3).mean(0)
        colour = min(COLOURS, key=lambda name: float(np.abs(np.array(COLOURS[name]) - mean).sum()))
        tokens = ("a", "plain", colour, "picture")
        feature = np.resize(mean / 255, self.dim).astype(np.float16)
        return CaptionResult(
            path, sha256, [Caption(" ".join(tokens), tokens, -1.5), Caption(colour, (colour,), -2.5)], feature
        )


class Colours:
    """Predicts three words by the feature, which is the mean colour."""

    words: tuple[str, ...] = ("blue", "green", "red")
    name = "colours"

    def __init__(self, fingerprint: str = "b" * 64) -> None:
        self.fingerprint = fingerprint
        self.asked: list[str] = []

    def describe(self) -> dict[str, Any]:
        return {"name": "colours", "fingerprint": self.fingerprint}

    def check(self, backbone: dict[str, Any] | None) -> None:
        return None

    def predict_classes(self, pooled: np.ndarray) -> np.ndarray | None:
        return None

    def predict_words(
        self, paths: Sequence[Path | Picture], hashes: Sequence[str], pooled: np.ndarray
    ) -> np.ndarray:
        self.asked += [Path(path.name).name for path in paths]
        return np.asarray(pooled[:, ::-1], np.float32)
