"""Captions that name what their captioner has no word for.

Which of ImageNet's classes a caption should name: those that the backbone's own classifier is sure of and of
which the caption says nothing yet, neither a name nor what they are a kind of.

A picture of an espresso is captioned "a plate of food on a table": "espresso" is missing. One of a greyhound
is "a dog runs on grass": a dog is what people say, and the caption stays.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ...decoding import Searching
from ...image_classes import ImageClass, image_classes
from ...records import Caption
from ...text import Vocabulary, join
from .constrained import Name, NamedCaption
from .generation import Generator

NEAR = 5
KINDS = 3  # known words that stand in for a name: the nearest kinds of thing that it is
MOST = 3  # names that a caption may hold one of, the most probable first


class ClassNames:
    """The names of classes that a captioner has no words for.

    vocabulary: the captioner's
    names:      those that it may be made to say
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        known = [one for one in image_classes() if not self._sayable(one) and self._stand_ins(one)]
        self.names = [Name(tuple(one.name.split()), self._stand_ins(one)) for one in known]
        self._about = [_heads((one.name, *one.words, *one.above[:NEAR])) for one in known]
        # (1000, names): which classes are called so
        self._called = np.array(
            [[name.name in (one.name, *one.words) for name in known] for one in image_classes()], np.float32
        )

    @classmethod
    @lru_cache(maxsize=4)
    def of(cls, vocabulary: Vocabulary) -> "ClassNames":
        """Those of a vocabulary, made once."""
        return cls(vocabulary)

    def wanted(
        self, probabilities: NDArray[np.float32], captions: Sequence[Caption], least: float
    ) -> list[list[Name]]:
        """The names of which each picture's caption should hold one; none for most pictures.

        probabilities: (N, 1000) of the classes
        captions:      of each picture the best caption so far
        least:         of a name's probability, the sum over the classes that are called so
        """
        odds = probabilities @ self._called  # (N, names)
        found = []
        for caption, row in zip(captions, odds, strict=True):
            sure = np.flatnonzero(row >= least)
            order = sure[np.argsort(-row[sure], kind="stable")].tolist()
            held = {form for token in caption.tokens for form in _singulars(token)}
            free = [place for place in order if not held & self._about[place]][:MOST]
            found.append(
                [replace(self.names[place], share=float(row[place] / row[free[0]])) for place in free]
            )
        return found

    def caption(self, found: NamedCaption) -> Caption:
        """A caption that the search found, in words, with "an" where the name begins with a vowel."""
        before = self.vocabulary.decode(found.ids[: found.place])
        if before and before[-1] in ("a", "an"):
            before[-1] = "an" if found.name.words[0][0] in "aeiou" else "a"
        tokens = [*before, *found.name.words, *self.vocabulary.decode(found.ids[found.place + 1 :])]
        return Caption(join(tokens), tuple(tokens), found.logprob)

    def _sayable(self, one: ImageClass) -> bool:
        return any(all(token in self.vocabulary for token in name.split()) for name in (one.name, *one.words))

    def _stand_ins(self, one: ImageClass) -> tuple[int, ...]:
        """The ids of the known words for what a class is, the nearest kinds first."""
        words = dict.fromkeys(name.split()[-1] for name in (one.name, *one.above))
        return tuple(self.vocabulary.ids[word] for word in words if word in self.vocabulary)[:KINDS]


def _heads(names: Sequence[str]) -> frozenset[str]:
    """The last words of names: what a "tiger shark" is."""
    return frozenset(name.split()[-1] for name in names)


def _singulars(token: str) -> set[str]:
    """A word and what it may be the plural of."""
    ends = (("s", ""), ("es", ""), ("ies", "y"))
    return {token, *(token.removesuffix(end) + new for end, new in ends if token.endswith(end))}


def with_names(
    captions: Sequence[Sequence[Caption]],
    features: Tensor,
    probabilities: NDArray[np.float32],
    generator: Generator,
    decoding: Searching,
) -> list[list[Caption]]:
    """Each picture's captions; where a class is to be named, the best that names it comes before them.

    captions:      of N pictures, the best first
    features:      (N, ...) as the decoder reads them
    probabilities: (N, 1000) of the classes
    decoding:      its `name_classes` says from which probability on a class is named
    """
    assert decoding.name_classes is not None
    found = [list(image) for image in captions]
    there = [row for row, image in enumerate(found) if image]
    names = ClassNames.of(generator.vocabulary)
    wanted = names.wanted(probabilities[there], [found[row][0] for row in there], decoding.name_classes)
    todo = {row: image for row, image in zip(there, wanted, strict=True) if image}
    named = generator.named(features[list(todo)], list(todo.values()), decoding)
    for row, caption in zip(todo, named, strict=True):
        if caption is not None:
            found[row].insert(0, names.caption(caption))
    return found
