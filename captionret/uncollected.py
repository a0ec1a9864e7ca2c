"""Work that makes millions of small objects and no cycle: without the garbage collector, which would look
through all of them again and again."""

import contextlib
import gc
from collections.abc import Iterator


@contextlib.contextmanager
def uncollected() -> Iterator[None]:
    """Nothing is collected meanwhile; what is no longer referred to is freed all the same.

    @uncollected()
    def read_a_million_rows(): ...
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
