"""The text tower of an embedding space: sentences in, vectors of the space out.

What it reads is made by a `Reader`: word ids, a frozen code, or both.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from ...errors import BadSetting
from ...text import PAD_ID, UNKNOWN_ID, Vocabulary, words
from ...word_vectors import WordVectors, load_word_vectors
from ..sentence.minilm import SentenceEncoder
from ..sentence.skipthought.encoder import SkipThought, skipthought_of
from .config import CODE_PARTS, EmbeddingConfig


@dataclass(frozen=True)
class Read:
    """Sentences as a tower reads them.

    tokens: (M, T) int32 word ids, 0 after the last; None where no part reads words
    codes:  (M, E) float32 of a frozen encoder; None where there is none
    """

    tokens: np.ndarray | None
    codes: np.ndarray | None

    def __len__(self) -> int:
        return len(self.lengths)

    @cached_property
    def lengths(self) -> np.ndarray:
        """(M,) words to read; all 1 where only codes are read."""
        if self.tokens is not None:
            counts: np.ndarray = (self.tokens != PAD_ID).sum(1)
            return counts
        return np.ones(0 if self.codes is None else len(self.codes), np.int64)

    def of(self, rows: np.ndarray, device: torch.device) -> tuple[Tensor | None, Tensor | None]:
        """Some of them as tensors: tokens (len(rows), T) int64, no longer than the longest of these, and
        codes."""
        tokens = codes = None
        if self.tokens is not None:
            tokens = torch.from_numpy(self.tokens[rows, : int(self.lengths[rows].max())].astype(np.int64)).to(
                device
            )
        if self.codes is not None:
            codes = torch.from_numpy(self.codes[rows]).to(device)
        return tokens, codes


class FrozenEncoder(Protocol):
    """What makes a sentence's frozen code: a sentence transformer, a skip-thought encoder, or a cache of
    either."""

    def encode(self, sentences: Sequence[str], batch_size: int = 64, progress: bool = False) -> np.ndarray:
        """(M, E) float32."""
        ...


class Reader:
    """Texts into what the sentence tower of `config` reads.

    idf:  (V,) float32 for "glove-idf", that of a word outside the vocabulary in the place of <unk>
    near: the space's own directory, beside which its skip-thought encoder may lie, too
    """

    def __init__(
        self,
        config: EmbeddingConfig,
        vocabulary: Vocabulary,
        idf: np.ndarray | None = None,
        near: Path | None = None,
    ) -> None:
        self.config, self.vocabulary, self.idf, self.near = config, vocabulary, idf, near

    @cached_property
    def vectors(self) -> WordVectors:
        """The frozen word vectors of the glove towers."""
        return load_word_vectors(self.config.word_vectors or "")

    @cached_property
    def skipthought(self) -> SkipThought:
        """The skip-thought encoder that the space was trained on, loaded when it is first needed;
        BadCheckpoint for another one."""
        return skipthought_of(self.config.skipthought, self.config.skipthought_sha256, self.near)

    @cached_property
    def encoder(self) -> FrozenEncoder:
        """What makes the frozen codes, loaded when it is first needed."""
        return self.skipthought if self.config.sentence_tower == "skipthought" else SentenceEncoder.load()

    def missing_reason(self, text: str) -> str:
        """What keeps a text from being read, as the end of a sentence; "" where nothing does."""
        if not words(text):
            return "holds no word"
        if self.config.sentence_tower == "skipthought":
            return self.skipthought.missing_reason(text)
        if self.config.frozen_words and not np.any(self._word_code(text)):
            return f"holds no word that has a vector in {self.config.word_vectors}" + (
                " and any weight" if self.idf is not None else ""
            )
        return ""

    def __call__(self, texts: Sequence[str], progress: bool = False) -> Read:
        """Read M texts.

        errors: BadSetting for a text without a word or, for the glove towers, of unknown words only
        """
        for index, text in enumerate(texts):
            if why := self.missing_reason(text):
                raise BadSetting(
                    f"Sentence {index + 1} of {len(texts)} ({text[:80]!r}) {why}. Give other words."
                )
        tokens = codes = None
        if self.config.frozen_words:
            codes = (
                np.stack([self._word_code(text) for text in texts])
                if texts
                else np.empty((0, self.config.word_dim), np.float32)
            )
        elif set(self.config.sentence_parts) & set(CODE_PARTS):
            codes = self.encoder.encode(texts, progress=progress)
        if set(self.config.sentence_parts) & {"bow", "gru", "lstm"}:
            tokens = self._tokens(texts)
        return Read(tokens, codes)

    def _tokens(self, texts: Sequence[str]) -> np.ndarray:
        """(M, T) int32."""
        ids = [self.vocabulary.encode(text)[1:-1][: self.config.max_words] for text in texts]
        tokens = np.full((len(ids), max(map(len, ids), default=1)), PAD_ID, np.int32)
        for row, own in enumerate(ids):
            tokens[row, : len(own)] = own
        return tokens

    def _word_code(self, text: str) -> np.ndarray:
        """(E,) float32: the mean of the words' vectors, or their sum weighted by idf; zeros where none has
        one."""
        known = [word for word in words(text) if word in self.vectors.words]
        # (words, E)
        rows = self.vectors.table[[self.vectors.words[word] for word in known]].astype(np.float32)
        if self.idf is None:
            return rows.mean(0) if known else np.zeros(self.config.word_dim, np.float32)
        weights = (
            self.idf[[self.vocabulary.ids.get(word, UNKNOWN_ID) for word in known]]
            if known
            else np.zeros(0, np.float32)
        )
        return weights @ rows


def idf_of(captions: Sequence[str], vocabulary: Vocabulary) -> np.ndarray:
    """(V,) float32: log10(captions / captions that hold the word), that of a single caption for words in none
    (and for <unk>)."""
    counts = np.zeros(len(vocabulary))
    for caption in captions:
        for word in set(words(caption)) & vocabulary.ids.keys():
            counts[vocabulary.ids[word]] += 1
    return np.log10(len(captions) / np.maximum(counts, 1)).astype(np.float32)


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
