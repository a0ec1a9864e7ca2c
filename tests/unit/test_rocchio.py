"""Relevance feedback against examples worked out by hand, and in every kind of mode."""

from math import inf, nan, sqrt

import numpy as np
import pytest

from captionret.errors import BadSetting, NoWords
from captionret.retrieval import MODES, EncodedQuery, Gallery, TableSource, WordMatrix, rocchio, search
from captionret.retrieval.query import Feedback
from captionret.text import word_set

CAPTIONS = ["a dog on grass", "a dog on sand", "a cat on grass", "a cat on sand", "a red car"]
AXES = ["dog", "cat", "grass", "sand", "car"]


def vector(caption: str, length: float = 1.0) -> np.ndarray:
    values = np.array([0.2 + (axis in caption.split()) for axis in AXES], np.float32)
    return length * values / np.linalg.norm(values)


def picture(caption: str, sha256: str | None = None) -> EncodedQuery:
    return EncodedQuery(
        caption,
        sha256=sha256 or caption,
        captions=(caption, f"{caption} outside"),
        word_probabilities=dict.fromkeys(word_set(caption), 0.5),
        feature=vector(caption, 3.0),
        vectors={"embedding": vector(caption)},
    )


def gallery() -> Gallery:
    source = TableSource(
        CAPTIONS,
        captions=[(name, f"{name} outside") for name in CAPTIONS],
        features=np.stack([vector(name, 3.0) for name in CAPTIONS]),
        word_probabilities=WordMatrix.of_rows([dict.fromkeys(word_set(name), 0.5) for name in CAPTIONS]),
        vectors={"embedding": np.stack([vector(name) for name in CAPTIONS])},
    )
    paths = [f"{place}.jpg" for place in range(len(CAPTIONS))]
    return Gallery(paths, CAPTIONS, CAPTIONS, source=source)


def found(query: EncodedQuery, mode: str) -> list[str]:
    return [hit.caption for hit in search(gallery(), query, mode)]


def test_vectors_and_features_of_a_hand_worked_example() -> None:
    def of(unit: list[float], length: float, name: str) -> EncodedQuery:
        return EncodedQuery(
            name, sha256=name, feature=np.array(unit) * length, vectors={"embedding": np.array(unit)}
        )

    query, bad = of([1, 0, 0], 5, "q"), of([0, 0, 1], 9, "bad")
    liked = [of([0, 1, 0], 2, "one"), of([1, 0, 0], 7, "two")]
    # 1 (1 0 0) + 0.75 (0.5 0.5 0) - 0.15 (0 0 1) = (1.375 0.375 -0.15)
    length = sqrt(1.375**2 + 0.375**2 + 0.15**2)
    moved = rocchio(query, liked, [bad])
    assert moved.vectors["embedding"] == pytest.approx(
        [1.375 / length, 0.375 / length, -0.15 / length], abs=1e-6
    )
    assert moved.feature == pytest.approx(
        [5 * 1.375 / length, 5 * 0.375 / length, -5 * 0.15 / length], abs=1e-5
    )
    # 0 (1 0 0) + 2 (0 1 0) - 1 (0 0 1)
    moved = rocchio(query, liked[:1], [bad], (0, 2, 1))
    assert moved.vectors["embedding"] == pytest.approx([0, 2 / sqrt(5), -1 / sqrt(5)], abs=1e-6)
    assert (moved.caption, moved.sha256) == ("q", "q") and query.feedback is None


def test_words_of_a_hand_worked_example() -> None:
    moved = Feedback(
        (picture("dog grass"), picture("dog")), (picture("cat run"),), (1, 0.75, 0.15)
    ).apply_feedback({"dog": 1.0, "cat": 1.0}, lambda other: dict.fromkeys(word_set(str(other.caption)), 1.0))
    # dog 1 + .75, cat 1 - .15, grass .75 / 2, run -.15: all by 1.75, and the last below 0
    assert moved == pytest.approx({"cat": 0.85 / 1.75, "dog": 1.0, "grass": 0.375 / 1.75})
    assert list(moved) == ["cat", "dog", "grass"]
    only_bad = Feedback((), (picture("cat"),), (2, 0.75, 2)).apply_feedback(
        {"dog": 0.5, "cat": 0.9}, lambda other: {"cat": 1.0}
    )
    assert only_bad == pytest.approx({"dog": 0.5}), "2 of 2 for the query alone, and nothing below 0"


def test_word_probabilities_are_moved_as_the_words_of_a_text_are() -> None:
    query = EncodedQuery(text="dog")
    moved = rocchio(query, [picture("a dog on sand")], [picture("a cat on grass")], (1, 1, 0.2))
    prepared = MODES["expected-jaccard"].prepare(gallery())
    # dog (1 + .5) / 2, sand and "a", "on" .5 / 2, less .1 / 2 where the cat's picture holds them
    assert prepared._probabilities(moved) == pytest.approx({"a": 0.2, "dog": 0.75, "on": 0.2, "sand": 0.25})  # type: ignore[attr-defined]
    assert prepared.scores(moved).argmax() == 1


@pytest.mark.parametrize(
    "mode",
    [
        "jaccard",
        "jaccard-idf",
        "jaccard-lemma",
        "tfidf",
        "bm25",
        "expected-cosine",
        "multi-caption",
        "multi-caption-union",
        "cnn",
        "cnn-centred",
        "embedding",
        "hybrid",
    ],
)
def test_in_every_kind_of_mode_the_liked_comes_nearer_and_the_disliked_goes(mode: str) -> None:
    query = picture("a dog on grass", "another picture")
    before = found(query, mode)
    assert before.index("a dog on grass") == 0
    moved = rocchio(query, [picture("a cat on sand")], [picture("a dog on grass")], (0.3, 1, 1))
    after = found(moved, mode)
    assert after[0] == "a cat on sand", "a liked picture may be shown"
    assert "a dog on grass" not in after, "a disliked one never is"
    assert "a dog on grass" not in [hit.caption for hit in search(gallery(), moved, mode, keep_self=True)]


@pytest.mark.parametrize(
    "mode",
    sorted(name for name, mode in MODES.items() if mode.required_parts(gallery()) <= gallery().parts),
)
def test_feedback_that_weighs_nothing_changes_no_score(mode: str) -> None:
    query = picture("a dog on grass", "another picture")
    plain = {hit.path: hit.score for hit in search(gallery(), query, mode, top=None)}
    moved = {
        hit.path: hit.score
        for hit in search(gallery(), rocchio(query, [picture(CAPTIONS[3])], (), (1, 0, 0)), mode, top=None)
    }
    assert moved == pytest.approx(plain, abs=1e-5)


def test_an_explanation_of_a_moved_query_adds_up(mode: str = "multi-caption") -> None:
    moved = rocchio(picture("a dog on grass", "q"), [picture(CAPTIONS[3])], [picture(CAPTIONS[4])])
    for name in (mode, "multi-caption-union", "jaccard", "tfidf", "expected-jaccard"):
        prepared = MODES[name].prepare(gallery())
        scores = prepared.scores(moved)
        for row in range(len(CAPTIONS)):
            assert prepared.explain(moved, row).score == pytest.approx(scores[row], abs=1e-5), name


def test_a_part_that_somebody_lacks_is_compared_by_nobody() -> None:
    query = picture("a dog on grass", "q")
    moved = rocchio(query, [EncodedQuery("a cat on sand", sha256="liked")])
    assert moved.feature is None and not moved.vectors
    with pytest.raises(BadSetting, match="the query has none"):
        found(moved, "cnn")
    assert found(moved, "jaccard")
    assert rocchio(query) is query


def test_a_query_of_which_nothing_is_left_says_so() -> None:
    with pytest.raises(NoWords, match="no word is left: what is disliked takes all away"):
        found(rocchio(EncodedQuery(text="dog"), (), [picture("dog")], (1, 0, 1)), "jaccard")
    query = EncodedQuery("q", sha256="q", vectors={"embedding": vector("dog")})
    with pytest.raises(BadSetting, match="cancel each other out"):
        rocchio(query, (), [EncodedQuery("b", sha256="b", vectors={"embedding": vector("dog")})], (1, 0, 1))


def test_feedback_that_contradicts_itself_is_refused() -> None:
    query, one, other = picture("a dog", "q"), picture("a cat", "x"), picture("a cat again", "x")
    with pytest.raises(BadSetting, match=r"'a cat'.* is both liked and disliked"):
        rocchio(query, [one], [other])
    with pytest.raises(BadSetting, match="that is asked for is disliked"):
        rocchio(query, [], [picture("the same", "q")])
    for weights in ((-1, 0, 0), (1, nan, 0), (1, 0, inf), (1, 2)):
        with pytest.raises(BadSetting, match="three numbers of at least 0"):
            rocchio(query, [one], (), weights)  # type: ignore[arg-type]
    for liked, weights in (([one], (0, 0, 1)), ([], (0, 1, 1))):
        with pytest.raises(BadSetting, match="nothing is asked for"):
            rocchio(query, liked, [picture("other")], weights)
