"""From what is asked for to a query that modes can compare: captions, word probabilities, vectors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...errors import BadImage, BadSetting
from ...library import LibrarySnapshot, PictureSpace, ReadsWords, Space
from ...library.names import called
from ...library.words.seen import words_of
from ...library.words.word_probabilities import kept_words
from ...retrieval import MODES, EncodedQuery, Gallery, WordMatrix, beside_words, rocchio
from ...retrieval.caption_words import words_of_captions
from ...retrieval.language import WordCondition, leaves
from ...retrieval.other_captions import raised
from ...retrieval.understanding import as_read
from ...text import words, words_as_typed
from ..loading.loaded import Models
from .asking import Asked
from .caption_places import caption_places
from .class_reading import named_classes
from .query_captions import SeenPicture, see_picture
from .text_places import text_places
from .word_reader import WordReader

if TYPE_CHECKING:  # importing every decoder of pictures takes as long as a text query
    from ...images import Picture

_SIDE = 260  # as the shipped captioner reads pictures, so that it decodes none again


@dataclass
class Encoder:
    """Encodes the pictures and texts of one query. A picture of the gallery's own is read from there; another
    one is captioned, once."""

    snapshot: LibrarySnapshot
    models: Models
    mode: str
    _known: dict[str, EncodedQuery] = field(default_factory=dict)  # by content hash

    def query(self, asked: Asked) -> EncodedQuery:
        """The whole query, feedback included.

        errors: BadImage, BadSetting, BadLibrary: see the methods of Models; as rocchio
        """
        own = self._picture(asked.picture) if asked.picture else EncodedQuery()
        own = replace(own, text=asked.words, parsed=asked.parsed)
        own = self._understood(own)
        query = self._placed(own, [(as_read(text, own.understood or ()), sign) for text, sign in asked.texts])
        if not asked.like and not asked.dislike:
            return query
        liked, disliked = self._side(asked.like), self._side(asked.dislike)
        if query.lists and liked:  # filters alone compare nothing: the first liked picture asks
            asking = next(iter(liked))
            _, picture = liked.pop(asking)
            query = self._placed(replace(picture, parsed=query.parsed), asked.texts)
        if both := liked.keys() & disliked.keys():
            names = " and ".join(
                dict.fromkeys(side[sha256][0] for side in (liked, disliked) for sha256 in both)
            )
            raise BadSetting(f"{names}: the same picture is both liked and disliked. Decide on one.")
        return rocchio(
            query, [one for _, one in liked.values()], [one for _, one in disliked.values()], asked.weights
        )

    def _understood(self, query: EncodedQuery) -> EncodedQuery:
        """The query with what its words mean, where they are compared with word probabilities or limit what
        is found."""
        parsed = query.parsed
        limiting = [] if parsed is None else list(leaves(parsed.condition))
        conditions = [one.word for one in limiting if isinstance(one, WordCondition)]
        by_meaning = "word_probabilities" in self._parts
        if parsed is None or not (conditions or (by_meaning and query.text)):
            return query
        asked = words_as_typed(parsed.given, {*words(query.text or ""), *conditions})
        return replace(query, understood=WordReader(self.gallery).read(asked))

    def _side(self, given: "Sequence[str | Picture]") -> dict[str | None, tuple[str, EncodedQuery]]:
        """The liked or the disliked pictures with their names, by content hash: each counts once."""
        found = {}
        for one in given:
            name, encoded = self._named(one) if isinstance(one, str) else (one.name, self._picture(one))
            found[encoded.sha256] = name, self._placed(encoded, [])
        return found

    def _named(self, path: str) -> tuple[str, EncodedQuery]:
        """One of the gallery's pictures, by the path that its answers show."""
        pictures = self.snapshot.pictures
        name, row = path, pictures.row_at(path)
        if row is None:
            name = called(path, chain(pictures.paths, pictures.row_of_copy)) or ""
            row = pictures.row_at(name)
        if row is None:
            raise BadImage(
                f"{path} is no file, and no picture of the library. Name a file, or a picture as an answer "
                "of the library shows it."
            )
        return name, self.gallery.query(row, self._parts)

    @property
    def gallery(self) -> Gallery:
        """The pictures of the snapshot, the same object each time."""
        return self.snapshot.gallery()

    @property
    def _parts(self) -> frozenset[str]:
        mode = MODES[self.mode]
        required = mode.required_parts(self.gallery)
        return required & self.gallery.parts if mode.adaptive else required

    def _picture(self, picture: "Picture") -> EncodedQuery:
        gallery, sha256 = self.gallery, picture.sha256
        if sha256 in gallery.row_of:
            return gallery.query(gallery.row_of[sha256], self._parts)
        if sha256 not in self._known:
            self._known[sha256] = self._captioned(picture)
        return self._known[sha256]

    def _captioned(self, picture: "Picture") -> EncodedQuery:
        """A picture that the gallery does not hold, as its captioner and its predictor see it."""
        picture.open(at_least=_SIDE)  # one that is cut off is found before they are loaded
        read = (space for mode, space in self.snapshot.spaces.items() if mode in self._parts)
        by_space = any(isinstance(space, ReadsWords) and space.picture_words for space in read)
        with_words = "word_probabilities" in (self.gallery.parts if by_space else self._parts)
        with_predictor = with_words and not self.snapshot.by_captions
        seen = see_picture(self.snapshot, self.models, picture, with_predictor)
        return EncodedQuery(
            seen.captions[0],
            sha256=seen.result.sha256,
            captions=seen.captions,
            word_probabilities=self._predicted(picture, seen) if with_words else None,
            feature=seen.result.feature,
            vectors=self._encoded(picture),
        )

    def _encoded(self, picture: "Picture") -> dict[str, NDArray[np.float32]]:
        """Its vectors in the spaces that are made of pictures themselves."""
        used = {mode: space for mode, space in self.snapshot.spaces.items() if mode in self._parts}
        with self.models.lock:
            return {
                mode: space.encode_opened([picture.open()])[0]
                for mode, space in used.items()
                if isinstance(space, PictureSpace)
            }

    def _predicted(self, picture: "Picture", seen: SeenPicture) -> dict[str, float]:
        """Its word probabilities, by the library's predictor, raised by what a captioner with other eyes says
        of it; in a library of captions alone by these."""
        if self.snapshot.by_captions:
            return words_of_captions(seen.captions)
        result = seen.result
        predictor = self.models.predictor_for(self.snapshot.predicted_by)
        with self.models.lock:
            own = {} if result.own is None else {result.sha256: result.own}
            found = words_of(predictor, own, [picture], [result.sha256], result.feature[None])
        predicted = kept_words(predictor.words, found).row(0)
        return raised(predicted, seen.captions, set(predictor.words)) if seen.other_eyes else predicted

    def _placed(self, query: EncodedQuery, texts: Sequence[tuple[str, float]]) -> EncodedQuery:
        """The query with its vector in each space that the mode compares in: picture and texts together. Of
        filters alone there is nothing to place."""
        if query.lists and not texts:
            return query
        with self.models.lock:
            vectors = {
                mode: together(space, mode, query.vectors.get(mode), self._seen_by(space, query), texts)
                for mode, space in self.snapshot.spaces.items()
                if mode in self._parts
            }
            classes = self._named_classes(query, vectors)
            usual = self._usual(query)
        if not vectors:
            return query
        return replace(query, vectors={**query.vectors, **vectors}, classes=classes, usual=usual)

    def _seen_by(self, space: Space, query: EncodedQuery) -> NDArray[np.floating] | None:
        """(D_image,) the feature of the query's picture as a space reads it: with words, where it does."""
        if query.feature is None or not isinstance(space, ReadsWords) or not query.word_probabilities:
            return query.feature
        predicted = WordMatrix.of_rows([query.word_probabilities])
        seen: NDArray[np.floating] = beside_words(query.feature[None], predicted, space.picture_words)[0]
        return seen

    def _usual(self, query: EncodedQuery) -> NDArray[np.float32] | None:
        """Where texts usually lie in the space, for a text in a mode that makes use of it."""
        space = self.snapshot.spaces.get("embedding")
        if not MODES[self.mode].adaptive or query.caption is not None or space is None:
            return None
        return caption_places(space)

    def _named_classes(
        self, query: EncodedQuery, vectors: Mapping[str, NDArray[np.float32]]
    ) -> dict[str, float]:
        """The classes that a text names, where the mode makes use of them."""
        space = self.snapshot.spaces.get("embedding")
        if not MODES[self.mode].uses_classes or query.caption is not None or space is None:
            return {}
        return named_classes(vectors["embedding"][None], space)[0] if "embedding" in vectors else {}


def together(
    space: Space,
    mode: str,
    image: NDArray[np.float32] | None,
    feature: NDArray[np.floating] | None,
    texts: Sequence[tuple[str, float]],
) -> NDArray[np.float32]:
    """Where picture and texts stand together, (D,) of length 1: the sum of their vectors, each text by its
    sign.

    mode:    the one that compares in the space
    image:   (D,) of the picture, where it is known; else it is made of its feature, as the space reads it
    errors:  BadSetting where the sum is nothing
    """
    if image is None and feature is not None:
        image = space.encode_features(feature[None])[0]
    parts = [] if image is None else [image]
    if texts:
        vectors = text_places(space, [text for text, _ in texts], mode)
        parts += [sign * vector for vector, (_, sign) in zip(vectors, texts, strict=True)]
    total: NDArray[np.float32] = np.sum(parts, axis=0)
    length = np.linalg.norm(total)
    if length < 1e-6:
        raise BadSetting(
            "What is asked for and what is taken away cancel each other out. Ask for something else."
        )
    return total / length
