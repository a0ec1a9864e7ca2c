"""The image tower of an embedding space: a backbone's pooled features in, vectors of the space out."""

import torch
from torch import Tensor, nn

from .config import LEAST_VARIANCE, EmbeddingConfig


class LinearTower(nn.Module):
    """features (N, D_image) -> (N, D), one matrix (Xavier's initial values)."""

    def __init__(self, config: EmbeddingConfig) -> None:
        super().__init__()
        self.dropout = nn.Dropout(config.image_dropout)
        self.map = nn.Linear(config.image_dim, config.dim, bias=config.image_bias)
        nn.init.xavier_uniform_(self.map.weight)
        if config.image_bias:
            nn.init.zeros_(self.map.bias)

    def forward(self, features: Tensor) -> Tensor:
        """See the class."""
        vectors: Tensor = self.map(self.dropout(features))
        return vectors


class DenseTower(nn.Sequential):
    """features (N, D_image) -> (N, D): the network of DeViSE's re-implementations."""

    def __init__(self, config: EmbeddingConfig) -> None:
        super().__init__(
            nn.Linear(config.image_dim, config.image_hidden),
            nn.BatchNorm1d(config.image_hidden),
            nn.ReLU(),
            nn.Dropout(config.image_dropout),
            nn.Linear(config.image_hidden, config.dim),
            nn.BatchNorm1d(config.dim),
        )


class ShortcutTower(nn.Module):
    """features (N, D_image), and words (N, V), the square roots of their probabilities -> (N, D).

    A picture of which no word is known, a row of 0, is read without them.
    """

    def __init__(self, config: EmbeddingConfig, vocabulary_size: int) -> None:
        super().__init__()
        self.without_words = config.without_words
        self.dropout = nn.Dropout(config.image_dropout)
        self.features = nn.BatchNorm1d(config.image_dim, eps=LEAST_VARIANCE, affine=False)
        self.hidden = nn.Linear(config.image_dim, config.image_hidden)
        self.last = nn.Linear(config.image_hidden, config.dim)
        self.shortcut = nn.Linear(config.image_dim, config.dim, bias=False)
        self.standard: nn.BatchNorm1d | None = None
        if config.picture_words:
            self.standard = nn.BatchNorm1d(vocabulary_size, eps=LEAST_VARIANCE, affine=False)
            self.words = nn.Parameter(torch.empty(vocabulary_size, config.image_hidden + config.dim))
            nn.init.uniform_(self.words, -1 / 60, 1 / 60)  # as Linear's of some 3,600 inputs

    def forward(self, features: Tensor, words: Tensor | None = None) -> Tensor:
        """See the class."""
        features = self.dropout(self.features(features))
        hidden, beside = self.hidden(features), self.shortcut(features)
        if words is not None and self.standard is not None:
            added = self.dropout(self._standardised(words)) @ self.words
            hidden, beside = hidden + added[:, : hidden.shape[1]], beside + added[:, hidden.shape[1] :]
        found: Tensor = self.last(self.dropout(torch.relu(hidden))) + beside
        return found

    def _standardised(self, words: Tensor) -> Tensor:
        """(N, V); 0 for pictures without words, and in training for some of the others."""
        assert self.standard is not None
        read = words.any(1)
        if self.training:
            read &= torch.rand(len(words), device=words.device) >= self.without_words
        found = torch.zeros_like(words)
        if read.sum() > self.training:  # of one picture alone no variance can be learnt
            found[read] = self.standard(words[read])
        return found
