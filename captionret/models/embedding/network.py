"""The network of an embedding space: an image tower and a text tower that end in one space."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .config import CODE_PARTS, FROZEN_CODES, LEAST_WORD, EmbeddingConfig
from .image_tower import DenseTower, LinearTower, ShortcutTower
from .text_tower import CodeTower, WordTower


class EmbeddingNetwork(nn.Module):
    """Both towers, and what belongs to the loss and learns with them.

    vocabulary_size: of the words; idf: see Reader, kept as a buffer, so that it lies in the checkpoint
    """

    def __init__(self, config: EmbeddingConfig, vocabulary_size: int) -> None:
        super().__init__()
        self.features_as = config.features_as
        self.image_dim = config.image_dim
        self.images: nn.Module
        if config.image_tower == "shortcut":
            self.images = ShortcutTower(config, vocabulary_size)
        else:
            self.images = LinearTower(config) if config.image_tower == "linear" else DenseTower(config)
        self.words: WordTower | None = None
        self.codes: CodeTower | None = None
        for part in config.sentence_parts:
            if part == FROZEN_CODES:
                continue  # a code is the vector itself
            if part in CODE_PARTS:
                self.codes = CodeTower(config)
            elif not config.frozen_words:
                self.words = WordTower(config, part, vocabulary_size)
        self.idf: Tensor | None
        self.register_buffer(
            "idf", torch.zeros(vocabulary_size) if config.sentence_tower == "glove-idf" else None
        )
        if "info-nce" in (config.loss, config.first_loss):
            self.log_temperature = nn.Parameter(
                torch.tensor(math.log(config.temperature)), not config.temperature_fixed
            )

    def image_vectors(self, features: Tensor, unit: bool = True) -> Tensor:
        """(N, D_image) float32, or (N, D_image + V) with the probability of each word of the vocabulary
        behind them -> (N, D), rows of length 1 unless `unit` is False."""
        features, words = features[:, : self.image_dim], features[:, self.image_dim :]
        if self.features_as == "unit":
            features = F.normalize(features, dim=1)
        elif self.features_as == "root":
            features = features.sign() * features.abs().sqrt()
        if words.shape[1]:
            vectors = self.images(features, torch.where(words >= LEAST_WORD, words, 0).sqrt())
        else:
            vectors = self.images(features)
        return F.normalize(vectors, dim=1) if unit else vectors

    def sentence_vectors(self, tokens: Tensor | None, codes: Tensor | None) -> Tensor:
        """What a Read gives -> (M, D), rows of length 1."""
        parts = [self.words(tokens)] if self.words is not None and tokens is not None else []
        if codes is not None:
            parts.append(self.codes(codes) if self.codes is not None else codes)
        return F.normalize(sum(parts[1:], parts[0]), dim=1)

    @property
    def temperature(self) -> Tensor:
        """Of info-nce; never below 0.01, where a single pair in a batch would outweigh all others."""
        return self.log_temperature.exp().clamp(min=0.01)
