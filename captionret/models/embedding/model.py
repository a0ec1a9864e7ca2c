"""An embedding space: pictures and sentences in, unit vectors of one space out; their dot products say what
belongs together.

model = EmbeddingModel.load("checkpoints/photos-space")
scores = model.encode_images(["q.jpg"]) @ model.encode_texts(["a dog runs", "a red car"]).T  # (1, 2)
"""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from ...decoding import Reference
from ...errors import BadImage, BadSetting
from ...images import decoded_batches
from ...text import is_word
from ..checkpoint import Checkpoint
from ..trained import PictureModel
from ..vision.backbones import Backbone, as_float16, check_features
from ..vision.rows import PRECOMPUTED
from .config import EMBEDDING, EmbeddingConfig
from .network import EmbeddingNetwork
from .text_tower import Reader


class EmbeddingModel(PictureModel[EmbeddingConfig]):
    """A trained space, its vocabulary and (loaded when first needed) its backbone."""

    kind = EMBEDDING

    def __init__(
        self,
        checkpoint: Checkpoint[EmbeddingConfig],
        name: str,
        path: Path | None = None,
        device: str | torch.device = "cpu",
        backbone: Backbone | None = None,
    ) -> None:
        super().__init__(checkpoint, name, path, device, backbone)
        self.space = self.ready(lambda: EmbeddingNetwork(self.config, len(self.vocabulary)))
        idf = None if self.space.idf is None else self.space.idf.cpu().numpy()
        self.read = Reader(self.config, self.vocabulary, idf, path)

    @cached_property
    def backbone(self) -> Backbone:
        """As PictureModel's; BadSetting for a space of features that a collection brought."""
        if self.config.backbone == PRECOMPUTED:
            raise BadSetting(
                f"{self.name} was trained on features that its collection brought, so it cannot read "
                "pictures. Encode features made by the same network, or train on pictures."
            )
        return super().backbone

    @torch.inference_mode()
    def encode_texts(
        self, sentences: Sequence[str], *, batch_size: int = 256, progress: bool = False
    ) -> np.ndarray:
        """A unit vector for each of M sentences, (M, D) float32. Sentences of like length share a batch;
        unknown words are <unk>.

        errors: BadSetting for a sentence without a word, or, where the space is one of frozen word vectors,
                of unknown words only
        """
        check_batch_size(batch_size)
        if isinstance(sentences, str):
            raise BadSetting(
                f"A list of sentences is needed, not the single text {sentences!r}. Put it into a list."
            )
        read = self.read(sentences, progress)
        order = np.argsort(read.lengths, kind="stable")
        vectors = np.empty((len(sentences), self.config.dim), np.float32)
        with tqdm(total=len(sentences), desc="sentences", unit=" sentences", disable=not progress) as bar:
            for start in range(0, len(order), batch_size):
                rows = order[start : start + batch_size]
                vectors[rows] = self.space.sentence_vectors(*read.of(rows, self.device)).cpu().numpy()
                bar.update(len(rows))
        return vectors

    @torch.inference_mode()
    def encode_features(self, features: np.ndarray, *, batch_size: int = 4096) -> np.ndarray:
        """A unit vector for each row of (N, D_image) features, (N, D) float32; errors: see
        checked_features."""
        check_batch_size(batch_size)
        features = checked_features(features, self.config.image_dim)
        vectors = np.empty((len(features), self.config.dim), np.float32)
        for start in range(0, len(features), batch_size):
            batch = np.asarray(features[start : start + batch_size], dtype=np.float32)
            vectors[start : start + batch_size] = (
                self.space.image_vectors(torch.from_numpy(batch).to(self.device)).cpu().numpy()
            )
        return vectors

    @torch.inference_mode()
    def encode_images(
        self, paths: Sequence[Path | str], *, batch_size: int = 32, progress: bool = False
    ) -> np.ndarray:
        """A unit vector for each picture, (N, D) float32; BadImage for the first that cannot be read."""
        check_batch_size(batch_size)
        vectors = [np.empty((0, self.config.dim), np.float32)]
        with tqdm(total=len(paths), desc="images", unit="img", disable=not progress) as bar:
            for batch in decoded_batches(
                [Path(path) for path in paths], self.backbone.config.preprocessing.size, batch_size
            ):
                if batch.failures:
                    raise BadImage(batch.failures[0].reason)
                pooled, _ = self.backbone(
                    self.backbone.normalise(torch.from_numpy(batch.pixels[0]).to(self.device))
                )
                # float16, as in the feature cache and in libraries: a picture has one vector, whichever way
                # it came
                vectors.append(self.encode_features(as_float16(pooled.cpu().numpy())))
                bar.update(len(batch.paths))
        return np.concatenate(vectors)

    def missing_reason(self, text: str) -> str:
        """Why it cannot read a text; empty where it can."""
        return self.read.missing_reason(text)

    def words(self, count: int | None = None) -> list[str]:
        """The words it can name a picture with, the commonest first: its vocabulary's, or all that have a
        frozen vector.

        count: at most so many
        """
        all_words = self.read.vectors.words if self.config.frozen_words else self.vocabulary.tokens
        known = [word for word in all_words if is_word(word)]
        if self.config.sentence_tower == "skipthought":
            known = [word for word in known if not self.read.missing_reason(word)]
        return known[:count]

    def encode_words(self, words: Sequence[str], *, progress: bool = False) -> np.ndarray:
        """(len(words), D) float32 unit rows, each word as it is spelled; of frozen vectors without their
        weights."""
        if not self.config.frozen_words:
            return self.encode_texts(words, progress=progress)
        missing = [word for word in words if word not in self.read.vectors.words]
        if missing:
            raise BadSetting(
                f"Words without a vector in {self.config.word_vectors}: {', '.join(missing[:10])}. Leave "
                "them out."
            )
        table = self.read.vectors.table[[self.read.vectors.words[word] for word in words]].astype(np.float32)
        return table / np.linalg.norm(table, axis=1, keepdims=True)

    @property
    def reference(self) -> Reference:
        """What a Rerank decoding names it by. BadSetting for a model that was never saved."""
        if self.path is None:
            raise BadSetting(f"{self.name} lies in no directory. Save it first.")
        return Reference(str(self.path.resolve()), self.fingerprint)

    @property
    def mode(self) -> str:
        """The mode of retrieval that compares in a space of this kind."""
        return self.config.mode

    def check(self, backbone: dict[str, Any] | None) -> None:
        """BadSetting where features of this backbone ({"name", "sha256"}; None: nobody knows) are not what it
        reads."""
        remedy = (
            "Caption the pictures with a checkpoint of that backbone, or train a space on theirs "
            "(train_embedding.py --set backbone=...)."
        )
        check_features(backbone, self.checkpoint.backbone, self.name, remedy)


def checked_features(features: np.ndarray, dim: int, what: str = "The features") -> np.ndarray:
    """`features`, if they are (N, dim) numbers that a network could have given.

    errors: BadSetting for another shape; for a row that holds NaN or infinity, or zeros only, naming it
    """
    if features.ndim != 2 or features.shape[1] != dim or features.dtype.kind not in "fiu":
        raise BadSetting(
            f"{what} are {features.dtype} of shape {features.shape}; expected numbers (N, {dim}). Use the "
            "network's own features."
        )
    for start in range(0, len(features), 4096):  # a mapped file need not fit into memory
        block = np.asarray(features[start : start + 4096], dtype=np.float32)
        bad = np.flatnonzero(~np.isfinite(block).all(1))
        if len(bad):
            raise BadSetting(
                f"{what} hold NaN or infinity in row {start + bad[0]:,} (from 0). Compute that image's "
                "features again."
            )
        empty = np.flatnonzero(~block.any(1))
        if len(empty):
            raise BadSetting(
                f"{what} are all 0 in row {start + empty[0]:,} (from 0), as of an image that was never read. "
                "Compute them again."
            )
    return features


def check_batch_size(batch_size: int) -> None:
    """Refuse a batch of nothing."""
    if batch_size < 1:
        raise BadSetting(f"The batch size is {batch_size}; it must be at least 1.")
