"""Captions that name what their captioner has no word for."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from shapes import Trained
from torch import Tensor
from typed import Call

from captionret.cli import index
from captionret.decoding import NAMED_FROM, BeamSearch, Consensus, decoding_from_json
from captionret.errors import BadSetting
from captionret.image_classes import image_classes
from captionret.models.captioning.beam_search import Rules, State
from captionret.models.captioning.captioner import Captioner
from captionret.models.captioning.constrained import Name, NamedCaption, named_search
from captionret.models.captioning.naming import ClassNames
from captionret.models.lexical.classes import ImageClassifier
from captionret.records import Caption
from captionret.text import END_ID, SPECIAL, Vocabulary

WORDS = ("a", "the", "cup", "of", "coffee", "table", "dog", "plays", "animal", "food")
VOCABULARY = Vocabulary([*SPECIAL, *WORDS])
SIZE, MAX_WORDS = 8, 4
ESPRESSO, GREYHOUND = (
    next(number for number, one in enumerate(image_classes()) if one.name.endswith(name))
    for name in ("espresso", "greyhound")
)


def chain(pictures: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """The first token's logits of each picture (N, V), and for each last token those of the next (V, V)."""
    random = torch.Generator().manual_seed(seed)
    first = 2 * torch.randn((pictures, SIZE), generator=random)
    return first, 2 * torch.randn((SIZE, SIZE), generator=random)


def brute(first: Tensor, table: Tensor, name: Name, penalty: float) -> tuple[tuple[int, ...], int, float]:
    """Of all captions that end and hold the name once: tokens, place and score of the best."""
    best: tuple[tuple[int, ...], int, float] = ((), 0, -math.inf)
    begin = first.log_softmax(-1)
    after = table.log_softmax(-1)
    for length in range(1, MAX_WORDS):
        for tokens in itertools.product(range(4, SIZE), repeat=length):
            chances = [begin, *(after[token] for token in tokens)]
            steps = [float(chance[token]) for chance, token in zip(chances, (*tokens, END_ID), strict=True)]
            for place in range(length):
                if tokens[place] not in name.stand_ins:
                    continue
                each = [float(chances[place][one]) for one in name.stand_ins]
                if tokens[place] != name.stand_ins[int(np.argmax(each))]:
                    continue
                meant = math.log(sum(map(math.exp, each)) / len(each))
                score = (sum(steps) - steps[place] + meant) / length**penalty
                if score > best[2]:
                    best = tokens, place, score
    return best


@pytest.mark.parametrize("penalty", [0.0, 1.0])
def test_a_wide_search_finds_the_best_caption_with_the_name(penalty: float) -> None:
    first, table = chain(3)
    name = Name(("tiger", "shark"), (5, 6))
    found = named_search(
        first,
        State((torch.zeros(3, 1),)),
        lambda tokens, state: (table[tokens], state),
        [[name]] * 3,
        beam=4**MAX_WORDS,
        max_words=MAX_WORDS,
        length_penalty=penalty,
    )
    for picture, caption in enumerate(found):
        assert caption is not None
        tokens, place, score = brute(first[picture], table, name, penalty)
        assert (caption.ids, caption.place, caption.ended) == (tokens, place, True)
        assert caption.logprob / len(tokens) ** penalty == pytest.approx(score, abs=1e-4)


def test_a_pictures_named_caption_does_not_depend_on_the_batch() -> None:
    first, table = chain(5, seed=1)
    names = [
        [Name(("x",), (4 + row % 3, 7)), Name(("y",), (6,), share=0.5)][: 1 + row % 2] for row in range(5)
    ]

    def run(rows: list[int]) -> list[NamedCaption | None]:
        state = State((torch.zeros(len(rows), 1),))
        return named_search(
            first[rows],
            state,
            lambda tokens, state: (table[tokens], state),
            [names[row] for row in rows],
            beam=2,
            max_words=6,
            rules=Rules(torch.zeros(SIZE, dtype=torch.bool)),
        )

    assert run([0, 1, 2, 3, 4]) == [run([row])[0] for row in range(5)]


def test_the_likelier_of_two_names_is_taken_where_both_fit_alike() -> None:
    first, table = chain(1)
    names = [Name(("rare",), (5,), share=0.1), Name(("sure",), (5,))]
    found = named_search(
        first,
        State((torch.zeros(1, 1),)),
        lambda tokens, state: (table[tokens], state),
        [names],
        beam=3,
        max_words=6,
    )
    assert found[0] is not None and found[0].name.words == ("sure",)


def said(text: str) -> Caption:
    return Caption(text, tuple(text.split()), -1.0)


def sure(*classes: int) -> np.ndarray:
    """(1, 1000) probabilities: .9 of each."""
    row = np.zeros((1, 1000), np.float32)
    row[0, list(classes)] = 0.9
    return row


def test_a_class_is_named_where_the_caption_says_nothing_of_it() -> None:
    names = ClassNames(VOCABULARY).wanted(sure(ESPRESSO), [said("food of the table")], 0.5)
    assert [name.words for name in names[0]] == [("espresso",)]
    assert VOCABULARY.tokens[names[0][0].stand_ins[0]] == "coffee"


@pytest.mark.parametrize("text", ["a cup of coffee", "coffees"])
def test_a_class_is_not_named_where_the_caption_says_what_it_is_a_kind_of(text: str) -> None:
    assert ClassNames(VOCABULARY).wanted(sure(ESPRESSO), [said(text)], 0.5) == [[]]


def test_what_the_captioner_can_say_and_what_is_not_sure_is_not_named() -> None:
    known = Vocabulary([*VOCABULARY.tokens, "espresso"])
    assert ClassNames(known).wanted(sure(ESPRESSO), [said("the table")], 0.5) == [[]]
    assert ClassNames(VOCABULARY).wanted(sure(ESPRESSO), [said("the table")], 0.95) == [[]]


def test_the_article_before_a_name_is_the_names_own() -> None:
    names = ClassNames(VOCABULARY)
    ids = tuple(VOCABULARY.ids[word] for word in ("a", "coffee", "of", "the", "table"))
    found = NamedCaption(ids, 1, Name(("espresso",), (ids[1],)), -3.0, True)
    assert names.caption(found) == Caption(
        "an espresso of the table", ("an", "espresso", "of", "the", "table"), -3.0
    )


def test_the_shipped_captioner_names_the_espresso_first_and_keeps_its_own_caption() -> None:
    from skimage.data import coffee

    captioner, picture = Captioner.load("photos-lite", device="cpu"), coffee()  # type: ignore[no-untyped-call]
    plain = captioner.caption(picture, decoding=BeamSearch(3, captions=2))
    named = captioner.caption(picture, decoding=BeamSearch(3, captions=2, name_classes=NAMED_FROM))
    assert "espresso" in named[0].tokens
    assert named[1] == plain[0]


def test_naming_is_remembered_and_a_decoding_without_is_written_as_before() -> None:
    for way in (BeamSearch(5, name_classes=0.7), Consensus(name_classes=0.5)):
        assert decoding_from_json(way.to_json()) == way
    assert BeamSearch(5, name_classes=0.7).to_json() == {"beam": 5, "name_classes": 0.7}
    assert "name_classes" not in BeamSearch(5).to_json()


@pytest.mark.parametrize("least", [0, -1, 1.5, math.nan, True, "half"])
def test_a_probability_that_is_none_is_refused(least: object) -> None:
    with pytest.raises(BadSetting, match="named from a probability above 0"):
        replace(BeamSearch(3), name_classes=least)  # type: ignore[arg-type]


def test_a_captioner_whose_cnn_has_no_classifier_says_so(
    trained: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ImageClassifier, "of", lambda backbone: None)
    captioner = Captioner.load(trained.checkpoint, device="cpu")
    with pytest.raises(BadSetting, match="cannot name classes"):
        captioner.decode(torch.zeros(1, 1280), BeamSearch(3, name_classes=0.5))


def test_the_shell_refuses_to_name_classes_in_drawn_captions(call: Call) -> None:
    ended = call(index, ".", "--decode", "sample", "--name-classes")
    assert ended.code == 2 and "of captions that a beam finds" in ended.err
