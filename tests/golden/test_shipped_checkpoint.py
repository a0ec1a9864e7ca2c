"""The checkpoint that comes with the repository does what its card says."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from captionret.app.places import SHIPPED, SHIPPED_SPACES
from captionret.datasets import open_dataset
from captionret.datasets.samples import sample_gallery
from captionret.evaluation.captions.scorer import score
from captionret.models.captioning.captioner import Captioner
from captionret.models.card import card
from captionret.models.embedding.model import EmbeddingModel


def test_its_scores_on_flickr8k_test_are_those_of_its_card(shared_data: Callable[[str], Path]) -> None:
    """All 1,000 pictures; about half a minute."""
    items = open_dataset(f"flickr8k:{shared_data('flickr8k')}").split("test")
    captions = Captioner.load(SHIPPED, device="cpu").caption(
        [item.path for item in items if item.path], beam=3
    )
    found = score(
        {item.id: said[0].text for item, said in zip(items, captions, strict=True)},
        {item.id: item.captions for item in items},
    )
    written = json.loads((SHIPPED / "config.json").read_text())["scores"][
        "flickr8k test, beam 3, length penalty 1, constraints"
    ]
    # another processor may decide a near tie the other way
    assert found.bleu4 == pytest.approx(written["bleu4"], abs=0.3)
    assert found.cider_d == pytest.approx(written["cider_d"], abs=0.6)
    assert found.distinct == pytest.approx(written["distinct"], abs=15)
    assert found.bleu4 >= 20
    assert found.cider_d >= 48
    assert found.distinct >= 300


def test_its_card_is_the_one_its_record_makes() -> None:
    assert (SHIPPED / "README.md").read_text() == card(
        SHIPPED.name, json.loads((SHIPPED / "config.json").read_text())
    )


def test_all_that_is_shipped_is_small_enough() -> None:
    folders = [SHIPPED.parent / name for name in ("photos-lite", "photos-space", "words-lite")]
    assert (
        sum(file.stat().st_size for folder in folders for file in folder.iterdir() if file.is_file()) < 25e6
    )
    assert (SHIPPED.parent / "photos-space/model.safetensors").stat().st_size < 8e6


def test_the_shipped_space_finds_a_photograph_by_a_text() -> None:
    model = EmbeddingModel.load(SHIPPED_SPACES["embedding"], device="cpu")
    pictures = sorted(sample_gallery().glob("*"))
    scores = (
        model.encode_images(pictures)
        @ model.encode_texts(["a cat", "a cup of coffee", "a person on a motorcycle"]).T
    )
    found = [pictures[row].name for row in scores.argmax(0)]
    assert "cat" in found[0] or "chelsea" in found[0]


def test_the_shipped_space_reads_what_the_shipped_captioner_reads() -> None:
    EmbeddingModel.load(SHIPPED_SPACES["embedding"], device="cpu").check(
        Captioner.load(SHIPPED, device="cpu").checkpoint.backbone
    )
