"""Words to type in place of those that no picture shows."""

import pytest

from captionret.app.query.near_words import near_words, shown_nearby
from captionret.retrieval import Gallery
from captionret.word_index import WordIndex

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


def test_the_words_of_a_library_are_looked_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    known = ["couch", "dog", "sofa", "puppy"]
    assert next(near_words("sofa", known)) == "couch"
    looked_up: list[object] = []

    def held(_: WordIndex, word: object) -> bool:
        looked_up.append(word)
        return True

    monkeypatch.setattr(WordIndex, "__contains__", held)
    assert next(near_words("dog", known)) == "puppy"
    assert looked_up == ["dog"]
    assert not list(near_words("dog", []))
