"""Libraries that find their own models: importing this module lets `Library.update()` and
`Library.predict_words()` load them by themselves."""

from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from ..decoding import BeamSearch, Decoding
from ..errors import CaptionretError
from ..library import Captioning, Library, MadeBy
from ..library.surroundings import SURROUNDINGS
from .loading.named import calibration_of, captioner_of, precision_of, predictor_of
from .loading.rerankers import with_reranker
from .loading.waiting import WaitingCaptioner
from .places import SHIPPED, checkpoint_path

if TYPE_CHECKING:  # it imports torch
    from ..models.captioning.captioner import Captioner

__all__ = ["Library", "captioner_for", "load_captioner", "waiting_captioner"]


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


def waiting_captioner(
    library: Library,
    checkpoint: str | None,
    device: str,
    precision: str | None,
    load: Callable[[], Captioning],
) -> Captioning:
    """What `load` loads, as soon as there is a picture to be captioned; at once, where its record alone does
    not say what it is.

    checkpoint, device, precision: as captioner_for
    """
    made_by = library.made_by
    place = made_by.checkpoint if checkpoint is None and made_by is not None else checkpoint_path(checkpoint)
    plain = (precision or precision_of(made_by)) == "float32" and device in ("auto", "cpu")
    return _waiting(place, None if checkpoint else made_by, load) if plain and place else load()


def _own_captioner(made_by: MadeBy | None, decoding: Decoding, device: str = "auto") -> Captioning:
    """As load_captioner, loaded as soon as there is a picture to be captioned."""
    place = made_by.checkpoint if made_by is not None else SHIPPED
    load = partial(load_captioner, made_by, decoding, device)
    plain = precision_of(made_by) == "float32" and device in ("auto", "cpu")
    return _waiting(place, made_by, load) if plain and place else load()


def _waiting(place: Path, made_by: MadeBy | None, load: Callable[[], Captioning]) -> Captioning:
    """What `load` loads from the checkpoint at `place`, once it captions; loaded now where its record is not
    that of `made_by`, or cannot be read."""
    try:
        waiting = WaitingCaptioner(place, cache(load))
        same = made_by is None or waiting.fingerprint == made_by.fingerprint
    except CaptionretError:
        return load()
    return waiting if same else load()


SURROUNDINGS.load_captioner = _own_captioner
SURROUNDINGS.load_predictor = predictor_of
SURROUNDINGS.find_calibration = calibration_of
