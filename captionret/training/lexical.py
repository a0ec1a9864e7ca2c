"""Training a lexical head: it learns to predict which share of an image's captions holds each word."""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..evaluation.relevance import tfidf
from ..evaluation.semantic import ndcg_linear
from ..retrieval import WordMatrix
from ..retrieval.modes.lexical import ExpectedCosine
from ..text import UNKNOWN_ID
from .teacher_forcing import CaptioningTask


class WordsTask(CaptioningTask):
    """The fit loop's task for a lexical head: binary cross-entropy of every word, in nats an image."""

    criterion = "ndcg10"

    def __init__(self, *parts: Any) -> None:
        super().__init__(*parts)
        self.relevance = tfidf(self.val.captions)
        self.module.begin_at(torch.from_numpy(self._shares(self.train.tokens).mean(0)))

    def loss(self, batch: tuple[np.ndarray, np.ndarray]) -> Tensor:
        """The mean over images."""
        samples, views = batch
        images = samples[:, 0]
        return self._loss(self.module, self.train.features.of(images, views), self.train.tokens[images])

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
            total += float(self._loss(module, features, self.val.tokens[images])) * len(images)
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

    def _loss(self, module: Any, features: Tensor, tokens: np.ndarray) -> Tensor:
        shares = torch.from_numpy(self._shares(tokens)).to(self.device)
        logits = module(features.to(self.device))[:, UNKNOWN_ID + 1 :]
        return F.binary_cross_entropy_with_logits(
            logits.float(), shares[:, UNKNOWN_ID + 1 :], reduction="sum"
        ) / len(tokens)

    def _shares(self, tokens: np.ndarray) -> np.ndarray:
        """(N, G, T) captions -> (N, V) float32, the share of an image's captions that hold each word."""
        held = np.zeros((len(tokens), len(self.vocabulary)), np.float32)
        images = np.arange(len(tokens))[:, None]
        for column in range(tokens.shape[1]):
            once = np.zeros_like(held)
            once[images, tokens[:, column]] = 1
            held += once
        shares: np.ndarray = held / np.maximum((tokens[:, :, 0] > 0).sum(1), 1)[:, None]
        return shares
