"""The network of a lexical head: from the CNN's feature to the probability of each word in a caption of the
picture."""

import torch
from torch import Tensor, nn

from ..vision.last_blocks import LastBlocks
from ..vision.rows import BACKBONES
from .config import LexicalConfig


class LexicalNetwork(nn.Module):
    """Two layers over the standardised feature; each word is a question of its own, yes or no (as in Fang et
    al. 2015's detectors). The feature is the CNN's, or that of the network's own last blocks of it."""

    def __init__(self, config: LexicalConfig, feature_dim: int, vocabulary_size: int) -> None:
        super().__init__()
        count, stride = config.own_blocks, config.own_stride
        self.own = LastBlocks(config.backbone, count, stride) if count else None
        self.standardise = nn.BatchNorm1d(feature_dim, affine=False)
        self.hidden = nn.Linear(feature_dim, config.hidden_dim)
        self.output = nn.Linear(config.hidden_dim, vocabulary_size)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, features: Tensor) -> Tensor:
        """Features (N, D), or what own blocks read (N, cells, depth) -> logits (N, V); those of the special
        tokens mean nothing."""
        return self.logits(self.standardise(self.pooled(features)))

    def logits(self, standardised: Tensor) -> Tensor:
        """The same of the standardised feature, (N, D)."""
        hidden = torch.relu(self.hidden(self.dropout(standardised)))
        logits: Tensor = self.output(self.dropout(hidden))
        return logits

    def pooled(self, features: Tensor) -> Tensor:
        """What the two layers read, (N, D), of what was read of the pictures."""
        if self.own is None or features.ndim == 2:
            return features
        pooled: Tensor = self.own(features)
        return pooled

    def begin_at(self, rates: Tensor) -> None:
        """Begin with what is predicted of any picture: the share of captions that hold each word, (V,)."""
        with torch.no_grad():
            self.output.bias.copy_(torch.logit(rates.clamp(1e-5, 1 - 1e-5)))


def make_network(config: LexicalConfig, vocabulary_size: int) -> LexicalNetwork:
    """The network for the features of the row's backbone, with random weights."""
    return LexicalNetwork(config, BACKBONES[config.backbone].dim, vocabulary_size)
