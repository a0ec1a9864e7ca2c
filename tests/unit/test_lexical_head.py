"""The lexical head learns which words a picture's captions hold; drawn captions are counted; both come
together."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from shapes import COLOURS, SHAPES, Trained

from captionret.decoding import BeamSearch, Sampling
from captionret.errors import BadCheckpoint, BadSetting
from captionret.images import ImageInput
from captionret.models.captioning.captioner import Captioner
from captionret.models.checkpoint import save_checkpoint
from captionret.models.lexical.config import LEXICAL, LexicalConfig
from captionret.models.lexical.head import LexicalHead
from captionret.models.lexical.network import LexicalNetwork
from captionret.models.lexical.predictor import WordPredictor
from captionret.records import CaptionResult


def test_lexical_head_believes_what_it_sees(lexical_head: Path, trained: Trained) -> None:
    predicted = WordPredictor.load(lexical_head).predict(
        [trained.pictures / "red-circle-0.png", trained.pictures / "blue-square-1.png"]
    )
    for probabilities, colour, kind in zip(predicted, ("red", "blue"), ("circle", "square"), strict=True):
        assert max(COLOURS, key=lambda word: probabilities.get(word, 0)) == colour
        assert max(SHAPES, key=lambda word: probabilities.get(word, 0)) == kind
    assert predicted[0]["paper"] > 0.9, "every caption says it"
    assert not set(predicted[0]) & {"<pad>", "<start>", "<end>", "<unk>", "."}


def test_lexical_head_has_no_captions_to_give(lexical_head: Path, trained: Trained) -> None:
    with pytest.raises(BadCheckpoint, match="which predicts word probabilities and cannot generate captions"):
        Captioner.load(lexical_head)
    with pytest.raises(BadCheckpoint, match="of kind 'captioner', which generates captions"):
        LexicalHead.load(trained.checkpoint)


def test_the_card_of_a_lexical_head_says_by_what_its_epoch_was_chosen(lexical_head: Path) -> None:
    card = (lexical_head / "README.md").read_text(encoding="utf-8")
    assert "A lexical head of variant `words-lite`" in card and "NDCG@10" in card and "CIDEr" not in card


def test_drawn_captions_are_counted(trained: Trained) -> None:
    picture = trained.pictures / "green-square-0.png"
    decoding = Sampling(captions=40, temperature=0.3, seed=3)
    predictor = WordPredictor(captioner=Captioner.load(trained.checkpoint), decoding=decoding)
    predicted = predictor.predict(picture)
    assert predicted["green"] > 0.8 and predicted["square"] > 0.8
    assert all(round(40 * weight, 4) == round(40 * weight) for weight in predicted.values()), (
        "shares of forty captions"
    )
    assert predictor.predict([trained.pictures / "red-circle-0.png", picture])[1] == predicted


def test_word_probabilities_cannot_be_searched_for(trained: Trained) -> None:
    with pytest.raises(BadSetting, match="shares of drawn captions"):
        WordPredictor(captioner=Captioner.load(trained.checkpoint), decoding=BeamSearch(5))  # type: ignore[arg-type]


def test_words_are_predicted_of_one_picture_in_any_form_and_of_several(
    lexical_head: Path, trained: Trained
) -> None:
    predictor, path = WordPredictor.load(lexical_head), trained.pictures / "red-circle-0.png"
    known = predictor.predict(path)
    assert isinstance(known, dict)
    image = Image.open(path)
    with open(path, "rb") as file:
        forms: list[ImageInput] = [str(path), image, np.array(image.convert("RGB")), path.read_bytes(), file]
        assert [predictor.predict(form) for form in forms] == [pytest.approx(known, abs=1e-6)] * 5
    assert predictor.predict([]) == []
    assert predictor.predict([path, path]) == [pytest.approx(known, abs=1e-6)] * 2
    assert set(predictor.predict(path, least=0.5)) == {word for word in known if known[word] >= 0.5}


def test_features_of_a_library_give_the_words_of_the_pictures(lexical_head: Path, trained: Trained) -> None:
    predictor, path = WordPredictor.load(lexical_head), trained.pictures / "red-circle-0.png"
    [[captioned]] = Captioner.load(trained.checkpoint).caption_stream([path])
    assert isinstance(captioned, CaptionResult)
    row = predictor.predict_features(captioned.feature[None])[0]
    assert row.dtype == np.float32 and row.shape == (len(predictor.words),)
    for word, probability in predictor.predict(path).items():
        assert row[predictor.words.index(word)] == pytest.approx(probability, abs=1e-4)
    both = WordPredictor(LexicalHead.load(lexical_head), Captioner.load(trained.checkpoint))
    with pytest.raises(BadSetting, match="which takes pictures"):
        both.predict_features(captioned.feature[None])


def test_two_word_probabilities_are_averaged_word_by_word(lexical_head: Path, trained: Trained) -> None:
    words, captioner = LexicalHead.load(lexical_head), Captioner.load(trained.checkpoint)
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


def test_a_predictor_is_loaded_as_it_was_and_never_as_another(lexical_head: Path, trained: Trained) -> None:
    predictor = WordPredictor(LexicalHead.load(lexical_head), Captioner.load(trained.checkpoint))
    assert WordPredictor.from_record(predictor.describe()).fingerprint == predictor.fingerprint
    with pytest.raises(BadCheckpoint, match="has changed since"):
        WordPredictor.from_record(predictor.describe() | {"fingerprint": "0" * 64})


def test_predictors_that_cannot_be_are_refused(lexical_head: Path, trained: Trained) -> None:
    with pytest.raises(BadSetting, match="take a lexical head"):
        WordPredictor()
    with pytest.raises(BadSetting, match="is not a lexical head"):
        WordPredictor(Captioner.load(trained.checkpoint))  # type: ignore[arg-type]
    with pytest.raises(BadSetting, match="reads features of efficientnet_lite0"):
        WordPredictor.load(lexical_head).check({"name": "resnet18", "sha256": "0" * 64})
    with pytest.raises(BadSetting, match="backbone is unknown"):
        WordPredictor.load(lexical_head).check(None)


def test_lexical_head_begins_with_the_rates_of_words() -> None:
    head = LexicalNetwork(LexicalConfig("efficientnet_lite0", hidden_dim=8), 5, 3).eval()
    head.begin_at(torch.tensor([0.5, 0.01, 0.99]))
    torch.nn.init.zeros_(head.output.weight)
    torch.testing.assert_close(
        torch.sigmoid(head(torch.randn(4, 5))), torch.tensor([[0.5, 0.01, 0.99]]).expand(4, 3)
    )


def test_head_of_release_0_5_0_opens_as_a_head_and_is_saved_as_one(tmp_path: Path) -> None:
    released = Path(__file__).resolve().parents[1] / "golden" / "release-0.5.0" / "checkpoints" / "words-lite"
    head = LexicalHead.load(released, "cpu")
    assert (head.checkpoint.kind, head.checkpoint.variant) == ("lexical", "words-lite")
    assert "decoder" not in head.config.to_json()
    save_checkpoint(tmp_path / "again", head.checkpoint)
    again = LexicalHead.load(tmp_path / "again", "cpu")
    assert again.fingerprint == head.fingerprint and again.config == head.config
    assert json.loads((tmp_path / "again" / "config.json").read_text())["kind"] == LEXICAL.name


def test_predictor_of_release_0_5_0_is_found_by_its_record(lexical_head: Path, trained: Trained) -> None:
    predictor = WordPredictor(LexicalHead.load(lexical_head), Captioner.load(trained.checkpoint))
    now = predictor.describe()
    then = {"name": now["name"], "fingerprint": now["fingerprint"], "head": now["head"]}
    then |= {"speaker": now["captioner"], "decoding": {"method": "sample", "captions": 30, "beam": 3}}
    assert WordPredictor.from_record(then).fingerprint == predictor.fingerprint
