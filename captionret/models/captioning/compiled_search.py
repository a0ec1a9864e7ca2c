"""Beam search over the Transformer decoder in a compiled kernel: the captions of beam_search.py, faster.

search = CompiledSearch.of(decoder)
beams = search(features, beam=5, max_words=20) if search else None

Its products are of whole numbers of 16 bits, the numbers of a row and the weights of a column each with a
scale of their own: a caption's log-probability differs from PyTorch's float32 in the third digit behind the
point. It is another caption where two are as probable as each other but for that;
benchmarks/beam_speed.py counts how often.
"""

from collections.abc import Sequence
from typing import Protocol, TypeAlias, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from ...compiled import compiled
from ...text import END_ID
from .beam_search import Beams, Rules, ordered
from .transformer import TransformerDecoder

# As in _decoder.c
_HEAD = 64
_CELLS = 256
_LAYERS = 12
_BEAM = 32
_WORDS = 64
_LARGEST = 8191
_DEPTH = 256

Packed: TypeAlias = tuple[tuple[int, int], ...]
Part: TypeAlias = NDArray[np.float32] | NDArray[np.int16]


class Kernel(Protocol):
    """What _decoder.c gives."""

    def search(
        self,
        parts: Sequence[Part],
        sizes: tuple[int, ...],
        features: NDArray[np.float32],
        settings: tuple[int, int, int, float],
        bad_endings: NDArray[np.bool_] | None,
        bits: int,
        tokens: NDArray[np.int64],
        scores: NDArray[np.float32],
        logprob: NDArray[np.float32],
        ended: NDArray[np.bool_],
    ) -> None:
        """Find the captions of N pictures; the last four arrays take them."""

    def bits(self) -> int:
        """Of the registers that it uses here: 512, 256, or 0 where it does not run."""


KERNEL = cast("Kernel | None", compiled("_decoder", 1, __package__))
BITS = KERNEL.bits() if KERNEL else 0
"""Of the registers that the kernel uses here: 512, 256, or 0 where it does not run."""


class CompiledSearch:
    """A Transformer decoder's weights as the kernel takes them.

    sizes: layers, width, cells, numbers of a cell, words, positions
    """

    def __init__(self, parts: Sequence[Part], sizes: tuple[int, int, int, int, int, int]) -> None:
        self.parts, self.sizes = parts, sizes

    @classmethod
    def of(cls, decoder: object) -> "CompiledSearch | None":
        """That of a decoder; None where the kernel does not run here, or not over such a decoder."""
        if not BITS or not isinstance(decoder, TransformerDecoder) or decoder.positions.device.type != "cpu":
            return None
        cells, width = decoder.cell_positions.shape
        depth = decoder.project.in_features
        layers = decoder.layers
        fits = width == _HEAD * layers[0].heads and depth % 32 == 0 and cells <= _CELLS
        if not fits or len(layers) > _LAYERS:
            return None
        if not all(value.isfinite().all() for value in decoder.state_dict().values()):
            return None
        with torch.no_grad():
            sizes = (len(layers), width, cells, depth, decoder.embed.num_embeddings, len(decoder.positions))
            return cls(_parts(decoder), sizes)

    def fits(self, beam: int, max_words: int) -> bool:
        """Whether it searches so."""
        return beam <= _BEAM and max_words <= _WORDS

    def __call__(
        self,
        features: Tensor,
        *,
        beam: int,
        max_words: int,
        length_penalty: float = 0.0,
        predict_bos: bool = False,
        rules: Rules | None = None,
    ) -> Beams:
        """See beam_search. features: (N, cells, D) float32"""
        assert KERNEL is not None
        beam = min(beam, self.sizes[4])
        shape = (len(features), beam)
        tokens = np.full((*shape, max_words), END_ID, np.int64)
        scores, logprob = (np.full(shape, -np.inf, np.float32) for _ in range(2))
        ended = np.zeros(shape, bool)
        KERNEL.search(
            self.parts,
            self.sizes,
            features.float().contiguous().numpy(),
            (beam, max_words, int(predict_bos and max_words > 1), length_penalty),
            None if rules is None else rules.bad_endings.numpy(),
            BITS,
            tokens,
            scores,
            logprob,
            ended,
        )
        return ordered(Beams(*map(torch.from_numpy, (tokens, scores, logprob, ended))))


def state_of(decoder: nn.Module) -> Packed:
    """Which weights a decoder has: other ones after every step of a training."""
    return tuple(
        (weight.data_ptr(), 0 if weight.is_inference() else weight._version)
        for weight in decoder.state_dict(keep_vars=True).values()
    )


def packed(weight: Tensor, bias: Tensor | None = None) -> list[Part]:
    """A matrix (out, in) as panels of P columns of whole numbers, (out / P, in / 2, P, 2); what one of them
    is worth in each column; and the bias. Columns are filled up to a multiple of 64.

    Weights are as fine as the sum of so many products, as whole numbers of 32 bits, allows.
    """
    out, depth = weight.shape
    weight = functional.pad(weight.float(), (0, 0, 0, -out % 64))
    sums = functional.pad(weight.abs(), (0, -depth % _DEPTH)).unflatten(1, (-1, _DEPTH)).sum(2).amax(1)
    most = (2**31 - 1) / _LARGEST - _DEPTH  # rounding adds half to each
    worth = torch.maximum(sums / most, weight.abs().amax(1) / (2**15 - 1)).clamp(min=1e-30)
    whole = (weight / worth.unsqueeze(1)).round().to(torch.int16)
    columns = 64 if BITS == 512 else 16
    panels = whole.unflatten(0, (-1, columns)).unflatten(2, (-1, 2)).transpose(1, 2).contiguous()
    start = torch.zeros(out) if bias is None else bias.float()
    return [panels.numpy(), worth.numpy(), functional.pad(start, (0, -out % 64), value=-torch.inf).numpy()]


def _parts(decoder: TransformerDecoder) -> list[Part]:
    """In the order in which _decoder.c reads them."""
    width = decoder.cell_positions.shape[1]
    parts = [
        *_norm(decoder.norm_features),
        *_linear(decoder.project),
        _flat(decoder.cell_positions),
        _flat(decoder.widen(decoder.embed.weight) * width**0.5 * 0.1),
        _flat(decoder.positions),
    ]
    for block in decoder.layers:
        for norm in (block.norm_self, block.norm_cross, block.norm_feed, block.norm_memory):
            parts += _norm(norm)
        first, last = block.feed[0], block.feed[3]
        assert isinstance(first, nn.Linear) and isinstance(last, nn.Linear)
        parts += _linear(block.self_in, width) + _linear(block.self_out)
        parts += _linear(block.query, width) + _linear(block.memory) + _linear(block.cross_out)
        parts += _linear(first) + _linear(last)
    output = decoder.output
    by_words = (decoder.embed.weight, decoder.bias) if output is None else (output.weight, output.bias)
    return [*parts, *_norm(decoder.norm), *packed(*by_words)]


def _linear(linear: nn.Linear, queries: int = 0) -> list[Part]:
    """A layer, of which so many columns, the first, are queries: they are divided by the root of their length
    here."""
    scale = torch.ones(linear.out_features)
    scale[:queries] = _HEAD**-0.5
    return packed(linear.weight * scale.unsqueeze(1), linear.bias * scale)


def _norm(norm: nn.LayerNorm) -> list[Part]:
    return [_flat(norm.weight), _flat(norm.bias)]


def _flat(tensor: Tensor) -> NDArray[np.float32]:
    return np.ascontiguousarray(tensor.detach().float().cpu().numpy())
