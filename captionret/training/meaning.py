"""What a lexical head may learn beside words: the mean sentence vector of a picture's captions, so that its
own blocks of the CNN see what pictures whose captions mean the same have in common."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from ..models.sentence import MINILM_DIM
from ..models.sentence.minilm import SentenceEncoder
from .sentence_codes import CachedSentenceEncoder

PART = "meaning"  # of the module, which no checkpoint keeps
_HIDDEN = 768


def meaning_tower(dim: int, dropout: float) -> nn.Sequential:
    """From the standardised feature, (N, dim), to the mean sentence vector, (N, 384)."""
    layers = (nn.Linear(dim, _HIDDEN), nn.ReLU(), nn.Dropout(dropout), nn.Linear(_HIDDEN, MINILM_DIM))
    return nn.Sequential(nn.Dropout(dropout), *layers)


def mean_codes(captions: Sequence[Sequence[str]], root: Path) -> Tensor:
    """(N, 384) float32: the mean sentence vector of each picture's captions, from that of all pictures, of
    variance 1.

    root: of the feature cache; errors: MissingWeights where the sentence encoder is not installed
    """
    encoder = CachedSentenceEncoder(SentenceEncoder.load(), root)
    codes = encoder.encode([caption for own in captions for caption in own])
    starts = np.cumsum([0, *map(len, captions)])
    means = np.add.reduceat(codes, starts[:-1], axis=0) / np.diff(starts)[:, None]
    means -= means.mean(0)
    return torch.from_numpy((means / max(float(means.std()), 1e-9)).astype(np.float32))


def kept(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The weights without those of PART."""
    return {name: value for name, value in state.items() if name.partition(".")[0] != PART}
