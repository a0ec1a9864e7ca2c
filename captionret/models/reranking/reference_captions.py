"""Captions that people wrote for other pictures, to compare a picture's captions with: those whose vectors
are nearest to the picture.

A caption that is like those of like pictures is seldom wrong: the consensus of Devlin et al. 2015
(https://arxiv.org/abs/1505.04467). Likeness is CIDEr-D's over the tokens as they stand, the full stop that
people end with among them, and document frequencies are those of the reference captions. (Without punctuation
val's CIDEr-D was 62.4, with it 62.7.)

On disk: one .npz with the texts, the image of each, their vectors (float16) and the fingerprint of the space
that made these.
"""

import io
import math
import zipfile
from collections import Counter
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np

from ... import files
from ...errors import BadCheckpoint, BadDataset, BadSetting
from ...remedies import remedy
from ...text import tokenize
from .consensus import ORDER, similarities


class SentenceSpace(Protocol):
    """A space that sentences can be put into."""

    @property
    def name(self) -> str:
        """What people call it."""
        ...

    @property
    def fingerprint(self) -> str:
        """A hash over everything that changes a vector."""
        ...

    def missing_reason(self, text: str) -> str:
        """Why it cannot read a text; empty where it can."""
        ...

    def encode_texts(self, sentences: Sequence[str], *, progress: bool | None = False) -> np.ndarray:
        """M sentences -> (M, D) float32 unit rows."""
        ...


class ReferenceCaptions:
    """M captions and their place in a space.

    images:  (M,) int64, the image of each
    vectors: (M, D) float16 unit rows
    space:   the fingerprint of the space
    """

    def __init__(self, texts: Sequence[str], images: np.ndarray, vectors: np.ndarray, space: str) -> None:
        self.texts, self.images, self.vectors, self.space = list(texts), images, vectors, space
        self.tokens = [tuple(tokenize(text)) for text in self.texts]

    @classmethod
    def make(
        cls, captions: Sequence[Sequence[str]], space: SentenceSpace, progress: bool | None = False
    ) -> "ReferenceCaptions":
        """From the captions of each image; those that the space cannot read are left out.

        errors: BadDataset where none is left
        """
        pairs = [
            (" ".join(text.split()), image)
            for image, texts in enumerate(captions)
            for text in texts
            if not space.missing_reason(text)
        ]
        if not pairs:
            raise BadDataset("There is no caption to compare with. Choose another collection.")
        texts = [text for text, _ in pairs]
        vectors = space.encode_texts(texts, progress=progress).astype(np.float16)
        return cls(texts, np.array([image for _, image in pairs]), vectors, space.fingerprint)

    def save(self, path: Path) -> None:
        """Write the file, whole or not at all."""
        buffer = io.BytesIO()
        text = np.frombuffer("\n".join(self.texts).encode(), np.uint8)
        np.savez(buffer, texts=text, images=self.images, vectors=self.vectors, space=np.array(self.space))
        with files.publishing(path) as file:
            file.write(buffer.getvalue())

    @classmethod
    def load(cls, path: Path) -> "ReferenceCaptions":
        """errors: BadCheckpoint for a file that is missing or damaged"""
        try:
            with np.load(path) as content:
                texts = content["texts"].tobytes().decode().split("\n")
                found = cls(texts, content["images"], content["vectors"], str(content["space"]))
        except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile) as error:
            raise BadCheckpoint(
                f"{path}, the captions to compare with, cannot be read ({error}). Delete it.",
                remedy("reference captions"),
            ) from None
        if not len(found.texts) == len(found.images) == len(found.vectors):
            raise BadCheckpoint(
                f"{path} is damaged: its parts do not fit each other. Delete it.",
                remedy("reference captions"),
            )
        return found

    def check(self, space: SentenceSpace) -> None:
        """BadSetting where another space made its vectors."""
        if self.space != space.fingerprint:
            raise BadSetting(
                f"The captions to compare with were encoded by another space ({self.space[:12]}) than the "
                f"pictures ({space.name}, {space.fingerprint[:12]}).",
                remedy("reference captions"),
            )

    @cached_property
    def idf(self) -> dict[tuple[str, ...], float]:
        """log(images / images whose captions hold it), of every n-gram up to four words."""
        held: dict[int, set[tuple[str, ...]]] = {}
        for image, tokens in zip(self.images.tolist(), self.tokens, strict=True):
            runs = (
                tokens[start : start + n] for n in range(1, ORDER + 1) for start in range(len(tokens) - n + 1)
            )
            held.setdefault(image, set()).update(runs)
        count = Counter(ngram for ngrams in held.values() for ngram in ngrams)
        return {ngram: math.log(len(held) / images) for ngram, images in count.items()}

    def agreement(
        self, images: Sequence[Sequence[Sequence[str]]], pictures: np.ndarray, neighbours: int
    ) -> list[np.ndarray]:
        """For each image (K,): how like each of its captions (tokens) is to the `neighbours` captions nearest
        to the picture, 0 to 1.

        pictures: (N, D) unit rows in the space
        """
        unseen = math.log(len(set(self.images.tolist())))
        near = self.nearest(pictures, min(neighbours, len(self.texts)))
        both = [
            [*captions, *(self.tokens[row] for row in rows)]
            for captions, rows in zip(images, near.tolist(), strict=True)
        ]
        alike = similarities(both, self.idf, unseen)
        return [
            table[: len(captions), len(captions) :].mean(1)
            for captions, table in zip(images, alike, strict=True)
        ]

    def nearest(self, pictures: np.ndarray, count: int) -> np.ndarray:
        """(N, count) int64: the captions nearest to each picture, in any order; of equally near ones the
        first in the file."""
        found = np.empty((len(pictures), count), np.int64)
        table = self._table
        # one by one: a batch's product may differ in the last bit from a single one's
        for row, picture in enumerate(pictures):
            found[row] = np.argsort(-(table @ picture), kind="stable")[:count]
        return found

    @cached_property
    def _table(self) -> np.ndarray:
        return self.vectors.astype(np.float32)
