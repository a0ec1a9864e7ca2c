"""Ways of doing the same thing, each in a process of its own, where they take turns.

    with Apart(make, "int8") as way:  # `make` runs there, and gives the way
        cost = way(paths)

Then the memory of one is not that of all, and no engine's threads stand in another's way. A script that uses
this works only below `if __name__ == "__main__"`.
"""

import contextlib
import multiprocessing
import re
import resource
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Generic, TypeVar, cast

Found = TypeVar("Found")
_ways: list[Callable[..., object]] = []  # of this process: one


@dataclass(frozen=True, slots=True)
class Cost(Generic[Found]):
    """What one turn took, and what came of it.

    seconds: by the clock; worked: of the processor; memory: MB, the peak of the process so far
    """

    found: Found
    seconds: float
    worked: float
    memory: float


class Apart(Generic[Found]):
    """One way, made in a process of its own, which waits between its turns.

    make, arguments: what gives the way; both are pickled
    """

    def __init__(self, make: Callable[..., Callable[..., Found]], *arguments: object) -> None:
        self._pool = ProcessPoolExecutor(
            1, multiprocessing.get_context("spawn"), initializer=_make, initargs=(make, arguments)
        )

    def __call__(self, *given: object) -> Cost[Found]:
        """One turn, measured there."""
        return cast(Cost[Found], self._pool.submit(_turn, given).result())

    def __enter__(self) -> "Apart[Found]":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown()


def peak() -> float:
    """The most memory that this process has held so far, in MB."""
    with contextlib.suppress(OSError):  # Linux, where the other figure begins with that of the parent
        found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
        if found:
            return int(found.group(1)) * 1024 / 1e6
    each = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * each / 1e6


def _make(make: Callable[..., Callable[..., object]], arguments: tuple[object, ...]) -> None:
    _ways.append(make(*arguments))


def _turn(given: tuple[object, ...]) -> Cost[object]:
    clock, worked = time.perf_counter(), time.process_time()
    found = _ways[0](*given)
    return Cost(found, time.perf_counter() - clock, time.process_time() - worked, peak())
