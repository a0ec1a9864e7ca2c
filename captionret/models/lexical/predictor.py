"""What is predicted of pictures: by a lexical head from the CNN's feature, by a captioner's drawn captions,
or
the mean of both.

predictor = WordPredictor(head=Captioner.load("checkpoints/words-lite"),
speaker=Captioner.load("checkpoints/photos-lite")) library.predict_words(predictor)
"""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ...decoding import Sampling, decoding_from_json
from ...errors import BadCheckpoint, BadImage, BadSetting
from ...images import Picture, decoded_batches
from ...text import is_word
from ..captioning.captioner import DRAWN, Captioner, check_drawn
from ..vision.backbones import check_features


class WordPredictor:
    """A lexical head, a captioner, or both."""

    def __init__(
        self, head: Captioner | None = None, captioner: Captioner | None = None, decoding: Sampling = DRAWN
    ) -> None:
        """decoding: how the speaker's captions are drawn.

        errors: BadSetting without either, for a head that is none, for a decoding that draws nothing
        """
        if head is None and captioner is None:
            raise BadSetting(
                "Word probabilities needs a lexical head, a captioner to draw captions from, or both."
            )
        if head is not None and head.config.decoder != "words":
            raise BadSetting(
                f"{head.name} is a captioner, not a lexical head. Give a checkpoint of variant words-lite, "
                "or draw its captions."
            )
        check_drawn(decoding)
        self.head, self.captioner, self.decoding = head, captioner, decoding
        self.words = tuple(
            sorted({token for one in self._parts for token in one.vocabulary.tokens if is_word(token)})
        )
        self._place = {word: place for place, word in enumerate(self.words)}

    @classmethod
    def load(cls, record: dict[str, Any], device: str = "auto") -> "WordPredictor":
        """The predictor that `describe` told of. errors: BadCheckpoint where a checkpoint is not there any
        more, or is another one."""
        head, captioner = (
            Captioner.load(record[part], device) if record.get(part) else None for part in ("head", "speaker")
        )
        decoding = decoding_from_json(record["decoding"])
        check_drawn(decoding)
        assert isinstance(decoding, Sampling)
        predictor = cls(head, captioner, decoding)
        if predictor.fingerprint != record["fingerprint"]:
            raise BadCheckpoint(
                f"{predictor.name} has changed since the library's word probabilities were made. Make them "
                "again: scripts/predict_words.py."
            )
        return predictor

    @property
    def _parts(self) -> list[Captioner]:
        return [one for one in (self.head, self.captioner) if one is not None]

    @property
    def name(self) -> str:
        """For people: "words-lite and 30 captions of photos-lite"."""
        parts = [self.head.name] if self.head else []
        return " and ".join(
            [
                *parts,
                *([f"{self.decoding.captions} captions of {self.captioner.name}"] if self.captioner else []),
            ]
        )

    @property
    def fingerprint(self) -> str:
        """A hash over everything that changes word probabilities."""
        decoding = self.decoding.to_json() if self.captioner else None
        return hashlib.sha256(
            json.dumps([[one.fingerprint for one in self._parts], decoding]).encode()
        ).hexdigest()

    def describe(self) -> dict[str, Any]:
        """What `load` needs, as JSON can hold it."""
        paths = {"head": self.head and self.head.path, "speaker": self.captioner and self.captioner.path}
        return {
            "name": self.name,
            "fingerprint": self.fingerprint,
            "decoding": self.decoding.to_json(),
            **{part: str(path.resolve()) if path else None for part, path in paths.items()},
        }

    def check(self, backbone: dict[str, Any] | None) -> None:
        """BadSetting where features of this backbone ({"name", "sha256"}; None: nobody knows) are not what
        the lexical head reads."""
        if self.head is None:
            return
        check_features(
            backbone,
            self.head.checkpoint.backbone,
            self.head.name,
            "Caption the library again (caption_images.py --recaption), train a lexical head on its "
            "backbone (--variant words-lite --set backbone=...), or draw captions (predict_words.py "
            "--samples 30 --no-head).",
        )

    def predict_words(
        self,
        paths: Sequence[Path | Picture],
        hashes: Sequence[str],
        pooled: np.ndarray,
        grid: Any = None,
    ) -> np.ndarray:
        """For each picture the probability of each of `words`: (N, V) float32.

        pooled: (N, D) the backbone's pooled features; grid: (N, cells, D) where they are at hand, or the
                pictures are read again
        """
        total = np.zeros((len(paths), len(self.words)), np.float32)
        if self.head is not None:
            self._add(
                total, self.head, self.head.predict_words(torch.from_numpy(np.asarray(pooled, np.float32)))
            )
        if self.captioner is not None:
            if grid is not None:
                self._add(total, self.captioner, self.captioner.predict_words(grid, self.decoding, hashes))
            else:
                self._add(total, self.captioner, self._drawn(self.captioner, paths))
        return total / len(self._parts)

    def _drawn(self, captioner: Captioner, paths: Sequence[Path | Picture]) -> np.ndarray:
        found = []
        for batch in decoded_batches(paths, captioner.backbone.config.preprocessing.size, 32):
            if batch.failures:
                raise BadImage(batch.failures[0].reason)
            found.append(
                captioner.predict_words(captioner.features(batch.pixels[0])[0], self.decoding, batch.hashes)
            )
        return np.concatenate(found)

    def _add(self, total: np.ndarray, part: Captioner, predicted: np.ndarray) -> None:
        known = [
            (place, self._place[token])
            for place, token in enumerate(part.vocabulary.tokens)
            if token in self._place
        ]
        ours, theirs = np.array(known).T
        total[:, theirs] += predicted[:, ours]
