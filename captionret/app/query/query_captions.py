"""Captions of a query's picture: by the captioner whose captions are searched, or by its stand-in."""

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...decoding import BeamSearch
from ...errors import BadCheckpoint, BadImage, BadLibrary, BadSetting, CaptionerAway, MissingWeights
from ...library import LibrarySnapshot, MadeBy
from ...library.protocols import SeeingCaptioner
from ...records import CaptionResult
from ...remedies import remedy
from ..loading.loaded import Models
from ..loading.rerankers import with_reranker

if TYPE_CHECKING:  # importing every decoder of pictures takes as long as a text query
    from ...images import Picture

log = logging.getLogger(__name__)

_AWAY = (BadCheckpoint, BadSetting, CaptionerAway, MissingWeights)


@dataclass(frozen=True, slots=True)
class SeenPicture:
    """A query's picture.

    captions:   by the captioner whose captions are searched, or by its stand-in
    result:     what the captioner sees of it whose features the library holds
    other_eyes: whether the captions are of one that sees with another CNN
    """

    captions: tuple[str, ...]
    result: CaptionResult
    other_eyes: bool = False


def see_picture(
    snapshot: LibrarySnapshot, models: Models, picture: "Picture", with_words: bool
) -> SeenPicture:
    """Caption a query's picture.

    with_words: see it for the library's predictor of words, too
    errors:     BadImage; BadLibrary where nobody captioned the library, or it cannot be captioned as it was
    """
    present, shown = snapshot.made_by, snapshot.captioned_by
    if present is None and shown is None:
        raise BadLibrary("The library holds no captions yet.", remedy("caption first"))
    if present is not None:
        seen = _result(models, picture, present, snapshot if with_words else None)
        if shown is None or (shown.fingerprint, shown.decoding) == (present.fingerprint, present.decoding):
            return SeenPicture(_texts(seen), seen)
        found = _by(models, picture, shown, present.name)
        if found is None:
            return SeenPicture(_texts(seen), seen)
        best = snapshot.contents.shown
        other_eyes = best.best is not None and best.sees_otherwise(best.best)
        return SeenPicture(_texts(found), seen, other_eyes)
    assert shown is not None
    seen_by = _by(models, picture, shown, "the shipped captioner")
    if seen_by is None:
        with models.lock:
            stream = models.captioner().caption_stream([picture], decoding=BeamSearch(), batch_size=1)
            ((given,),) = stream
        if not isinstance(given, CaptionResult):
            raise BadImage(getattr(given, "reason", picture.name))
        seen_by = given
    return SeenPicture(_texts(seen_by), seen_by)


def _by(models: Models, picture: "Picture", made_by: MadeBy, stand_in: str) -> CaptionResult | None:
    """What one captioner makes of it; None where it cannot be asked, which is logged."""
    spec = made_by.described.get("captioner")
    if made_by.described.get("checkpoint") is None and (not spec or str(spec).startswith("file:")):
        log.info(f"{made_by.name} holds captions that stand somewhere; {stand_in} captions the query.")
        return None
    try:
        return _result(models, picture, made_by, None)
    except _AWAY as error:
        log.warning(f"{made_by.name} cannot caption the query; {stand_in} does: {error.message}")
        return None


def _result(
    models: Models, picture: "Picture", made_by: MadeBy, words_of: LibrarySnapshot | None
) -> CaptionResult:
    with models.lock:
        captioner = models.captioner_for(made_by)
        if made_by.described.get("captioner") is None:
            captioner = with_reranker(captioner, made_by.decoding)
        if words_of is not None and isinstance(captioner, SeeingCaptioner):
            captioner.see_for(models.predictor_for(words_of.predicted_by))
        ((result,),) = captioner.caption_stream([picture], decoding=made_by.decoding, batch_size=1)
    if not isinstance(result, CaptionResult):
        raise BadImage(getattr(result, "reason", f"{picture.name}: {made_by.name} says nothing of it."))
    return result


def _texts(result: CaptionResult) -> tuple[str, ...]:
    return tuple(caption.text for caption in result.captions)
