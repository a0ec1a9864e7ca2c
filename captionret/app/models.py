"""Libraries that find their own models: importing this module lets `Library.update()` and
`Library.predict_words()` load them by themselves."""

from typing import TYPE_CHECKING

from ..decoding import Decoding
from ..library import Library, MadeBy
from ..library.surroundings import SURROUNDINGS
from .named import captioner_of, predictor_of
from .rerankers import with_reranker

if TYPE_CHECKING:  # it imports torch
    from ..models.captioning.captioner import Captioner

__all__ = ["Library", "load_captioner"]


def load_captioner(made_by: MadeBy | None, decoding: Decoding, device: str = "auto") -> "Captioner":
    """The captioner that captioned a library, ready for a way of decoding; None: the shipped one.

    errors: as captioner_of and with_reranker
    """
    return with_reranker(captioner_of(made_by, device), decoding)


SURROUNDINGS.load_captioner = load_captioner
SURROUNDINGS.load_predictor = predictor_of
