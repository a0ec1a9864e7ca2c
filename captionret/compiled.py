"""The package's compiled kernels, where they were built of the source that is here."""

import logging
from importlib import import_module
from types import ModuleType


def compiled(name: str, revision: int, package: str | None) -> ModuleType | None:
    """A kernel of one of its packages; None where there was no compiler, or it was compiled of another
    source, as after an update of an editable installation: the same is done without it then, slower.

    revision: REVISION in the C source, which whoever changes a signature raises, there and here
    """
    try:
        kernel = import_module(f".{name}", package)
    except ImportError:
        return None
    if getattr(kernel, "REVISION", None) == revision:
        return kernel
    logging.getLogger(__name__).warning(
        "%s was compiled for another version of captionret: what it does is done without it, slower. Install "
        "captionret again.",
        kernel.__file__,
    )
    return None
