"""What a library is about: its words with the number of pictures, and one picture's words with where each
comes from."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from ...errors import BadImage
from ...files import resolved
from ...image_classes import classes_of, image_classes
from ...library.names import called
from ...retrieval import Gallery, corpus
from ...retrieval.language import AT_LEAST
from ...retrieval.predicted import WordProbabilities
from ...retrieval.shown_words import shown_counts
from ...text import STOP_WORDS, words
from ..searcher import Searcher

MODE = "words"  # what it requires is what is shown here
SHOWN = 0.05  # the least probability of a picture's word that is shown
SPOKEN = 1e-4  # the share of people's captions from which a word is one that people use of pictures


@dataclass(frozen=True, slots=True)
class LibraryWord:
    """A word of a library. pictures: how many show it, with a probability of at least .5"""

    word: str
    pictures: int


@dataclass(frozen=True, slots=True)
class PictureWord:
    """A word of one picture.

    probability: that two or more of five people say the word, or another of its forms, of the picture, all
                 sources together; where nobody has calibrated the probabilities, that a caption holds it
    in_captions: whether one of its captions does hold it
    head:        what the lexical head says; 0 where it says nothing, and where the word is certain by a
                 caption that a person wrote, or a file gives
    classes:     the ImageNet classes that stand behind it, the surest first, each with its probability
    """

    word: str
    probability: float
    in_captions: bool
    head: float
    classes: tuple[tuple[str, float], ...]


def library_words(searcher: Searcher) -> list[LibraryWord]:
    """The words that at least one picture shows, see `as_people_say`, without stop words. Word probabilities
    are made where there are none yet. errors: as Searcher.search"""
    gallery = searcher.gallery(MODE)
    known, predicted = gallery.known_words, gallery.predicted
    asked = [word for word in known if word not in STOP_WORDS and _plain(word)]
    counts = shown_counts(predicted, [word for word in asked if word in predicted], AT_LEAST)
    counts |= {word: known[word] for word in asked if word not in counts}
    shown = [
        LibraryWord(word, counts[word]) for word in asked if counts[word] and _first_form(predicted, word)
    ]
    return as_people_say(shown)


def as_people_say(found: Iterable[LibraryWord]) -> list[LibraryWord]:
    """Words in the order in which people would use them, the commonest first: those that only name classes
    ("diapsid") come last, and of several for the very same classes ("mammal", "mammalian") one is there."""
    rates, behind, places = corpus.rates(), classes_of(), _places()
    kept: list[LibraryWord] = []
    named: set[tuple[str, ...]] = set()  # classes that a word stands for already
    for one in sorted(found, key=lambda one: (-rates.get(one.word, 0.0), places.get(one.word, 0))):
        classes = behind.get(one.word, ())
        if classes not in named or not only_names_a_class(one.word):
            kept.append(one)
            named.add(classes)
    return sorted(kept, key=lambda one: (only_names_a_class(one.word), -one.pictures, one.word))


def only_names_a_class(word: str) -> bool:
    """Whether a word is one that classes are called by, and people seldom use of pictures."""
    return word in classes_of() and corpus.rates().get(word, 0.0) < SPOKEN


@cache
def _places() -> Mapping[str, int]:
    """For each word of classes its place among all, the nearest to what it is a kind of first."""
    every = (word for one in image_classes() for word in (one.name, *one.words, *one.above))
    return {word: place for place, word in enumerate(dict.fromkeys(every))}


def picture_words(searcher: Searcher, picture: str | os.PathLike[str]) -> list[PictureWord]:
    """The words of one picture of the library, the surest first.

    picture: as answers show it, or its file
    errors:  BadImage for one that the library does not hold; as Searcher.search
    """
    gallery = searcher.gallery(MODE)
    return words_of_row(gallery, _row_of(searcher, gallery, os.fspath(picture)))


def words_of_row(gallery: Gallery, row: int) -> list[PictureWord]:
    """The same of a row of a gallery with word probabilities."""
    predicted, own = gallery.predicted, gallery.predicted.some(np.array([row]), whole=True)
    written = {word for caption in gallery.all_captions[row] for word in words(caption)}
    found = []
    every = {*gallery.words_of(row), *_classes_of(gallery, row), *written} - STOP_WORDS
    for word in _one_of_each(own, filter(_plain, every)):
        sure = float(own.of(word)[0]) if word in predicted else float(word in written)
        if sure >= SHOWN or word in written:
            head = 0.0 if predicted.is_certain(word, row) else float(own.by_head(word)[0])
            classes = tuple(own.classes_behind(word, 0).items())
            found.append(PictureWord(word, sure, word in written, head, classes))
    return sorted(found, key=lambda one: (-one.probability, one.word))


def _first_form(predicted: WordProbabilities, word: str) -> bool:
    """Whether captions say no other form of the word more often: all forms have one probability."""
    rates = corpus.rates()
    return word == max(predicted.forms(word), key=lambda form: (rates.get(form, 0.0), form))


def _one_of_each(predicted: WordProbabilities, words: Iterable[str]) -> list[str]:
    """Of the forms of each word the one that is likeliest of the only picture."""
    found: dict[tuple[str, ...], list[str]] = {}
    for word in sorted(words):
        found.setdefault(predicted.forms(word), []).append(word)
    return [max(forms, key=lambda form: float(predicted.by_head(form)[0])) for forms in found.values()]


def _plain(word: str) -> bool:
    """Whether a word is worth showing: not the further names of a class that make more than one word."""
    return " " not in word or word in _class_names()


@cache
def _class_names() -> frozenset[str]:
    return frozenset(one.name for one in image_classes())


def _classes_of(gallery: Gallery, row: int) -> Sequence[str]:
    """What the picture's classes are called, and what these are a kind of."""
    held = gallery.classes_of(row)
    return [
        word for one in image_classes() if one.name in held for word in (one.name, *one.words, *one.above)
    ]


def _row_of(searcher: Searcher, gallery: Gallery, picture: str) -> int:
    """The row of a picture by the path that answers show, that of a copy, or its file's place."""
    root = searcher.library.root
    names = {name: row for row in range(len(gallery)) for name in (gallery.paths[row], *gallery.copies[row])}
    file = resolved(picture)
    inside = file.relative_to(root).as_posix() if file.is_relative_to(root) else str(file)
    for name in (picture, inside, called(picture, names)):
        if name in names:
            return names[name]
    raise BadImage(
        f"{picture} is no picture of the library {searcher.library.path}. Name one as answers show it."
    )
