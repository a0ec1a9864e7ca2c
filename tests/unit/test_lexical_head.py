"""WordMatrix: the lexical head learns which words a picture's captions hold, drawn captions say it too, and
both come together."""

from pathlib import Path

import numpy as np
import pytest
import torch
from shapes import COLOURS, SHAPES, Trained

from captionret.decoding import BeamSearch, Sampling
from captionret.errors import BadCheckpoint, BadSetting
from captionret.models.captioning.captioner import Captioner
from captionret.models.captioning.config import CaptionerConfig
from captionret.models.lexical.head import LexicalHead
from captionret.models.lexical.predictor import WordPredictor


def test_a_words_head_believes_what_it_sees(words_head: Path, trained: Trained) -> None:
    predicted = Captioner.load(words_head).word_probabilities(
        [trained.pictures / "red-circle-0.png", trained.pictures / "blue-square-1.png"]
    )
    for probabilities, colour, kind in zip(predicted, ("red", "blue"), ("circle", "square"), strict=True):
        assert max(COLOURS, key=lambda word: probabilities.get(word, 0)) == colour
        assert max(SHAPES, key=lambda word: probabilities.get(word, 0)) == kind
    assert predicted[0]["paper"] > 0.9, "every caption says it"
    assert not set(predicted[0]) & {"<pad>", "<start>", "<end>", "<unk>", "."}


def test_a_words_head_has_no_captions_to_give(words_head: Path, trained: Trained) -> None:
    with pytest.raises(BadSetting, match="cannot generate captions"):
        Captioner.load(words_head).caption([trained.pictures / "red-circle-0.png"])


def test_the_card_of_a_words_head_says_by_what_its_epoch_was_chosen(words_head: Path) -> None:
    card = (words_head / "README.md").read_text(encoding="utf-8")
    assert "A lexical head of variant `words-lite`" in card and "NDCG@10" in card and "CIDEr" not in card


def test_drawn_captions_are_counted(trained: Trained) -> None:
    captioner = Captioner.load(trained.checkpoint)
    picture = trained.pictures / "green-square-0.png"
    decoding = Sampling(captions=40, temperature=0.3, seed=3)
    (predicted,) = captioner.word_probabilities([picture], decoding=decoding)
    assert predicted["green"] > 0.8 and predicted["square"] > 0.8
    assert all(round(40 * weight, 4) == round(40 * weight) for weight in predicted.values()), (
        "shares of forty captions"
    )
    assert (
        captioner.word_probabilities([trained.pictures / "red-circle-0.png", picture], decoding=decoding)[1]
        == predicted
    )


def test_a_word_probabilities_cannot_be_searched_for(trained: Trained) -> None:
    with pytest.raises(BadSetting, match="drawn captions"):
        Captioner.load(trained.checkpoint).word_probabilities(
            [trained.pictures / "red-circle-0.png"],
            decoding=BeamSearch(5),  # type: ignore[arg-type]
        )


def test_two_word_probabilities_are_averaged_word_by_word(words_head: Path, trained: Trained) -> None:
    words, captioner = Captioner.load(words_head), Captioner.load(trained.checkpoint)
    pictures = [trained.pictures / "red-circle-0.png"]
    hashes, pooled = ["ab" * 32], np.random.default_rng(0).random((1, 1280), np.float32)
    parts = [WordPredictor(words), WordPredictor(None, captioner), WordPredictor(words, captioner)]
    first, second, both = (
        dict(zip(one.words, one.predict_words(pictures, hashes, pooled)[0].tolist(), strict=True))
        for one in parts
    )
    assert parts[2].name == "words and 30 captions of tiny"
    for word in both:
        assert both[word] == pytest.approx((first.get(word, 0) + second.get(word, 0)) / 2, abs=1e-6)


def test_a_predictor_is_loaded_as_it_was_and_never_as_another(words_head: Path, trained: Trained) -> None:
    predictor = WordPredictor(Captioner.load(words_head), Captioner.load(trained.checkpoint))
    assert WordPredictor.load(predictor.describe()).fingerprint == predictor.fingerprint
    with pytest.raises(BadCheckpoint, match="has changed since"):
        WordPredictor.load(predictor.describe() | {"fingerprint": "0" * 64})


def test_predictors_that_cannot_be_are_refused(words_head: Path, trained: Trained) -> None:
    with pytest.raises(BadSetting, match="needs a lexical head"):
        WordPredictor()
    with pytest.raises(BadSetting, match="not a lexical head"):
        WordPredictor(Captioner.load(trained.checkpoint))
    with pytest.raises(BadSetting, match="reads features of efficientnet_lite0"):
        WordPredictor(Captioner.load(words_head)).check({"name": "resnet18", "sha256": "0" * 64})
    with pytest.raises(BadSetting, match="Nobody knows which backbone"):
        WordPredictor(Captioner.load(words_head)).check(None)


def test_a_words_head_begins_with_the_rates_of_words() -> None:
    config = CaptionerConfig("efficientnet_lite0", decoder="words", hidden_dim=8, predict_bos=False)
    head = LexicalHead(config, 5, 3).eval()
    head.begin_at(torch.tensor([0.5, 0.01, 0.99]))
    torch.nn.init.zeros_(head.output.weight)
    torch.testing.assert_close(
        torch.sigmoid(head(torch.randn(4, 5))), torch.tensor([[0.5, 0.01, 0.99]]).expand(4, 3)
    )
