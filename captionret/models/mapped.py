"""The arrays of a safetensors file, mapped: only what is computed with is read from the disk. No torch.

weights = mapped_arrays(Path("model.safetensors"))
"""

import json
import mmap
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import BadCheckpoint

_TYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I8": "i1", "U8": "u1"}
_TYPES["BOOL"] = "?"
_LENGTH = 8  # bytes that say how long the header is


def mapped_arrays(file: Path) -> dict[str, NDArray[np.generic]]:
    """Each array of a file by its name, read-only.

    errors: BadCheckpoint for what is no such file, or is cut short
    """
    try:
        with open(file, "rb") as opened:
            content = mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ)
        begin = _LENGTH + int.from_bytes(content[:_LENGTH], "little")
        header = json.loads(content[_LENGTH:begin])
        return {name: _array(content, begin, facts) for name, facts in header.items() if name[:2] != "__"}
    except (OSError, ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        raise BadCheckpoint(f"{file} cannot be read ({error}). Install it again.") from None


def _array(content: mmap.mmap, begin: int, facts: dict[str, list[int]]) -> NDArray[np.generic]:
    first, last = facts["data_offsets"]
    kind = np.dtype(_TYPES[str(facts["dtype"])])
    if (last - first) % kind.itemsize:
        raise ValueError("an array ends in the middle of a number")
    values: NDArray[np.generic] = np.frombuffer(content, kind, (last - first) // kind.itemsize, begin + first)
    return values.reshape(facts["shape"])
