"""The caption that agrees with the others most, against the sum over n-grams written out."""

import math
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from captionret.decoding import Consensus, decoding_from_json
from captionret.errors import BadSetting
from captionret.models.reranking.consensus import consensus, similarities
from captionret.records import Caption

SENTENCE = st.lists(st.sampled_from(["a", "dog", "cat", "runs"]), min_size=1, max_size=7)
CANDIDATES = st.lists(st.tuples(SENTENCE, st.floats(-12, -0.5)), min_size=1, max_size=5)


def caption(text: str, logprob: float) -> Caption:
    return Caption(text, tuple(text.split()), logprob)


def alike(ours: tuple[str, ...], theirs: tuple[str, ...]) -> float:
    """How CIDEr-D likens a caption to one reference, all n-grams weighing 1."""
    total = 0.0
    for n in range(1, 5):
        one, other = (
            Counter(tuple(words[i : i + n]) for i in range(len(words) - n + 1)) for words in (ours, theirs)
        )
        norms = math.sqrt(sum(count**2 for count in one.values())) * math.sqrt(
            sum(count**2 for count in other.values())
        )
        dot = sum(min(count, other[ngram]) * other[ngram] for ngram, count in one.items())
        total += dot / norms if norms else 0.0
    return total / 4 * math.exp(-((len(ours) - len(theirs)) ** 2) / 72)


def expected(one: Caption, all_of_them: list[Caption], sharpness: float, length_penalty: float) -> float:
    weights = [
        math.exp(sharpness * other.logprob / len(other.tokens) ** length_penalty) for other in all_of_them
    ]
    gain = sum(
        weight * alike(one.tokens, other.tokens) for weight, other in zip(weights, all_of_them, strict=True)
    )
    return gain / sum(weights)


@settings(deadline=None)
@given(
    st.lists(CANDIDATES, min_size=1, max_size=4),
    st.sampled_from([0.0, 1.0, 3.0]),
    st.sampled_from([0.0, 0.6]),
)
def test_the_first_caption_has_the_largest_expected_similarity(
    drawn: Any, sharpness: float, length_penalty: float
) -> None:
    images = [[caption(" ".join(words), logprob) for words, logprob in image] for image in drawn]
    found = consensus(images, sharpness, length_penalty)
    for image, ranked in zip(images, found, strict=True):
        once = list({one.tokens: one for one in reversed(image)}.values())
        assert len(ranked) == len(once) and set(ranked) == set(once)
        gains = [expected(one, once, sharpness, length_penalty) for one in ranked]
        assert gains == pytest.approx(sorted(gains, reverse=True), abs=1e-9)
    assert [consensus([image], sharpness, length_penalty)[0] for image in images] == found, (
        "an image depends on no other"
    )


@settings(deadline=None)
@given(st.lists(st.lists(SENTENCE, max_size=4), max_size=4))
def test_similarities_of_a_batch_are_those_of_each_pair(images: list[list[list[str]]]) -> None:
    for image, found in zip(images, similarities(images), strict=True):
        assert found.shape == (len(image), len(image))
        for row, ours in enumerate(image):
            assert found[row].tolist() == pytest.approx(
                [alike(tuple(ours), tuple(theirs)) for theirs in image], abs=1e-12
            )


def test_what_most_candidates_say_beats_what_is_most_probable() -> None:
    odd = caption("people stand about", -1.0)
    agreed = [
        caption(f"a {colour} dog runs on the beach", -3.0 - place / 10)
        for place, colour in enumerate(("brown", "big", "wet"))
    ]
    assert consensus([[odd, *agreed]], 0.0, 0.6)[0][0] in agreed
    assert consensus([[odd, *agreed]], 100.0, 0.6)[0][0] == odd, (
        "the sharper, the more the probable one counts"
    )


def test_a_tie_is_the_more_probable_captions_in_any_order() -> None:
    likely, unlikely = caption("a dog", -1.0), caption("a cat", -1.5)
    assert consensus([[likely, unlikely], [unlikely, likely]], 0.0, 0.6) == [[likely, unlikely]] * 2


def test_equal_captions_count_once_and_one_caption_is_said() -> None:
    one, other = caption("two dogs play", -1.0), caption("a cat", -0.5)
    assert consensus([[one, one, one, other]], 1.0, 0.6) == consensus([[one, other]], 1.0, 0.6)
    assert consensus([[one]], 1.0, 0.6) == [[one]]
    assert consensus([], 1.0, 0.6) == []


def test_a_decoding_says_what_the_consensus_is_made_of() -> None:
    assert Consensus(beam=30).summary == "consensus, beam 30, sharpness 3.0"
    assert Consensus(beam=30).to_json() == {"method": "consensus", "beam": 30, "sharpness": 3.0}
    drawing = Consensus(beam=5, drawn=20, captions=25, temperature=0.5, seed=3)
    assert (
        decoding_from_json(drawing.to_json()) == drawing
        and "drawn 20, temperature 0.5, seed 3" in drawing.summary
    )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"captions": 6}, "keeps 1 to 5 of them, not 6"),
        ({"drawn": -1}, "at least 0, not -1"),
        ({"sharpness": -0.5}, "sharpness must be a number of at least 0"),
        ({"sharpness": math.nan}, "sharpness must be a number of at least 0"),
    ],
)
def test_a_consensus_that_cannot_be_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(BadSetting, match=said):
        Consensus(**{"beam": 3, "drawn": 2, "captions": 1} | changes)
