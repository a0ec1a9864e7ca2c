"""Which of ImageNet's classes a text names, as an embedding space of sentences has it: "puppy" the dogs.

The classes' places in the shipped space come with the package; those in another space are kept in the user's
data directory once they are known. To make the shipped file again, delete it, search in mode `auto`, and move
the file from the folder `classes` of that directory.
"""

import hashlib
import logging
from pathlib import Path
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from ...files import publishing
from ...home import data_folder
from ...image_classes import image_classes
from ...library import Space

SHARPNESS = 20.0  # of the softmax over cosines: Flickr8k val hardly tells values apart
LEAST = 1e-3  # classes that a text names less are left out
_PROBE = "a photograph"
SHIPPED = Path(__file__).with_name("class_vectors.npy")  # of the shipped space

_KNOWN: dict[str, NDArray[np.float32]] = {}  # by the probe's place in the space
_PROBES: WeakKeyDictionary[Space, NDArray[np.float32]] = WeakKeyDictionary()

log = logging.getLogger(__name__)


def named_classes(texts: NDArray[np.float32], space: Space) -> list[dict[str, float]]:
    """For each text how much it is about each class, by name: softmax of the cosines, both sides taken from
    the mean class. A text of which the space can read nothing names none.

    texts: (Q, D) their places in the space, rows of 0 for those that it cannot read
    """
    vectors = class_vectors(space)
    mean = vectors.mean(0)
    odds = np.exp(SHARPNESS * (_units(texts - mean) @ _units(vectors - mean).T))  # (Q, 1000)
    weights = odds / odds.sum(1, keepdims=True)
    names = [one.name for one in image_classes()]
    return [
        {names[place]: float(row[place]) for place in np.flatnonzero(row >= LEAST)} if text.any() else {}
        for text, row in zip(texts, weights, strict=True)
    ]


def class_vectors(space: Space) -> NDArray[np.float32]:
    """(1000, D) the places of the classes' names in a space, unit rows."""
    probe = probe_of(space)
    key = hashlib.sha256(np.round(probe, 4).tobytes()).hexdigest()[:16]
    file = data_folder("classes") / f"{key}.npy"
    if key not in _KNOWN:
        known = read_vectors(SHIPPED, probe, len(image_classes()))
        known = read_vectors(file, probe, len(image_classes())) if known is None else known
        _KNOWN[key] = _made(space, file, probe) if known is None else known
    return _KNOWN[key]


def probe_of(space: Space) -> NDArray[np.float32]:
    """(D,) the place of a certain text, by which a space is known; it is read once of each."""
    if space not in _PROBES:
        _PROBES[space] = space.encode_texts([_PROBE])[0]
    return _PROBES[space]


def read_vectors(file: Path, probe: NDArray[np.float32], count: int) -> NDArray[np.float32] | None:
    """(count, D) float32, what a file holds; None where it is of another space, not there or damaged.

    Its last row is the probe's.
    """
    try:
        known = np.load(file, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    if known.shape != (count + 1, len(probe)) or known.dtype != np.float16:
        return None
    rows: NDArray[np.float32] = known.astype(np.float32)
    return rows[:-1] if np.allclose(rows[-1], probe, atol=2e-3) and np.isfinite(rows).all() else None


def _made(space: Space, file: Path, probe: NDArray[np.float32]) -> NDArray[np.float32]:
    """The names encoded, and kept in a file where that can be written."""
    log.info("The names of ImageNet's classes are read by the sentence encoder, once.")
    names = [_described(number) for number in range(len(image_classes()))]
    rows = np.vstack([space.encode_texts(names), probe]).astype(np.float16)
    try:
        with publishing(file) as opened:
            np.save(opened, rows)
    except OSError as error:
        log.info(f"They could not be kept in {file} ({error.strerror}).")
    return rows[:-1].astype(np.float32)


def _described(number: int) -> str:
    """A class in words: its name, three synonyms, and two kinds of thing it is."""
    one = image_classes()[number]
    others = [word for word in one.words if word != one.name]
    return ", ".join([one.name, *others[:3], *one.above[:2]])


def _units(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    found: NDArray[np.float32] = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
    return found
