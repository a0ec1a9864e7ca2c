"""Words to type in place of those that no picture shows."""

import pytest

from captionret.app.query.near_words import shown_nearby
from captionret.retrieval import Gallery

CAPTIONS = ["a couch and two couches", "a dog beside the ocean", "a train"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a sofa", ["couches"]),  # and not "couch", too
        ("sea", ["ocean"]),
        ("a puppy on a sofa", ["dog", "couches"]),
        ("a dog", []),
        ("Hund", []),
        ("qwrtz", []),
    ],
)
def test_words_that_pictures_show_are_offered_for_those_that_none_shows(text: str, words: list[str]) -> None:
    gallery = Gallery([f"{number}.jpg" for number in range(len(CAPTIONS))], CAPTIONS)
    assert shown_nearby(gallery, text) == words
