"""The text tower of an embedding space: sentences in, vectors of the space out.

What it reads is made by a `Reader`: word ids, a frozen code, or both.
"""

import math

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from ...text import PAD_ID, UNKNOWN_ID
from .config import EmbeddingConfig
from .reader import Read


def tensors_of(read: Read, rows: np.ndarray, device: torch.device) -> tuple[Tensor | None, Tensor | None]:
    """Some of the sentences as tensors: tokens (len(rows), T) int64, no longer than the longest of these, and
    codes."""
    tokens = codes = None
    if read.tokens is not None:
        longest = int(read.lengths[rows].max())
        tokens = torch.from_numpy(read.tokens[rows, :longest].astype(np.int64)).to(device)
    if read.codes is not None:
        codes = torch.from_numpy(read.codes[rows]).to(device)
    return tokens, codes


class WordTower(nn.Module):
    """tokens (M, T) -> (M, D): the sum of word vectors, or a GRU's or LSTM's state after the last word, or
    its states' mean or maximum."""

    def __init__(self, config: EmbeddingConfig, kind: str, vocabulary_size: int) -> None:
        super().__init__()
        self.word_dropout, self.states = config.word_dropout, config.word_states
        self.dropout = nn.Dropout(config.sentence_dropout)
        self.embed = nn.Embedding(vocabulary_size, config.word_dim, padding_idx=PAD_ID)
        nn.init.uniform_(self.embed.weight, -0.1, 0.1)
        nn.init.zeros_(self.embed.weight[PAD_ID])
        self.cells: nn.GRU | nn.LSTM | None = None
        if kind != "bow":
            cells = {"gru": nn.GRU, "lstm": nn.LSTM}[kind]
            self.cells = cells(
                config.word_dim, config.dim, batch_first=True, bidirectional=config.bidirectional
            )

    def begin_with(self, vectors: Tensor) -> None:
        """Take (V, E) pretrained word vectors over, to learn on from them."""
        self.embed.weight.data.copy_(vectors)
        nn.init.zeros_(self.embed.weight[PAD_ID])

    def forward(self, tokens: Tensor) -> Tensor:
        """See the class. Padding changes nothing: it comes after what is read, or (bidirectional) is not
        read."""
        lengths = (tokens != PAD_ID).sum(1)
        if self.training and self.word_dropout:
            left_out = (torch.rand(tokens.shape, device=tokens.device) < self.word_dropout) & (
                tokens != PAD_ID
            )
            tokens = tokens.masked_fill(left_out, UNKNOWN_ID)
        if self.cells is None:
            summed: Tensor = self.dropout(
                F.embedding_bag(tokens, self.embed.weight, mode="sum", padding_idx=PAD_ID)
            )
            return summed
        states = self._states(self.cells, self.dropout(self.embed(tokens)), lengths)  # (M, T, directions, D)
        padding = (tokens == PAD_ID)[:, :, None, None]
        if self.states == "mean":
            chosen = states.masked_fill(padding, 0.0).sum(1) / lengths[:, None, None]
        elif self.states == "max":
            chosen = states.masked_fill(padding, -math.inf).amax(1)
        else:  # backwards, the last word read is the sentence's first
            everyone = torch.arange(len(tokens), device=tokens.device)
            ends = [lengths - 1, torch.zeros_like(lengths)][: states.shape[2]]
            chosen = torch.stack([states[everyone, end, direction] for direction, end in enumerate(ends)], 1)
        return chosen.mean(1)

    def _states(self, cells: nn.GRU | nn.LSTM, vectors: Tensor, lengths: Tensor) -> Tensor:
        """vectors (M, T, E) -> (M, T, directions, D)."""
        if not cells.bidirectional:
            states, _ = cells(vectors)
            forwards: Tensor = states.unsqueeze(2)
            return forwards
        # backwards, padding would come first
        packed = pack_padded_sequence(vectors, lengths.cpu(), batch_first=True, enforce_sorted=False)
        states, _ = pad_packed_sequence(cells(packed)[0], batch_first=True, total_length=vectors.shape[1])
        both: Tensor = states.unflatten(2, (2, -1))
        return both


class CodeTower(nn.Module):
    """codes (M, E), unit rows (of combined skip-thoughts: unit halves) -> (M, D), one matrix."""

    def __init__(self, config: EmbeddingConfig) -> None:
        super().__init__()
        self.dropout = nn.Dropout(config.sentence_dropout)
        self.map = nn.Linear(config.code_dim, config.dim)

    def forward(self, codes: Tensor) -> Tensor:
        """See the class. The codes are scaled to a mean square of 1, for which the map's initial values are
        meant."""
        vectors: Tensor = self.map(self.dropout(codes * math.sqrt(self.map.in_features)))
        return vectors
