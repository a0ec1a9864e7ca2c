"""The vectors of many texts, kept once they are made: a sentence encoder takes seconds for the words of a
space, minutes for the captions of a collection.

vectors = kept_vectors(Path("data/indexes/words-0123.vectors"), lambda: space.encode_words(words))
"""

import hashlib
import json
import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import NoSpace
from ..files import publishing

log = logging.getLogger(__name__)

_LINE = 1000  # bytes that the first line of a file may have


def kept_vectors(file: Path, make: Callable[[], NDArray[np.float32]]) -> NDArray[np.float32]:
    """(M, D) float32: what the file holds, where it is whole; else what `make` gives, which is kept there
    where that is possible. The name of the file has to say of what they are."""
    known = _read(file)
    if known is not None:
        return known
    made = np.ascontiguousarray(make(), "<f4")
    head = {"shape": made.shape, "sha256": hashlib.sha256(made.data).hexdigest()}
    try:
        with publishing(file) as target:
            target.write(json.dumps(head).encode() + b"\n")
            target.write(made.data)
    except (OSError, NoSpace) as error:  # they are used all the same
        log.info(f"The vectors could not be kept ({error}). They will be made again the next time.")
    return made


def _read(file: Path) -> NDArray[np.float32] | None:
    """None where there are none, or the file is damaged or cannot be read."""
    try:
        with open(file, "rb") as source:
            line, content = source.readline(_LINE), source.read()
        head = json.loads(line)
        if hashlib.sha256(content).hexdigest() != head["sha256"]:
            raise ValueError("its content is not what was written")
        return np.frombuffer(content, "<f4").reshape(head["shape"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, LookupError, TypeError) as error:
        log.info(f"{file} cannot be used ({error}): its vectors are made again.")
        return None
