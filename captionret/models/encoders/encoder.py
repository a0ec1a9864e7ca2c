"""An encoder of another library as captionret uses it: as the space of mode `clip`."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from ...errors import BadSetting

if TYPE_CHECKING:  # importing every decoder of pictures takes as long as a text query
    from PIL.Image import Image

    from ...images import ImageInput, Picture

BATCH = 32


class Towers(Protocol):
    """The two halves of an encoder, without anything around them."""

    def images(self, images: "Sequence[Image]") -> NDArray[np.float32]:
        """(N, D) of N upright RGB pictures; their lengths don't matter."""
        ...

    def texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(M, D) of M texts; what is too long is cut."""
        ...


class PictureEncoder:
    """An encoder of pictures and texts.

    spec: by which it is loaded, KIND:WHAT
    key:  changes with everything that changes a vector: weights, preprocessing, tokens
    mode: the mode of retrieval that compares in its space
    """

    mode = "clip"

    def __init__(self, spec: str, key: str, towers: Towers) -> None:
        self.spec, self.key, self.towers = spec, key, towers

    def __repr__(self) -> str:
        return f"<PictureEncoder {self.spec!r}>"

    @property
    def name(self) -> str:
        """What people call it: "ViT-B-32/laion2b_s34b_b79k", or the last part of a directory."""
        kind, _, what = self.spec.partition(":")
        return what.rstrip("/").rpartition("/")[2] if what.count("/") > 1 or kind == "transformers" else what

    @property
    def path(self) -> str:
        """Where it came from, as messages show it."""
        return self.spec

    @property
    def fingerprint(self) -> str:
        """The key, under the name that embedding spaces have for it."""
        return self.key

    def describe(self) -> dict[str, object]:
        """What a library and a file of vectors say of it."""
        return {"encoder": self.spec, "name": self.name, "key": self.key}

    def check(self, backbone: Mapping[str, object] | None) -> None:
        """It reads pictures, whatever network captioned them."""

    def missing_reason(self, text: str) -> str:
        """Why it cannot read a text; empty where it can."""
        return "" if text.strip() else "The text is empty."

    def encode_texts(
        self, texts: Sequence[str], batch_size: int = 256, progress: bool | None = False
    ) -> NDArray[np.float32]:
        """M texts -> (M, D) float32 unit rows. errors: BadSetting for an empty one"""
        if any(not text.strip() for text in texts):
            raise BadSetting("A text is empty. Give one with at least one word.")
        starts = range(0, len(texts), batch_size)
        return _joined([self.towers.texts(list(texts[start : start + batch_size])) for start in starts])

    def encode_images(
        self, images: "ImageInput | Picture | Iterable[ImageInput | Picture]", batch_size: int = BATCH
    ) -> NDArray[np.float32]:
        """(N, D) float32 unit rows of N pictures, (D,) of one. errors: BadImage, BadSetting for no picture"""
        from ...images import as_pictures

        pictures, alone = as_pictures(images)
        starts = range(0, len(pictures), batch_size)
        parts = ([one.open() for one in pictures[start : start + batch_size]] for start in starts)
        vectors = _joined([self.towers.images(part) for part in parts])
        found: NDArray[np.float32] = vectors[0] if alone else vectors
        return found

    def encode_opened(self, images: "Sequence[Image]") -> NDArray[np.float32]:
        """(N, D) float32 unit rows of upright RGB pictures that are read already, as one batch."""
        return _units(self.towers.images(images))

    def encode_features(self, features: NDArray[np.floating]) -> NDArray[np.float32]:
        """It reads no features of another network. errors: BadSetting"""
        raise BadSetting(f"{self.name} reads pictures, not another network's features.")


def _joined(parts: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    return _units(np.concatenate(parts)) if parts else np.zeros((0, 0), np.float32)


def _units(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows of length 1. errors: BadSetting where a number is none: the weights are not what they should be"""
    if not np.isfinite(rows).all():
        raise BadSetting(
            "The encoder's vectors are not finite numbers. Its weights are damaged: get them again."
        )
    units: NDArray[np.float32] = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    return units.astype(np.float32, copy=False)
