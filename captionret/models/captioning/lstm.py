"""Show and Tell: the image is the LSTM's first word (Vinyals et al. 2015, eq. 10-12).

pooled feature -> Linear -> BatchNorm1d -> first input; then word embeddings; Linear to the vocabulary.
"""

import torch
from torch import Tensor, nn

from ...text import PAD_ID, START_ID
from .beam_search import State
from .config import CaptionerConfig


class LSTMDecoder(nn.Module):
    """features (N, D) -> captions. `predict_bos`: see CaptionerConfig."""

    def __init__(self, config: CaptionerConfig, feature_dim: int, vocabulary_size: int) -> None:
        super().__init__()
        self.predict_bos = config.predict_bos
        self.project = nn.Linear(feature_dim, config.embed_dim)
        self.norm = nn.BatchNorm1d(config.embed_dim, momentum=0.01)
        self.embed = nn.Embedding(vocabulary_size, config.embed_dim)
        self.lstm = nn.LSTM(
            config.embed_dim,
            config.hidden_dim,
            config.layers,
            batch_first=True,
            dropout=config.dropout if config.layers > 1 else 0.0,
        )
        self.dropout = nn.Dropout(config.dropout)
        self.output = nn.Linear(config.hidden_dim, vocabulary_size)
        self._initialise(config)

    def _initialise(self, config: CaptionerConfig) -> None:
        """The image is read once, before the first word.

        With PyTorch's own small weights the LSTM has forgotten most of it when the words begin, and learns to
        caption without looking. So word vectors start small beside it, and the state is kept by default.
        """
        for name, weight in self.lstm.named_parameters():
            for gate in weight.chunk(4):  # input, forget, cell, output
                if name.startswith("weight_hh"):
                    nn.init.orthogonal_(gate)
                elif name.startswith("weight_ih"):
                    nn.init.xavier_uniform_(gate)
                else:
                    nn.init.zeros_(gate)
            if name.startswith("bias_ih"):
                nn.init.ones_(weight.chunk(4)[1])
        if config.word_vectors:
            self.embed.weight.requires_grad_(False)
        else:
            nn.init.normal_(self.embed.weight, std=0.1)

    def forward(self, features: Tensor, tokens: Tensor, read: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Teacher forcing.

        features: (N, D); tokens: (N, G, T) int64, G captions an image, <start> ... <end> and padding
        read:     (N, G, T) what is read in place of `tokens`, which stay what is to be predicted: for
                  scheduled sampling
        returns:  logits (M, V) and targets (M,), one row for each of the M tokens that are to be predicted
        """
        images, group, length = tokens.shape
        first = self._image(features).repeat_interleave(group, 0).unsqueeze(1)  # (N*G, 1, E)
        read = (tokens if read is None else read).reshape(images * group, length)
        tokens = tokens.reshape(images * group, length)
        inputs = torch.cat([first, self.embed(read[:, :-1])], 1)  # (N*G, T, E): image, <start>, w1, ...
        states, _ = self.lstm(self.dropout(inputs))
        # A caption's state never depends on what follows it, so padding costs time but changes nothing.
        wanted = tokens != PAD_ID
        if not self.predict_bos:
            wanted = wanted & (tokens != START_ID)
        return self.output(self.dropout(states[wanted])), tokens[wanted]

    def begin(self, features: Tensor) -> tuple[Tensor, State]:
        """The first token: logits (N, V), and the state after the image. features: (N, D)."""
        first = self._image(features)
        shape = (self.lstm.num_layers, len(features), self.lstm.hidden_size)
        hidden = (features.new_zeros(shape), features.new_zeros(shape))
        logits, state = self._advance(first, hidden)
        if self.predict_bos:
            return logits, state
        return self.step(torch.full((len(features),), START_ID, device=features.device), state)

    def step(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        """tokens (M,) int64 -> logits (M, V) of the next ones."""
        hidden, cell = state.rows
        return self._advance(
            self.embed(tokens), (hidden.transpose(0, 1).contiguous(), cell.transpose(0, 1).contiguous())
        )

    def _image(self, features: Tensor) -> Tensor:
        """(N, D) -> (N, E). In full precision: pictures differ by little beside what all features share, and
        bfloat16 rounds it away."""
        with torch.autocast(features.device.type, enabled=False):
            projected: Tensor = self.norm(self.project(features))
            return projected

    def _advance(self, inputs: Tensor, hidden: tuple[Tensor, Tensor]) -> tuple[Tensor, State]:
        outputs, (hidden_state, cell) = self.lstm(inputs.unsqueeze(1), hidden)
        return self.output(outputs[:, 0]), State(rows=(hidden_state.transpose(0, 1), cell.transpose(0, 1)))
