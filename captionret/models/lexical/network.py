"""The network of a lexical head: from the CNN's feature to the probability of each word in a caption of the
picture."""

import torch
from torch import Tensor, nn

from ..vision.rows import BACKBONES
from .config import LexicalConfig


class LexicalNetwork(nn.Module):
    """Two layers over the standardised feature; each word is a question of its own, yes or no (as in Fang et
    al. 2015's detectors)."""

    def __init__(self, config: LexicalConfig, feature_dim: int, vocabulary_size: int) -> None:
        super().__init__()
        self.standardise = nn.BatchNorm1d(feature_dim, affine=False)
        self.hidden = nn.Linear(feature_dim, config.hidden_dim)
        self.output = nn.Linear(config.hidden_dim, vocabulary_size)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, features: Tensor) -> Tensor:
        """Features (N, D) -> logits (N, V); those of the special tokens mean nothing."""
        hidden = torch.relu(self.hidden(self.dropout(self.standardise(features))))
        logits: Tensor = self.output(self.dropout(hidden))
        return logits

    def begin_at(self, rates: Tensor) -> None:
        """Begin with what is predicted of any picture: the share of captions that hold each word, (V,)."""
        with torch.no_grad():
            self.output.bias.copy_(torch.logit(rates.clamp(1e-5, 1 - 1e-5)))


def make_network(config: LexicalConfig, vocabulary_size: int) -> LexicalNetwork:
    """The network for the features of the row's backbone, with random weights."""
    return LexicalNetwork(config, BACKBONES[config.backbone].dim, vocabulary_size)
