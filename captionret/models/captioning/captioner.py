"""The captioner: pictures in, captions out.

    captioner = Captioner.load("checkpoints/photos-lite")
    captioner.caption(["q.jpg"], beam=3)[0][0].text

One file, read once: the decoder is made from its variant's row, the features come from the backbone, the
                     search says the words.
"""

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from ...decoding import BeamSearch, Consensus, Decoding, DiverseBeamSearch, Rerank, Sampling, Searching
from ...errors import BadImage, BadSetting
from ...images import Picture, decoded_batches
from ...records import Caption, CaptionResult, Failure
from ...remedies import remedy
from ...text import ends_badly, is_word, join
from ..checkpoint import CAPTIONER, Checkpoint
from ..lexical.head import LexicalHead
from ..reranking.consensus import consensus
from ..trained import PictureModel
from ..vision.backbones import BACKBONES, Backbone
from .attention import AdaptiveDecoder, AttentionDecoder, SoftAttentionDecoder
from .beam_search import Beams, Rules, beam_search, ordered
from .config import CaptionerConfig
from .lstm import LSTMDecoder
from .sampling import sample, uniforms
from .transformer import TransformerDecoder

BEAM_OF_3 = BeamSearch(3)
Decoder = LSTMDecoder | AttentionDecoder | TransformerDecoder
DRAWN = Sampling(captions=30)


def make_decoder(config: CaptionerConfig, vocabulary_size: int) -> Any:
    """The part that learns, with random weights: a Decoder, or a LexicalHead."""
    backbone = BACKBONES[config.backbone]
    side, depth = backbone.grid
    return new_decoder(
        config, depth if config.feature == "grid" else backbone.dim, side * side, vocabulary_size
    )


def new_decoder(config: CaptionerConfig, feature_dim: int, cells: int, vocabulary_size: int) -> Any:
    """A decoder for features of any size: (N, feature_dim), or (N, cells, feature_dim) for those that read
    the grid."""
    if config.decoder == "transformer":
        return TransformerDecoder(config, feature_dim, vocabulary_size, cells)
    kinds: dict[str, type[LSTMDecoder | AttentionDecoder | LexicalHead]]
    kinds = {
        "lstm": LSTMDecoder,
        "soft-attention": SoftAttentionDecoder,
        "adaptive": AdaptiveDecoder,
        "words": LexicalHead,
    }
    return kinds[config.decoder](config, feature_dim, vocabulary_size)


def check_drawn(decoding: object) -> None:
    """BadSetting for a decoding that draws nothing: word probabilities are shares of drawn captions."""
    if not isinstance(decoding, Sampling):
        raise BadSetting(
            "A captioner's word probabilities are shares of drawn captions (Sampling, NucleusSampling), "
            f"not of {type(decoding).__name__}."
        )


def count_parameters(module: nn.Module) -> int:
    """How many numbers of it learn."""
    return sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad)


class Reranking(Protocol):
    """What chooses among a picture's captions: reranking.fit.Reranker."""

    def check(self, backbone: dict[str, Any] | None) -> None:
        """BadSetting where features of this backbone are not what it reads."""
        ...

    def rank(
        self,
        images: Sequence[Sequence[Caption]],
        pooled: np.ndarray,
        decoding: Rerank,
        length_penalty: float,
    ) -> list[list[Caption]]:
        """Each image's captions, the best first. pooled: (N, D) float32."""
        ...


class Captioner(PictureModel[CaptionerConfig]):
    """A trained decoder, its vocabulary and (loaded when first needed) its backbone."""

    kind = CAPTIONER

    def __init__(
        self,
        checkpoint: Checkpoint[CaptionerConfig],
        name: str,
        path: Path | None = None,
        device: str | torch.device = "cpu",
        backbone: Backbone | None = None,
    ) -> None:
        super().__init__(checkpoint, name, path, device, backbone)
        self.reranker: Reranking | None = None  # used where no other is passed in
        self.decoder: Any = self.ready(lambda: make_decoder(self.config, len(self.vocabulary)))

    def caption(
        self,
        paths: Sequence[Path | str],
        *,
        beam: int = 3,
        n: int = 1,
        batch_size: int = 32,
        length_penalty: float | None = None,
        decoding: Decoding | None = None,
        progress: bool = False,
    ) -> list[list[Caption]]:
        """The n most probable captions of every picture, the most probable first.

        n:      at most `beam`
        length_penalty: captions are ranked by log-probability / words**length_penalty; None: as the variant
                        says
        decoding: in place of the three, for whatever else: sampling, diverse beams, with or without
                  constraints
        errors: BadImage for the first picture that cannot be read
        """
        decoding = decoding or BeamSearch(beam, length_penalty, captions=n)
        captions: list[list[Caption]] = []
        with tqdm(total=len(paths), desc="captions", unit="img", disable=not progress) as bar:
            for batch in decoded_batches(
                [Path(path) for path in paths], self.backbone.config.preprocessing.size, batch_size
            ):
                if batch.failures:
                    raise BadImage(batch.failures[0].reason)
                captions += self.decode(self.features(batch.pixels[0])[0], decoding, batch.hashes)
                bar.update(len(batch.paths))
        return captions

    def caption_stream(
        self, paths: Sequence[Path | Picture], *, decoding: Decoding = BEAM_OF_3, batch_size: int = 32
    ) -> Iterator[list[CaptionResult | Failure]]:
        """One list per batch, an entry for every picture, in their order. A bad picture is a Failure, never
        an exception."""
        start = 0
        for batch in decoded_batches(paths, self.backbone.config.preprocessing.size, batch_size):
            found: dict[int, CaptionResult] = {}
            if batch.paths:
                features, pooled = self.features(batch.pixels[0])
                captions = self.decode(features, decoding, batch.hashes)
                results = map(CaptionResult, batch.paths, batch.hashes, captions, pooled, batch.facts)
                found = dict(zip(batch.positions, results, strict=True))
            unread = iter(batch.failures)  # in the order of the pictures, too
            end = start + len(batch.paths) + len(batch.failures)
            yield [found[place] if place in found else next(unread) for place in range(start, end)]
            start = end

    def caption_features(
        self,
        features: Tensor,
        *,
        beam: int = 3,
        n: int = 1,
        length_penalty: float | None = None,
        constraints: bool | None = None,
    ) -> list[list[Caption]]:
        """The n most probable captions for each row of features, (N, D) or (N, cells, D) float32."""
        return self.decode(features, BeamSearch(beam, length_penalty, captions=n, constraints=constraints))

    @torch.inference_mode()
    def decode(
        self,
        features: Tensor,
        decoding: Decoding,
        pictures: Sequence[str] = (),
        reranker: Reranking | None = None,
    ) -> list[list[Caption]]:
        """Captions for each row of features, (N, D) or (N, cells, D) float32, the best first; drawn ones by
        probability, equal ones once.

        pictures: content hashes, which drawing needs: a picture's captions depend on it and the seed, not on
                  the batch it is in
        reranker: what chooses where the decoding is a Rerank; None: the captioner's own
        errors:   BadSetting for a lexical head, which cannot generate captions, and for a Rerank without a
                  reranker
        """
        if self.config.decoder == "words":
            raise BadSetting(
                f"{self.name} is a lexical head: it predicts word probabilities, it cannot generate "
                "captions. Caption with another checkpoint."
            )
        constraints = self.config.constraints if decoding.constraints is None else decoding.constraints
        rules = self.rules if constraints else None
        if isinstance(decoding, Sampling):
            drawn = self._captions(ordered(self._drawn(features, decoding, pictures, rules)), rules)
            captions = [
                list({caption.tokens: caption for caption in reversed(image)}.values())[::-1]
                for image in drawn
            ]
        else:
            assert isinstance(decoding, Searching)
            captions = self._captions(self._searched(features, decoding, rules), rules)
        if isinstance(decoding, Consensus):
            if decoding.drawn:
                drawn = self._captions(self._drawn(features, decoding.drawing(), pictures, rules), rules)
                captions = [image + more for image, more in zip(captions, drawn, strict=True)]
            captions = consensus(captions, decoding.sharpness, self.length_penalty(decoding))
        elif isinstance(decoding, Rerank):
            captions = self._reranked(captions, features, decoding, reranker or self.reranker)
        return [image[: decoding.captions] for image in captions]

    def length_penalty(self, decoding: Searching) -> float:
        """By which captions are ranked, or weighed for a consensus: the decoding's own, else the usual
        one."""
        for penalty in (decoding.length_penalty, decoding.usual_length_penalty):
            if penalty is not None:
                return penalty
        return self.config.length_penalty

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

    @torch.inference_mode()
    def predict_words(
        self, features: Tensor, decoding: Sampling = DRAWN, pictures: Sequence[str] = ()
    ) -> np.ndarray:
        """For each row of features the probability that a caption holds each word: (N, V) float32, V as in
        `vocabulary`.

        A lexical head says it at once. A captioner draws captions, by `decoding`, and counts in how many of
        them each word is.
        pictures: content hashes, as `decode` takes them
        """
        if self.config.decoder == "words":
            predicted = torch.sigmoid(self.decoder(features.to(self.device))).cpu().numpy()
        else:
            check_drawn(decoding)
            tokens = self._drawn(features, decoding, pictures, None).tokens.cpu().numpy()  # (N, K, T)
            predicted = np.zeros((len(tokens), len(self.vocabulary)), np.float32)
            for drawn in range(tokens.shape[1]):
                held = np.zeros_like(predicted, dtype=bool)
                held[np.arange(len(tokens))[:, None], tokens[:, drawn]] = True
                predicted += held
            predicted /= tokens.shape[1]
        predicted[:, [place for place, token in enumerate(self.vocabulary.tokens) if not is_word(token)]] = 0
        return predicted

    def word_probabilities(
        self, paths: Sequence[Path | str], *, decoding: Sampling = DRAWN, least: float = 0.01
    ) -> list[dict[str, float]]:
        """Of every picture the words that a caption of it holds with a probability of `least` or more.

        errors: BadImage for the first picture that cannot be read
        """
        word_probabilities: list[dict[str, float]] = []
        for batch in decoded_batches(
            [Path(path) for path in paths], self.backbone.config.preprocessing.size, 32
        ):
            if batch.failures:
                raise BadImage(batch.failures[0].reason)
            predicted = self.predict_words(self.features(batch.pixels[0])[0], decoding, batch.hashes)
            word_probabilities += [
                {self.vocabulary.tokens[word]: float(row[word]) for word in np.flatnonzero(row >= least)}
                for row in predicted
            ]
        return word_probabilities

    def _searched(self, features: Tensor, decoding: Searching, rules: Rules | None) -> Beams:
        first, state = self.decoder.begin(features.to(self.device))
        settings: dict[str, Any] = {
            "predict_bos": self.config.predict_bos,
            "rules": rules,
            "length_penalty": self.length_penalty(decoding),
        }
        if isinstance(decoding, DiverseBeamSearch):
            settings |= {"groups": decoding.groups, "diversity": decoding.diversity}
        return beam_search(
            first, state, self.decoder.step, beam=decoding.beam, max_words=self.config.max_words, **settings
        )

    def _captions(self, beams: Beams, rules: Rules | None) -> list[list[Caption]]:
        found = beams.scores.isfinite().tolist()
        return [
            [
                self._caption(ids, score, rules is not None)
                for ids, score, there in zip(*image, strict=True)
                if there
            ]
            for image in zip(beams.tokens.tolist(), beams.logprob.tolist(), found, strict=True)
        ]

    def _drawn(
        self, features: Tensor, decoding: Sampling, pictures: Sequence[str], rules: Rules | None
    ) -> Beams:
        if len(pictures) != len(features):
            raise BadSetting(
                f"Sampling needs the content hash of each of the {len(features)} pictures, not "
                f"{len(pictures)}."
            )
        first, state = self.decoder.begin(features.to(self.device))
        draws = [
            uniforms(decoding.seed, picture, decoding.captions, self.config.max_words) for picture in pictures
        ]
        return sample(
            first,
            state,
            self.decoder.step,
            torch.from_numpy(np.stack(draws)).to(self.device),
            temperature=decoding.temperature,
            top_k=decoding.top_k,
            top_p=decoding.share,
            predict_bos=self.config.predict_bos,
            rules=rules,
        )

    @cached_property
    def rules(self) -> Rules:
        """What its captions must not do where constraints are asked for."""
        return Rules.of(self.vocabulary, self.device)

    def describe(self) -> dict[str, Any]:
        """As TrainedModel's, and what its backbone is."""
        backbone = {name: self.checkpoint.backbone[name] for name in ("name", "sha256")}
        return {**super().describe(), "backbone": backbone}

    @torch.inference_mode()
    def features(self, pixels: np.ndarray) -> tuple[Tensor, np.ndarray]:
        """pixels (N, S, S, 3) uint8 -> what the decoder reads, and the pooled features (N, D) float16."""
        pooled, grid = self.backbone(self.backbone.normalise(torch.from_numpy(pixels).to(self.device)))
        return (grid if self.config.feature == "grid" else pooled), pooled.cpu().numpy().astype(np.float16)

    def _caption(self, ids: list[int], logprob: float, whole: bool) -> Caption:
        """whole: a caption that max_words cut off is ended before the words that lead on."""
        tokens = self.vocabulary.decode(ids)
        while whole and len(tokens) > 1 and ends_badly(tokens):
            tokens.pop()
        return Caption(join(tokens), tuple(tokens), logprob)
