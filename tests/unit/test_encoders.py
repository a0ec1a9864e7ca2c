"""Models of transformers, open_clip and timm: small random ones, loaded by what loads real ones, give the
numbers that the libraries themselves give."""

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tiny_encoders
from PIL import Image

from captionret.app.loading.spaces import encoder_of
from captionret.errors import BadCheckpoint, BadSetting, CaptionretError, MissingWeights, UnknownName
from captionret.models.captioning.config import VARIANTS
from captionret.models.encoders import ENCODERS, PictureEncoder, is_encoder, load_encoder, rows
from captionret.models.vision.backbones import load_backbone
from captionret.models.vision.rows import BACKBONES
from captionret.testing import check_encoder

if TYPE_CHECKING:
    from torch import Tensor


@pytest.fixture(scope="module", autouse=True)
def installed() -> None:
    """Both are optional extras. Importing them takes seconds, which only this file's tests wait for."""
    pytest.importorskip("transformers")
    pytest.importorskip("open_clip")


TEXTS = ["a dog", "a red circle on white paper", "blue square " * 20]
KINDS = ("clip", "siglip", "open_clip")


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("encoders")
    return {kind: getattr(tiny_encoders, kind)(folder / kind) for kind in KINDS}


@pytest.fixture
def copied(saved: dict[str, Path], tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """A copy of an encoder, to be damaged."""
    yield lambda kind: Path(shutil.copytree(saved[kind], tmp_path / kind))


def spec_of(kind: str, folder: Path) -> str:
    return f"{'open_clip' if kind == 'open_clip' else 'transformers'}:{folder}"


def pictures() -> list[Image.Image]:
    random = np.random.default_rng(0)
    return [Image.fromarray(random.integers(0, 256, (*size, 3), np.uint8)) for size in ((40, 60), (32, 32))]


def own_vectors(kind: str, folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Of the pictures and the texts, as the libraries' own documentation computes them."""
    import torch

    if kind == "open_clip":
        import open_clip

        model, _, transform = open_clip.create_model_and_transforms(f"local-dir:{folder}")
        tokens = open_clip.get_tokenizer(f"local-dir:{folder}")(TEXTS)
        with torch.no_grad():
            images = model.eval().encode_image(torch.stack([transform(one) for one in pictures()]))
            return images.numpy(), model.encode_text(tokens).numpy()
    from transformers import AutoProcessor, CLIPModel, SiglipModel

    model = (CLIPModel if kind == "clip" else SiglipModel).from_pretrained(folder).eval()
    processor = AutoProcessor.from_pretrained(folder)
    padding, longest = (True, 16) if kind == "clip" else ("max_length", 12)
    tokens = processor(text=TEXTS, padding=padding, truncation=True, max_length=longest, return_tensors="pt")
    with torch.no_grad():
        found = model(**tokens, **processor(images=pictures(), return_tensors="pt"))
    return found.image_embeds.numpy(), found.text_embeds.numpy()


@pytest.mark.parametrize("kind", KINDS)
def test_vectors_are_those_of_the_library_itself(kind: str, saved: dict[str, Path]) -> None:
    encoder = load_encoder(spec_of(kind, saved[kind]))
    found = encoder.encode_images(pictures()), encoder.encode_texts(TEXTS)
    for ours, theirs in zip(found, own_vectors(kind, saved[kind]), strict=True):
        units = theirs / np.linalg.norm(theirs, axis=1, keepdims=True)
        assert ours.dtype == np.float32 and np.abs(ours - units).max() < 1e-5
    alone = encoder.encode_images(pictures()[0])
    assert np.abs(alone - found[0][0]).max() < 1e-5
    if kind != "clip":  # whose small tokenizer puts no mark at the end of a text
        check_encoder(encoder)
    assert encoder.encode_images([]).shape[0] == encoder.encode_texts([]).shape[0] == 0


def test_an_encoder_is_found_again_by_what_it_says_of_itself(
    saved: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(saved["clip"].parent)
    encoder = load_encoder("transformers:clip")
    monkeypatch.chdir("/")
    again = encoder_of(encoder.describe(), "cpu")
    assert (again.key, again.name) == (encoder.key, "clip")
    assert np.array_equal(again.encode_texts(TEXTS), encoder.encode_texts(TEXTS))
    with pytest.raises(BadCheckpoint, match="another model lies at"):
        encoder_of({**encoder.describe(), "key": "other"}, "cpu")


def test_the_key_changes_with_a_weight_and_with_the_preprocessing(copied: Callable[[str], Path]) -> None:
    folder = copied("clip")
    keys = [load_encoder(f"transformers:{folder}").key]
    file = folder / "processor_config.json"
    file.write_text(file.read_text().replace("0.48145466", "0.5"))
    keys.append(load_encoder(f"transformers:{folder}").key)
    change_weights(folder, lambda tensors: {**tensors, "logit_scale": tensors["logit_scale"] + 1})
    keys.append(load_encoder(f"transformers:{folder}").key)
    assert len(set(keys)) == 3


def change_weights(folder: Path, change: "Callable[[dict[str, Tensor]], dict[str, Tensor]]") -> None:
    from safetensors.torch import load_file, save_file

    file = folder / "model.safetensors"
    save_file(change(load_file(file)), file, {"format": "pt"})


def part_of_the_weights(folder: Path) -> None:
    change_weights(folder, lambda tensors: {k: v for k, v in tensors.items() if "projection" not in k})


def no_weights(folder: Path) -> None:
    for file in [*folder.glob("*.safetensors"), *folder.glob("*.bin")]:
        file.unlink()


def half_a_file(folder: Path) -> None:
    (file,) = [*folder.glob("*.safetensors"), *folder.glob("*.bin")]
    file.write_bytes(file.read_bytes()[:5000])


def no_config(folder: Path) -> None:
    for file in folder.glob("*config.json"):
        file.unlink()


@pytest.mark.parametrize("kind", ["clip", "open_clip"])
@pytest.mark.parametrize("damage", [no_weights, half_a_file, no_config])
def test_a_model_that_is_not_whole_is_refused_by_name(
    kind: str, damage: Callable[[Path], None], copied: Callable[[str], Path]
) -> None:
    folder = copied(kind)
    damage(folder)
    with pytest.raises((BadCheckpoint, MissingWeights), match=kind):
        load_encoder(spec_of(kind, folder))


def test_weights_that_are_not_all_there_are_never_made_up(copied: Callable[[str], Path]) -> None:
    folder = copied("clip")
    part_of_the_weights(folder)
    with pytest.raises(BadCheckpoint, match="2 weights of"):
        load_encoder(f"transformers:{folder}")


def test_a_model_that_is_no_encoder_is_refused(tmp_path: Path) -> None:
    from transformers import CLIPVisionConfig, CLIPVisionModel

    small = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 1}
    CLIPVisionModel(CLIPVisionConfig(**small, image_size=16, patch_size=8)).save_pretrained(tmp_path)
    with pytest.raises(BadCheckpoint, match="does not put pictures and texts into one space"):
        load_encoder(f"transformers:{tmp_path}")


def test_code_that_comes_with_a_model_is_refused_unless_it_is_trusted(copied: Callable[[str], Path]) -> None:
    folder = copied("clip")
    config = json.loads((folder / "config.json").read_text())
    config |= {"model_type": "mine", "auto_map": {"AutoModel": "mine.Mine", "AutoConfig": "mine.Config"}}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "mine.py").write_text("from pathlib import Path\nPath(__file__).with_name('ran').touch()\n")
    with pytest.raises(BadSetting, match="trust_remote_code=True") as error:
        load_encoder(f"transformers:{folder}")
    assert "--trust-remote-code" in error.value.in_shell()
    assert not list(folder.parent.rglob("ran"))


@pytest.mark.parametrize(
    ("spec", "kind", "says"),
    [
        ("transformers:nobody/nothing", MissingWeights, "hf download nobody/nothing"),
        ("open_clip:hf-hub:nobody/nothing", MissingWeights, "hf download nobody/nothing"),
        ("open_clip:ViT-B-32/laion2b_s34b_b79k", MissingWeights, "hf download"),
        ("open_clip:ViT-B-32", BadSetting, "would be random"),
        ("open_clip:ViT-B-32/laion3b", UnknownName, "laion"),
        ("open_clip:ViT-B-33/openai", UnknownName, "ViT-B-32"),
        ("openclip:ViT-B-32", UnknownName, "open_clip"),
    ],
)
def test_what_is_not_here_is_named_and_nothing_is_fetched(
    spec: str, kind: type[CaptionretError], says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import socket

    def no_network(*_: object) -> None:
        raise AssertionError("it asks the network")

    monkeypatch.setattr(socket.socket, "connect", no_network)
    with pytest.raises(kind, match=says):
        load_encoder(spec)


def test_a_checkpoints_name_is_not_taken_for_an_encoder() -> None:
    assert not any(
        map(is_encoder, ("photos-space", "C:\\spaces\\mine", "transformers", Path("open_clip"), None))
    )
    assert all(is_encoder(f"{kind}:x") for kind in ENCODERS)


class Mine:
    def __init__(self, what: str, device: str) -> None:
        self.key = f"{what} on {device}"

    def images(self, images: Sequence[Image.Image]) -> np.ndarray:
        return np.array([image.size for image in images], np.float32)

    def texts(self, texts: Sequence[str]) -> np.ndarray:
        return np.array([[len(text), 1] for text in texts], np.float32)


def test_a_package_brings_a_kind_by_an_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    found = {
        name: EntryPoint(name, value, rows.PLUGINS)
        for name, value in (("mine", f"{__name__}:Mine"), ("broken", "nowhere.at_all:Mine"))
    }
    monkeypatch.setattr(rows, "_plugins", lambda: found)
    assert is_encoder("mine:wide") and not is_encoder("yours:wide")
    encoder = load_encoder("mine:wide", "cpu")
    assert (encoder.name, encoder.key, encoder.spec) == ("wide", "wide on cpu", "mine:wide")
    assert np.allclose(encoder.encode_images(pictures())[0], np.array([60, 40]) / np.hypot(60, 40))
    check_encoder(load_encoder("mine:wide"))
    with pytest.raises(BadSetting, match="plug-in broken"):
        load_encoder("broken:x")


def test_kit_finds_what_an_encoder_does_not_keep() -> None:
    class Broken(Mine):
        def __init__(self, texts: Callable[[Sequence[str]], object]) -> None:
            super().__init__("broken", "cpu")
            self.given = texts

        def texts(self, texts: Sequence[str]) -> np.ndarray:
            return np.array(self.given(texts), np.float32)

    for given, message in (
        (lambda texts: [[len(one), 1, 1] for one in texts], "they are of one space"),
        (lambda texts: [[len(one), len(texts)] for one in texts], "a text's vector depends on its batch"),
        (lambda texts: [[1, 2] for _ in texts], "different texts have the same vector"),
    ):
        with pytest.raises(AssertionError, match=message):
            check_encoder(PictureEncoder("mine:broken", "broken", Broken(given)))


def test_an_empty_text_and_damaged_numbers_are_errors(copied: Callable[[str], Path]) -> None:
    folder = copied("clip")
    with pytest.raises(BadSetting, match="empty"):
        load_encoder(f"transformers:{folder}").encode_texts(["a dog", " "])
    change_weights(folder, lambda tensors: {k: v * float("nan") for k, v in tensors.items()})
    with pytest.raises(BadSetting, match="not finite"):
        load_encoder(f"transformers:{folder}").encode_texts(["a dog"])


NETWORKS = ("timm:test_resnet", "timm:test_vit", "timm:test_efficientnet")


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_of_timm_is_a_backbone_with_timms_own_preprocessing(name: str, tmp_path: Path) -> None:
    import timm
    import torch
    from safetensors.torch import save_file

    torch.manual_seed(0)
    own: Any = timm.create_model(name.removeprefix("timm:"), pretrained=False).eval()
    save_file(own.state_dict(), tmp_path / BACKBONES[name].weights)
    backbone = load_backbone(name, folder=tmp_path)
    row, facts = backbone.config, own.pretrained_cfg
    size = facts["input_size"][-1]
    assert (row.preprocessing.size, row.preprocessing.mean) == (size, facts["mean"])
    assert row.preprocessing.std == facts["std"] and backbone.weights_sha256
    pixels = np.random.default_rng(0).integers(0, 256, (2, size, size, 3), np.uint8)
    images = (torch.tensor(pixels) / 255 - torch.tensor(facts["mean"])) / torch.tensor(facts["std"])
    with torch.inference_mode():
        found = own.forward_features(images.permute(0, 3, 1, 2))
        if name == "timm:test_vit":
            theirs, cells = found[:, 1:].mean(1), found[:, 1:]
        else:
            theirs, cells = own.forward_head(found, pre_logits=True), found.flatten(2).transpose(1, 2)
    pooled, grid = backbone.read(pixels)
    side, depth = row.grid
    assert pooled.shape == (2, row.dim) and grid.shape == (2, side * side, depth)
    assert torch.allclose(pooled, theirs, atol=1e-4) and torch.allclose(grid, cells, atol=1e-4)


def test_a_network_of_timm_that_is_not_here_is_named_and_nothing_is_fetched(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("socket.socket.connect", lambda *_: pytest.fail("it asks the network"))
    with pytest.raises(MissingWeights, match="hf download timm/test_vit"):
        load_backbone("timm:test_vit", folder=tmp_path)
    with pytest.raises(UnknownName, match="resnet18"):
        load_backbone("timm:resnet_18")
    config = replace(VARIANTS["model2"], backbone="timm:test_vit")
    assert config.backbone == "timm:test_vit"
    with pytest.raises(UnknownName, match="backbone"):
        replace(VARIANTS["model2"], backbone="tim:test_vit")
