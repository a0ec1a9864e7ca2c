"""Which of ImageNet's classes a text names, as an embedding space of sentences has it: "puppy" the dogs.

The classes' places in a space are kept in the user's data directory once they are known.
"""

import hashlib
import logging
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..files import publishing
from ..home import data_folder
from ..library import Space
from ..retrieval.classes import image_classes

SHARPNESS = 20.0  # of the softmax over cosines: chosen on Flickr8k val
LEAST = 1e-3  # classes that a text names less are left out
_PROBE = "a photograph"

_KNOWN: dict[str, NDArray[np.float32]] = {}  # by the probe's place in the space

log = logging.getLogger(__name__)


def named_classes(text: NDArray[np.float32], space: Space) -> dict[str, float]:
    """How much a text is about each class, by name: softmax of the cosines, both sides taken from the mean
    class.

    text: (D,) its place in the space
    """
    vectors = class_vectors(space)
    mean = vectors.mean(0)
    rows, own = _units(vectors - mean), _units((text - mean)[None])[0]
    odds = np.exp(SHARPNESS * (rows @ own))
    weights = odds / odds.sum()
    return {
        one.name: float(weight)
        for one, weight in zip(image_classes(), weights, strict=True)
        if weight >= LEAST
    }


def class_vectors(space: Space) -> NDArray[np.float32]:
    """(1000, D) the places of the classes' names in a space, unit rows."""
    probe = space.encode_texts([_PROBE])[0]
    key = hashlib.sha256(np.round(probe, 4).tobytes()).hexdigest()[:16]
    file = data_folder("classes") / f"{key}.npy"
    if key not in _KNOWN:
        known = _read(file, len(probe))
        _KNOWN[key] = _made(space, file) if known is None else known
    return _KNOWN[key]


def _read(file: Path, dim: int) -> NDArray[np.float32] | None:
    """What a file holds, None where it is not there or damaged: it is made again."""
    try:
        known: NDArray[np.float32] = np.load(file, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    whole = known.shape == (len(image_classes()), dim) and known.dtype == np.float32
    return known if whole and np.isfinite(known).all() else None


def _made(space: Space, file: Path) -> NDArray[np.float32]:
    log.info("The names of ImageNet's classes are read by the sentence encoder, once.")
    found = np.asarray(space.encode_texts([_described(number) for number in range(1000)]), np.float32)
    try:
        with publishing(file) as opened:
            np.save(opened, found)
    except OSError as error:
        log.info(f"They could not be kept in {file} ({error.strerror}).")
    return found


def _described(number: int) -> str:
    """A class in words: its name, three synonyms, and two kinds of thing it is."""
    one = image_classes()[number]
    others = [word for word in one.words if word != one.name]
    return ", ".join([one.name, *others[:3], *one.above[:2]])


def _units(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    found: NDArray[np.float32] = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
    return found
