"""Decoders that predict each word together: the mean of their probabilities."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ...errors import BadSetting
from ...text import SPECIAL
from .beam_search import State
from .decoders import Decoder


class EnsembleDecoder(nn.Module):
    """Decoders side by side. Its state is theirs, one after another; its words are the shared ones.

    ids: for each decoder (V,) int64, the decoder's own id of every shared word; the special tokens come first
         in each
    """

    def __init__(self, decoders: Sequence["Decoder | EnsembleDecoder"], ids: Sequence[Tensor]) -> None:
        super().__init__()
        self.parts = nn.ModuleList(decoders)
        self.decoders, self.ids = list(decoders), list(ids)  # the same ones, by their own type
        # how many tensors of the state are each decoder's: of rows, of images
        self.sizes: list[tuple[int, int]] = []
        if any(one[: len(SPECIAL)].tolist() != list(range(len(SPECIAL))) for one in ids):
            raise BadSetting("The special tokens must have the same ids in all vocabularies.")

    def begin(self, features: Tensor) -> tuple[Tensor, State]:
        """The first token: log-probabilities (N, V) as logits, and the state after the picture."""
        return self._together([decoder.begin(features) for decoder in self.decoders])

    def step(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        """tokens (M,) int64 -> log-probabilities (M, V) of the next ones."""
        predicted, row, image = [], 0, 0
        for decoder, ids, (rows, images) in zip(self.decoders, self.ids, self.sizes, strict=True):
            own = State(state.rows[row : row + rows], state.images[image : image + images])
            predicted.append(decoder.step(ids[tokens], own))
            row, image = row + rows, image + images
        return self._together(predicted)

    def _together(self, predicted: Sequence[tuple[Tensor, State]]) -> tuple[Tensor, State]:
        """The logarithm of the mean probability, and the states in one."""
        self.sizes = [(len(state.rows), len(state.images)) for _, state in predicted]
        each = [
            torch.log_softmax(logits.float(), -1)[:, ids]
            for (logits, _), ids in zip(predicted, self.ids, strict=True)
        ]
        rows = tuple(tensor for _, state in predicted for tensor in state.rows)
        images = tuple(tensor for _, state in predicted for tensor in state.images)
        return torch.stack(each).logsumexp(0), State(rows, images)
