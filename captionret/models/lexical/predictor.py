"""The words of pictures: predicted by a lexical head from the CNN's feature, by a captioner's drawn captions,
or as the mean of both.

    predictor = WordPredictor.load()  # the shipped lexical head
    predictor.predict("q.jpg")  # {"dog": 0.97, ...}
    WordPredictor(LexicalHead.load("words-lite"), Captioner.load("photos-lite"))
"""

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ...counting import counted
from ...decoding import Sampling, decoding_from_json
from ...errors import BadCheckpoint, BadSetting
from ...home import checkpoint_called
from ...images import DecodedBatch, ImageInput, Picture, as_pictures
from ...remedies import remedy
from ...text import is_word
from ..captioning.captioner import DRAWN, Captioner, check_drawn
from ..vision.backbones import Backbone
from ..vision.rows import check_features
from .classes import ImageClassifier
from .head import LexicalHead

LEAST = 0.01  # of a word's probability that `predict` tells


class WordPredictor:
    """A lexical head, a captioner, or both.

    head:     predicts from pooled features
    captioner: its drawn captions are counted
    decoding: how they are drawn
    words:    (V,) what the columns of predictions stand for, in alphabetical order
    errors:   BadSetting without either, or for a decoding that draws nothing

    >>> from skimage.data import chelsea, coffee  # two photographs, as arrays (H, W, 3)
    >>> predictor = WordPredictor.load(device="cpu")
    >>> words = predictor.predict(chelsea())
    >>> max(words, key=words.get), round(words["cat"], 2)
    ('cat', 0.96)
    >>> [len(words) > 10 for words in predictor.predict([chelsea(), coffee()])]
    [True, True]
    """

    def __init__(
        self,
        head: LexicalHead | None = None,
        captioner: Captioner | None = None,
        decoding: Sampling = DRAWN,
    ) -> None:
        if head is None and captioner is None:
            raise BadSetting(
                "Word probabilities take a lexical head, a captioner to draw captions from, or both."
            )
        if not isinstance(head, LexicalHead | None):
            way = "Give one, or draw captions: WordPredictor(captioner=...)."
            raise BadSetting(f"{head.name} is not a lexical head, so it predicts no words by itself. {way}")
        check_drawn(decoding)
        self.head, self.captioner, self.decoding = head, captioner, decoding
        self.words = tuple(
            sorted({token for one in self._parts for token in one.vocabulary.tokens if is_word(token)})
        )
        self._place = {word: place for place, word in enumerate(self.words)}

    @classmethod
    def load(cls, path: str | os.PathLike[str] | None = None, device: str = "auto") -> "WordPredictor":
        """The predictor of a lexical head: a directory, or a name; the shipped one unless another is given.

        errors: BadCheckpoint for a damaged one or one of another kind
        """
        return cls(LexicalHead.load(path, device))

    @classmethod
    def from_record(cls, record: Mapping[str, object], device: str = "auto") -> "WordPredictor":
        """The predictor that `describe` gave the facts of, in this release or an older one.

        errors: BadCheckpoint where a checkpoint is not there any more, or is another one
        """
        facts: dict[str, Any] = dict(record)
        drawing = facts.get("captioner") or facts.get("speaker")  # as release 0.5.0 called it
        decoding = decoding_from_json(facts.get("decoding") or DRAWN.to_json())
        check_drawn(decoding)
        assert isinstance(decoding, Sampling)
        predictor = cls(
            LexicalHead.load(facts["head"], device) if facts.get("head") else None,
            Captioner.load(drawing, device) if drawing else None,
            decoding,
        )
        if predictor.fingerprint != facts["fingerprint"]:
            raise BadCheckpoint(
                f"{predictor.name} has changed since the library's word probabilities were made.",
                remedy("predict again"),
            )
        return predictor

    def __repr__(self) -> str:
        return f"<WordPredictor {self.name!r}: {counted(len(self.words), 'words')}>"

    @property
    def name(self) -> str:
        """For people: "words-lite and 30 captions of photos-lite"."""
        parts = [self.head.name] if self.head else []
        if self.captioner:
            parts.append(f"{counted(self.decoding.captions, 'captions')} of {self.captioner.name}")
        return " and ".join(parts)

    @property
    def path(self) -> Path | None:
        """The directory of its lexical head, or of the captioner where it has none."""
        return self._parts[0].path

    @property
    def fingerprint(self) -> str:
        """A hash over everything that changes word probabilities; the same in every release."""
        decoding = self.decoding.to_json() if self.captioner else None
        return hashlib.sha256(
            json.dumps([[one.fingerprint for one in self._parts], decoding]).encode()
        ).hexdigest()

    def describe(self) -> dict[str, object]:
        """What `from_record` reads, as JSON can hold it."""
        parts = {"head": self.head, "captioner": self.captioner}
        return {
            "name": self.name,
            "fingerprint": self.fingerprint,
            "decoding": self.decoding.to_json(),
            **{
                name: checkpoint_called(one.path) if one and one.path else None for name, one in parts.items()
            },
        }

    def check(self, backbone: Mapping[str, object] | None) -> None:
        """BadSetting where features of this backbone ({"name", "sha256"}; None: unknown) are not what the
        lexical head reads."""
        if self.head is not None:
            check_features(
                backbone,
                self.head.checkpoint.backbone,
                self.head.name,
                "Caption the pictures with a captioner of its backbone, train a lexical head on theirs, or "
                "draw captions.",
            )

    @overload
    def predict(  # type: ignore[overload-overlap]  # a string is one picture, never a sequence of letters
        self,
        images: ImageInput | Picture,
        *,
        least: float = ...,
        batch_size: int = ...,
        progress: bool | None = ...,
    ) -> dict[str, float]: ...

    @overload
    def predict(
        self,
        images: Sequence[ImageInput | Picture],
        *,
        least: float = ...,
        batch_size: int = ...,
        progress: bool | None = ...,
    ) -> list[dict[str, float]]: ...

    def predict(
        self,
        images: ImageInput | Picture | Sequence[ImageInput | Picture],
        *,
        least: float = LEAST,
        batch_size: int = 32,
        progress: bool | None = None,
    ) -> dict[str, float] | list[dict[str, float]]:
        """The words of one picture, or of each of several, with their probabilities.

        images:   a path, a PIL image, a uint8 array (H, W, 3) or (H, W), the bytes of a file or an open file;
                  or a sequence of these
        least:    words that are less probable are left out
        progress: show a bar; None: on a terminal, for more than a batch
        errors:   BadImage for the first picture that cannot be read; BadSetting for what is no picture
        """
        pictures, alone = as_pictures(images)
        kept = [one.kept() for one in pictures[:1]] if alone else pictures  # two parts may read it
        total = np.zeros((len(kept), len(self.words)), np.float32)
        for part in self._parts:
            rows = [self._part_of(part, batch) for batch in part.batches(kept, batch_size, "words", progress)]
            total += np.concatenate(rows) if rows else 0
        found = [
            {self.words[word]: float(row[word]) for word in np.flatnonzero(row >= least)}
            for row in total / len(self._parts)
        ]
        return found[0] if alone else found

    @cached_property
    def sees_with(self) -> str | None:
        """What tells the features of its head's own last blocks from those of others; None where it has no
        such blocks."""
        return self.head.fingerprint if self.head and self.head.config.own_blocks else None

    def seeing_with(self, backbone: Backbone) -> Backbone:
        """A captioner's backbone, which in the same pass gives what the head's own blocks see, where it has
        such and reads this backbone."""
        return self.head.seeing_with(backbone) if self.head and self.reads(backbone) else backbone

    def reads(self, backbone: Backbone) -> bool:
        """Whether its lexical head reads the features of this backbone."""
        return self.head is not None and backbone.weights_sha256 == self.head.checkpoint.backbone["sha256"]

    def predict_features(self, pooled: NDArray[np.floating]) -> NDArray[np.float32]:
        """(N, D) pooled features -> (N, V) float32, for each row the probability of each of `words`.

        errors: BadSetting for a predictor that needs the pictures
        """
        if self.captioner is not None or self.sees_with is not None:
            raise BadSetting(f"{self.name} sees more than these, which takes pictures. Use predict().")
        return self.predict_words([], [""] * len(pooled), pooled)

    def predict_words(
        self,
        paths: Sequence[Path | Picture],
        hashes: Sequence[str],
        pooled: NDArray[np.floating] | None,
        grid: Tensor | None = None,
        own: NDArray[np.floating] | None = None,
    ) -> NDArray[np.float32]:
        """For each picture the probability of each of `words`: (N, V) float32.

        pooled: (N, D) the backbone's pooled features; None: the pictures are read again
        grid:   (N, cells, D) what the captioner reads, where it is at hand; else the pictures are read again
        own:    (N, D) what the head's own last blocks give, or (N, cells, depth) what they read, likewise
        errors: BadImage for a picture that has to be read and cannot
        """
        total = np.zeros((len(hashes), len(self.words)), np.float32)
        if self.head is not None:
            seen = pooled if self.sees_with is None else own
            if seen is not None:
                total += self._in_columns(self.head, self.head.predict_words(seen))
            else:
                total += self._read_again(self.head, paths)
        if self.captioner is not None:
            if grid is not None:
                predicted = self.captioner.predict_words(grid, self.decoding, hashes)
                total += self._in_columns(self.captioner, predicted)
            else:
                total += self._read_again(self.captioner, paths)
        total /= len(self._parts)
        return total

    def predict_classes(self, pooled: NDArray[np.floating]) -> NDArray[np.float32] | None:
        """(N, D) pooled features -> (N, 1000) float32, the probabilities of ImageNet's classes as
        captionret.image_classes counts them; None where the backbone's classifier is not at hand."""
        return None if self._classifier is None else self._classifier.predict(pooled)

    @cached_property
    def _classifier(self) -> ImageClassifier | None:
        return ImageClassifier.of(self._parts[0].checkpoint.backbone)

    @property
    def backbone(self) -> Backbone:
        """Whose features it reads."""
        return self._parts[0].backbone

    @property
    def _parts(self) -> "list[LexicalHead | Captioner]":
        return [one for one in (self.head, self.captioner) if one is not None]

    def _read_again(
        self, part: "LexicalHead | Captioner", paths: Sequence[Path | Picture]
    ) -> NDArray[np.float32]:
        """What one of its parts predicts of pictures, which are read for it."""
        pictures, _ = as_pictures(list(paths))
        batches = part.batches(pictures, 32, "words", False)
        rows = [self._part_of(part, batch) for batch in batches]
        return np.concatenate(rows) if rows else np.zeros((0, len(self.words)), np.float32)

    def _part_of(self, part: "LexicalHead | Captioner", batch: DecodedBatch) -> np.ndarray:
        """(N, V) float32: what one of its parts predicts of pictures."""
        if isinstance(part, LexicalHead):
            # float16, as libraries keep them: a picture has one prediction, whichever way it came
            return self._in_columns(part, part.predict_words(part.features(batch.pixels[0]).half().float()))
        features, _ = part.features(batch.pixels[0])
        return self._in_columns(part, part.predict_words(features, self.decoding, batch.hashes))

    def _in_columns(self, part: "LexicalHead | Captioner", predicted: np.ndarray) -> np.ndarray:
        """Predictions over a part's vocabulary as columns for `words`."""
        tokens = part.vocabulary.tokens
        known = [(place, self._place[token]) for place, token in enumerate(tokens) if token in self._place]
        theirs, ours = np.array(known).T
        found = np.zeros((len(predicted), len(self.words)), np.float32)
        found[:, ours] = predicted[:, theirs]
        return found
