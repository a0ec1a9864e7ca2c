"""The table of captioners: the published ones unchanged, and settings that are checked before anything is
trained."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, fields, replace
from typing import Any

import pytest
import torch
from torch import nn

from captionret.config import Config, Registry, run_name
from captionret.errors import BadSetting, UnknownName
from captionret.models.captioning.config import VARIANTS, CaptionerConfig
from captionret.models.embedding.network import EmbeddingNetwork
from captionret.models.embedding.rows import EMBEDDING_MODELS
from captionret.models.lexical.config import LEXICAL_HEADS
from captionret.models.parameter_counts import counted_parameters, counts_key
from captionret.models.sentence.skipthought.config import SKIP_THOUGHTS
from captionret.models.trained import count_parameters
from captionret.models.unfilled import Unfilled
from captionret.models.vision.rows import BACKBONES
from captionret.training.captioning import network_of
from captionret.training.skipthought import SkipThoughtNetwork

PUBLISHED = {  # CNN, E, H, LSTM layers, word vectors
    "model1": ("resnet152", 256, 512, 1, None),
    "model2": ("resnet101", 256, 512, 1, None),
    "model3": ("resnet152", 128, 256, 1, None),
    "model4": ("resnet101", 256, 512, 2, None),
    "model5": ("resnet101", 300, 512, 1, "glove-300"),
}
NETWORK = {"decoder", "hidden_dim", "layers", "heads", "predict_bos", "punctuation", "min_count", "max_words"}


def test_how_many_parameters_each_row_has_is_known_without_its_network() -> None:
    """A line that is missing or wrong is named, as the file must have it."""
    tables: tuple[tuple[Mapping[str, Config], Callable[[Any, int], nn.Module], int], ...] = (
        (VARIANTS, network_of, 2933),
        (LEXICAL_HEADS, network_of, 2933),
        (EMBEDDING_MODELS, EmbeddingNetwork, 7371),
        (SKIP_THOUGHTS, SkipThoughtNetwork, 2922),
    )
    wrong = []
    with torch.device("meta"), Unfilled():
        for rows, network, words in tables:
            for name, config in rows.items():
                counted = count_parameters(network(config, words))
                if counted_parameters(config, words) != counted:
                    wrong.append(f"{counts_key(config, words)} {counted} {name}")
    assert not wrong, "captionret/models/parameter_counts.txt"
    assert counted_parameters(replace(VARIANTS["model1"], layers=3), 2933) is None


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_published_variants_have_exactly_their_published_values(name: str) -> None:
    config = VARIANTS[name]
    assert (
        config.backbone,
        config.embed_dim,
        config.hidden_dim,
        config.layers,
        config.word_vectors,
    ) == PUBLISHED[name]
    training = {
        "epochs": 5,
        "batch_size": 128,
        "learning_rate": 1e-3,
        "schedule": "constant",
        "weight_decay": 0.0,
        "label_smoothing": 0.0,
    }
    as_published = {
        "decoder": "lstm",
        "dropout": 0.0,
        "predict_bos": True,
        "punctuation": True,
        "min_count": 4,
        "max_words": 20,
        **training,
    }
    as_published |= {"captions_together": False, "views": 1, "average": 0.0, "warmup": 0.0}
    assert {key: getattr(config, key) for key in as_published} == as_published


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_lite_twin_differs_in_backbone_word_vectors_and_training_only(name: str) -> None:
    published, lite = VARIANTS[name], VARIANTS[f"{name}-lite"]
    assert {key: getattr(lite, key) for key in NETWORK} == {key: getattr(published, key) for key in NETWORK}
    assert (
        lite.backbone
        == {"resnet101": "efficientnet_lite0", "resnet152": "efficientnet_lite2"}[published.backbone]
    )
    if published.word_vectors:
        assert (lite.word_vectors, lite.embed_dim) == ("glove-50", 50)
    else:
        assert (lite.word_vectors, lite.embed_dim) == (None, published.embed_dim)


def test_every_lite_variant_needs_nothing_that_is_not_installed() -> None:
    for name, config in VARIANTS.items():
        if name.endswith("-lite"):
            assert BACKBONES[config.backbone].package
            assert config.word_vectors in (None, "glove-50")


def test_no_variant_is_another_under_a_second_name() -> None:
    assert len({tuple(asdict(config).items()) for config in VARIANTS.values()}) == len(VARIANTS)


def test_a_name_that_is_taken_is_refused() -> None:
    rows = Registry("variant", {"one": 1})
    with pytest.raises(BadSetting, match="already is a variant 'one'"):
        rows.add("one", 2)
    assert rows["one"] == 1


def test_an_unknown_variant_is_told_the_nearest_and_all_names() -> None:
    with pytest.raises(UnknownName, match=r"no variant 'modle2'\. Did you mean 'model2'\?") as caught:
        VARIANTS["modle2"]
    assert all(name in str(caught.value) for name in VARIANTS)
    assert caught.value.exit_code == 2


def test_settings_are_read_by_the_type_of_their_field() -> None:
    changed = VARIANTS["model2"].with_settings(
        [
            "hidden_dim=64",
            "dropout=0.25",
            "predict_bos=FALSE",
            "word_vectors=none",
            "backbone=resnet18",
            "learning_rate=3e-4",
        ],
    )
    expected = replace(
        VARIANTS["model2"],
        hidden_dim=64,
        dropout=0.25,
        predict_bos=False,
        backbone="resnet18",
        learning_rate=3e-4,
    )
    assert changed == expected
    assert [type(getattr(changed, field.name)) for field in fields(changed)] == [
        type(getattr(expected, field.name)) for field in fields(expected)
    ]


def test_no_settings_change_nothing_and_the_row_itself_never_changes() -> None:
    before = replace(VARIANTS["model2"])
    assert VARIANTS["model2"].with_settings([]) == before
    VARIANTS["model2"].with_settings(["epochs=1"])
    assert VARIANTS["model2"] == before


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("hidden_dim", "field=value"),
        ("hidden_dim=", "hidden_dim takes a value of type int"),
        ("hidden_dim=2.5", "hidden_dim takes a value of type int"),
        ("hidden_dim=many", "'many'"),
        ("predict_bos=1", "true or false"),
        ("dropout=half", "type float"),
        ("epochs=none", "type int"),
        ("hidden_dim=0", "hidden_dim must be at least 1"),
        ("layers=-1", "layers must be at least 1"),
        ("batch_size=0", "batch_size"),
        ("dropout=1", "dropout must be at least 0 and below 1"),
        ("dropout=nan", "dropout"),
        ("average=-0.1", "average"),
        ("learning_rate=0", "learning_rate"),
        ("learning_rate=nan", "learning_rate"),
        ("learning_rate=inf", "learning_rate"),
        ("weight_decay=-1", "weight_decay"),
        ("weight_decay=nan", "weight_decay"),
        ("clip_norm=nan", "clip_norm"),
        ("word_vectors=glove-50", "glove-50 has 50 dimensions, embed_dim is 256"),
    ],
)
def test_a_setting_that_cannot_work_says_which_and_why(setting: str, said: str) -> None:
    with pytest.raises(BadSetting, match=said):
        VARIANTS["model2"].with_settings([setting])


@pytest.mark.parametrize(
    ("setting", "nearest"),
    [
        ("hiden_dim=3", "hidden_dim"),
        ("backbone=resnet100", "resnet101"),
        ("decoder=transformers", "transformer"),
        ("schedule=cosin", "cosine"),
        ("word_vectors=glove50", "glove-50"),
    ],
)
def test_a_misspelt_field_or_choice_is_told_the_nearest(setting: str, nearest: str) -> None:
    with pytest.raises(UnknownName, match=f"Did you mean '{nearest}'"):
        VARIANTS["model2"].with_settings([setting])


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("heads=3", "multiple of heads 3"),
        ("max_words=65", "positions for captions of 64 words"),
        ("predict_bos=true", "never learns to predict it"),
    ],
)
def test_a_transformer_that_cannot_be_built_is_refused_before_anything_is_read(
    setting: str, said: str
) -> None:
    with pytest.raises(BadSetting, match=said):
        VARIANTS["transformer-lite"].with_settings([setting])


def test_two_settings_that_fit_each_other_only_together_are_accepted() -> None:
    config = VARIANTS["model2"].with_settings(["word_vectors=glove-50", "embed_dim=50"])
    assert (config.word_vectors, config.embed_dim) == ("glove-50", 50)


def test_a_run_is_named_by_its_variant_and_what_differs_from_it() -> None:
    assert run_name("model2", VARIANTS["model2"], VARIANTS["model2"]) == "model2"
    row = VARIANTS["model2-lite"]
    changed = row.with_settings(["hidden_dim=256", "dropout=0.1"])
    assert run_name("model2-lite", changed, row) == "model2-lite-hidden_dim=256-dropout=0.1"
    as_the_row = replace(changed, hidden_dim=512, dropout=row.dropout)
    assert run_name("model2-lite", as_the_row, row) == "model2-lite"


def test_a_config_survives_json() -> None:
    for config in VARIANTS.values():
        assert CaptionerConfig(**config.to_json()) == config
