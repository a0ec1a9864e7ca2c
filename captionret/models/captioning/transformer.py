"""A small Transformer decoder over the backbone's grid (Vaswani et al. 2017, pre-norm).

An image's captions are trained side by side: they attend to one copy of the image's keys and values, so the
image's side of every layer is computed once, however many captions it has.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...text import PAD_ID, START_ID
from .beam_search import State
from .config import MAX_LENGTH, CaptionerConfig


class TransformerDecoder(nn.Module):
    """features (N, cells, D) -> captions. The word embedding is also the output layer's weight, unless word
    vectors are frozen."""

    def __init__(self, config: CaptionerConfig, feature_dim: int, vocabulary_size: int, cells: int) -> None:
        super().__init__()
        width = config.hidden_dim
        self.norm_features = nn.LayerNorm(feature_dim)
        self.project = nn.Linear(feature_dim, width)
        self.cell_positions = nn.Parameter(torch.randn(cells, width) * 0.02)
        self.embed = nn.Embedding(vocabulary_size, config.embed_dim)
        nn.init.normal_(self.embed.weight, std=config.embed_dim**-0.5)
        self.widen = nn.Identity() if config.embed_dim == width else nn.Linear(config.embed_dim, width)
        self.positions = nn.Parameter(torch.randn(MAX_LENGTH, width) * 0.02)
        self.dropout = nn.Dropout(config.dropout)
        self.blocks = nn.ModuleList(_Block(width, config.heads, config.dropout) for _ in range(config.layers))
        self.norm = nn.LayerNorm(width)
        self.tied = not config.word_vectors and config.embed_dim == width
        self.output = nn.Linear(width, vocabulary_size) if not self.tied else None
        self.bias = nn.Parameter(torch.zeros(vocabulary_size)) if self.tied else None
        if config.word_vectors:
            self.embed.weight.requires_grad_(False)

    def forward(self, features: Tensor, tokens: Tensor, read: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Teacher forcing; shapes as in LSTMDecoder.forward, features (N, cells, D)."""
        images, group, length = tokens.shape
        image_side = self._image_side(features)
        inputs = (tokens if read is None else read)[:, :, :-1]
        x = self._words(inputs.reshape(images * group, length - 1), 0)  # (N*G, T, H)
        for block, (keys, values) in zip(self.layers, image_side, strict=True):
            x = block(x, keys, values, group)
        targets = tokens[:, :, 1:].reshape(images * group, length - 1)
        wanted = targets != PAD_ID
        return self._logits(self.dropout(self.norm(x[wanted]))), targets[wanted]

    def begin(self, features: Tensor) -> tuple[Tensor, State]:
        """The first word: logits (N, V), and the state after <start>. features: (N, cells, D)."""
        image_side = [tensor for pair in self._image_side(features) for tensor in pair]
        empty = features.new_zeros((len(features), 0, self.positions.shape[1]))
        state = State(rows=(empty,) * (2 * len(self.layers)), images=tuple(image_side))
        return self.step(torch.full((len(features),), START_ID, device=features.device), state)

    def step(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        """tokens (M,) int64 -> logits (M, V) of the next ones; state.rows: keys and values (M, t, H) of each
        layer so far."""
        x = self._words(tokens.unsqueeze(1), state.rows[0].shape[1])  # (M, 1, H)
        rows: list[Tensor] = []
        group = len(tokens) // len(state.images[0])
        for index, block in enumerate(self.layers):
            past = state.rows[2 * index], state.rows[2 * index + 1]
            x, keys, values = block.step(x, past, state.images[2 * index], state.images[2 * index + 1], group)
            rows += [keys, values]
        return self._logits(self.norm(x[:, 0])), State(tuple(rows), state.images)

    @property
    def layers(self) -> list["_Block"]:
        """The blocks, by their own type."""
        return [block for block in self.blocks if isinstance(block, _Block)]

    def _logits(self, x: Tensor) -> Tensor:
        logits: Tensor = F.linear(x, self.embed.weight, self.bias) if self.output is None else self.output(x)
        return logits

    def _words(self, tokens: Tensor, start: int) -> Tensor:
        positions = self.positions[start : start + tokens.shape[1]]
        words = self.widen(self.embed(tokens)) * self.positions.shape[1] ** 0.5 * 0.1
        placed: Tensor = self.dropout(words + positions)
        return placed

    def _image_side(self, features: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Every layer's keys and values over the grid, (N, cells, H) each."""
        memory = self.dropout(self.project(self.norm_features(features)) + self.cell_positions)
        return [block.image_side(memory) for block in self.layers]


class _Block(nn.Module):
    """Self-attention, attention over the grid, feed-forward; each after a norm and added to the stream."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.norm_self, self.norm_cross, self.norm_feed = (nn.LayerNorm(width) for _ in range(3))
        self.self_in, self.self_out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.query, self.memory, self.cross_out = (
            nn.Linear(width, width),
            nn.Linear(width, 2 * width),
            nn.Linear(width, width),
        )
        self.norm_memory = nn.LayerNorm(width)
        self.feed = nn.Sequential(
            nn.Linear(width, 4 * width), nn.GELU(), nn.Dropout(dropout), nn.Linear(4 * width, width)
        )
        self.dropout = nn.Dropout(dropout)

    def image_side(self, memory: Tensor) -> tuple[Tensor, Tensor]:
        keys, values = self.memory(self.norm_memory(memory)).chunk(2, -1)
        return keys, values

    def forward(self, x: Tensor, keys: Tensor, values: Tensor, group: int) -> Tensor:
        """x: (N*G, T, H); keys, values: (N, cells, H)."""
        query, key, value = self.self_in(self.norm_self(x)).chunk(3, -1)
        x = x + self.dropout(self.self_out(self._attend(query, key, value, causal=True)))
        return self._look_and_feed(x, keys, values, group)

    def step(
        self, x: Tensor, past: tuple[Tensor, Tensor], keys: Tensor, values: Tensor, group: int
    ) -> tuple[Tensor, Tensor, Tensor]:
        """x: (M, 1, H); past: keys and values (M, t, H). Returns x and the longer keys and values."""
        query, key, value = self.self_in(self.norm_self(x)).chunk(3, -1)
        key, value = torch.cat([past[0], key], 1), torch.cat([past[1], value], 1)
        x = x + self.self_out(self._attend(query, key, value))
        return self._look_and_feed(x, keys, values, group), key, value

    def _look_and_feed(self, x: Tensor, keys: Tensor, values: Tensor, group: int) -> Tensor:
        rows, length, width = x.shape
        # an image's captions, one after another
        query = self.query(self.norm_cross(x)).reshape(rows // group, group * length, width)
        seen = self._attend(query, keys, values).reshape(rows, length, width)
        x = x + self.dropout(self.cross_out(seen))
        fed: Tensor = x + self.dropout(self.feed(self.norm_feed(x)))
        return fed

    def _attend(self, query: Tensor, key: Tensor, value: Tensor, causal: bool = False) -> Tensor:
        """(M, t, H), (M, s, H), (M, s, H) -> (M, t, H)."""
        query, key, value = (
            tensor.reshape(*tensor.shape[:-1], self.heads, tensor.shape[-1] // self.heads).transpose(1, 2)
            for tensor in (query, key, value)
        )
        return F.scaled_dot_product_attention(query, key, value, is_causal=causal).transpose(1, 2).flatten(2)
