"""Where a network computes."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

from ..errors import BadSetting

Found = TypeVar("Found")


def choose_device(name: str = "auto") -> torch.device:
    """ "auto": the GPU where there is one. BadSetting for a device that this machine doesn't have, or that
    doesn't compute."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.empty(0, device=name).device
        if device.type == "meta":  # computes nothing: every answer would be empty
            raise RuntimeError("it holds no numbers")
        return device
    except (RuntimeError, AssertionError) as error:
        raise BadSetting(
            f"The device {name!r} cannot be used here ({str(error).splitlines()[0]}). Choose auto or cpu."
        ) from None


def placed(tensor: torch.Tensor, device: torch.device | None) -> torch.Tensor:
    """A tensor on a device, None: where it is; to a GPU through pinned memory, which nothing waits for."""
    if device is None or device.type != "cuda":
        return tensor if device is None else tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)


def in_threads(work: Callable[[slice], Found], pieces: Sequence[slice], device: torch.device) -> list[Found]:
    """What `work` makes of each piece. On a processor each thread has a piece of its own: PyTorch's threads
    would wait for each other after every operation."""
    threads = min(torch.get_num_threads(), len(pieces)) if device.type == "cpu" else 1
    if threads < 2:
        return [work(piece) for piece in pieces]
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with ThreadPoolExecutor(threads, thread_name_prefix="pieces") as pool:
            return list(pool.map(torch.inference_mode()(work), pieces))
    finally:
        torch.set_num_threads(before)
