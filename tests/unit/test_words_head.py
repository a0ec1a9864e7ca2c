"""Beliefs: the words head learns which words a picture's captions hold, drawn captions say it too, and both come together."""

from pathlib import Path

import numpy as np
import pytest
import torch
from shapes import COLOURS, SHAPES, Trained

from captionret.errors import BadCheckpoint, BadSetting
from captionret.models.believer import Believer
from captionret.models.captioner import Captioner
from captionret.models.variants import CaptionerConfig
from captionret.models.words_head import WordsHead
from captionret.records import Decoding


def test_a_words_head_believes_what_it_sees(words_head: Path, trained: Trained) -> None:
    believed = Captioner.load(words_head).belief([trained.pictures / "red-circle-0.png", trained.pictures / "blue-square-1.png"])
    for belief, colour, kind in zip(believed, ("red", "blue"), ("circle", "square"), strict=True):
        assert max(COLOURS, key=lambda word: belief.get(word, 0)) == colour
        assert max(SHAPES, key=lambda word: belief.get(word, 0)) == kind
    assert believed[0]["paper"] > 0.9, "every caption says it"
    assert not set(believed[0]) & {"<pad>", "<start>", "<end>", "<unk>", "."}


def test_a_words_head_has_no_captions_to_give(words_head: Path, trained: Trained) -> None:
    with pytest.raises(BadSetting, match="believes, but doesn't speak"):
        Captioner.load(words_head).caption([trained.pictures / "red-circle-0.png"])


def test_the_card_of_a_words_head_says_by_what_its_epoch_was_chosen(words_head: Path) -> None:
    card = (words_head / "README.md").read_text(encoding="utf-8")
    assert "A words head of variant `words-lite`" in card and "NDCG@10" in card and "CIDEr" not in card


def test_drawn_captions_are_counted(trained: Trained) -> None:
    captioner = Captioner.load(trained.checkpoint)
    picture = trained.pictures / "green-square-0.png"
    decoding = Decoding(method="sample", captions=40, temperature=0.3, seed=3)
    (believed,) = captioner.belief([picture], decoding=decoding)
    assert believed["green"] > 0.8 and believed["square"] > 0.8
    assert all(round(40 * weight, 4) == round(40 * weight) for weight in believed.values()), "shares of forty captions"
    assert captioner.belief([trained.pictures / "red-circle-0.png", picture], decoding=decoding)[1] == believed


def test_a_belief_cannot_be_searched_for(trained: Trained) -> None:
    with pytest.raises(BadSetting, match="drawn captions"):
        Captioner.load(trained.checkpoint).belief([trained.pictures / "red-circle-0.png"], decoding=Decoding(beam=5))


def test_two_beliefs_are_averaged_word_by_word(words_head: Path, trained: Trained) -> None:
    words, speaker = Captioner.load(words_head), Captioner.load(trained.checkpoint)
    pictures = [trained.pictures / "red-circle-0.png"]
    hashes, pooled = ["ab" * 32], np.random.default_rng(0).random((1, 1280), np.float32)
    parts = [Believer(words), Believer(None, speaker), Believer(words, speaker)]
    first, second, both = (dict(zip(one.words, one.believe(pictures, hashes, pooled)[0].tolist(), strict=True)) for one in parts)
    assert parts[2].name == "words and 30 captions of tiny"
    for word in both:
        assert both[word] == pytest.approx((first.get(word, 0) + second.get(word, 0)) / 2, abs=1e-6)


def test_a_believer_is_loaded_as_it_was_and_never_as_another(words_head: Path, trained: Trained) -> None:
    believer = Believer(Captioner.load(words_head), Captioner.load(trained.checkpoint))
    assert Believer.load(believer.describe()).fingerprint == believer.fingerprint
    with pytest.raises(BadCheckpoint, match="has changed since"):
        Believer.load(believer.describe() | {"fingerprint": "0" * 64})


def test_believers_that_cannot_be_are_refused(words_head: Path, trained: Trained) -> None:
    with pytest.raises(BadSetting, match="needs a words head"):
        Believer()
    with pytest.raises(BadSetting, match="not a words head"):
        Believer(Captioner.load(trained.checkpoint))
    with pytest.raises(BadSetting, match="reads features of efficientnet_lite0"):
        Believer(Captioner.load(words_head)).check({"name": "resnet18", "sha256": "0" * 64})
    with pytest.raises(BadSetting, match="Nobody knows which backbone"):
        Believer(Captioner.load(words_head)).check(None)


def test_a_words_head_begins_with_the_rates_of_words() -> None:
    config = CaptionerConfig("efficientnet_lite0", decoder="words", hidden_dim=8, says_start=False)
    head = WordsHead(config, 5, 3).eval()
    head.begin_at(torch.tensor([0.5, 0.01, 0.99]))
    torch.nn.init.zeros_(head.output.weight)
    torch.testing.assert_close(torch.sigmoid(head(torch.randn(4, 5))), torch.tensor([[0.5, 0.01, 0.99]]).expand(4, 3))
