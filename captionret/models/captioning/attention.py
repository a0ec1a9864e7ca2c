"""LSTMs that look at the grid again for every word.

SoftAttentionDecoder: Show, Attend and Tell (Xu et al. 2015). The state decides where to look; what is seen
there goes into the next word.
AdaptiveDecoder: Knowing When to Look (Lu et al. 2017). A word may also be taken from the words so far, the
*sentinel*. Looking comes after the LSTM, so that a whole caption's looks are computed at once in training.

An image's captions are trained side by side and share its projected grid.
"""

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from ...text import PAD_ID, START_ID
from .beam_search import State
from .config import CaptionerConfig


class AttentionDecoder(nn.Module, ABC):
    """features (N, cells, D) -> captions. What the two have in common: the image's side, the words, the way
    of an LSTM."""

    def __init__(self, config: CaptionerConfig, feature_dim: int, vocabulary_size: int) -> None:
        super().__init__()
        width, words = config.hidden_dim, config.embed_dim
        self.norm_features = nn.LayerNorm(feature_dim)
        self.project = nn.Linear(feature_dim, width)
        self.embed = nn.Embedding(vocabulary_size, words)
        self.attention = _Attention(width)
        self.start_hidden, self.start_cell = nn.Linear(width, width), nn.Linear(width, width)
        self.word_in = nn.Linear(words, 4 * width)
        self.image_in = nn.Linear(width, 4 * width, bias=False)
        self.hidden_in = nn.Linear(width, 4 * width, bias=False)
        self.output = nn.Linear(width, vocabulary_size)
        self.dropout = nn.Dropout(config.dropout)
        with torch.no_grad():
            for layer, fill in (
                (self.word_in, nn.init.xavier_uniform_),
                (self.image_in, nn.init.xavier_uniform_),
            ):
                for gate in layer.weight.chunk(4):
                    fill(gate)
            for gate in self.hidden_in.weight.chunk(4):
                nn.init.orthogonal_(gate)
            self.word_in.bias.zero_()
            self.word_in.bias.chunk(4)[1].fill_(1.0)  # the state is kept by default
        if config.word_vectors:
            self.embed.weight.requires_grad_(False)
        else:
            nn.init.normal_(self.embed.weight, std=0.1)

    @abstractmethod
    def attend(
        self, features: Tensor, tokens: Tensor, read: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Teacher forcing, and where was looked; arguments as in `forward`.

        returns: logits (M, V), targets (M,), and the weights (N, G, T - 1, cells or cells + 1) by which each
                 word saw the cells; they sum to 1
        """

    @abstractmethod
    def step(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        """tokens (M,) int64 -> logits (M, V) of the next ones."""

    def looks(self, features: Tensor, tokens: Tensor) -> Tensor:
        """The last of `attend`, of the cells alone: (N, G, T - 1, cells)."""
        return self.attend(features, tokens)[2][..., : features.shape[1]]

    def forward(self, features: Tensor, tokens: Tensor, read: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Teacher forcing; shapes as in LSTMDecoder.forward, features (N, cells, D)."""
        logits, targets, _ = self.attend(features, tokens, read)
        return logits, targets

    def begin(self, features: Tensor) -> tuple[Tensor, State]:
        """The first word: logits (N, V), and the state after <start>. features: (N, cells, D)."""
        values, keys, mean = self._image_side(features)
        state = State(rows=self._start(mean), images=(values, keys, mean))
        return self.step(torch.full((len(features),), START_ID, device=features.device), state)

    def _image_side(self, features: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What is seen of each cell (N, cells, H), what it is found by (N, cells, K), and the mean of all
        cells (N, H)."""
        values = self.dropout(torch.relu(self.project(self.norm_features(features))))
        return values, self.attention.key(values), values.mean(1)

    def _words_before(self, tokens: Tensor) -> Tensor:
        """The vector of the word before each that is predicted, (N*G, T - 1, E). tokens: (N, G, T)"""
        vectors: Tensor = self.dropout(self.embed(tokens[:, :, :-1].flatten(0, 1)))
        return vectors

    def _start(self, mean: Tensor) -> tuple[Tensor, Tensor]:
        return torch.tanh(self.start_hidden(mean)), torch.tanh(self.start_cell(mean))

    def _cell(self, gates: Tensor, hidden: Tensor, cell: Tensor) -> tuple[Tensor, Tensor]:
        """One step of the LSTM: gates (M, 4H) from its inputs, the state (M, H) twice."""
        into, forget, new, out = (gates + self.hidden_in(hidden)).chunk(4, -1)
        cell = torch.sigmoid(forget) * cell + torch.sigmoid(into) * torch.tanh(new)
        return torch.sigmoid(out) * torch.tanh(cell), cell


class SoftAttentionDecoder(AttentionDecoder):
    """Xu et al. 2015, eq. 4 to 7 and 13 to 15, with the deterministic soft attention."""

    def __init__(self, config: CaptionerConfig, feature_dim: int, vocabulary_size: int) -> None:
        super().__init__(config, feature_dim, vocabulary_size)
        width = config.hidden_dim
        self.gate = nn.Linear(width, width)  # how much of what is seen matters for this word (section 4.2.1)
        self.word_out, self.hidden_out, self.seen_out = (
            nn.Linear(config.embed_dim, width),
            nn.Linear(width, width),
            nn.Linear(width, width),
        )

    def attend(
        self, features: Tensor, tokens: Tensor, read: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """See AttentionDecoder."""
        images, group, length = tokens.shape
        values, keys, mean = self._image_side(features)
        words = self._words_before(tokens if read is None else read)
        gates = self.word_in(words)
        hidden, cell = (part.repeat_interleave(group, 0) for part in self._start(mean))
        states, sights, looks = [], [], []
        for position in range(length - 1):
            seen, weights = self._look(hidden, values, keys)
            hidden, cell = self._cell(gates[:, position] + self.image_in(seen), hidden, cell)
            states.append(hidden)
            sights.append(seen)
            looks.append(weights)
        wanted = tokens[:, :, 1:].reshape(images * group, length - 1) != PAD_ID
        logits = self._logits(words[wanted], torch.stack(states, 1)[wanted], torch.stack(sights, 1)[wanted])
        return logits, tokens[:, :, 1:].reshape(wanted.shape)[wanted], torch.stack(looks, 2)

    def step(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        """See AttentionDecoder."""
        hidden, cell = state.rows
        values, keys, _ = state.images
        words = self.embed(tokens)
        seen, _ = self._look(hidden, values, keys)
        hidden, cell = self._cell(self.word_in(words) + self.image_in(seen), hidden, cell)
        return self._logits(words, hidden, seen), State((hidden, cell), state.images)

    def _look(self, hidden: Tensor, values: Tensor, keys: Tensor) -> tuple[Tensor, Tensor]:
        """hidden (N*G, H) -> what each row sees (N*G, H), and the weights (N, G, cells)."""
        weights = self.attention(_by_image(hidden, values), keys).softmax(-1)
        return torch.sigmoid(self.gate(hidden)) * (weights @ values).flatten(0, 1), weights

    def _logits(self, words: Tensor, hidden: Tensor, seen: Tensor) -> Tensor:
        deep = self.word_out(words) + self.hidden_out(self.dropout(hidden)) + self.seen_out(seen)
        logits: Tensor = self.output(self.dropout(torch.tanh(deep)))
        return logits


class AdaptiveDecoder(AttentionDecoder):
    """Lu et al. 2017, eq. 6 to 13."""

    def __init__(self, config: CaptionerConfig, feature_dim: int, vocabulary_size: int) -> None:
        super().__init__(config, feature_dim, vocabulary_size)
        width = config.hidden_dim
        self.sentinel_word, self.sentinel_image = (
            nn.Linear(config.embed_dim, width),
            nn.Linear(width, width, bias=False),
        )
        self.sentinel_hidden = nn.Linear(width, width, bias=False)

    def attend(
        self, features: Tensor, tokens: Tensor, read: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """See AttentionDecoder; the last weight is the sentinel's."""
        images, group, length = tokens.shape
        values, keys, mean = self._image_side(features)
        words = self._words_before(tokens if read is None else read)
        gates = self.word_in(words) + self.image_in(mean).repeat_interleave(group, 0).unsqueeze(1)
        hidden, cell = (part.repeat_interleave(group, 0) for part in self._start(mean))
        before, states, cells = [], [], []
        for position in range(length - 1):
            before.append(hidden)
            hidden, cell = self._cell(gates[:, position], hidden, cell)
            states.append(hidden)
            cells.append(cell)
        kept = self._sentinel(
            words,
            mean.repeat_interleave(group, 0).unsqueeze(1),
            torch.stack(before, 1),
            torch.stack(cells, 1),
        )
        found, weights = self._look(torch.stack(states, 1), kept, values, keys)
        wanted = tokens[:, :, 1:].reshape(images * group, length - 1) != PAD_ID
        return (
            self.output(self.dropout(found[wanted])),
            tokens[:, :, 1:].reshape(wanted.shape)[wanted],
            weights.reshape(images, group, length - 1, weights.shape[-1]),
        )

    def step(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        """See AttentionDecoder."""
        hidden, cell = state.rows
        values, keys, mean = state.images
        words, mean = self.embed(tokens), mean.repeat_interleave(len(tokens) // len(mean), 0)
        new, cell = self._cell(self.word_in(words) + self.image_in(mean), hidden, cell)
        found, _ = self._look(
            new.unsqueeze(1), self._sentinel(words, mean, hidden, cell).unsqueeze(1), values, keys
        )
        return self.output(found[:, 0]), State((new, cell), state.images)

    def _sentinel(self, words: Tensor, mean: Tensor, before: Tensor, cell: Tensor) -> Tensor:
        """What a word can be taken from without looking (eq. 9, 10)."""
        return torch.sigmoid(
            self.sentinel_word(words) + self.sentinel_image(mean) + self.sentinel_hidden(before)
        ) * torch.tanh(cell)

    def _look(self, states: Tensor, sentinel: Tensor, values: Tensor, keys: Tensor) -> tuple[Tensor, Tensor]:
        """states, sentinel (N*G, T, H) -> what words are predicted from (N*G, T, H), and the weights (N, G*T,
        cells + 1)."""
        # an image's captions, one after another: (N, G*T, H)
        rows = states.reshape(len(values), -1, states.shape[-1])
        kept = sentinel.reshape(rows.shape)
        query = self.attention.query(rows)
        beside = self.attention.score(torch.tanh(self.attention.key(kept) + query))
        weights = torch.cat([self.attention.scores(query, keys), beside], -1).softmax(-1)
        seen = weights[..., :-1] @ values + weights[..., -1:] * kept
        return (seen + self.dropout(rows)).reshape(states.shape), weights


def _by_image(rows: Tensor, values: Tensor) -> Tensor:
    """rows (N*G, H) of the N images whose cells are `values` -> (N, G, H)."""
    return rows.reshape(len(values), len(rows) // max(1, len(values)), rows.shape[-1])


class _Attention(nn.Module):
    """Additive attention (Bahdanau et al. 2015): how well each cell answers each row."""

    def __init__(self, width: int) -> None:
        super().__init__()
        units = max(1, width // 4)
        self.key, self.query = nn.Linear(width, units), nn.Linear(width, units, bias=False)
        self.score = nn.Linear(units, 1, bias=False)

    def forward(self, rows: Tensor, keys: Tensor) -> Tensor:
        """rows (N, R, H), keys (N, cells, K) -> scores (N, R, cells)."""
        return self.scores(self.query(rows), keys)

    def scores(self, query: Tensor, keys: Tensor) -> Tensor:
        """The same for rows that are queries already, (N, R, K)."""
        scores: Tensor = self.score(torch.tanh(keys.unsqueeze(1) + query.unsqueeze(2)))
        return scores.squeeze(-1)


def doubly_stochastic(weights: Tensor, tokens: Tensor) -> Tensor:
    """Xu et al. 2015, eq. 14: every cell should be looked at by some word; the mean over captions and cells
    of (1 - sum of weights)^2.

    weights: (N, G, T - 1, cells or cells + 1) as `attend` gives them, tokens: (N, G, T); words that are
             padding do not count
    """
    read = (tokens[:, :, 1:] != PAD_ID).unsqueeze(-1)
    looked = (weights * read).sum(2)  # (N, G, cells)
    there = read.any(2)  # an image may have fewer captions than the others
    return (((1 - looked) ** 2) * there).sum() / (there.sum() * looked.shape[-1])
