"""Libraries that find their own models: importing this module lets `Library.update()` and
`Library.predict_words()` load them by themselves."""

from typing import TYPE_CHECKING

from ..decoding import BeamSearch, Decoding
from ..library import Library, MadeBy
from ..library.surroundings import SURROUNDINGS
from .named import calibration_of, captioner_of, precision_of, predictor_of
from .places import checkpoint_path
from .rerankers import with_reranker

if TYPE_CHECKING:  # it imports torch
    from ..models.captioning.captioner import Captioner

__all__ = ["Library", "captioner_for", "load_captioner"]


def load_captioner(made_by: MadeBy | None, decoding: Decoding, device: str = "auto") -> "Captioner":
    """The captioner that captioned a library, ready for a way of decoding; None: the shipped one.

    errors: as captioner_of and with_reranker
    """
    return with_reranker(captioner_of(made_by, device), decoding)


def captioner_for(
    library: Library,
    checkpoint: str | None,
    decoding: Decoding | None,
    device: str = "auto",
    *,
    engine: str = "auto",
    precision: str | None = None,
) -> "Captioner":
    """What shall caption a library, ready for a way of decoding.

    checkpoint: a name or a directory; None: the library's own captioner, or the shipped one
    decoding:   None: as before
    engine, precision: of its CNN, see Captioner.load; precision None: as before, else float32
    errors:     as load_captioner
    """
    made_by = library.made_by
    decoding = decoding or (made_by.decoding if made_by else BeamSearch())
    precision = precision or precision_of(made_by)
    if checkpoint is None and made_by is not None and precision == precision_of(made_by):
        return with_reranker(captioner_of(made_by, device, engine), decoding)
    if checkpoint is None and made_by is not None and made_by.checkpoint is not None:
        place = captioner_of(made_by, device, engine).path
    else:
        place = checkpoint_path(checkpoint)
    from ..models.captioning.captioner import Captioner

    assert place is not None
    return with_reranker(Captioner.load(place, device, engine=engine, precision=precision), decoding)


SURROUNDINGS.load_captioner = load_captioner
SURROUNDINGS.load_predictor = predictor_of
SURROUNDINGS.find_calibration = calibration_of
