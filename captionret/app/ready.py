"""A library made ready for a mode: what the mode compares is made or loaded before the first query."""

import logging
from collections.abc import Sequence

from ..library import Library
from ..retrieval import MODES, find_mode
from .named import predictor_of
from .spaces import spaces_for

log = logging.getLogger(__name__)


def predict_words_first(library: Library, mode: str, device: str) -> None:
    """A mode that compares word probabilities needs some: those of the shipped lexical head take seconds and
    are kept."""
    if "word_probabilities" not in find_mode(mode).required_parts(library.gallery()) or not len(library):
        return
    known = library.predicted_by
    if known is not None and not library.without_word_probabilities():
        return
    predictor = predictor_of(known, device)
    log.info(f"Word probabilities of the pictures of {library.path}, once: {predictor.name}.")
    library.predict_words(predictor)


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
