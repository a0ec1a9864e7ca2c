"""Decoders with random weights, made from a variant's row."""

from ...config import Registry
from ..vision.rows import BACKBONES
from .attention import AdaptiveDecoder, AttentionDecoder, SoftAttentionDecoder
from .config import CaptionerConfig
from .lstm import LSTMDecoder
from .transformer import TransformerDecoder

Decoder = LSTMDecoder | AttentionDecoder | TransformerDecoder

_OF_ONE_SIZE: Registry[type[LSTMDecoder | AttentionDecoder]] = Registry(
    "decoder",
    {
        "lstm": LSTMDecoder,
        "soft-attention": SoftAttentionDecoder,
        "adaptive": AdaptiveDecoder,
    },
)


def make_decoder(config: CaptionerConfig, vocabulary_size: int) -> Decoder:
    """The part that learns, for the features of the variant's backbone."""
    backbone = BACKBONES[config.backbone]
    side, depth = backbone.grid
    return new_decoder(
        config, depth if config.feature == "grid" else backbone.dim, side * side, vocabulary_size
    )


def new_decoder(config: CaptionerConfig, feature_dim: int, cells: int, vocabulary_size: int) -> Decoder:
    """A decoder for features of any size: (N, feature_dim), or (N, cells, feature_dim) for those that read
    the grid."""
    if config.decoder == "transformer":
        return TransformerDecoder(config, feature_dim, vocabulary_size, cells)
    return _OF_ONE_SIZE[config.decoder](config, feature_dim, vocabulary_size)
