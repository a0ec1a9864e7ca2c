"""Convolutions in whole numbers of a byte, without training for it: weights by the largest of each channel,
what goes in by ranges that were measured once.

The rounding is part of the network that is exported, as PyTorch's fake quantisation; an engine that knows it
computes in bytes.
"""

import copy
import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from importlib.resources import files
from typing import TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional

from .protocols import CannotRun, Source

RANGES = "int8_ranges.json"
"""By backbone: what it was measured of, and the ranges of those convolutions that may be rounded. Written by
benchmarks/int8_ranges.py."""

Range: TypeAlias = tuple[float, float]
"""The least and the largest number that goes into a convolution."""


def rounded(source: Source) -> Source:
    """The same network, with convolutions that compute in bytes.

    errors: CannotRun for a backbone, or for weights, that were not measured
    """
    measured = json.loads((files(__package__) / RANGES).read_text("utf-8")).get(source.name)
    if measured is None or measured["identity"] != source.frozen:
        raise CannotRun(f"{source.name} with these weights was not measured for int8.")
    facts = [source.identity, "int8", measured["ranges"]]
    identity = hashlib.sha256(json.dumps(facts).encode()).hexdigest()
    return replace(source, network=with_rounded(source.network, measured["ranges"]), identity=identity)


def with_rounded(network: nn.Module, ranges: Mapping[str, Range]) -> nn.Module:
    """A copy of a network in which the convolutions of these names are rounded."""
    network = copy.deepcopy(network)
    for name, (least, largest) in ranges.items():
        holder, _, own = name.rpartition(".")
        convolution = network.get_submodule(name)
        assert isinstance(convolution, nn.Conv2d)
        setattr(network.get_submodule(holder), own, RoundedConvolution(convolution, least, largest))
    return network.eval()


class RoundedConvolution(nn.Module):
    """A convolution whose weights are rounded to 255 steps a channel, and what goes in to 256.

    least, largest: of the numbers that go in; what is beyond is cut off. Zero is one of the steps, since
                    padding is made of it
    """

    def __init__(self, convolution: nn.Conv2d, least: float, largest: float) -> None:
        super().__init__()
        self.convolution = convolution
        # EfficientNet-Lite's convolutions bring theirs
        self.padding = getattr(convolution, "static_padding", nn.Identity())
        least, largest = min(least, 0.0), max(largest, 0.0)
        self.step = max(largest - least, 1e-9) / 255
        self.zero = round(-least / self.step)
        weight = convolution.weight.detach()
        self.register_buffer("steps", weight.abs().flatten(1).amax(1).clamp(min=1e-9) / 127)
        self.register_buffer("zeros", torch.zeros(len(weight), dtype=torch.int32))

    def forward(self, images: Tensor) -> Tensor:
        """See the class."""
        own = self.convolution
        near = self.padding(torch.fake_quantize_per_tensor_affine(images, self.step, self.zero, 0, 255))
        steps, zeros = self.get_buffer("steps"), self.get_buffer("zeros")
        weight = torch.fake_quantize_per_channel_affine(own.weight, steps, zeros, 0, -127, 127)
        return functional.conv2d(near, weight, own.bias, own.stride, own.padding, own.dilation, own.groups)
