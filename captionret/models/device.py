"""Where a network computes."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from threading import Barrier, Lock
from typing import TypeVar

import torch

from ..errors import BadSetting

Found = TypeVar("Found")
_MAKING = Lock()


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
    return list(
        _single_threads(torch.get_num_threads(), os.getpid()).map(torch.inference_mode()(work), pieces)
    )


def in_one_thread(work: Callable[[], Found]) -> Found:
    """What `work` makes, in a thread in which PyTorch computes alone, while others compute beside it."""
    if torch.get_num_threads() == 1:
        return work()
    return _single_threads(torch.get_num_threads(), os.getpid()).submit(torch.inference_mode()(work)).result()


@lru_cache(maxsize=1)
def _single_threads(count: int, process: int) -> ThreadPoolExecutor:
    """Threads in each of which PyTorch computes alone; made once, since that is set through a number that all
    threads begin with: it is set back at once, and no thread of anybody's is changed by it.

    process: its number, since threads do not live on in a fork
    """
    with _MAKING:
        begun = Barrier(count + 1)
        pool = ThreadPoolExecutor(count, thread_name_prefix="pieces", initializer=_alone)
        for _ in range(count):
            pool.submit(begun.wait)
        begun.wait()
        torch.set_num_threads(count)
        return pool


def _alone() -> None:
    torch.get_num_threads()  # a thread takes over what is set elsewhere when it first asks, and not again
    torch.set_num_threads(1)
