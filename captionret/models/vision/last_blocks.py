"""The last blocks of a CNN as a network of their own, which somebody else's network begins with: they are
trained with it, and read what the frozen CNN's earlier blocks give.

    own = LastBlocks("efficientnet_lite2", 1)
    own.load_pretrained()             # as ImageNet left them
    own(before(backbone, 1).read(pixels)[1])  # (N, dim) pooled

While pictures are captioned the earlier blocks need not run twice: see with_own_blocks.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from ...errors import BadSetting
from .backbones import Backbone, build_network, find_weights
from .halves import blocks_before, fold_batch_norms
from .rows import BACKBONES, BackboneConfig


class LastBlocks(nn.Module):
    """The last `count` blocks of a network, the convolution behind them, and the mean over cells.

    Batch norms keep their statistics, in training, too.
    cells:   (N, side * side, depth) float32, or a part of the cells as an image: (N, depth, height, width)
    returns: (N, dim) float32
    """

    def __init__(self, name: str, count: int, stride: int = 1) -> None:
        """stride: of the last block, which goes on with every cell, or with every second of each row and
        column: so the network takes a quarter less time

        errors: BadSetting for a network whose last blocks cannot be had, or not so many of them
        """
        super().__init__()
        _check_name(name)
        network: Any = build_network(name)
        self.cells = cells_before(name, network, count)
        blocks: list[Any] = list(network._blocks)[-count:]
        blocks[-1]._depthwise_conv.stride = (stride, stride)
        self.blocks = nn.ModuleList(blocks)
        self.conv, self.norm, self.activation = network._conv_head, network._bn1, network._swish
        self._name, self._count, self.stride = name, count, stride
        self.eval()

    def train(self, mode: bool = True) -> "LastBlocks":
        """Nothing changes: see the class."""
        return super().train(False)

    def forward(self, cells: Tensor) -> Tensor:
        """See the class."""
        side, depth = self.cells
        image = cells if cells.ndim == 4 else cells.transpose(1, 2).reshape(-1, depth, side, side)
        for block in self.blocks:
            image = block(image)
        pooled: Tensor = self.activation(self.norm(self.conv(image))).mean((2, 3))
        return pooled

    def load_pretrained(self) -> None:
        """Take over ImageNet's weights. errors: MissingWeights"""
        weights = torch.load(find_weights(BACKBONES[self._name]), map_location="cpu", weights_only=True)
        first = 1 + max(int(name.split(".")[1]) for name in weights if name.startswith("_blocks."))
        first -= self._count
        self.load_state_dict(dict(_renamed(weights, first)))


def _renamed(weights: dict[str, Tensor], first: int) -> Iterator[tuple[str, Tensor]]:
    """The network's tensors by the names that they have here."""
    for name, tensor in weights.items():
        part, _, rest = name.partition(".")
        if part == "_blocks":
            number, _, rest = rest.partition(".")
            if int(number) >= first:
                yield f"blocks.{int(number) - first}.{rest}", tensor
        elif part in ("_conv_head", "_bn1"):
            yield f"{'conv' if part == '_conv_head' else 'norm'}.{rest}", tensor


def _check_name(name: str) -> None:
    if not name.startswith("efficientnet_lite"):
        raise BadSetting(f"{name} has no blocks that could be had alone. Take an EfficientNet-Lite.")


def cells_before(name: str, network: Any, count: int) -> tuple[int, int]:
    """Side and depth of the grid that the last `count` blocks of a network read.

    errors: BadSetting where they cannot be had, or change the grid's side
    """
    _check_name(name)
    last = list(network._blocks)[-count:]
    whole = [block for block in last if block._depthwise_conv.stride in (1, (1, 1), [1, 1])]
    if len(whole) < count:
        raise BadSetting(f"Of {name} fewer than the last {count} blocks can be had alone. Take fewer.")
    return BACKBONES[name].grid[0], last[0]._block_args.input_filters


class _Before(Backbone):
    """A backbone without its last blocks: its grid is what these read, its pooled feature the mean of it."""

    def __init__(self, backbone: Backbone, count: int) -> None:
        super().__init__(backbone.config, backbone.network, backbone.weights_sha256, backbone.compute)
        side, depth = cells_before(backbone.config.name, backbone.network, count)
        self.config: BackboneConfig = replace(backbone.config, dim=depth, grid=(side, depth))
        self.part = f"-before{count}"
        first, _ = blocks_before(backbone.network, count)
        self._grid_of, self._pooled_of = first, lambda grid: grid.mean((2, 3))


class _WithOwnBlocks(Backbone):
    """A backbone that gives beside its own pooled feature, and behind it, that of other last blocks."""

    def __init__(self, backbone: Backbone, own: LastBlocks, count: int) -> None:
        super().__init__(backbone.config, backbone.network, backbone.weights_sha256, backbone.compute)
        self.part = f"-with-{_hash_of(own)}{'' if own.stride == 1 else f'-{own.stride}'}"
        self.own = own
        self._first, self._rest = blocks_before(backbone.network, count)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """(N, 2 * dim), and the grid as the backbone gives it."""
        cells = self._first(images)
        grid = self._rest(cells)
        pooled = torch.cat([self._pooled_of(grid), self.own(cells)], 1)
        return pooled, grid.flatten(2).transpose(1, 2)


def before(backbone: Backbone, count: int) -> Backbone:
    """The backbone without its last `count` blocks, to be read as any other; it shares the weights."""
    return _Before(backbone, count).eval()


def with_own_blocks(backbone: Backbone, own: LastBlocks, count: int) -> Backbone:
    """The backbone with other last blocks beside its own: `read_all` gives what both see, in one pass.

    own: on the device of the backbone; its batch norms are folded here
    """
    fold_batch_norms(own)
    return _WithOwnBlocks(backbone, own.requires_grad_(False), count).eval()


def _hash_of(module: nn.Module) -> str:
    digest = hashlib.sha256()
    for name, tensor in module.state_dict().items():
        digest.update(name.encode())
        digest.update(tensor.cpu().numpy().tobytes())
    return digest.hexdigest()[:16]
