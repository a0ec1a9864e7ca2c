"""Embedding spaces: their settings, their towers, what they encode and what they refuse, on disk and off."""

import hashlib
import json
import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from shapes import shape

from captionret import __version__
from captionret.config import run_name
from captionret.errors import BadCheckpoint, BadImage, BadSetting, UnknownName
from captionret.models.captioning.captioner import Captioner
from captionret.models.captioning.config import CAPTIONER, CaptionerConfig
from captionret.models.captioning.decoders import make_decoder
from captionret.models.card import write_card
from captionret.models.checkpoint import Checkpoint, read_checkpoint, save_checkpoint
from captionret.models.embedding.checks import checked_features
from captionret.models.embedding.config import EMBEDDING, EmbeddingConfig
from captionret.models.embedding.model import EmbeddingModel
from captionret.models.embedding.network import EmbeddingNetwork
from captionret.models.embedding.reader import Reader, idf_of
from captionret.models.embedding.rows import EMBEDDING_MODELS
from captionret.models.record import hash_of_settings
from captionret.models.vision.backbones import Backbone, backbone_record
from captionret.models.vision.rows import PRECOMPUTED
from captionret.text import Vocabulary
from captionret.word_vectors import load_word_vectors

CAPTIONS = [
    "a brown dog runs on the beach",
    "two dogs play",
    "a dog sleeps",
    "a red car on a street",
    "the car is red",
]
VOCABULARY = Vocabulary.build(CAPTIONS, 1, punctuation=False)
SMALL = {"dim": 12, "word_dim": 12, "image_hidden": 20, "feature_dim": 6, "backbone": PRECOMPUTED}
GLOVE = {"sentence_tower": "glove", "word_vectors": "glove-50", "dim": 50, "word_dim": 50}
TOWERS = ["bow", "gru", "lstm", "minilm", "minilm+bow", "minilm+gru", "minilm+lstm", "glove", "glove-idf"]


def config_of(tower: str = "gru", **changes: Any) -> EmbeddingConfig:
    words = GLOVE if tower.startswith("glove") else {}
    return EmbeddingConfig(**{**SMALL, **words, "sentence_tower": tower, **changes})


def checkpoint_of(
    config: EmbeddingConfig, seed: int = 0, network: dict[str, Any] | None = None
) -> Checkpoint[EmbeddingConfig]:
    torch.manual_seed(seed)
    space = EmbeddingNetwork(config, len(VOCABULARY))
    if space.idf is not None:
        space.idf.copy_(torch.from_numpy(idf_of(CAPTIONS, VOCABULARY)))
    network = network or {"name": PRECOMPUTED, "sha256": ""}
    return Checkpoint(
        "vse", config, VOCABULARY, network, space.state_dict(), {"seed": seed}, kind=EMBEDDING.name
    )


def model_of(tower: str = "gru", seed: int = 0, **changes: Any) -> EmbeddingModel:
    return EmbeddingModel(checkpoint_of(config_of(tower, **changes), seed), "tiny")


def unit(values: Any) -> np.ndarray:
    rows = np.asarray(values, dtype=np.float64)
    scaled: np.ndarray = rows / np.linalg.norm(rows, axis=-1, keepdims=True)
    return scaled


# --- settings ---


def test_the_published_rows_have_their_published_settings() -> None:
    vse = EMBEDDING_MODELS["vse"]
    assert (vse.margin, vse.dim, vse.word_dim, vse.batch_size, vse.learning_rate, vse.clip_norm) == (
        0.2,
        1024,
        300,
        128,
        2e-4,
        2.0,
    )
    assert (vse.loss, vse.sentence_tower, vse.validate_every, vse.unit_in_training) == (
        "sum-of-hinges",
        "gru",
        100,
        False,
    )
    assert EMBEDDING_MODELS["vse++"].loss == "hardest" and EMBEDDING_MODELS["vse++"].unit_in_training
    cosine = EMBEDDING_MODELS["devise-cosine"]
    assert (cosine.image_hidden, cosine.image_dropout, cosine.optimizer, cosine.learning_rate) == (
        2000,
        0.5,
        "nesterov",
        0.01,
    )
    glove = EMBEDDING_MODELS["glove-map"]
    assert (glove.margin, glove.batch_size, glove.optimizer, glove.image_bias, glove.dim) == (
        0.25,
        32,
        "sgd",
        False,
        50,
    )
    assert EMBEDDING_MODELS["devise"].margin == 0.1


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"margin": 0.0}, "margin must be a number above 0"),
        ({"margin": -0.2}, "margin must be a number above 0"),
        ({"margin": math.nan}, "margin must be a number above 0"),
        ({"temperature": 0.0}, "temperature must be a number above 0"),
        ({"negatives": 0}, "negatives must be at least 1"),
        ({"dim": 0}, "dim must be at least 1"),
        ({"batch_size": 1}, "batch_size must be at least 2"),
        ({"image_dropout": 1.0}, "image_dropout must be at least 0 and below 1"),
        ({"learning_rate": 0.0}, "learning_rate must be a number above 0"),
        ({"sentence_tower": "bow"}, "dim is 1024, word_dim 300. Make them equal"),
        ({"sentence_tower": "glove"}, "needs word vectors"),
        ({"word_vectors": "glove-50"}, "has 50 dimensions, word_dim is 300"),
        ({"targets": "nouns"}, "compares with captions, not with nouns"),
        ({"targets": "nouns", "loss": "cosine"}, "needs sentence_tower=glove"),
        ({**GLOVE, "targets": "nouns", "loss": "cosine", "unseen": 200}, "unseen must be below label_count"),
        ({"first_loss": "info-nce"}, "first_loss and first_epochs belong together"),
        (
            {"sentence_tower": "bow", "dim": 300, "word_states": "mean"},
            "word_states and bidirectional are of gru and lstm",
        ),
        ({"first_epochs": 2}, "first_loss and first_epochs belong together"),
        (
            {**GLOVE, "targets": "nouns", "loss": "cosine", "first_loss": "info-nce", "first_epochs": 1},
            "not with nouns. Leave it out",
        ),
    ],
    ids=str,
)
def test_settings_that_cannot_be_are_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(BadSetting, match=said):
        EmbeddingConfig(**changes)


@pytest.mark.parametrize(
    "name",
    [
        "loss",
        "first_loss",
        "word_states",
        "sentence_tower",
        "image_tower",
        "optimizer",
        "backbone",
        "targets",
        "features_as",
        "schedule",
    ],
)
def test_an_unknown_choice_is_told_the_known_ones(name: str) -> None:
    with pytest.raises(UnknownName, match="Known: "):
        replace(EmbeddingConfig(), **{name: "nonsense"})  # type: ignore[arg-type]
    with pytest.raises(UnknownName, match=r"Did you mean 'vse\+\+'"):
        EMBEDDING_MODELS["vse+"]


def test_fields_are_set_by_their_readable_names_and_by_the_original_ones() -> None:
    settings = {
        "encoder": "bow",
        "dim_word": "64",
        "ncon": "7",
        "max_epochs": "3",
        "decay_c": "0.1",
        "grad_clip": "9.0",
    }
    settings |= {
        "maxlen_w": "12",
        "validFreq": "50",
        "dim_image": "5",
        "dim": "64",
        "margin": "0.1",
        "optimizer": "sgd",
    }
    changed = EMBEDDING_MODELS["vse"].with_settings([f"{name}={value}" for name, value in settings.items()])
    ours = {one.metadata["elsewhere"]: one.name for one in changed.known_fields()}
    for name, value in settings.items():
        assert str(getattr(changed, ours.get(name, name))) == value
    assert run_name("vse", replace(EMBEDDING_MODELS["vse"], dim=64), EMBEDDING_MODELS["vse"]) == "vse-dim=64"
    with pytest.raises(UnknownName, match=r"no field 'marign'\. Did you mean 'margin'"):
        EMBEDDING_MODELS["vse"].with_settings(["marign=1"])


# --- sentence towers ---


def test_bag_of_words_is_the_normalised_sum_of_its_words_vectors() -> None:
    model = model_of("bow")
    table = model.space.words.embed.weight.detach().numpy()  # type: ignore[union-attr]
    ids = VOCABULARY.ids
    expected = unit(table[ids["dog"]] + table[ids["a"]] + table[ids["dog"]])
    assert model.encode_texts(["A dog, dog."])[0] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("kind", ["gru", "lstm"])
def test_recurrent_towers_give_the_state_after_the_last_word(kind: str) -> None:
    model = model_of(kind)
    words: Any = model.space.words
    states, _ = words.cells(
        words.embed(torch.tensor([[VOCABULARY.ids[word] for word in ("two", "dogs", "play")]]))
    )
    assert model.encode_texts(["two dogs play", CAPTIONS[0]])[0] == pytest.approx(
        unit(states[0, -1].detach().numpy()), abs=1e-6
    )


@pytest.mark.parametrize("kind", ["gru", "lstm"])
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("word_states", ["last", "mean", "max"])
def test_a_recurrent_towers_states_are_brought_together_as_the_settings_say(
    kind: str, bidirectional: bool, word_states: str
) -> None:
    """Each sentence alone, both directions read one after the other; beside a longer one, whose padding must
    not be seen."""
    model = model_of(kind, bidirectional=bidirectional, word_states=word_states)
    words: Any = model.space.words
    vectors = words.embed(torch.tensor([[VOCABULARY.ids[word] for word in ("two", "dogs", "play")]]))
    found = []
    for reverse in (False, True)[: 1 + bidirectional]:
        cells: Any = type(words.cells)(words.embed.embedding_dim, model.config.dim, batch_first=True)
        ending = "_l0_reverse" if reverse else "_l0"
        cells.load_state_dict(
            {
                f"{name}_l0": getattr(words.cells, name + ending)
                for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
            }
        )
        # (T, D), the last one having read every word
        states = cells(vectors.flip(1) if reverse else vectors)[0][0].detach().numpy()
        found.append({"last": states[-1], "mean": states.mean(0), "max": states.max(0)}[word_states])
    assert model.encode_texts(["two dogs play", CAPTIONS[0]])[0] == pytest.approx(
        unit(np.mean(found, 0)), abs=1e-6
    )


def test_a_longer_sentence_than_max_words_is_cut() -> None:
    model = model_of("gru", max_words=3)
    assert np.array_equal(*model.encode_texts(["a brown dog", "a brown dog runs on the beach"]))


def test_glove_is_the_mean_of_the_words_that_have_vectors() -> None:
    vectors = load_word_vectors("glove-50")
    rows = [vectors.table[vectors.words[word]] for word in ("dog", "beach", "dog")]
    found = model_of("glove").encode_texts(["Dog qwertzuiop beach dog!"])[0]
    assert found == pytest.approx(unit(np.mean(rows, 0)), abs=1e-6)


def test_glove_idf_weighs_words_by_the_captions_that_lack_them() -> None:
    """IDF = log10(captions / captions with the word); a word of no caption weighs like one of a single
    caption."""
    vectors = load_word_vectors("glove-50")
    weights = {
        "dog": math.log10(5 / 2),
        "car": math.log10(5 / 2),
        "a": math.log10(5 / 3),
        "piano": math.log10(5),
    }
    expected = unit(sum(weight * vectors.table[vectors.words[word]] for word, weight in weights.items()))
    assert model_of("glove-idf").encode_texts(["a dog car piano"])[0] == pytest.approx(expected, abs=1e-6)


def test_parts_of_a_tower_are_added_up() -> None:
    model = model_of("minilm+bow")
    codes = torch.from_numpy(model.read.encoder.encode(["a dog"]))
    words: Any = model.space.words
    mapped: Any = model.space.codes
    total = mapped.map(codes * math.sqrt(384)) + words.embed.weight[
        [VOCABULARY.ids["a"], VOCABULARY.ids["dog"]]
    ].sum(0)
    assert model.encode_texts(["a dog"])[0] == pytest.approx(unit(total[0].detach().numpy()), abs=1e-5)


@pytest.mark.parametrize("tower", TOWERS)
def test_sentences_come_back_in_their_order_as_unit_rows_whatever_the_batch(tower: str) -> None:
    model = model_of(tower)
    whole = model.encode_texts(CAPTIONS)
    assert whole.dtype == np.float32 and whole.shape == (len(CAPTIONS), model.config.dim)
    assert np.linalg.norm(whole, axis=1) == pytest.approx(1)
    for size in (1, 2, 256):
        assert model.encode_texts(CAPTIONS, batch_size=size) == pytest.approx(whole, abs=1e-5)
    assert model.encode_texts(CAPTIONS[::-1]) == pytest.approx(whole[::-1], abs=1e-5)
    assert model.encode_texts([]).shape == (0, model.config.dim)


@pytest.mark.parametrize("tower", ["bow", "gru", "lstm"])
def test_unknown_words_are_all_the_same_word_to_a_learned_tower(tower: str) -> None:
    one, other, known = model_of(tower).encode_texts(["a qwertz runs", "a yxcvb runs", "a dog runs"])
    assert np.array_equal(one, other) and not np.allclose(one, known)
    assert np.isfinite(model_of(tower).encode_texts(["qwertz yxcvb"])).all()


@pytest.mark.parametrize("tower", ["glove", "glove-idf"])
def test_sentence_of_unknown_words_only_is_a_clear_error_for_word_vectors(tower: str) -> None:
    with pytest.raises(
        BadSetting,
        match=r"Sentence 2 of 2 \('qwertzuiop yxcvbnm'\) holds no word that has a vector in glove-50",
    ):
        model_of(tower).encode_texts(["a dog", "qwertzuiop yxcvbnm"])


def test_sentence_of_words_that_every_caption_holds_is_not_zero_but_refused() -> None:
    model = model_of("glove-idf")
    model.read.idf = idf_of(["a dog", "a cat"], VOCABULARY)
    with pytest.raises(BadSetting, match="holds no word that has a vector in glove-50 and any weight"):
        model.encode_texts(["a a"])


@pytest.mark.parametrize("tower", ["gru", "minilm", "glove"])
@pytest.mark.parametrize("text", ["", "  \n", "!?", "..."])
def test_sentence_without_a_word_is_a_clear_error(tower: str, text: str) -> None:
    with pytest.raises(BadSetting, match=r"^The text \('.*'\) holds no word\. Give other words"):
        model_of(tower).encode_texts([text])


def test_one_text_has_one_vector_and_several_have_rows() -> None:
    model = model_of()
    alone = model.encode_texts("a dog")
    assert alone.shape == (model.config.dim,) and alone.dtype == np.float32
    assert np.array_equal(model.encode_texts(["a dog"]), alone[None])
    with pytest.raises(BadSetting, match="batch size is 0"):
        model_of().encode_texts(["a dog"], batch_size=0)


def test_word_dropout_reads_words_as_unknown_in_training_only() -> None:
    space = EmbeddingNetwork(config_of("bow", word_dropout=0.5), len(VOCABULARY))
    tokens = torch.tensor([[4, 5, 6, 7] * 200])
    unknown = space.words.embed.weight[3]  # type: ignore[union-attr]
    trained = space.words.train()(tokens)[0]  # type: ignore[union-attr]
    whole = space.words.eval()(tokens)[0]  # type: ignore[union-attr]
    assert trained.detach().numpy() == pytest.approx(
        0.5 * whole.detach().numpy() + 400 * unknown.detach().numpy(), abs=4
    )
    assert not torch.allclose(trained, whole)


# --- image towers ---


def test_linear_tower_is_one_matrix_with_xaviers_values() -> None:
    model = model_of(dim=400, feature_dim=600)
    weight = model.space.images.get_parameter("map.weight").detach().numpy()
    bound = math.sqrt(6 / (400 + 600))
    assert np.abs(weight).max() == pytest.approx(bound, rel=0.01) and weight.std() == pytest.approx(
        bound / math.sqrt(3), rel=0.02
    )
    features = np.random.default_rng(0).normal(size=(3, 600)).astype(np.float32)
    assert model.encode_features(features) == pytest.approx(unit(features @ weight.T), abs=1e-5)


def test_dense_tower_has_two_layers_and_two_batch_norms() -> None:
    model = model_of(image_tower="dense", image_dropout=0.5)
    kinds = [type(layer).__name__ for layer in model.space.images.children()]
    assert kinds == ["Linear", "BatchNorm1d", "ReLU", "Dropout", "Linear", "BatchNorm1d"]
    features = np.random.default_rng(0).normal(size=(3, 6)).astype(np.float32)
    found = model.encode_features(features)
    assert np.array_equal(found, model.encode_features(features)), "dropout must be off"
    assert found[1] == pytest.approx(model.encode_features(features[1:2])[0], abs=1e-6), (
        "batch norm must not see the batch"
    )


@pytest.mark.parametrize(
    ("features_as", "prepared"),
    [("raw", lambda x: x), ("unit", unit), ("root", lambda x: np.sign(x) * np.sqrt(np.abs(x)))],
    ids=["raw", "unit", "root"],
)
def test_features_are_prepared_as_the_settings_say(
    features_as: str, prepared: Callable[[np.ndarray], np.ndarray]
) -> None:
    model = model_of(features_as=features_as)
    layer: Any = model.space.images
    features = np.random.default_rng(0).normal(size=(3, 6)).astype(np.float32)
    expected = unit(
        prepared(features) @ layer.map.weight.detach().numpy().T + layer.map.bias.detach().numpy()
    )
    assert model.encode_features(features, batch_size=2) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ([math.nan] * 6, "NaN or infinity in row 2"),
        ([math.inf] + [1.0] * 5, "NaN or infinity in row 2"),
        ([0.0] * 6, "all 0 in row 2"),
    ],
    ids=["nan", "infinite", "zero"],
)
def test_features_that_no_network_gives_are_refused_by_their_row(row: list[float], said: str) -> None:
    features = np.ones((4, 6), np.float32)
    features[2] = row
    with pytest.raises(BadSetting, match=said):
        model_of().encode_features(features)


@pytest.mark.parametrize(
    "features",
    [np.ones((3, 5)), np.ones(6), np.ones((2, 3, 6)), np.full((2, 6), "x")],
    ids=["dim", "1", "3", "text"],
)
def test_features_of_another_shape_are_refused(features: np.ndarray) -> None:
    with pytest.raises(BadSetting, match=r"expected numbers \(N, 6\)"):
        checked_features(features, 6)


# --- pictures ---


def photo_model(lite0: Backbone) -> EmbeddingModel:
    config = config_of("bow", backbone="efficientnet_lite0", feature_dim=0)
    return EmbeddingModel(
        checkpoint_of(config, network=backbone_record("efficientnet_lite0", lite0.weights_sha256)),
        "photos",
        backbone=lite0,
    )


def test_pictures_get_the_vectors_of_their_cached_features(lite0: Backbone, tmp_path: Path) -> None:
    from captionret.training.features import extract

    paths = [shape(tmp_path / f"{colour}.png", colour, "circle") for colour in ("red", "green", "blue")]
    model = photo_model(lite0)
    vectors = model.encode_images(paths, batch_size=2)
    assert (
        vectors.dtype == np.float32
        and vectors.shape == (3, 12)
        and np.linalg.norm(vectors, axis=1) == pytest.approx(1)
    )
    features, _ = extract(lite0, paths, root=tmp_path / "features", progress=False)
    assert vectors == pytest.approx(model.encode_features(features.of(np.arange(3)).numpy()), abs=1e-4)
    assert model.encode_images([]).shape == (0, 12)


def test_one_picture_in_any_form_has_one_vector(lite0: Backbone, tmp_path: Path) -> None:
    model, path = photo_model(lite0), shape(tmp_path / "red.png", "red", "circle")
    known, image = model.encode_images(path), Image.open(path)
    assert known.shape == (12,)
    with open(path, "rb") as file:
        for form in (str(path), image, np.array(image.convert("RGB")), path.read_bytes(), file):
            assert model.encode_images(form) == pytest.approx(known, abs=1e-6)


def test_similarity_is_the_cosine_of_every_pair() -> None:
    model = model_of()
    texts = model.encode_texts(["a dog runs", "two dogs play", "a dog"])
    found = model.similarity(texts[:2], texts)
    assert found.shape == (2, 3) and found.dtype == np.float32
    assert found == pytest.approx(np.array([[a @ b for b in texts] for a in texts[:2]]), abs=1e-6)
    assert model.similarity(texts[0], texts).shape == (1, 3)
    with pytest.raises(BadSetting, match="cannot be compared"):
        model.similarity(texts, texts[:, :3])


def test_a_picture_that_cannot_be_read_is_named(lite0: Backbone, tmp_path: Path) -> None:
    (tmp_path / "bad.png").write_bytes(b"no picture")
    with pytest.raises(BadImage, match=r"bad\.png"):
        photo_model(lite0).encode_images(
            [shape(tmp_path / "good.png", "red", "circle"), tmp_path / "bad.png"]
        )


def test_a_space_of_given_features_says_that_it_cannot_read_pictures(tmp_path: Path) -> None:
    with pytest.raises(
        BadSetting, match="trained on features that its collection brought, so it cannot read pictures"
    ):
        model_of().encode_images([shape(tmp_path / "red.png", "red", "circle")])


def test_a_backbone_with_other_weights_is_refused(lite0: Backbone, tmp_path: Path) -> None:
    config = config_of("bow", backbone="efficientnet_lite0", feature_dim=0)
    model = EmbeddingModel(
        checkpoint_of(config, network=backbone_record("efficientnet_lite0", "ab" * 32)),
        "photos",
        backbone=lite0,
    )
    with pytest.raises(
        BadCheckpoint, match="photos was trained on features of efficientnet_lite0 with weights abababababab"
    ):
        model.encode_images([shape(tmp_path / "red.png", "red", "circle")])


# --- words ---


def test_words_are_the_vocabularys_or_all_that_have_frozen_vectors() -> None:
    assert model_of("gru").words(3) == ["a", "car", "dog"]
    words = model_of("glove").words()
    assert len(words) > 390_000 and words[0] == "the" and "dog" in words and "," not in words
    assert model_of("glove").encode_words(["dog", "cat"]) == pytest.approx(
        model_of("glove").encode_texts(["dog", "cat"]), abs=1e-6
    )
    with pytest.raises(BadSetting, match="Words without a vector in glove-50: qwertzuiop"):
        model_of("glove").encode_words(["dog", "qwertzuiop"])


# --- on disk ---


@pytest.mark.parametrize("tower", TOWERS)
def test_a_saved_space_encodes_as_before(tower: str, tmp_path: Path) -> None:
    config = config_of(tower)
    save_checkpoint(tmp_path / "space", checkpoint_of(config))
    loaded, fresh = (
        EmbeddingModel.load(tmp_path / "space", "cpu"),
        EmbeddingModel(checkpoint_of(config), "space"),
    )
    assert loaded.config == config
    assert np.array_equal(loaded.encode_texts(CAPTIONS), fresh.encode_texts(CAPTIONS))
    features = np.random.default_rng(0).normal(size=(3, 6)).astype(np.float32)
    assert np.array_equal(loaded.encode_features(features), fresh.encode_features(features))
    assert loaded.fingerprint == fresh.fingerprint


def test_half_precision_halves_the_file_and_hardly_moves_a_vector(tmp_path: Path) -> None:
    checkpoint = checkpoint_of(config_of("bow", dim=64, word_dim=64))
    for name, dtype in (("whole", torch.float32), ("half", torch.float16)):
        save_checkpoint(tmp_path / name, checkpoint, dtype)
    sizes = [(tmp_path / name / "model.safetensors").stat().st_size for name in ("whole", "half")]
    assert sizes[1] < 0.6 * sizes[0]
    whole, half = (
        EmbeddingModel.load(tmp_path / name, "cpu").encode_texts(CAPTIONS) for name in ("whole", "half")
    )
    assert half == pytest.approx(whole, abs=2e-3)


def test_a_captioner_is_refused_as_a_space_and_a_space_as_a_captioner(tmp_path: Path) -> None:
    small = CaptionerConfig("resnet18", embed_dim=4, hidden_dim=4)
    decoder = make_decoder(small, len(VOCABULARY)).state_dict()
    save_checkpoint(
        tmp_path / "captioner",
        Checkpoint("model2", small, VOCABULARY, {"name": "resnet18", "sha256": "ab" * 32}, decoder),
    )
    save_checkpoint(tmp_path / "space", checkpoint_of(config_of()))
    with pytest.raises(
        BadCheckpoint,
        match=r"of kind 'captioner'.*; here one of kind 'embedding space' is needed\.",
    ) as refused:
        EmbeddingModel.load(tmp_path / "captioner")
    assert "captionret train-embedding" in refused.value.in_shell()
    for load in (partial(read_checkpoint, kind=CAPTIONER), Captioner.load):
        with pytest.raises(
            BadCheckpoint,
            match=r"of kind 'embedding space'; here one of kind 'captioner' is needed\.",
        ) as refused:
            load(tmp_path / "space")
        assert "captionret train-captioner" in refused.value.in_shell()


def test_a_record_says_its_format_its_kind_and_which_release_wrote_it(tmp_path: Path) -> None:
    """Its fields have other names than in format 1, so release 0.5.0 refuses it as a newer format."""
    small = CaptionerConfig("resnet18", embed_dim=4, hidden_dim=4)
    decoder = make_decoder(small, len(VOCABULARY)).state_dict()
    save_checkpoint(
        tmp_path / "captioner",
        Checkpoint("model2", small, VOCABULARY, {"name": "resnet18", "sha256": "ab" * 32}, decoder),
    )
    record = json.loads((tmp_path / "captioner" / "config.json").read_text())
    parts = "format release kind variant config vocabulary_size backbone training scores sha256"
    assert list(record) == parts.split()
    assert (record["format"], record["kind"], record["release"]) == (2, "captioner", __version__)


@pytest.mark.parametrize("change", [{"kind": "captioner"}, {"kind": "thing"}, {"kind": None}])
def test_a_kind_changed_by_hand_is_noticed(tmp_path: Path, change: dict[str, Any]) -> None:
    save_checkpoint(tmp_path / "space", checkpoint_of(config_of()))
    record = json.loads((tmp_path / "space" / "config.json").read_text())
    record |= change
    if change["kind"] is None:
        del record["kind"]
    (tmp_path / "space" / "config.json").write_text(json.dumps(record))
    for load in (EmbeddingModel.load, Captioner.load):
        with pytest.raises(BadCheckpoint, match="was altered after the checkpoint was saved"):
            load(tmp_path / "space")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"widgets": 3}, "no field .widgets."),
        ({"margin": -1.0}, "describes no embedding space .*margin must be"),
        ({"dim": "wide"}, "describes no embedding space"),
    ],
    ids=str,
)
def test_settings_this_release_cannot_use_are_named(
    tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    save_checkpoint(tmp_path / "space", checkpoint_of(config_of()))
    record = json.loads((tmp_path / "space" / "config.json").read_text())
    record["config"] |= change
    record["sha256"]["settings"] = hash_of_settings(record)
    (tmp_path / "space" / "config.json").write_text(json.dumps(record))
    with pytest.raises(BadCheckpoint, match=said):
        EmbeddingModel.load(tmp_path / "space")


def test_weights_of_another_shape_are_refused(tmp_path: Path) -> None:
    whole = checkpoint_of(config_of())
    save_checkpoint(tmp_path / "space", replace(whole, config=replace(whole.config, dim=13)))
    with pytest.raises(BadCheckpoint, match=r"does not fit its own configuration: .*Restore") as caught:
        EmbeddingModel.load(tmp_path / "space")
    assert "\n" not in str(caught.value)


def test_fingerprint_changes_with_the_weights_and_not_with_how_they_were_trained() -> None:
    same = model_of("bow").fingerprint
    assert model_of("bow", epochs=3, learning_rate=0.1, margin=0.3, loss="hardest").fingerprint == same
    assert model_of("bow", seed=1).fingerprint != same
    assert model_of("bow", max_words=5).fingerprint != same


def test_fields_that_a_space_does_not_use_leave_its_fingerprint_as_it_was() -> None:
    """word_states and both_ways came later than libraries; features of a collection were "given" then."""
    model = model_of("gru")
    names = "feature_dim image_tower image_hidden image_bias features_as sentence_tower dim word_dim"
    before = {name: getattr(model.config, name) for name in [*names.split(), "word_vectors", "max_words"]}
    given = {"name": "given", "sha256": ""}
    content = [before | {"backbone": "given"}, VOCABULARY.to_json(), given]
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode())
    for name, tensor in sorted(model.checkpoint.tensors.items()):
        digest.update(name.encode() + tensor.numpy().tobytes())
    assert model.fingerprint == digest.hexdigest() != model_of("gru", word_states="mean").fingerprint


def test_the_card_says_what_it_is(tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "space", checkpoint_of(config_of()))
    text = write_card(tmp_path / "space").read_text()
    assert text.startswith(
        "# space\n\nAn embedding space of images and sentences, model `vse`: 12 dimensions"
    )
    assert "All settings: backbone precomputed" in text


def test_reader_reads_what_its_tower_needs_and_nothing_else() -> None:
    for tower in TOWERS:
        config = config_of(tower)
        read = Reader(config, VOCABULARY, idf_of(CAPTIONS, VOCABULARY) if tower == "glove-idf" else None)(
            CAPTIONS
        )
        assert (read.tokens is not None) == any(part in ("bow", "gru", "lstm") for part in tower.split("+"))
        assert (read.codes is not None) == tower.startswith(("minilm", "glove"))
        assert len(read) == len(CAPTIONS)
