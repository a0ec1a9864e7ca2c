"""As much of an embedding space as a search takes, computed in NumPy: neither importing nor loading it loads
torch.

space = QuerySpace.load("photos-space")
space.encode_texts(["a dog runs", "a red car"])  # (2, 512)
"""

import hashlib
import json
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ...errors import BadCheckpoint
from ...home import find_checkpoint
from ...text import PAD_ID
from ..mapped import mapped_arrays
from ..stored import RESTORE, SCALES, Stored, fingerprint_of, read_stored, whole_file
from ..vision.rows import check_features
from .checks import Numbers, checked_features
from .config import EMBEDDING, LEAST_VARIANCE, LEAST_WORD, EmbeddingConfig
from .reader import Reader

# the towers that are computed here; recurrent ones are left to torch
_TEXT_PARTS = {"bow", "minilm", "minilm-frozen", "glove", "glove-idf"}
_IMAGE_TOWERS = {"linear", "dense", "shortcut"}
_BATCH = 1024  # pictures, and texts, that are computed together
_KNOWN = 16  # texts asked for alone whose vectors are kept: a search asks for some more than once
_NORM_EPSILON = 1e-5  # of batch normalisation, as torch has it


class QuerySpace:
    """A trained space whose text tower is a sum of words, of frozen codes, or of both.

    name, path, fingerprint: as EmbeddingModel's

    >>> space = QuerySpace.load("photos-space")
    >>> texts = space.encode_texts(["a dog runs", "a puppy", "a red car"])
    >>> texts.shape, bool(texts[0] @ texts[1] > texts[0] @ texts[2])
    ((3, 512), True)
    """

    def __init__(
        self, path: Path, stored: Stored[EmbeddingConfig], arrays: Mapping[str, NDArray[np.generic]]
    ) -> None:
        """arrays: the weights by their names, as they lie on disk"""
        self.name, self.path, self.config = path.name, path, stored.config
        self._stored, self._arrays = stored, arrays
        self._known: dict[str, NDArray[np.float32]] = {}
        self._ready: dict[str, NDArray[np.float32]] = {}
        idf = self._weights("idf") if "idf" in arrays else None
        self.read = Reader(stored.config, stored.vocabulary, idf, path)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Open a checkpoint: a directory, or the name of one of the user's or of a shipped one.

        errors: BadCheckpoint for a damaged one, one of another kind, or one that torch alone can compute
        """
        space = cls.load_if_plain(path)
        if space is None:
            raise BadCheckpoint(f"{path} reads words one after the other. Load it as an EmbeddingModel.")
        return space

    @classmethod
    def load_if_plain(cls, path: str | os.PathLike[str]) -> Self | None:
        """As load; None for one that torch alone can compute."""
        folder = find_checkpoint(path)
        stored = read_stored(folder, EMBEDDING)
        plain = set(stored.config.sentence_parts) <= _TEXT_PARTS
        if not plain or stored.config.image_tower not in _IMAGE_TOWERS:
            return None
        arrays = mapped_arrays(whole_file(folder, "model.safetensors", stored.record))
        shapes = {name: values.shape for name, values in arrays.items()}
        for name, shape in _shapes(stored.config, len(stored.vocabulary)):
            if shapes.get(name) != shape:
                raise BadCheckpoint(
                    f"{folder} does not fit its own configuration: {name} is {shapes.get(name)}, not "
                    f"{shape}. {RESTORE}"
                )
        return cls(folder, stored, arrays)

    def __repr__(self) -> str:
        return f"<QuerySpace {self.name!r}: {self._stored.record['variant']}, {str(self.path)!r}>"

    @property
    def mode(self) -> str:
        """The mode of retrieval that compares in a space of this kind."""
        return self.config.mode

    @cached_property
    def key(self) -> str:
        """A hash over everything that changes an answer, from what the checkpoint's record says: it takes no
        time, but differs for equal weights that were saved in another precision."""
        sums = self._stored.record["sha256"]
        return hashlib.sha256(json.dumps(sums, sort_keys=True).encode()).hexdigest()

    @cached_property
    def fingerprint(self) -> str:
        """A hash over everything that changes an answer: EmbeddingModel's of the same checkpoint."""
        arrays = {
            name: self._weights(name) if values.dtype.kind == "f" or values.dtype == np.int8 else values
            for name, values in self._arrays.items()
            if not name.endswith(SCALES)
        }
        stored = self._stored
        return fingerprint_of(EMBEDDING, stored.config, stored.vocabulary, stored.backbone, arrays)

    @property
    def picture_words(self) -> tuple[str, ...]:
        """As EmbeddingModel's."""
        return tuple(self._stored.vocabulary.tokens) if self.config.picture_words else ()

    def check(self, backbone: Mapping[str, object] | None) -> None:
        """BadSetting where features of this backbone ({"name", "sha256"}; None: unknown) are not what it
        reads."""
        advice = "Caption the pictures with a captioner of that backbone, or train a space on theirs."
        check_features(backbone, self._stored.backbone, self.name, advice)

    def missing_reason(self, text: str) -> str:
        """Why it cannot read a text; empty where it can."""
        return self.read.missing_reason(text)

    def encode_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """M texts -> (M, D) float32 unit rows.

        errors: BadSetting for a text without a word, or, where the space is one of frozen word vectors, of
                unknown words only; MissingWeights where the sentence encoder is not installed
        """
        if len(texts) == 1 and texts[0] in self._known:
            return self._known[texts[0]].copy()
        starts = range(0, len(texts), _BATCH)
        found = [self._text_vectors(list(texts[start : start + _BATCH])) for start in starts]
        if len(texts) == 1 and len(self._known) < _KNOWN:
            self._known[texts[0]] = found[0].copy()
        return np.concatenate([np.empty((0, self.config.dim), np.float32), *found])

    def encode_features(self, features: Numbers) -> NDArray[np.float32]:
        """A unit vector for each row of features: (N, D_image) numbers -> (N, D); as EmbeddingModel's.

        errors: BadSetting, see checked_features
        """
        checked_features(features, self.config.image_dim, words=len(self.picture_words))
        vectors = np.empty((len(features), self.config.dim), np.float32)
        for start in range(0, len(features), _BATCH):
            block = np.asarray(features[start : start + _BATCH], np.float32)
            vectors[start : start + len(block)] = self._image_vectors(block)
        return vectors

    def _text_vectors(self, texts: list[str]) -> NDArray[np.float32]:
        read = self.read(texts)
        total = np.zeros((len(texts), self.config.dim), np.float32)
        if read.tokens is not None:
            table = self._weights("words.embed.weight")  # (V, D); the padding's row counts for nothing
            for row, tokens in enumerate(read.tokens):
                total[row] += table[tokens[tokens != PAD_ID]].sum(0)
        if read.codes is not None:
            total += self._mapped_codes(read.codes)
        return _units(total)

    def _mapped_codes(self, codes: NDArray[np.float32]) -> NDArray[np.float32]:
        """As CodeTower, where there is one: codes (M, E) -> (M, D)."""
        if "minilm" not in self.config.sentence_parts:
            return codes
        return self._linear(codes * np.float32(math.sqrt(codes.shape[1])), "codes.map")

    def _image_vectors(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """As EmbeddingNetwork.image_vectors: (N, D_image) or (N, D_image + V) -> (N, D) unit rows."""
        features, words = features[:, : self.config.image_dim], features[:, self.config.image_dim :]
        if self.config.features_as == "unit":
            features = _units(features)
        elif self.config.features_as == "root":
            features = np.sign(features) * np.sqrt(np.abs(features))
        if self.config.image_tower == "linear":
            return _units(self._linear(features, "images.map"))
        if self.config.image_tower == "shortcut":
            return _units(self._with_shortcut(features, words))
        hidden = self._standardised(self._linear(features, "images.0"), "images.1")
        np.maximum(hidden, 0, out=hidden)
        return _units(self._standardised(self._linear(hidden, "images.4"), "images.5"))

    def _with_shortcut(
        self, features: NDArray[np.float32], words: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """As ShortcutTower."""
        features = (features - self._weights("images.features.running_mean")) * self._scale("images.features")
        hidden, beside = (self._linear(features, f"images.{name}") for name in ("hidden", "shortcut"))
        words = np.sqrt(np.where(words >= LEAST_WORD, words, np.float32(0)))
        read = words.any(1)
        if read.any():
            words = words[read] - self._weights("images.standard.running_mean")
            words *= self._scale("images.standard")
            added = words @ self._weights("images.words")
            hidden[read] += added[:, : hidden.shape[1]]
            beside[read] += added[:, hidden.shape[1] :]
        np.maximum(hidden, 0, out=hidden)
        return self._linear(hidden, "images.last") + beside

    def _scale(self, name: str) -> NDArray[np.float32]:
        """1 by the standard deviation that was counted in training."""
        found: NDArray[np.float32] = 1 / np.sqrt(
            self._weights(f"{name}.running_var") + np.float32(LEAST_VARIANCE)
        )
        return found

    def _linear(self, rows: NDArray[np.float32], name: str) -> NDArray[np.float32]:
        found: NDArray[np.float32] = rows @ self._weights(f"{name}.weight").T
        if f"{name}.bias" in self._arrays:
            found += self._weights(f"{name}.bias")
        return found

    def _standardised(self, rows: NDArray[np.float32], name: str) -> NDArray[np.float32]:
        """Batch normalisation, with what was counted in training, in the place of the rows."""
        scale = self._weights(f"{name}.weight") / np.sqrt(
            self._weights(f"{name}.running_var") + np.float32(_NORM_EPSILON)
        )
        rows -= self._weights(f"{name}.running_mean")
        rows *= scale
        rows += self._weights(f"{name}.bias")
        return rows

    def _weights(self, name: str) -> NDArray[np.float32]:
        """float32, each of them a number. errors: BadCheckpoint"""
        if name not in self._ready:
            values = self._arrays[name].astype(np.float32)
            if self._arrays[name].dtype == np.int8:
                values *= self._arrays[name + SCALES].astype(np.float32)[:, None]
            if not np.isfinite(values).all():
                raise BadCheckpoint(
                    f"{self.path / 'model.safetensors'}: {name} holds NaN or infinity, so nothing it says "
                    f"counts. {RESTORE}"
                )
            self._ready[name] = values
        return self._ready[name]


def _shapes(config: EmbeddingConfig, words: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    """The arrays that are computed with, by name, with their shapes."""
    if "bow" in config.sentence_parts:
        yield "words.embed.weight", (words, config.dim)
    if "minilm" in config.sentence_parts:
        yield "codes.map.weight", (config.dim, config.code_dim)
        yield "codes.map.bias", (config.dim,)
    if config.sentence_tower == "glove-idf":
        yield "idf", (words,)
    if config.image_tower == "linear":
        yield "images.map.weight", (config.dim, config.image_dim)
        if config.image_bias:
            yield "images.map.bias", (config.dim,)
        return
    if config.image_tower == "shortcut":
        yield from _shapes_with_shortcut(config, words)
        return
    for layer, before, size in (
        (0, config.image_dim, config.image_hidden),
        (4, config.image_hidden, config.dim),
    ):
        yield f"images.{layer}.weight", (size, before)
        yield f"images.{layer}.bias", (size,)
        for name in ("weight", "bias", "running_mean", "running_var"):
            yield f"images.{layer + 1}.{name}", (size,)


def _shapes_with_shortcut(config: EmbeddingConfig, words: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    inputs = {"features": config.image_dim}
    if config.picture_words:
        inputs["standard"] = words
        yield "images.words", (words, config.image_hidden + config.dim)
    for name, size in inputs.items():
        yield f"images.{name}.running_mean", (size,)
        yield f"images.{name}.running_var", (size,)
    yield "images.hidden.weight", (config.image_hidden, config.image_dim)
    yield "images.hidden.bias", (config.image_hidden,)
    yield "images.last.weight", (config.dim, config.image_hidden)
    yield "images.last.bias", (config.dim,)
    yield "images.shortcut.weight", (config.dim, config.image_dim)


def _units(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows of length 1; a row of zeros stays one."""
    found: NDArray[np.float32] = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    return found.astype(np.float32, copy=False)
