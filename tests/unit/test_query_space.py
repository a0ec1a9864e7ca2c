"""A space as a search takes it: the same vectors as the trained model's, and no torch."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch

from captionret.app.loading.spaces import query_spaces
from captionret.errors import BadCheckpoint, BadSetting
from captionret.models.checkpoint import Checkpoint, save_checkpoint
from captionret.models.embedding.config import EMBEDDING, EmbeddingConfig
from captionret.models.embedding.model import EmbeddingModel
from captionret.models.embedding.network import EmbeddingNetwork
from captionret.models.embedding.query_space import QuerySpace
from captionret.models.vision.rows import PRECOMPUTED
from captionret.text import Vocabulary

TEXTS = ["a brown dog runs on the beach", "two dogs", "a red car", "xyzzy dog"]
VOCABULARY = Vocabulary.build(TEXTS[:3] * 2, 1, punctuation=False)
GLOVE = {"word_vectors": "glove-50", "dim": 50, "word_dim": 50}
SPACES: list[dict[str, Any]] = [
    {"sentence_tower": "bow"},
    {"sentence_tower": "minilm", "image_tower": "dense", "features_as": "root"},
    {"sentence_tower": "minilm+bow", "features_as": "unit", "image_bias": False},
    {"sentence_tower": "minilm-frozen", "dim": 384},
    {"sentence_tower": "glove", **GLOVE},
    {"sentence_tower": "glove-idf", **GLOVE},
    {"sentence_tower": "bow", "image_tower": "shortcut", "features_as": "unit"},
]
READS_WORDS: dict[str, Any] = {
    "sentence_tower": "bow",
    "image_tower": "shortcut",
    "features_as": "root",
    "picture_words": True,
}


def saved(folder: Path, eight_bits: bool = False, **fields: Any) -> Path:
    torch.manual_seed(0)
    small = {"dim": 12, "word_dim": 12, "image_hidden": 20, "feature_dim": 6, "backbone": PRECOMPUTED}
    config = EmbeddingConfig(**{**small, **fields})
    network = EmbeddingNetwork(config, len(VOCABULARY))
    for name, values in network.state_dict().items():
        if values.is_floating_point() and ("running" in name or name == "idf"):
            values.uniform_(0.5, 2)
    backbone = {"name": PRECOMPUTED, "sha256": "f" * 64}
    tensors = network.state_dict()
    made = Checkpoint("vse", config, VOCABULARY, backbone, tensors, kind=EMBEDDING.name)
    save_checkpoint(folder, made, eight_bits=eight_bits)
    return folder


@pytest.mark.parametrize("fields", SPACES, ids=lambda fields: str(fields["sentence_tower"]))
def test_vectors_and_fingerprint_are_those_of_the_trained_model(
    fields: dict[str, Any], tmp_path: Path
) -> None:
    space = QuerySpace.load(saved(tmp_path / "space", **fields))
    model = EmbeddingModel.load(tmp_path / "space", "cpu")
    features = np.random.default_rng(0).normal(size=(9, 6)).astype(np.float16)
    assert np.abs(space.encode_texts(TEXTS) - model.encode_texts(TEXTS)).max() < 1e-5
    assert np.abs(space.encode_features(features) - model.encode_features(features)).max() < 1e-5
    assert (space.fingerprint, space.mode, space.name) == (model.fingerprint, model.mode, model.name)
    assert space.encode_texts([]).shape == model.encode_texts([]).shape


@pytest.mark.parametrize("eight_bits", [False, True])
def test_words_of_pictures_are_read_as_by_the_trained_model(eight_bits: bool, tmp_path: Path) -> None:
    space = QuerySpace.load(saved(tmp_path / "space", eight_bits, **READS_WORDS))
    model = EmbeddingModel.load(tmp_path / "space", "cpu")
    assert space.picture_words == model.picture_words == tuple(VOCABULARY.tokens)
    random = np.random.default_rng(0)
    features, words = random.normal(size=(9, 6)), random.uniform(size=(9, len(VOCABULARY)))
    words[3] = 0
    both = np.concatenate([features, words], 1).astype(np.float16)
    found = space.encode_features(both)
    assert np.abs(found - model.encode_features(both)).max() < 1e-5
    assert space.fingerprint == model.fingerprint
    alone = space.encode_features(both[:, :6])
    assert np.abs(found[3] - alone[3]).max() < 1e-6, "of it nothing is known"
    assert np.abs(np.delete(found - alone, 3, 0)).max(1).min() > 0.005
    with pytest.raises(BadSetting, match=r"expected numbers \(N, 6\) or \(N, "):
        space.encode_features(both[:, :9])


def test_improbable_words_of_a_picture_are_not_read(tmp_path: Path) -> None:
    space = QuerySpace.load(saved(tmp_path / "space", **READS_WORDS))
    rows = np.full((2, 6 + len(VOCABULARY)), 0.3, np.float32)
    rows[:, 6:] = 0
    rows[:, 8], rows[:, 9] = 0.5, (0, 0.009)
    one, other = space.encode_features(rows)
    assert np.array_equal(one, other)


def test_the_shipped_space_is_read_without_torch() -> None:
    code = (
        "import sys; from captionret.models.embedding.query_space import QuerySpace\n"
        "print(QuerySpace.load('photos-space').encode_texts(['a dog']).shape, 'torch' in sys.modules)"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout == "(1, 512) False\n"


def test_a_recurrent_tower_is_left_to_torch(tmp_path: Path) -> None:
    folder = saved(tmp_path / "space", sentence_tower="gru")
    assert QuerySpace.load_if_plain(folder) is None
    with pytest.raises(BadCheckpoint, match="Load it as an EmbeddingModel"):
        QuerySpace.load(folder)
    (space,) = query_spaces([folder], "auto").values()
    assert isinstance(space, EmbeddingModel)


def test_a_chosen_device_is_torchs(tmp_path: Path) -> None:
    folder = saved(tmp_path / "space", sentence_tower="bow")
    assert isinstance(query_spaces([folder], "cpu")["vse"], QuerySpace)
    with pytest.raises(BadSetting, match="device"):
        query_spaces([folder], "meta")


def test_what_the_trained_model_refuses_is_refused(tmp_path: Path) -> None:
    space = QuerySpace.load(saved(tmp_path / "space", sentence_tower="bow"))
    with pytest.raises(BadSetting, match="holds no word"):
        space.encode_texts(["a dog", "?!"])
    with pytest.raises(BadSetting, match="expected numbers"):
        space.encode_features(np.ones((2, 7), np.float32))
    with pytest.raises(BadSetting, match="NaN or infinity in row 1"):
        space.encode_features(np.array([[1] * 6, [np.nan] * 6], np.float32))
    with pytest.raises(BadSetting, match="reads features of"):
        space.check({"name": "resnet18", "sha256": "0" * 64})
    assert space.missing_reason("?") == "holds no word" and not space.missing_reason("dog")


@pytest.mark.parametrize("part", ["model.safetensors", "vocab.json", "config.json"])
def test_a_flipped_byte_is_refused_also_after_it_was_read_once(part: str, tmp_path: Path) -> None:
    folder = saved(tmp_path / "space", sentence_tower="bow")
    QuerySpace.load(folder)
    content = bytearray((folder / part).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / part).write_bytes(content)
    with pytest.raises(BadCheckpoint):
        QuerySpace.load(folder)


def test_a_weight_that_is_no_number_is_refused(tmp_path: Path) -> None:
    saved(tmp_path / "space", sentence_tower="bow")
    model = EmbeddingModel.load(tmp_path / "space", "cpu")
    model.checkpoint.tensors["words.embed.weight"][5, 3] = torch.inf
    save_checkpoint(tmp_path / "bad", model.checkpoint)
    with pytest.raises(BadCheckpoint, match=r"words\.embed\.weight holds NaN or infinity"):
        QuerySpace.load(tmp_path / "bad").encode_texts(["a dog"])


def test_weights_of_another_size_than_the_settings_are_refused(tmp_path: Path) -> None:
    saved(tmp_path / "space", sentence_tower="bow")
    whole = EmbeddingModel.load(tmp_path / "space", "cpu").checkpoint
    save_checkpoint(tmp_path / "bad", replace(whole, config=replace(whole.config, dim=13, word_dim=13)))
    with pytest.raises(BadCheckpoint, match="does not fit its own configuration"):
        QuerySpace.load(tmp_path / "bad")


def test_half_precision_weights_give_the_trained_models_vectors(tmp_path: Path) -> None:
    saved(tmp_path / "space", sentence_tower="bow")
    whole = EmbeddingModel.load(tmp_path / "space", "cpu").checkpoint
    save_checkpoint(tmp_path / "half", whole, torch.float16)
    stored = safetensors.torch.load_file(tmp_path / "half" / "model.safetensors")
    assert stored["words.embed.weight"].dtype == torch.float16
    space, model = QuerySpace.load(tmp_path / "half"), EmbeddingModel.load(tmp_path / "half", "cpu")
    assert space.fingerprint == model.fingerprint
    assert np.abs(space.encode_texts(TEXTS) - model.encode_texts(TEXTS)).max() < 1e-6
