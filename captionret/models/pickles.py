"""Pickled files of others, of which nothing is run: a pickle can name any function, and have it called.

value = SafeReader(path, file, {("collections", "OrderedDict"): lambda: OrderedDict}, "features").load()
"""

import pickle
import struct
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

from ..errors import BadCheckpoint

# What reading a damaged one raises
MALFORMED = (
    pickle.UnpicklingError,
    EOFError,
    AttributeError,
    LookupError,
    ValueError,
    TypeError,
    OverflowError,
    MemoryError,
    RecursionError,
    AssertionError,
    RuntimeError,
    struct.error,
)


# The Unpickler written in Python: the one written in C can be made to take gigabytes by a file of a few
# bytes.
class SafeReader(pickle._Unpickler):
    """Makes what is known, and refuses all else before anything of it is run.

    known:   by module and name what makes the thing that stands for it; it is made anew for each file, which
             could alter what lasts
    content: what such files hold, in the plural, for the message
    """

    def __init__(
        self,
        path: Path | str,
        file: IO[bytes],
        known: Mapping[tuple[str, str], Callable[[], Any]],
        content: str,
        encoding: str = "latin1",
    ) -> None:
        super().__init__(file, encoding=encoding)  # latin1, as Python 2's arrays need it
        self._path, self._known, self._content = path, known, content

    def find_class(self, module: str, name: str) -> Any:
        """What a name of the file stands for. errors: BadCheckpoint"""
        made = self._known.get((module.replace("numpy.core", "numpy._core"), name))
        if made is None:
            raise BadCheckpoint(
                f"{self._path} asks for {module}.{name}, which no {self._content} need and which could run "
                "code. It is refused, and nothing of it was run. Take the file from a source you trust."
            )
        return made()
