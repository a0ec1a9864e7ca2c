"""A small Transformer decoder over the backbone's grid (Vaswani et al. 2017, pre-norm).

An image's captions are trained side by side: they attend to one copy of the image's keys and values, so the
image's side of every layer is computed once, however many captions it has.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...text import PAD_ID, START_ID
from .beam_search import State
from .config import MAX_LENGTH, CaptionerConfig

# words for which the caches make room at a time
ROOM = 4


def _positions(count: int, width: int) -> nn.Parameter:
    """(count, width) small random numbers."""
    return nn.Parameter(torch.empty(count, width).normal_(std=0.02))


class TransformerDecoder(nn.Module):
    """features (N, cells, D) -> captions. The word embedding is also the output layer's weight, unless word
    vectors are frozen."""

    def __init__(self, config: CaptionerConfig, feature_dim: int, vocabulary_size: int, cells: int) -> None:
        super().__init__()
        width = config.hidden_dim
        self.norm_features = nn.LayerNorm(feature_dim)
        self.project = nn.Linear(feature_dim, width)
        self.cell_positions = _positions(cells, width)
        self.embed = nn.Embedding(vocabulary_size, config.embed_dim)
        nn.init.normal_(self.embed.weight, std=config.embed_dim**-0.5)
        self.widen = nn.Identity() if config.embed_dim == width else nn.Linear(config.embed_dim, width)
        self.positions = _positions(MAX_LENGTH, width)
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

    def looks(self, features: Tensor, tokens: Tensor) -> Tensor:
        """By which weights each word saw the grid: those of the last layer, the mean of its heads.

        features: (N, cells, D); tokens: (N, G, T); returns: (N, G, T - 1, cells), summing to 1 over cells
        """
        images, group, length = tokens.shape
        image_side = self._image_side(features)
        x = self._words(tokens[:, :, :-1].reshape(images * group, length - 1), 0)
        for block, (keys, values) in zip(self.layers[:-1], image_side[:-1], strict=True):
            x = block(x, keys, values, group)
        looks = self.layers[-1].looks(x, image_side[-1][0], group)
        return looks.reshape(images, group, length - 1, looks.shape[-1])

    def begin(self, features: Tensor) -> tuple[Tensor, State]:
        """The first word: logits (N, V), and the state after <start>. features: (N, cells, D)."""
        count, images = len(features), []
        for block, (keys, values) in zip(self.layers, self._image_side(features), strict=True):
            none = keys.new_empty((count, block.heads, 0, keys.shape[-1] // block.heads))
            columns = block.by_head(keys).transpose(-1, -2)
            images += [columns.contiguous(), block.by_head(values).contiguous(), none, none]
        seen = torch.zeros((count, 0), dtype=torch.bool, device=features.device)
        filled = torch.zeros(count, dtype=torch.long, device=features.device)
        state = State(rows=(seen,), images=(filled, *images))
        return self.step(torch.full((count,), START_ID, device=features.device), state)

    def step(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        """tokens (M,) int64 -> logits (M, V) of the next ones.

        The words so far of all captions of an image stand in one cache, which is only ever appended to:
        another order of the captions moves nothing but what each of them sees of it.
        state.rows:   (M, p) bool, which of its image's p words are the caption's own
        state.images: (N,) how many words the caches hold; of each layer the grid's keys (N, heads, d, cells)
                      and values (N, heads, cells, d), and the words' keys and values (N, heads, q, d), q >= p
        """
        (seen,) = state.rows
        filled, count, before = state.images[0], len(state.images[0]), seen.shape[1]
        group = len(tokens) // max(1, count)
        own = torch.eye(group, dtype=torch.bool, device=tokens.device).repeat(count, 1)
        seen = torch.cat([seen, own], 1)  # (M, p + group)
        length = max(1, int(seen[:1].sum()))  # of each caption
        hidden = torch.zeros_like(seen, dtype=self.positions.dtype).masked_fill_(~seen, -torch.inf)
        hidden = hidden.view(count, 1, group, -1)
        # where another step from this state has gone on already, what follows is not ours to write
        room = state.images[3].shape[2] if count and int(filled[0]) == before else 0
        if room < before + group:
            filled = torch.full_like(filled, before)
        x = self._words(tokens.unsqueeze(1), length - 1)[:, 0]  # (M, H)
        images: list[Tensor] = [filled]
        for index, block in enumerate(self.layers):
            grid, words = state.images[4 * index + 1 :][:2], state.images[4 * index + 3 :][:2]
            if room < before + group:
                words = tuple(_longer(cache[:, :, :before], before + ROOM * group) for cache in words)
            x = block.step(x, words, hidden, grid)
            images += [*grid, *words]
        filled += group
        return self._logits(self.norm(x)), State((seen,), tuple(images))

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

    def step(self, x: Tensor, words: Sequence[Tensor], hidden: Tensor, grid: Sequence[Tensor]) -> Tensor:
        """One word more of each caption; for a few rows at a time plain products are faster than an attention
        kernel.

        x:       (M, H), what the stream holds, and what is returned
        words:   keys and values (N, heads, q, d), into which those of this word are written
        hidden:  (N, 1, group, p), -inf where a caption does not see a word, else 0; p with this word
        grid:    keys (N, heads, d, cells) and values (N, heads, cells, d)
        """
        group, places = hidden.shape[2:]
        query, *new = (
            self.by_head(part.view(-1, group, part.shape[-1]))
            for part in self.self_in(self.norm_self(x)).chunk(3, -1)
        )
        for cache, own in zip(words, new, strict=True):
            cache[:, :, places - group : places] = own
        keys, values = (cache[:, :, :places] for cache in words)
        scale = query.shape[-1] ** -0.5
        weights = (query * scale @ keys.transpose(-1, -2)).add_(hidden).softmax(-1)
        x = x + self.self_out(self._joined(weights @ values))
        query = self.by_head(self.query(self.norm_cross(x)).view(-1, group, x.shape[-1]))
        weights = (query * scale @ grid[0]).softmax(-1)
        x = x + self.cross_out(self._joined(weights @ grid[1]))
        fed: Tensor = x + self.feed(self.norm_feed(x))
        return fed

    def looks(self, x: Tensor, keys: Tensor, group: int) -> Tensor:
        """By which weights the words of `forward` look at the grid: (N, G * T, cells), the mean of its
        heads."""
        query, key, value = self.self_in(self.norm_self(x)).chunk(3, -1)
        x = x + self.self_out(self._attend(query, key, value, causal=True))
        rows, length, width = x.shape
        query = self.by_head(self.query(self.norm_cross(x)).reshape(rows // group, group * length, width))
        scale = query.shape[-1] ** -0.5
        weights: Tensor = (query * scale @ self.by_head(keys).transpose(-1, -2)).softmax(-1).mean(1)
        return weights

    def by_head(self, rows: Tensor) -> Tensor:
        """(N, t, H) -> (N, heads, t, d)."""
        return rows.reshape(*rows.shape[:-1], self.heads, rows.shape[-1] // self.heads).transpose(1, 2)

    @staticmethod
    def _joined(heads: Tensor) -> Tensor:
        """(N, heads, group, d) -> (N * group, H)."""
        return heads.transpose(1, 2).flatten(2).flatten(0, 1)

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
        query, key, value = map(self.by_head, (query, key, value))
        return F.scaled_dot_product_attention(query, key, value, is_causal=causal).transpose(1, 2).flatten(2)


def _longer(cache: Tensor, places: int) -> Tensor:
    """A copy of (N, heads, p, d) with room for so many."""
    longer = cache.new_empty((*cache.shape[:2], places, cache.shape[3]))
    longer[:, :, : cache.shape[2]] = cache
    return longer
