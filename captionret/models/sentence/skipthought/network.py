"""The network of a skip-thought encoder (Kiros et al. 2015): word vectors in, a sentence's code out."""

import torch
from torch import Tensor, nn

from ....text import PAD_ID
from .config import SkipThoughtConfig


class SkipThoughtEncoder(nn.Module):
    """word vectors (B, T, W) and lengths (B,) -> codes (B, H): the state after the last word, and for "bi"
    that of a second GRU, which read the sentence backwards, beside it."""

    def __init__(self, config: SkipThoughtConfig, direction: str, vocabulary_size: int) -> None:
        super().__init__()
        self.embed = nn.Embedding(vocabulary_size, config.word_dim, padding_idx=PAD_ID)
        nn.init.uniform_(self.embed.weight, -0.1, 0.1)
        nn.init.zeros_(self.embed.weight[PAD_ID])
        sizes = (config.hidden_dim,) if direction == "uni" else (config.hidden_dim // 2,) * 2
        self.cells = nn.ModuleList(nn.GRU(config.word_dim, size, batch_first=True) for size in sizes)
        for name, parameter in self.cells.named_parameters():
            if name.endswith("weight_hh_l0"):
                for block in parameter.data.chunk(3):
                    nn.init.orthogonal_(block)

    def begin_with(self, vectors: Tensor) -> None:
        """Take (V, W) pretrained word vectors over, to learn on from them."""
        self.embed.weight.data.copy_(vectors)
        nn.init.zeros_(self.embed.weight[PAD_ID])

    def forward(self, vectors: Tensor, lengths: Tensor) -> Tensor:
        """See the class. Padding changes nothing: a state never depends on what follows it."""
        last = lengths - 1
        readings = [vectors]
        if len(self.cells) > 1:
            # (B, T)
            order = (last[:, None] - torch.arange(vectors.shape[1], device=vectors.device)).clamp(min=0)
            readings.append(vectors.gather(1, order[:, :, None].expand_as(vectors)))
        rows = torch.arange(len(vectors), device=vectors.device)
        return torch.cat(
            [cells(reading)[0][rows, last] for cells, reading in zip(self.cells, readings, strict=True)], 1
        )


def make_encoders(config: SkipThoughtConfig, vocabulary_size: int) -> nn.ModuleDict:
    """The encoders of a configuration by their directions, with their initial weights."""
    return nn.ModuleDict(
        {direction: SkipThoughtEncoder(config, direction, vocabulary_size) for direction in config.parts}
    )
