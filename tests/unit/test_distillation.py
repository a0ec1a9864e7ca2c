"""A lexical head learns from other heads what they predict, and from mixtures of pictures."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from shapes import COLOURS, Trained

from captionret.cli import train_captioner
from captionret.errors import BadSetting
from captionret.models.lexical.config import LexicalConfig
from captionret.models.lexical.head import LexicalHead
from captionret.models.lexical.predictor import WordPredictor
from captionret.training.lexical import _mixed

SETTINGS = ("--variant", "words-lite", "--augment", "1", "--epochs", "20", "--patience", "20")
FIELDS = ("backbone=efficientnet_lite0", "min_count=4", "hidden_dim=32", "learning_rate=0.01", "dropout=0")


def learned_from(teachers: list[Path], trained: Trained, out: Path, *fields: str) -> int:
    given = [word for field in (*FIELDS, *fields) for word in ("--set", field)]
    where = ("--data", trained.spec, "--out", str(out), "--features", str(trained.features))
    names = ["--distil-from", *map(str, teachers)] if teachers else []
    return train_captioner.main([*where, *SETTINGS, "--batch-size", "16", *given, *names])


def test_a_head_learns_what_others_predict(lexical_head: Path, trained: Trained, tmp_path: Path) -> None:
    out = tmp_path / "learned"
    assert learned_from([lexical_head, lexical_head], trained, out, "taught=0.9", "mixup=0.4") == 0
    picture = trained.pictures / "red-circle-0.png"
    ours = WordPredictor.load(out).predict(picture)
    assert max(COLOURS, key=lambda word: ours.get(word, 0)) == "red"
    record = json.loads((out / "config.json").read_text(encoding="utf-8"))
    assert [one["name"] for one in record["training"]["teachers"]] == ["words", "words"]
    card = (out / "README.md").read_text(encoding="utf-8")
    assert "90 % of what it learnt is the mean prediction of words (" in card


def test_a_teacher_of_other_words_is_refused(lexical_head: Path, trained: Trained, tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="which are not the"):
        learned_from([lexical_head], trained, tmp_path / "out", "punctuation=true")


def test_captioners_do_not_learn_from_heads(lexical_head: Path, trained: Trained, tmp_path: Path) -> None:
    out, names = str(tmp_path / "out"), ["--distil-from", str(lexical_head)]
    with pytest.raises(BadSetting, match="Lexical heads alone learn from other heads"):
        train_captioner.main(["--data", trained.spec, "--out", out, *names])


def test_how_a_head_was_trained_does_not_change_its_fingerprint(lexical_head: Path) -> None:
    config = LexicalHead.load(lexical_head, "cpu").config.to_json()
    other = LexicalConfig.from_json({**config, "mixup": 0.4, "taught": 0.9})
    assert other.fingerprinted() == LexicalConfig.from_json(config).fingerprinted()


def test_mixtures_hold_most_of_their_own_picture_and_words_as_features() -> None:
    torch.manual_seed(0)
    rows = torch.eye(6)
    features, targets = _mixed(rows, rows, 0.4)
    torch.testing.assert_close(features, targets)
    assert (features.diagonal() >= 0.5).all()
    np.testing.assert_allclose(features.sum(1).numpy(), 1, atol=1e-6)
