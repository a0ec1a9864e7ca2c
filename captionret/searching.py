"""Searching a library by a picture or a text: the one function most users need.

for hit in search(Library.open("data/libraries/photos"), image="q.jpg", top=5):
    print(hit.rank, hit.score, hit.path, hit.why)
"""

from dataclasses import replace
from pathlib import Path

from .errors import BadImage, BadLibrary, BadSetting
from .files import expanded
from .library import Captioning, Library
from .library.beliefs import LEAST
from .records import Captioned, Hit
from .retrieval import Beliefs, DescribedQuery, find_mode, needs
from .retrieval import search as search_gallery


def search(
    library: Library,
    *,
    image: Path | str | None = None,
    text: str | None = None,
    mode: str = "jaccard",
    top: int | None = 5,
    min_score: float | None = None,
    keep_self: bool = False,
    captioner: Captioning | None = None,
) -> list[Hit]:
    """The library's images most like a picture, a text, or both; best first, one hit per image, the query's own picture left out.

    captioner: what captions a picture that the library does not hold; by default it is loaded from the checkpoint the library names
    The other arguments are those of `captionret.retrieval.search`. Errors: BadSetting, BadImage, BadLibrary, BadCheckpoint.
    """
    query = describe(library, image=image, text=text, mode=mode, captioner=captioner)
    return search_gallery(library.gallery(), query, mode, top, min_score, keep_self)


def describe(
    library: Library,
    *,
    image: Path | str | None = None,
    text: str | None = None,
    mode: str = "jaccard",
    captioner: Captioning | None = None,
    device: str = "auto",
) -> DescribedQuery:
    """The query with what the mode needs of its picture: the library's record where it holds that content, else what its captioner says.

    device: where the library's own captioner computes, if it has to be loaded
    errors: BadSetting where nothing is asked for, BadImage, BadLibrary where the captioner is not the one of the library
    """
    if image is None:
        if text is None or not text.strip():
            raise BadSetting("The query is empty. Give a picture, or a text with at least one word.")
        return DescribedQuery(text=text)
    from .images import load_views  # importing every decoder of pictures takes a text query's time

    sha256, _ = load_views(expanded(image), 1)
    gallery = library.gallery()
    parts = needs(find_mode(mode), gallery)
    if sha256 in gallery.row_of:
        return replace(gallery.query(gallery.row_of[sha256], parts), text=text)
    captioned = _caption(library, expanded(image), captioner, device)
    captions = tuple(caption.text for caption in captioned.captions)
    belief = _believe(library, captioned, device) if "beliefs" in parts else None
    return DescribedQuery(captions[0], text, sha256, captions, belief, captioned.feature)


def _believe(library: Library, captioned: Captioned, device: str) -> dict[str, float] | None:
    """What the library's believer thinks of a new picture; None for a library of which nothing is believed."""
    record = library.believed_by
    if record is None:
        return None
    from .models.believer import Believer

    believer = Believer.load(record, device)
    believed = believer.believe([captioned.path], [captioned.sha256], captioned.feature[None])
    return Beliefs.of_matrix(believer.words, believed, LEAST).row(0)


def _caption(library: Library, image: Path, captioner: Captioning | None, device: str) -> Captioned:
    made_by = library.made_by
    if made_by is None:
        raise BadLibrary(f"{library.path} holds no captions yet. Caption its pictures first.")
    captioner = captioner or _load(library, made_by.checkpoint, device)
    if captioner.fingerprint != made_by.fingerprint:
        raise BadLibrary(
            f"{library.path} was captioned by {made_by.name} ({made_by.fingerprint[:12]}), the query would be by {captioner.name} "
            f"({captioner.fingerprint[:12]}); their words don't compare. Give the library's own --checkpoint, or caption it again."
        )
    ((result,),) = captioner.caption_stream([image], decoding=made_by.decoding, batch_size=1)
    if not isinstance(result, Captioned):
        raise BadImage(result.reason)
    return result


def _load(library: Library, checkpoint: Path | None, device: str) -> Captioning:
    if checkpoint is None:
        raise BadSetting(f"{library.path} does not say where its captioner's checkpoint lies. Give it (--checkpoint).")
    from .models.captioner import Captioner  # torch comes in here, and only when a picture has to be captioned

    return Captioner.load(checkpoint, device)
