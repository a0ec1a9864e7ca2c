"""Training a lexical head: it learns to predict which share of an image's captions holds each word."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from ..evaluation.relevance import tfidf
from ..evaluation.semantic import ndcg_linear
from ..models.lexical.config import LexicalConfig
from ..retrieval import WordMatrix
from ..retrieval.modes.lexical import ExpectedCosine
from ..text import UNKNOWN_ID
from .teacher_forcing import CaptioningTask


class WordsTask(CaptioningTask):
    """The fit loop's task for a lexical head: binary cross-entropy of every word, in nats an image."""

    criterion = "ndcg10"

    def __init__(self, *parts: Any, taught: NDArray[np.float16] | None = None) -> None:
        """taught: (views, N, V) what other heads predict of the training pictures; None: there are none"""
        super().__init__(*parts)
        config = parts[1]
        assert isinstance(config, LexicalConfig)
        self.taught, self.taught_share, self.mixup = taught, config.taught, config.mixup
        self.relevance = tfidf(self.val.captions)
        self.module.begin_at(torch.from_numpy(self._shares(self.train.tokens).mean(0)))

    def loss(self, batch: tuple[np.ndarray, np.ndarray]) -> Tensor:
        """The mean over images."""
        samples, views = batch
        images = samples[:, 0]
        features = self.train.features.of(images, views).to(self.device)
        targets = torch.from_numpy(self._shares(self.train.tokens[images]))
        if self.taught is not None:
            predicted = torch.from_numpy(self.taught[views, images].astype(np.float32))
            targets = torch.lerp(targets, predicted, self.taught_share)
        targets = targets.to(self.device)
        if self.mixup:
            features, targets = _mixed(features, targets, self.mixup)
        return self._loss(self.module, features, targets)

    def validate(self, module: nn.Module) -> dict[str, float]:
        """val_loss as `loss`, and NDCG@10 x100 of mode expected-cosine against the tf-idf relevance of the
        human captions.

        The epoch is chosen by the latter: what is predicted too firmly costs likelihood long before it costs
        rankings.
        """
        total, predicted = 0.0, []
        for start in range(0, len(self.val), 500):
            images = np.arange(start, min(start + 500, len(self.val)))
            features = self.val.features.of(images)
            shares = torch.from_numpy(self._shares(self.val.tokens[images]))
            total += float(self._loss(module, features, shares)) * len(images)
            predicted.append(
                torch.sigmoid(module(features.to(self.device))[:, UNKNOWN_ID + 1 :].float()).cpu().numpy()
            )
        word_probabilities = WordMatrix.of_matrix(
            self.vocabulary.tokens[UNKNOWN_ID + 1 :], np.concatenate(predicted), least=0.01
        )
        index = ExpectedCosine(word_probabilities)
        scores = np.stack(
            [index.scores(word_probabilities.row(row)) for row in range(len(word_probabilities))]
        )
        return {
            "val_loss": total / len(self.val),
            "ndcg10": 100 * float(ndcg_linear(scores, self.relevance, 10)[:, -1].mean()),
        }

    def _loss(self, module: Any, features: Tensor, shares: Tensor) -> Tensor:
        """features: (N, D); shares: (N, V) of each word"""
        logits = module(features.to(self.device))[:, UNKNOWN_ID + 1 :]
        return F.binary_cross_entropy_with_logits(
            logits.float(), shares.to(self.device)[:, UNKNOWN_ID + 1 :], reduction="sum"
        ) / len(shares)

    def _shares(self, tokens: np.ndarray) -> np.ndarray:
        """(N, G, T) captions -> (N, V) float32, the share of an image's captions that hold each word."""
        held = np.zeros((len(tokens), len(self.vocabulary)), np.float32)
        images = np.arange(len(tokens))[:, None]
        for column in range(tokens.shape[1]):
            once = np.zeros_like(held)
            once[images, tokens[:, column]] = 1
            held += once
        captions = np.maximum((tokens[:, :, 0] > 0).sum(1), 1).astype(np.float32)
        shares: np.ndarray = held / captions[:, None]
        return shares


def _mixed(features: Tensor, targets: Tensor, spread: float) -> tuple[Tensor, Tensor]:
    """Each row with a share of another one; the greater share is its own."""
    concentration = torch.full((len(features),), spread)
    drawn = torch.distributions.Beta(concentration, concentration).sample()
    shares = torch.maximum(drawn, 1 - drawn)[:, None].to(features.device)
    others = torch.randperm(len(features)).to(features.device)
    return (
        shares * features + (1 - shares) * features[others],
        shares * targets + (1 - shares) * targets[others],
    )
