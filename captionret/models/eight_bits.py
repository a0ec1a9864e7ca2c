"""Matrices in eight bits: each row as whole numbers from -127 to 127, and the number by which they are
multiplied. A matrix of a row for each word takes half the room of float16, and ranks stay as they were."""

from collections.abc import Mapping

import torch
from torch import Tensor

from .stored import SCALES


def packed(tensors: Mapping[str, Tensor], rows: int) -> dict[str, Tensor]:
    """Those of the tensors that are matrices of so many rows, in eight bits."""
    found = {}
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and tensor.ndim == 2 and len(tensor) == rows:
            values = tensor.detach().to("cpu", torch.float32)
            scales = (values.abs().amax(1) / 127).clamp(min=1e-12)
            found[name], found[name + SCALES] = torch.round(values / scales[:, None]).to(torch.int8), scales
    return found


def unpacked(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The same tensors as float32 (counters as they are). errors: KeyError for a matrix without its scales"""
    found = {}
    for name, tensor in tensors.items():
        if tensor.dtype is torch.int8:
            found[name] = tensor.float() * tensors[name + SCALES][:, None]
        elif not name.endswith(SCALES):
            found[name] = tensor.float() if tensor.is_floating_point() else tensor
    return found
