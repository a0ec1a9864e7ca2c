"""The captioner: pictures in, captions out.

captioner = Captioner.load("photos-lite")
captioner.caption("q.jpg")[0].text
captioner.caption(["a.jpg", "b.jpg"], decoding=BeamSearch(5, captions=3))
"""

import hashlib
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import ClassVar, overload

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...decoding import BeamSearch, Decoding, Rerank, Sampling, Searching
from ...errors import BadCheckpoint, BadImage, BadSetting
from ...images import ImageInput, Picture, as_pictures
from ...progress import bar
from ...records import Caption, CaptionResult, Failure
from ...remedies import remedy
from ..lexical.classes import ImageClassifier
from ..record import Kind
from ..reranking.protocols import Reranking
from ..trained import PictureModel, check_batch_size
from ..vision.backbones import Backbone, as_float16
from ..vision.reading import ReadBatch
from .config import CAPTIONER, CaptionerConfig
from .decoders import Decoder, make_decoder
from .ensemble_decoder import EnsembleDecoder
from .generation import Generator
from .naming import with_names
from .stream import Companion, captioned_batches, seeing_for

BEAM_OF_3 = BeamSearch(3)
DRAWN = Sampling(captions=30)


class Captioner(PictureModel[CaptionerConfig]):
    """A trained decoder, its vocabulary and (loaded when first needed) its backbone.

    reranker: what chooses captions where a decoding is a Rerank and no other re-ranker is passed in

    >>> from skimage.data import chelsea, coffee  # two photographs, as arrays (H, W, 3)
    >>> captioner = Captioner.load("photos-lite", device="cpu")
    >>> [caption.text for caption in captioner.caption(chelsea())]
    ['a black and white photo of a white cat sitting on top of a table']
    >>> several = captioner.caption([chelsea(), coffee()], decoding=BeamSearch(1))
    >>> [captions[0].text for captions in several]
    ['a cat sitting on top of a white chair', 'a small white plate with a black plate of food']
    """

    kind: ClassVar[Kind[CaptionerConfig]] = CAPTIONER
    shipped = "photos-lite"
    companions: Sequence[Companion] = ()  # what captions beside it whatever it reads
    reranker: Reranking | None = None
    _sees_for: object = None
    _seeing: Backbone | None = None  # its backbone with that one's last blocks

    def _build(self) -> None:
        words = len(self.vocabulary)
        self.decoder: Decoder | EnsembleDecoder = self.ready(lambda: make_decoder(self.config, words))

    @overload
    def caption(  # type: ignore[overload-overlap]  # a string is one picture, never a sequence of letters
        self,
        images: ImageInput | Picture,
        *,
        decoding: Decoding = ...,
        reranker: Reranking | None = ...,
        batch_size: int = ...,
        progress: bool | None = ...,
    ) -> list[Caption]: ...

    @overload
    def caption(
        self,
        images: Sequence[ImageInput | Picture],
        *,
        decoding: Decoding = ...,
        reranker: Reranking | None = ...,
        batch_size: int = ...,
        progress: bool | None = ...,
    ) -> list[list[Caption]]: ...

    def caption(
        self,
        images: ImageInput | Picture | Sequence[ImageInput | Picture],
        *,
        decoding: Decoding = BEAM_OF_3,
        reranker: Reranking | None = None,
        batch_size: int = 32,
        progress: bool | None = None,
    ) -> list[Caption] | list[list[Caption]]:
        """The captions of one picture, or of each of several, the best first.

        images:   a path, a PIL image, a uint8 array (H, W, 3) or (H, W), the bytes of a file or an open file;
                  or a sequence of these
        decoding: how captions are found, and how many are kept of a picture
        reranker: what chooses where the decoding is a Rerank
        progress: show a bar; None: on a terminal, for more than a batch
        errors:   BadImage for the first picture that cannot be read; BadSetting for what is no picture;
                  BadCheckpoint where no caption is found, see caption_stream
        """
        pictures, alone = as_pictures(images)
        check_batch_size(batch_size)
        captions: list[list[Caption]] = []
        show = progress if progress is not None or len(pictures) > batch_size else False
        with bar(total=len(pictures), desc="captioning", unit="picture", show=show) as shown:
            for read, found in self._captioned(pictures, decoding, reranker, batch_size):
                batch = read.batch
                if batch.failures:
                    raise BadImage(batch.failures[0].reason)
                for picture, ours in zip(batch.pictures, found, strict=True):
                    if not ours:
                        raise BadCheckpoint(self._without_caption(picture))
                captions += found
                shown.update(len(found))
        return captions[0] if alone else captions

    def caption_stream(
        self, paths: Sequence[Path | Picture], *, decoding: Decoding = BEAM_OF_3, batch_size: int = 32
    ) -> Iterator[list[CaptionResult | Failure]]:
        """One list per batch, an entry for every picture, in their order.

        A picture that cannot be read, or of which no caption is found, is a Failure, never an exception.
        """
        start = 0
        for read, captions in self._captioned(paths, decoding, None, batch_size, self._seeing):
            batch, pooled = read.batch, as_float16(read.pooled.cpu().numpy())
            own = as_float16(read.own.cpu().numpy()) if self._seeing else [None] * len(pooled)
            results: list[CaptionResult | Failure] = []
            found = map(CaptionResult, batch.paths, batch.hashes, captions, pooled, batch.facts, own)
            for picture, result in zip(batch.pictures, found, strict=True):
                reason = self._without_caption(picture)
                results.append(result if result.captions else Failure(str(result.path), reason))
            made = dict(zip(batch.positions, results, strict=True))
            unread = iter(batch.failures)  # in the order of the pictures, too
            stop = start + len(batch.pictures) + len(batch.failures)
            yield [made[place] if place in made else next(unread) for place in range(start, stop)]
            start = stop

    def _captioned(
        self,
        pictures: Sequence[Path | Picture],
        decoding: Decoding,
        reranker: Reranking | None,
        batch_size: int,
        seeing: Backbone | None = None,
    ) -> Iterator[tuple[ReadBatch, list[list[Caption]]]]:
        def decode(features: Tensor, hashes: Sequence[str]) -> list[list[Caption]]:
            return self.decode(features.to(self.device), decoding, hashes, reranker)

        backbone, feature = seeing or self.backbone, self.config.feature
        return captioned_batches(backbone, feature, pictures, batch_size, decode, self.companions)

    def see_for(self, predictor: object) -> bool:
        """From now on let `caption_stream` give what a predictor's own last blocks see, too, in the same pass
        of the CNN (CaptionResult.own); returns whether it has such, of this CNN."""
        if predictor is not self._sees_for:
            self._sees_for, self._seeing = predictor, seeing_for(predictor, self.backbone)
        return self._seeing is not None

    @torch.inference_mode()
    def decode(
        self,
        features: Tensor,
        decoding: Decoding = BEAM_OF_3,
        pictures: Sequence[str] = (),
        reranker: Reranking | None = None,
    ) -> list[list[Caption]]:
        """Captions for each row of features, the best first; drawn ones by probability, equal ones once.

        features: (N, D) or (N, cells, D) float32, as the variant's decoder reads them
        pictures: content hashes, which drawing needs: a picture's captions depend on it and the seed, not on
                  the batch it is in
        reranker: what chooses where the decoding is a Rerank; None: the captioner's own
        errors:   BadSetting for a Rerank without a re-ranker, or where classes are to be named and the
                  backbone has no classifier
        """
        captions = self.generator.captions(features, decoding, pictures)
        if isinstance(decoding, Rerank):
            captions = self._reranked(captions, features, decoding, reranker or self.reranker)
        if isinstance(decoding, Searching) and decoding.name_classes is not None:
            captions = self._named(captions, features, decoding)
        return [image[: decoding.captions] for image in captions]

    def length_penalty(self, decoding: Searching) -> float:
        """By which captions are ranked, see Generator.length_penalty."""
        return self.generator.length_penalty(decoding)

    @cached_property
    def generator(self) -> Generator:
        """What finds captions in its decoder's predictions."""
        return Generator(self.decoder, self.vocabulary, self.config, self.device, self.compute.compiled)

    @torch.inference_mode()
    def predict_words(
        self, features: Tensor, decoding: Sampling = DRAWN, pictures: Sequence[str] = ()
    ) -> NDArray[np.float32]:
        """For each row of features the probability that a caption holds each word: (N, V) float32, V as in
        `vocabulary`.

        It is the share of the captions drawn by `decoding` that hold it.
        pictures: content hashes, as `decode` takes them
        """
        check_drawn(decoding)
        predicted = self.generator.word_shares(features, decoding, pictures)
        predicted[:, self.vocabulary.no_words] = 0
        return predicted

    def pooled(self, features: Tensor) -> Tensor:
        """The pooled features (N, D) of what the captioner reads, which may be the grid.

        errors: BadSetting for the grid of a VGG, whose pooled feature is not the grid's mean
        """
        if features.ndim == 2:
            return features
        if self.config.backbone.startswith("vgg"):
            raise BadSetting(
                f"{self.name} reads the grid of {self.config.backbone}, from which its pooled feature cannot "
                "be had."
            )
        return features.mean(1)

    def features(self, pixels: NDArray[np.uint8]) -> tuple[Tensor, NDArray[np.float16]]:
        """pixels (N, S, S, 3) uint8 -> what the decoder reads, and the pooled features (N, D) float16."""
        pooled, grid = self.backbone_features(pixels)
        return (grid if self.config.feature == "grid" else pooled), as_float16(pooled.cpu().numpy())

    def describe(self) -> dict[str, object]:
        """As TrainedModel's, and what its backbone is; its precision, where that is not float32."""
        backbone = {name: self.checkpoint.backbone[name] for name in ("name", "sha256")}
        precision = {"precision": self.compute.precision} if self.compute.suffix else {}
        return {**super().describe(), "backbone": backbone, **precision}

    @cached_property
    def fingerprint(self) -> str:
        """As TrainedModel's; at a lower precision of the CNN it is another captioner."""
        own, suffix = super().fingerprint, self.compute.suffix
        return hashlib.sha256(f"{own}{suffix}".encode()).hexdigest() if suffix else own

    def _reranked(
        self,
        captions: list[list[Caption]],
        features: Tensor,
        decoding: Rerank,
        reranker: Reranking | None,
    ) -> list[list[Caption]]:
        if reranker is None:
            names = " and ".join(space.name for space in decoding.spaces)
            raise BadSetting(
                f"Captions are to be chosen by {names}, and no re-ranker is given.", remedy("make reranker")
            )
        reranker.check(self.checkpoint.backbone)
        pooled = self.pooled(features).cpu().numpy()
        return reranker.rank(captions, pooled, decoding, self.length_penalty(decoding))

    def _named(
        self, captions: list[list[Caption]], features: Tensor, decoding: Searching
    ) -> list[list[Caption]]:
        if self._classifier is None:
            raise BadSetting(
                f"{self.name} cannot name classes: the classifier of {self.config.backbone} is not here, or "
                "the checkpoint brings a CNN of its own. Leave out name_classes."
            )
        probabilities = self._classifier.predict(self.pooled(features).cpu().numpy())
        return with_names(captions, features, probabilities, self.generator, decoding)

    @cached_property
    def _classifier(self) -> ImageClassifier | None:
        return ImageClassifier.of(self.checkpoint.backbone)

    def _without_caption(self, picture: Picture) -> str:
        return (
            f"{picture.name}: {self.name} found no caption, since what it predicts are not numbers. Caption "
            "with another checkpoint."
        )


def check_drawn(decoding: object) -> None:
    """BadSetting for a decoding that draws nothing: word probabilities are shares of drawn captions."""
    if not isinstance(decoding, Sampling):
        raise BadSetting(
            "A captioner's word probabilities are shares of drawn captions (Sampling, NucleusSampling), "
            f"not of {type(decoding).__name__}."
        )
