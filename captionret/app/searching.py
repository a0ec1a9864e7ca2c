"""Searching a library by a picture or a text: the one function most users need.

for hit in search(Library.open("data/libraries/photos"), image="q.jpg", top=5):
    print(hit.rank, hit.score, hit.path, hit.why)
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..errors import BadImage, BadLibrary, BadSetting
from ..files import expanded
from ..library import Captioning, Library, Space
from ..library.word_probabilities import LEAST
from ..records import CaptionResult, Hit
from ..retrieval import EncodedQuery, WordMatrix, find_mode, rocchio
from ..retrieval import search as search_gallery
from ..retrieval.feedback import WEIGHTS
from .named import another_captioner, captioner_of, predictor_of
from .rerankers import with_reranker


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
    like: Sequence[Path | str] = (),
    dislike: Sequence[Path | str] = (),
) -> list[Hit]:
    """The library's images most like a picture, a text, or both; best first, one hit per image, the query's
    own picture left out.

    captioner: what captions a picture that the library does not hold; by default it is loaded from the
               checkpoint the library names
    like:      pictures that the answer should be more like, and dislike: those that it should be less like,
               see move_by_feedback
    The other arguments are those of `captionret.retrieval.search`. Errors: BadSetting, BadImage, BadLibrary,
    BadCheckpoint.
    """
    query = encode_query(library, image=image, text=text, mode=mode, captioner=captioner)
    query = move_by_feedback(library, query, like, dislike, mode=mode, captioner=captioner)
    return search_gallery(library.gallery(), query, mode, top, min_score, keep_self)


def encode_query(
    library: Library,
    *,
    image: Path | str | None = None,
    text: str | None = None,
    mode: str = "jaccard",
    captioner: Captioning | None = None,
    device: str = "auto",
    plus: Sequence[str] = (),
    minus: Sequence[str] = (),
) -> EncodedQuery:
    """The query with what the mode needs of its picture: the library's record where it holds that content,
    else what its captioner says.

    device: where the library's own captioner computes, if it has to be loaded
    plus:   texts whose vectors are added to the query's, in a mode that compares in an embedding space;
            minus: taken away from it
    errors: BadSetting where nothing is asked for, BadImage, BadLibrary where the captioner is not the one of
            the library
    """
    if (plus or minus) and not find_mode(mode).in_space:
        raise BadSetting(
            f"Mode {mode!r} has no vectors to add words to or take them from. Choose mode 'embedding' or "
            "another one of a space."
        )
    query = _encoded(library, image, text, mode, captioner, device)
    texts = [(one, 1.0) for one in (*_texts(text), *plus)] + [(one, -1.0) for one in minus]
    vectors = {
        name: _placed(space, query.vectors.get(name), query.feature, texts)
        for name, space in library.spaces.items()
        if name in find_mode(mode).required_parts(library.gallery())
    }
    return replace(query, vectors=vectors) if vectors else query


def move_by_feedback(
    library: Library,
    query: EncodedQuery,
    like: Sequence[Path | str],
    dislike: Sequence[Path | str],
    weights: tuple[float, float, float] = WEIGHTS,
    *,
    mode: str = "jaccard",
    captioner: Captioning | None = None,
    device: str = "auto",
) -> EncodedQuery:
    """The query moved towards the pictures that are liked and away from those that are not, which no answer
    will show.

    like, dislike: files, or pictures of the library by the paths that its answers show; a picture given twice
                   counts once
    weights:       of the query, the liked and the disliked, see rocchio
    errors:        BadImage for a picture that is neither; BadSetting for one that is both liked and disliked;
                   as encode_query and rocchio
    """
    sides: list[list[EncodedQuery]] = []
    seen: list[dict[str | None, Path | str]] = []
    for paths in (like, dislike):
        encoded = [_picture(library, path, mode, captioner, device) for path in paths]
        seen.append({one.sha256: path for one, path in zip(encoded, paths, strict=True)})
        sides.append(list({one.sha256: one for one in encoded}.values()))
    if both := seen[0].keys() & seen[1].keys():
        names = " and ".join(dict.fromkeys(str(side[sha256]) for side in seen for sha256 in both))
        raise BadSetting(f"{names}: the same picture is both liked and disliked. Decide on one.")
    return rocchio(query, sides[0], sides[1], weights)


def _picture(
    library: Library, path: Path | str, mode: str, captioner: Captioning | None, device: str
) -> EncodedQuery:
    """A picture of which something is said: a file, else the library's own."""
    if expanded(path).is_file():
        return encode_query(library, image=path, mode=mode, captioner=captioner, device=device)
    gallery = library.gallery()
    names = {name: row for row in range(len(gallery)) for name in (gallery.paths[row], *gallery.copies[row])}
    if str(path) not in names:
        raise BadImage(
            f"{path} is no file, and no picture of {library.path}. Name a file, or a picture as an answer of "
            "the library shows it."
        )
    return gallery.query(names[str(path)], find_mode(mode).required_parts(gallery))


def _texts(text: str | None) -> tuple[str, ...]:
    """The text, if there is one with a word in it: beside a picture it may be blank."""
    return (text,) if text and text.strip() else ()


def _placed(
    space: Space, image: np.ndarray | None, feature: np.ndarray | None, texts: Sequence[tuple[str, float]]
) -> np.ndarray:
    """Where picture and texts stand together, (D,) of length 1: the sum of their vectors, each text by its
    sign."""
    if image is None and feature is not None:
        image = space.encode_features(feature[None])[0]
    parts = [] if image is None else [image]
    if texts:
        parts += [
            sign * vector
            for vector, (_, sign) in zip(space.encode_texts([one for one, _ in texts]), texts, strict=True)
        ]
    total = np.sum(parts, axis=0)
    length = np.linalg.norm(total)
    if length < 1e-6:
        raise BadSetting(
            "What is asked for and what is taken away cancel each other out. Ask for something else."
        )
    return total / length


def _encoded(
    library: Library,
    image: Path | str | None,
    text: str | None,
    mode: str,
    captioner: Captioning | None,
    device: str,
) -> EncodedQuery:
    if image is None:
        if text is None or not text.strip():
            raise BadSetting("The query is empty. Give a picture, or a text with at least one word.")
        return EncodedQuery(text=text)
    from ..images import load_views  # importing every decoder of pictures takes a text query's time

    sha256, _ = load_views(expanded(image), 1)
    gallery = library.gallery()
    parts = find_mode(mode).required_parts(gallery)
    if sha256 in gallery.row_of:
        return replace(gallery.query(gallery.row_of[sha256], parts), text=text)
    captioned = _caption(library, expanded(image), captioner, device)
    captions = tuple(caption.text for caption in captioned.captions)
    probabilities = _predict_words(library, captioned, device) if "word_probabilities" in parts else None
    return EncodedQuery(captions[0], text, sha256, captions, probabilities, captioned.feature)


def _predict_words(library: Library, captioned: CaptionResult, device: str) -> dict[str, float] | None:
    """What the library's predictor thinks of a new picture; None for a library of which nothing is
    predicted."""
    record = library.predicted_by
    if record is None:
        return None
    predictor = predictor_of(record, device)
    predicted = predictor.predict_words([captioned.path], [captioned.sha256], captioned.feature[None])
    return WordMatrix.of_matrix(predictor.words, predicted, LEAST).row(0)


def _caption(library: Library, image: Path, captioner: Captioning | None, device: str) -> CaptionResult:
    made_by = library.made_by
    if made_by is None:
        raise BadLibrary(f"{library.path} holds no captions yet. Caption its pictures first.")
    captioner = captioner or captioner_of(made_by, device)
    captioner = with_reranker(captioner, made_by.decoding)
    if captioner.fingerprint != made_by.fingerprint:
        raise another_captioner(made_by, captioner.name, captioner.fingerprint)
    ((result,),) = captioner.caption_stream([image], decoding=made_by.decoding, batch_size=1)
    if not isinstance(result, CaptionResult):
        raise BadImage(result.reason)
    return result
