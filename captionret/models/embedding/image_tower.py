"""The image tower of an embedding space: a backbone's pooled features in, vectors of the space out."""

from torch import Tensor, nn

from .config import EmbeddingConfig


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
