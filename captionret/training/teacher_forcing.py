"""What a captioner learns from in a batch, and how it is validated: teacher forcing on cached features,
CIDEr-D of greedy captions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..errors import BadDataset
from ..evaluation.captions.cider import CiderD
from ..models.captioning.attention import doubly_stochastic
from ..models.captioning.beam_search import Beams, beam_search
from ..models.captioning.config import CaptionerConfig
from ..models.device import placed
from ..text import PAD_ID, START_ID, UNKNOWN_ID, Vocabulary
from .features import Features
from .fine_tune import BACKBONE_RATE, FineTuned, LiveFeatures
from .task import Task, by_length, with_views

LONGEST = 40  # tokens of a training caption that are read; one in 30,000 of Flickr8k's is longer


@dataclass
class CaptionData:
    """Pictures' features beside their encoded captions.

    tokens:   (N, G, T) int32, G captions an image, 0 where there is none
    captions: the human captions as texts
    """

    features: Features | LiveFeatures
    tokens: np.ndarray
    captions: list[tuple[str, ...]]

    def __len__(self) -> int:
        return len(self.captions)


def encode_captions(captions: Sequence[Sequence[str]], vocabulary: Vocabulary) -> np.ndarray:
    """(N, G, T) int32, padded with 0; G is the largest number of captions of one image, or what 99 of 100
    images do with.

    A few of COCO's images have seven captions where all others have five; padded to seven, an epoch would
    take a third longer.
    """
    group = int(np.ceil(np.quantile([len(image) for image in captions], 0.99)))
    ids = [[vocabulary.encode(caption)[:LONGEST] for caption in image[:group]] for image in captions]
    tokens = np.zeros(
        (len(ids), max(map(len, ids)), max(len(one) for image in ids for one in image)), np.int32
    )
    for row, image in enumerate(ids):
        for column, one in enumerate(image):
            tokens[row, column, : len(one)] = one
    return tokens


class CaptioningTask(Task[CaptionerConfig, CaptionData]):
    """The fit loop's task for a captioner."""

    criterion = "cider_d"

    def __init__(
        self,
        module: nn.Module,
        config: CaptionerConfig,
        train: CaptionData,
        val: CaptionData,
        seed: int,
        vocabulary: Vocabulary,
    ) -> None:
        super().__init__(module, config, train, val, seed)
        self.rates = {"backbone": BACKBONE_RATE} if isinstance(module, FineTuned) else {}
        self.vocabulary = vocabulary
        self.cider = CiderD(val.captions)
        if config.captions_together:
            self.samples = np.stack([np.arange(len(train)), np.full(len(train), -1)], 1)
            self.lengths = (train.tokens > 0).sum(2).max(1)
        else:
            self.samples = np.argwhere(train.tokens[:, :, 0] > 0)
            self.lengths = (train.tokens > 0).sum(2)[self.samples[:, 0], self.samples[:, 1]]
        if len(self.samples) < 2:
            raise BadDataset(
                "There is a single example to train on; batch norm needs two at least. Add pictures."
            )

    def whole_epoch(self, random: np.random.Generator) -> Sequence[Any]:
        """Batches of nearly equal lengths in random order: (samples (B, 2) of image and caption, -1 for all;
        a view for each)."""
        group = self.train.tokens.shape[1] if self.config.captions_together else 1
        size = max(2, self.config.batch_size // group)  # batch norm needs two
        batches = by_length(self.lengths, size, random)
        return with_views([self.samples[batch] for batch in batches], self.config.views, random)

    def loss(self, batch: tuple[np.ndarray, np.ndarray]) -> Tensor:
        """Mean cross-entropy per token."""
        samples, views = batch
        images, columns = samples.T
        tokens = self._tokens(
            self.train.tokens[images]
            if self.config.captions_together
            else self.train.tokens[images, columns][:, None]
        )
        features = self.train.features.of(images, views, self.device)
        read = self._guessed(features, tokens) if self.config.scheduled_sampling else None
        smoothing = self.config.label_smoothing
        if not self.config.attention_penalty:
            logits, targets = self.module(features, tokens, read)
            return _cross_entropy(logits, targets, smoothing)
        logits, targets, weights = self.module.attend(features, tokens, read)
        return _cross_entropy(logits, targets, smoothing) + self.config.attention_penalty * doubly_stochastic(
            weights, tokens
        )

    def validate(self, module: nn.Module) -> dict[str, float]:
        """val_loss per token without smoothing, CIDEr-D x100 of greedy captions, how many of them are
        distinct."""
        total, count = 0.0, 0
        captions: list[str] = []
        for start in range(0, len(self.val), 100):
            images = np.arange(start, min(start + 100, len(self.val)))
            # once: while fine-tuning, it is a pass of the CNN
            features = self.val.features.of(images, device=self.device)
            logits, targets = module(features, self._tokens(self.val.tokens[images]))
            total += float(_cross_entropy(logits, targets)) * len(targets)
            count += len(targets)
            found = greedy_beams(module, features, self.config).tokens[:, 0].tolist()
            captions += [" ".join(self.vocabulary.decode(ids)) for ids in found]
        score, _ = self.cider.score(captions)
        return {"val_loss": total / count, "cider_d": 100 * score, "distinct": float(len(set(captions)))}

    def _tokens(self, tokens: np.ndarray) -> Tensor:
        """(N, G, T) int64 on the device, no longer than the longest of these captions."""
        longest = int((tokens > 0).sum(-1).max())
        return placed(torch.from_numpy(tokens[:, :, :longest].astype(np.int64)), self.device)

    def _guessed(self, features: Tensor, tokens: Tensor) -> Tensor:
        """`tokens` with a share of the words replaced by what the captioner itself predicts there (Bengio et
        al. 2015).

        The share grows with the epochs, 0 in the first. Guessing takes a second pass, all words at once
        (Mihaylova and Martins 2019).
        """
        share = self.config.scheduled_sampling * self.epoch / max(1, self.config.epochs - 1)
        replaced = (torch.rand(tokens.shape, device=self.device) < share) & (tokens > UNKNOWN_ID)
        with torch.no_grad():
            logits, _ = self.module(features, tokens)
            guesses = torch.distributions.Categorical(logits=logits.float()).sample()
        read = tokens.clone()
        # the targets' places; <start> is among them only where the captioner predicts it
        predicted = tokens != PAD_ID
        if not self.config.predict_bos:
            predicted = predicted & (tokens != START_ID)
        read[predicted] = guesses
        return torch.where(replaced, read, tokens)


def _cross_entropy(logits: Tensor, targets: Tensor, smoothing: float = 0.0) -> Tensor:
    return F.cross_entropy(logits.float(), targets, label_smoothing=smoothing)


def greedy_beams(module: Any, features: Tensor, config: CaptionerConfig) -> Beams:
    """One caption a picture, by greedy search."""
    first, state = module.begin(features)
    return beam_search(
        first, state, module.step, beam=1, max_words=config.max_words, predict_bos=config.predict_bos
    )
