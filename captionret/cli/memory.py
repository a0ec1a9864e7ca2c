"""How the process asks the system for memory."""

import ctypes
import sys

# Of glibc's mallopt: blocks of this size and above are the system's again once they are free, and
# threads share some arenas. Left to itself, glibc keeps a fifth of the peak of captioning.
_MMAP_THRESHOLD, _BYTES = -3, 1 << 20
_ARENA_MAX, _ARENAS = -8, 2


def give_back_large_blocks() -> None:
    """Let large arrays be the system's again once they are free. Where the C library is not glibc, nothing
    changes."""
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, _BYTES)
        mallopt(_ARENA_MAX, _ARENAS)
