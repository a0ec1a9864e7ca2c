"""A library made ready for a mode: what the mode compares is made or loaded before the first query."""

import logging
from collections.abc import Sequence

from ..errors import LibraryInUse
from ..retrieval import MODES, find_mode
from .models import Library
from .spaces import spaces_for

log = logging.getLogger(__name__)


def predict_words_first(library: Library, mode: str, device: str) -> None:
    """A mode that compares word probabilities needs some: those of the shipped lexical head take seconds and
    are kept. Where another process is making them, the mode answers by those that are there."""
    snapshot = library.snapshot()
    if "word_probabilities" not in find_mode(mode).required_parts(snapshot.gallery()) or not len(snapshot):
        return
    if "word_probabilities" in snapshot.parts and not snapshot.without_word_probabilities:
        return
    log.info(f"The words of the pictures of {library.path} are predicted, once.")
    try:
        library.predict_words(device=device)
    except LibraryInUse as error:
        if "word_probabilities" not in snapshot.parts:
            raise
        log.info(error.message)


def place_first(library: Library, mode: str, embedding: Sequence[str], device: str) -> None:
    """A mode that compares in an embedding space needs its checkpoint; embedding: see spaces_for."""
    lacking = [
        part
        for part in sorted(find_mode(mode).required_parts(library.gallery()))
        if part in MODES and MODES[part].in_space
    ]
    if not lacking and not embedding:
        return
    for name, model in spaces_for(lacking, embedding, device).items():
        library.use_space(name, model)
