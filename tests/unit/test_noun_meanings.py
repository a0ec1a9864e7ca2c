"""Nouns that captions seldom hold are placed in a space by what a dictionary says of them, too."""

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from captionret.app.query.text_places import ITSELF, MEANINGS, text_places
from captionret.retrieval.noun_meanings import noun_meanings


class Space:
    """Places each text of its list in a direction of its own."""

    name = "made up"

    def __init__(self, *texts: str) -> None:
        self.texts = list(texts)

    def check(self, backbone: object) -> None:
        """It fits everything."""

    def encode_features(self, features: NDArray[np.floating]) -> NDArray[np.float32]:
        """Pictures are not asked for."""
        raise NotImplementedError

    def encode_texts(self, sentences: Sequence[str]) -> NDArray[np.float32]:
        """Rows of a unit matrix."""
        return np.eye(len(self.texts), dtype=np.float32)[[self.texts.index(one) for one in sentences]]


@pytest.mark.parametrize("typed", ["gerenuk", "Gerenuks", "a gerenuk"])
def test_a_noun_has_its_meaning_in_any_number(typed: str) -> None:
    (meaning,) = noun_meanings(typed)
    assert meaning.startswith("gerenuk, ") and "antelope" in meaning


@pytest.mark.parametrize("typed", ["sea horses", "the seahorse", "Sea-Horse"])
def test_a_noun_has_its_two_commonest_meanings_written_in_one_or_apart(typed: str) -> None:
    walrus, fish = noun_meanings(typed)
    assert walrus.startswith("sea horse, walrus: ") and "small fish" in fish


@pytest.mark.parametrize("text", ["dog", "a man riding a gerenuk", "Hund", "xyzzy", "London", "", "LICENCE"])
def test_common_nouns_sentences_names_and_other_words_have_none(text: str) -> None:
    assert noun_meanings(text) == ()


def test_a_seldom_noun_is_placed_by_its_meanings_too() -> None:
    first, second = noun_meanings("sea horse")
    space = Space("a dog runs", "sea horse", first, second)
    dog, horse = text_places(space, ["a dog runs", "sea horse"], "embedding")
    assert dog.tolist() == [1, 0, 0, 0]
    assert horse == pytest.approx(np.array([0, ITSELF, *MEANINGS]) / np.linalg.norm([ITSELF, *MEANINGS]))


def test_spaces_of_other_modes_take_the_noun_as_it_is_spelt() -> None:
    assert text_places(Space("gerenuk"), ["gerenuk"], "clip").tolist() == [[1]]
