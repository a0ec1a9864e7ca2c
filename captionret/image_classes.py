"""ImageNet's classes in people's words: the class "tabby" is also a cat, and an animal.

A picture's class probabilities come from the backbone's own classifier; what they say of words stands here.
`benchmarks/class_words.py` makes the table, from WordNet.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True, slots=True)
class ImageClass:
    """One class.

    name:  "tabby", unlike every other class's
    words: what else it is called, in words that people type; a word may hold blanks ("sea lion")
    above: what it is a kind of, the nearest first
    """

    name: str
    words: tuple[str, ...]
    above: tuple[str, ...]


@cache
def image_classes() -> tuple[ImageClass, ...]:
    """The 1,000 classes of ImageNet, in the order of a classifier's outputs.

    >>> image_classes()[281].name, "cat" in image_classes()[281].above
    ('tabby', True)
    """
    text = Path(__file__).with_name("class_words.txt").read_text(encoding="utf-8")
    rows = [line.split("\t") for line in text.splitlines() if not line.startswith("#")]
    return tuple(ImageClass(name, _listed(words), _listed(above)) for name, words, above in rows)


@cache
def classes_of() -> Mapping[str, tuple[str, ...]]:
    """For each word the names of the classes that are called so, or are a kind of it.

    >>> len(classes_of()["dog"]) > 100
    True
    """
    found: dict[str, dict[str, None]] = {}
    for one in image_classes():
        for word in (one.name, *one.words, *one.above):
            found.setdefault(word, {})[one.name] = None
    return {word: tuple(names) for word, names in sorted(found.items())}


def _listed(text: str) -> tuple[str, ...]:
    return tuple(text.split(", ")) if text else ()
