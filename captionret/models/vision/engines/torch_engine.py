"""The CNN in PyTorch, on the device on which its weights are."""

import threading

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .protocols import Run, Source


def start(source: Source, precision: str) -> Run:
    """See protocols.Start. It runs everywhere; where a processor has no bfloat16 it is only slower."""
    network, lock = source.network, threading.Lock()

    @torch.inference_mode()
    def run(pixels: NDArray[np.uint8]) -> tuple[Tensor, Tensor]:
        with lock:  # a batch has all threads
            return forward(pixels)

    def forward(pixels: NDArray[np.uint8]) -> tuple[Tensor, Tensor]:
        device = next(network.parameters()).device
        images = torch.from_numpy(pixels)
        if device.type == "cuda":  # copied while the GPU still works on the batch before
            images = images.pin_memory()
        with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16"):
            pooled, grid = network(images.to(device, non_blocking=True))
        return pooled.float(), grid.float()

    return run
