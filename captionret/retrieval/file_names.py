"""Pictures whose files are called as a text says, for a text that nothing else fits: moon.jpg, for "moon",
and IMG_1234.jpg, for "IMG_1234"."""

import os
import re

from ..text import content_words, words
from .gallery import Gallery
from .inflections import number_forms
from .query import EncodedQuery

MOST_PICTURES = 20_000  # whose names, and folders, are looked through while somebody types
_BETWEEN = re.compile(r"[\W\d_]+")  # "red-Ferrari_02"


def called_so(gallery: Gallery, query: EncodedQuery) -> list[int]:
    """The rows of the pictures whose files' names, without their endings, are a text or hold every word of it
    that says what is seen, in singular or plural; none of a larger gallery, or for a text of no such word."""
    asked = content_words(words(query.text or ""))
    if not asked or len(gallery) > MOST_PICTURES:
        return []
    whole = (query.text or "").strip().casefold()
    forms = [number_forms(word, {word, word.removesuffix("s"), word.removesuffix("es")}) for word in asked]
    found = []
    for row, path in enumerate(gallery.paths):
        name = os.path.basename(path).casefold()
        if all(any(form in name for form in of_word) for of_word in forms):
            stem = os.path.splitext(name)[0]
            held = set(words(_BETWEEN.sub(" ", stem)))
            if stem == whole or all(held & of_word for of_word in forms):
                found.append(row)
    return found
