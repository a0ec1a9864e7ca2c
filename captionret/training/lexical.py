"""Training a lexical head: it learns to predict which share of an image's captions holds each word."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from ..evaluation.relevance import tfidf
from ..evaluation.semantic import ndcg_linear
from ..models.vision.rows import BACKBONES
from ..retrieval import WordMatrix
from ..retrieval.modes.lexical import ExpectedCosine
from ..text import UNKNOWN_ID
from .teacher_forcing import CaptioningTask


class WordsTask(CaptioningTask):
    """The fit loop's task for a lexical head: binary cross-entropy of every word, in nats an image."""

    criterion = "ndcg10"

    def __init__(
        self,
        *parts: Any,
        taught: NDArray[np.float16] | None = None,
        meanings: Tensor | None = None,
        begun: bool = False,
    ) -> None:
        """taught: (views, N, V) what other heads predict of the training pictures; None: there are none
        meanings: (N, E) what the part `meaning` of the module learns of them; None: it has none
        begun:  the module has the weights of another training"""
        super().__init__(*parts)
        self.taught, self.meanings = taught, meanings
        self.relevance = tfidf(self.val.captions)
        if not begun:
            self.module.begin_at(torch.from_numpy(self._shares(self.train.tokens).mean(0)))

    def loss(self, batch: tuple[np.ndarray, np.ndarray]) -> Tensor:
        """The mean over images."""
        samples, views = batch
        pooled, targets = self._learned(samples[:, 0], views)
        standardised = self.module.standardise(pooled)
        loss = self._loss(self.module.logits(standardised), targets[:, : len(self.vocabulary)])
        if self.meanings is not None:
            read = self.module.meaning(standardised).float()
            config: Any = self.config  # a LexicalConfig
            loss = loss + config.meaning * F.mse_loss(read, targets[:, len(self.vocabulary) :])
        return loss

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
            total += len(images) * float(
                self._loss(
                    module(features.to(self.device)),
                    torch.from_numpy(self._shares(self.val.tokens[images])).to(self.device),
                )
            )
            predicted.append(
                torch.sigmoid(module(features.to(self.device))[:, UNKNOWN_ID + 1 :].float()).cpu().numpy()
            )
        word_probabilities = WordMatrix.of_matrix(
            self.vocabulary.tokens[UNKNOWN_ID + 1 :], np.concatenate(predicted), least=0.01
        )
        scores = np.stack(
            [
                *map(
                    ExpectedCosine(word_probabilities).scores,
                    map(word_probabilities.row, range(len(word_probabilities))),
                )
            ]
        )
        return {
            "val_loss": total / len(self.val),
            "ndcg10": 100 * float(ndcg_linear(scores, self.relevance, 10)[:, -1].mean()),
        }

    def _learned(self, images: np.ndarray, views: np.ndarray) -> tuple[Tensor, Tensor]:
        """(B, D) features and (B, V) shares of words: people's, or other heads' as well; beside them what the
        captions mean, where that is learnt, (B, V + E); all of it mixed where asked for."""
        config: Any = self.config  # a LexicalConfig
        features = self._pooled(self.train.features.of(images, views).to(self.device))
        shares = torch.from_numpy(self._shares(self.train.tokens[images]))
        if self.taught is not None:
            predicted = torch.from_numpy(self.taught[views, images].astype(np.float32))
            shares = torch.lerp(shares, predicted, config.taught)
        if self.meanings is not None:
            shares = torch.cat([shares, self.meanings[torch.from_numpy(images)]], 1)
        shares = shares.to(self.device)
        return _mixed(features, shares, config.mixup) if config.mixup else (features, shares)

    def _pooled(self, features: Tensor) -> Tensor:
        """What is mixed: the pooled features (B, D), of own blocks where there are some, which now and then
        read a part of the cells only."""
        config: Any = self.config
        if config.own_blocks and torch.rand(()) < config.cropped:
            features = _part_of_cells(features, BACKBONES[config.backbone].grid[0])
        pooled: Tensor = self.module.pooled(features)
        return pooled

    def _loss(self, logits: Tensor, shares: Tensor) -> Tensor:
        """(N, V) each, of each word"""
        return F.binary_cross_entropy_with_logits(
            logits[:, UNKNOWN_ID + 1 :].float(), shares[:, UNKNOWN_ID + 1 :], reduction="sum"
        ) / len(shares)

    def _shares(self, tokens: np.ndarray) -> np.ndarray:
        """(N, G, T) captions -> (N, V) float32, the share of an image's captions that hold each word."""
        held = np.zeros((len(tokens), len(self.vocabulary)), np.float32)
        images = np.arange(len(tokens))[:, None]
        for column in range(tokens.shape[1]):
            once = np.zeros_like(held)
            once[images, tokens[:, column]] = 1
            held += once
        shares: np.ndarray = held / np.maximum((tokens[:, :, 0] > 0).sum(1), 1, dtype=np.float32)[:, None]
        return shares


def _part_of_cells(cells: Tensor, side: int) -> Tensor:
    """(B, cells, depth) -> (B, depth, height, width): a rectangle at random, each side of it at least seven
    tenths of the grid's."""
    height, width = (round(side * float(share)) for share in 0.7 + 0.3 * torch.rand(2))
    top, left = int(torch.randint(side - height + 1, ())), int(torch.randint(side - width + 1, ()))
    image = cells.transpose(1, 2).reshape(len(cells), -1, side, side)
    return image[:, :, top : top + height, left : left + width]


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
