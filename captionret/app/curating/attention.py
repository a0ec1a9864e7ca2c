"""Where the captioner of a library looked for each word of a picture's caption."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...errors import BadCheckpoint, BadSetting, CaptionerAway, MissingWeights
from ...library import KnownCaptioner, Library
from ...library.pictures import CaptionsBy
from ..searcher import Searcher

if TYPE_CHECKING:  # it imports torch
    from ...models.captioning.looking import Looked

_AWAY = (BadCheckpoint, BadSetting, CaptionerAway, MissingWeights)


@dataclass(frozen=True, eq=False)
class PictureAttention:
    """By which captioner, and where it looked."""

    captioner: str
    looked: "Looked"


def picture_attention(searcher: Searcher, sha256: str, name: str) -> PictureAttention | None:
    """Of the best caption by the best ranked captioner of the library that has attention; None where there
    is no such, or it cannot be loaded.

    sha256, name: of the picture's content, and of its file relative to the library's root
    errors:       BadImage
    """
    library = searcher.library
    known = {one.label: one for one in library.captioners}
    for by in library.every_caption(sha256):
        captioner = known.get(by.name)
        if captioner is not None and by.kind == "model" and by.captions:
            found = _looked(searcher, library, captioner, by, name)
            if found is not None:
                return PictureAttention(by.name, found)
    return None


def _looked(
    searcher: Searcher, library: Library, known: KnownCaptioner, by: CaptionsBy, name: str
) -> "Looked | None":
    made_by = known.made_by(library.path)
    if made_by.described.get("captioner"):  # a server's, or another program's
        return None
    from ...models.captioning.captioner import Captioner
    from ...models.captioning.looking import looked_at

    models = searcher.models
    try:
        with models.lock:
            captioner = models.captioner_for(made_by)
            if not isinstance(captioner, Captioner):
                return None
            return looked_at(captioner, library.root / name, by.captions[0])
    except _AWAY:
        return None
