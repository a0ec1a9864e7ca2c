"""Lexical heads, one row each: what their network and their training are made of.

captionret train-captioner --variant words-lite --data flickr8k:data/flickr8k
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from typing import Any, ClassVar, Self

from ...config import Registry, TrainingConfig, setting
from ..record import LEXICAL_KIND, Kind
from ..vision.rows import BACKBONES, TIMM

# What release 0.5.0 wrote of a head, which was a decoder "words" then: it still counts in fingerprints.
_AS_A_DECODER: dict[str, Any] = {
    "decoder": "words",
    "embed_dim": 256,
    "layers": 1,
    "heads": 4,
    "word_vectors": None,
    "says_start": False,
    "max_words": 20,
    "length_penalty": 0.0,
}
_OF_CAPTIONERS = {
    *_AS_A_DECODER,
    *("constraints", "label_smoothing", "captions_together", "attention_penalty", "scheduled_sampling"),
}


@dataclass(frozen=True)
class LexicalConfig(TrainingConfig):
    """One row of LEXICAL_HEADS: the network, then how it is trained.

    backbone:    whose pooled feature it reads
    hidden_dim:  size of its hidden layer
    own_blocks:  how many of the CNN's last blocks it has for itself, with the layer behind them, trained with
                 it; 0: it reads the pooled feature of the CNN as it is
    own_stride:  2: the last of these looks at every second cell of each row and column, which takes a quarter
                 less time; 1: at all
    punctuation: full stops and commas are in its vocabulary
    dropout:     before and behind the hidden layer
    min_count:   a word is known if the training captions hold it this often
    views:       cached crops and flips to pick from in training; 1 is the whole picture only
    mixup:       learn from mixtures of two pictures and of their words (Zhang et al. 2018): the parameter of
                 the beta distribution of their shares; 0: from single pictures
    cropped:     with own blocks, the share of training batches of which a part of the cells is read
    meaning:     how much it learns, beside words, the mean sentence vector of a picture's captions, which own
                 blocks can then tell: the factor of the mean squared error, of vectors of variance 1. The
                 part that learns it is not kept
    taught:      how much of what is learnt is what other heads predict of the training pictures (Hinton et
                 al. 2015), the rest being people's words; it counts where there are such heads
    as_a_decoder: what release 0.5.0 wrote of it that means nothing but counts in its fingerprint, as JSON
    """

    backbone: str = setting(choices=BACKBONES, also=TIMM)
    hidden_dim: int = setting(512, at_least=1)
    punctuation: bool = setting(False)
    own_blocks: int = setting(0, at_least=0, since=("own_blocks",))
    own_stride: int = setting(1, at_least=1, below=3, since=("own_stride",))
    dropout: float = setting(0.4, at_least=0, below=1, training=True)
    min_count: int = setting(6, at_least=1, training=True)
    views: int = setting(1, at_least=1, training=True)
    mixup: float = setting(0.0, at_least=0, below=inf, training=True)
    taught: float = setting(0.5, at_least=0, below=1, training=True)
    cropped: float = setting(0.0, at_least=0, below=1, training=True)
    meaning: float = setting(0.0, at_least=0, below=inf, training=True)

    as_a_decoder: str = setting("", since=("as_a_decoder",))

    captions_together: ClassVar[bool] = True  # what it learns is how many of a picture's captions hold a word
    word_vectors: ClassVar[None] = None

    @property
    def feature(self) -> str:
        """What its network is trained on: the pooled feature, or the grid that its own blocks read."""
        return "grid" if self.own_blocks else "pooled"

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """As Config.from_json; of the decoder that a head was in release 0.5.0 what is unusual is kept."""
        own = {name: value for name, value in values.items() if name not in _OF_CAPTIONERS}
        if values.get("decoder") == "words":
            usual = _AS_A_DECODER | {"constraints": False}
            odd = {name: values[name] for name in usual if values.get(name, usual[name]) != usual[name]}
            own |= {"as_a_decoder": json.dumps(odd)} if odd else {}
        return super().from_json(own)

    def fingerprinted(self) -> dict[str, Any]:
        """As Config.fingerprinted, with what stood beside it in release 0.5.0."""
        counted = super().fingerprinted()
        odd = json.loads(counted.pop("as_a_decoder", "{}"))
        return {**_AS_A_DECODER, **odd, **counted}


LEXICAL = Kind(LEXICAL_KIND, LexicalConfig, "train-captioner", row="variant")

LEXICAL_HEADS: Registry[LexicalConfig] = Registry(
    "lexical head",
    {
        "words-lite": LexicalConfig(
            "efficientnet_lite2",
            epochs=14,
            batch_size=640,
            learning_rate=2e-3,
            weight_decay=0.01,
            schedule="cosine",
            warmup=0.2,
            views=2,
        ),
    },
)
