"""An embedding space: pictures and sentences in, unit vectors of one space out; their dot products tell what
belongs together.

    space = EmbeddingModel.load("photos-space")
    space.similarity(space.encode_images("q.jpg"), space.encode_texts(["a dog runs", "a red car"]))  # (1, 2)
"""

import logging
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from ...decoding import Reference
from ...errors import BadSetting
from ...images import DecodedBatch, ImageInput, Picture, as_pictures
from ...progress import bar
from ...text import is_word
from ..lexical.predictor import LEAST, WordPredictor
from ..record import Kind
from ..trained import PictureModel
from ..vision.backbones import Backbone, as_float16
from ..vision.rows import PRECOMPUTED, check_features
from .checks import Numbers, check_batch_size, checked_features, similarity_of
from .config import EMBEDDING, EmbeddingConfig
from .network import EmbeddingNetwork
from .reader import Reader
from .text_tower import tensors_of

log = logging.getLogger(__name__)


class EmbeddingModel(PictureModel[EmbeddingConfig]):
    """A trained space, its vocabulary and (loaded when first needed) its backbone.

    >>> from skimage.data import chelsea, coffee  # two photographs, as arrays (H, W, 3)
    >>> space = EmbeddingModel.load("photos-space", device="cpu")
    >>> images = space.encode_images([chelsea(), coffee()])
    >>> images.shape, str(images.dtype)
    ((2, 512), 'float32')
    >>> texts = space.encode_texts(["a cat", "a cup of coffee"])
    >>> space.similarity(images, texts).argmax(1).tolist()
    [0, 1]
    >>> space.encode_texts("a cat").shape
    (512,)
    """

    kind: ClassVar[Kind[EmbeddingConfig]] = EMBEDDING
    shipped = "photos-space"

    def _build(self) -> None:
        self.space = self.ready(lambda: EmbeddingNetwork(self.config, len(self.vocabulary)))
        idf = None if self.space.idf is None else self.space.idf.cpu().numpy()
        self.read = Reader(self.config, self.vocabulary, idf, self.path)

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
        self, texts: str | Sequence[str], *, batch_size: int = 256, progress: bool | None = False
    ) -> NDArray[np.float32]:
        """The unit vector of one text, (D,), or one for each of M texts, (M, D).

        Texts of like length share a batch; unknown words are <unk>.
        progress: show a bar; None: on a terminal, for more than a batch
        errors:   BadSetting for a text without a word, or, where the space is one of frozen word vectors, of
                  unknown words only
        """
        check_batch_size(batch_size)
        several = [texts] if isinstance(texts, str) else list(texts)
        read = self.read(several, progress)
        order = np.argsort(read.lengths, kind="stable")
        vectors = np.empty((len(several), self.config.dim), np.float32)
        show = progress if progress is not None or len(several) > batch_size else False
        with bar(total=len(several), desc="encoding", unit="text", show=show) as shown:
            for start in range(0, len(order), batch_size):
                rows = order[start : start + batch_size]
                some = tensors_of(read, rows, self.device)
                vectors[rows] = self.space.sentence_vectors(*some).cpu().numpy()
                shown.update(len(rows))
        return vectors[0] if isinstance(texts, str) else vectors

    @torch.inference_mode()
    def encode_features(self, features: Numbers, *, batch_size: int = 1024) -> NDArray[np.float32]:
        """A unit vector for each row of features: (N, D_image) numbers -> (N, D).

        A space that reads words, too, takes (N, D_image + V), with the probabilities of `picture_words`
        behind the features; without them, as for pictures of which nothing is predicted, it tells less.
        errors: BadSetting, see checked_features
        """
        check_batch_size(batch_size)
        features = checked_features(features, self.config.image_dim, words=len(self.picture_words))
        vectors = np.empty((len(features), self.config.dim), np.float32)
        for start in range(0, len(features), batch_size):
            batch = np.asarray(features[start : start + batch_size], dtype=np.float32)
            vectors[start : start + batch_size] = (
                self.space.image_vectors(torch.from_numpy(batch).to(self.device)).cpu().numpy()
            )
        return vectors

    def encode_images(
        self,
        images: ImageInput | Picture | Sequence[ImageInput | Picture],
        *,
        batch_size: int = 32,
        progress: bool | None = False,
    ) -> NDArray[np.float32]:
        """The unit vector of one picture, (D,), or one for each of N pictures, (N, D).

        images:   a path, a PIL image, a uint8 array (H, W, 3) or (H, W), the bytes of a file or an open file;
                  or a sequence of these
        progress: show a bar; None: on a terminal, for more than a batch
        errors:   BadImage for the first picture that cannot be read; BadSetting for what is no picture, or
                  for a space of features that a collection brought
        """
        pictures, alone = as_pictures(images)
        found = [np.empty((0, self.config.dim), np.float32)]
        if self.picture_words:
            self._seeing.expect(len(pictures))
        for batch in self.batches(pictures, batch_size, "encoding", progress):
            pooled, own, _ = (self._seeing if self.picture_words else self.backbone).read_all(batch.pixels[0])
            # float16, as in caches and libraries: a picture has one vector, whichever way it came
            features = as_float16(pooled.cpu().numpy())
            if self.picture_words:
                seen = as_float16(own.cpu().numpy()) if own.shape[1] else None
                features = np.concatenate([features, self._words_of(batch, features, seen)], 1)
            found.append(self.encode_features(features))
        vectors = np.concatenate(found)
        return vectors[0] if alone else vectors

    @property
    def _seeing(self) -> Backbone:
        """Its backbone, which in the same pass gives what the words of pictures are predicted from."""
        return self.predictor.seeing_with(self.backbone)

    @property
    def picture_words(self) -> tuple[str, ...]:
        """The words whose probabilities stand behind a picture's features, for a space that reads them."""
        return tuple(self.vocabulary.tokens) if self.config.picture_words else ()

    def _words_of(
        self, batch: DecodedBatch, pooled: NDArray[np.float16], own: NDArray[np.float16] | None
    ) -> NDArray[np.float16]:
        """(N, V) what is predicted of pictures; of one more look at them where it reads another backbone."""
        seen = pooled if self.predictor.reads(self.backbone) else None
        predicted = self.predictor.predict_words(batch.pictures, batch.hashes, seen, own=own)
        place = {word: column for column, word in enumerate(self.predictor.words)}
        known = [(column, place[word]) for column, word in enumerate(self.picture_words) if word in place]
        ours, theirs = np.array(known, np.int64).reshape(-1, 2).T
        found = np.zeros((len(predicted), len(self.picture_words)), np.float16)
        found[:, ours] = np.where(predicted >= LEAST, predicted, 0)[:, theirs]
        return found

    @cached_property
    def predictor(self) -> WordPredictor:
        """Of the words that it reads, by the name of the lexical head that it learnt with; where another head
        has that name now, which is logged, by that one. errors: as WordPredictor.load"""
        learnt_with = self.checkpoint.training["words_by"]
        found = WordPredictor.load(learnt_with["name"], str(self.device))
        if found.fingerprint != learnt_with["fingerprint"]:
            log.warning(f"{self.name} learnt with another {found.name} than the one that predicts words now.")
        return found

    @staticmethod
    def similarity(first: Numbers, second: Numbers) -> NDArray[np.float32]:
        """How near vectors of this space are: (A, D) and (B, D) unit rows -> (A, B) cosines, from -1 to 1.

        A single vector (D,) counts as a row.
        errors: BadSetting where they are not of one space's size
        """
        return similarity_of(first, second)

    def missing_reason(self, text: str) -> str:
        """Why it cannot read a text; empty where it can."""
        return self.read.missing_reason(text)

    def words(self, count: int | None = None) -> list[str]:
        """The words that it can name a picture with, the commonest first: its vocabulary's, or all that have
        a frozen vector.

        count: at most so many
        """
        all_words = self.read.vectors.words if self.config.frozen_words else self.vocabulary.tokens
        known = [word for word in all_words if is_word(word)]
        if self.config.sentence_tower == "skipthought":
            known = [word for word in known if not self.read.missing_reason(word)]
        return known[:count]

    def encode_words(self, words: Sequence[str], *, progress: bool = False) -> NDArray[np.float32]:
        """A unit vector for each word as it is spelled, (M, D); of frozen vectors without their weights.

        errors: BadSetting for words that have no vector
        """
        if not self.config.frozen_words:
            return self.encode_texts(words, progress=progress)
        missing = [word for word in words if word not in self.read.vectors.words]
        if missing:
            raise BadSetting(
                f"Words without a vector in {self.config.word_vectors}: {', '.join(missing[:10])}. Leave "
                "them out."
            )
        table = self.read.vectors.table[[self.read.vectors.words[word] for word in words]].astype(np.float32)
        rows: NDArray[np.float32] = table / np.linalg.norm(table, axis=1, keepdims=True)
        return rows

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

    def check(self, backbone: Mapping[str, object] | None) -> None:
        """BadSetting where features of this backbone ({"name", "sha256"}; None: unknown) are not what it
        reads."""
        advice = "Caption the pictures with a captioner of that backbone, or train a space on theirs."
        check_features(backbone, self.checkpoint.backbone, self.name, advice)
