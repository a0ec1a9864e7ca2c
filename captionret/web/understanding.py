"""What can be found out about one picture beside its words: where its captioner looked, whether it is a hub,
and which pictures are nearly the same."""

from collections.abc import Sequence
from operator import itemgetter

import numpy as np
from numpy.typing import NDArray

from ..app.curating.attention import picture_attention
from ..app.curating.hubs import MOST, occurrence_in_space
from ..app.curating.nearly_same import near_pairs
from ..errors import CaptionretError
from ..images.hashes import differing_bits
from ..library.vectors.looks import looks_of
from ..report.visible import visible
from .asking import Asking
from .pictures import found_pictures
from .searching import Searching
from .shelf import Shelved
from .understanding_records import Attention, NearCopy, Nearness

K = 10  # the length of a list of nearest pictures
_SPACES = ("embedding", "cnn")  # in which nearness is counted: the first that can be had
_NEAR = 24  # pictures that are looked at for copies, those that look most alike


def attention(shelved: Shelved, picture: str) -> Attention:
    """Where the picture's captioner looked for each word. errors: UnknownPicture, BadImage"""
    snapshot = shelved.snapshot()
    path = snapshot.gallery().paths[shelved.row(snapshot, picture)]
    found = picture_attention(shelved.searcher, picture, path)
    if found is None:
        return Attention(captioner="", words=[], rows=0, columns=0, weights=[])
    weights = found.looked.weights
    return Attention(
        captioner=visible(found.captioner),
        words=[visible(word) for word in found.looked.words],
        rows=weights.shape[1],
        columns=weights.shape[2],
        weights=[[round(float(one), 4) for one in word.ravel()] for word in weights],
    )


def nearness(searching: Searching, shelved: Shelved, picture: str) -> Nearness:
    """Among how many pictures' nearest it stands, and its near-duplicates. errors: UnknownPicture"""
    snapshot = shelved.snapshot()
    row = shelved.row(snapshot, picture)
    mode, counts = shelved.kept("hubs", lambda: _counts(shelved))
    counted = row < len(counts)
    return Nearness(
        mode=mode,
        k=K,
        pictures=len(counts),
        lists=round(float(counts[row]), 1) if counted else None,
        more=float((counts > counts[row]).mean()) if counted else None,
        copies=_copies(searching, shelved, picture),
    )


def _counts(shelved: Shelved) -> tuple[str, NDArray[np.float64]]:
    """The mode, and (N,) in how many lists each picture stands; none for a library that is too small, too
    large, or without vectors."""
    nothing = "", np.zeros(0)
    if not K < len(shelved.snapshot()) <= MOST:
        return nothing
    for mode in _SPACES:
        if mode not in shelved.modes:
            continue
        try:
            gallery = shelved.searcher.gallery(mode)
            vectors = gallery.features if mode == "cnn" else gallery.vectors(mode)
        except CaptionretError:
            continue  # its space cannot be loaded, or it has no features: the next one
        return mode, occurrence_in_space(_unit(vectors), K)
    return nothing


def _unit(vectors: NDArray[np.floating]) -> NDArray[np.float32]:
    rows = np.asarray(vectors, np.float32)
    units: NDArray[np.float32] = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
    return units


def _copies(searching: Searching, shelved: Shelved, picture: str) -> list[NearCopy]:
    """Of the pictures that look most alike those that are nearly the same (see app.nearly_same), those first
    whose hashes differ least."""
    try:
        near = searching.answer(shelved, Asking(image=picture, mode="cnn"), 0, _NEAR).hits
        contents = [picture, *(one.id for one in near)]
        looks = looks_of(shelved.snapshot(), contents, progress=False)
    except CaptionretError:
        return []  # the library holds no features, or the files are gone
    own = int(looks.hashes[0])
    same = [row for first, row in near_pairs(looks).tolist() if first == 0]
    alike = [(differing_bits(own, int(looks.hashes[row])), contents[row]) for row in same]
    return _found(shelved, sorted(alike, key=itemgetter(0)))  # keeps their order where equal


def _found(shelved: Shelved, copies: Sequence[tuple[int, str]]) -> list[NearCopy]:
    snapshot = shelved.snapshot()
    found = found_pictures(snapshot, [shelved.row(snapshot, name) for _, name in copies])
    return [NearCopy(picture=picture, bits=bits) for picture, (bits, _) in zip(found, copies, strict=True)]
