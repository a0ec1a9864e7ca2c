"""A lexical head may have the CNN's last blocks for itself, which cost no second pass of the CNN."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from shapes import COLOURS, Trained
from torch import Tensor

from captionret.cli import train_captioner
from captionret.errors import BadSetting
from captionret.models.captioning.captioner import Captioner
from captionret.models.checkpoint import read_checkpoint
from captionret.models.lexical.config import LEXICAL, LexicalConfig
from captionret.models.lexical.head import LexicalHead
from captionret.models.lexical.network import LexicalNetwork, make_network
from captionret.models.lexical.predictor import WordPredictor
from captionret.models.vision.backbones import Backbone, load_backbone
from captionret.models.vision.engines.int8 import RoundedConvolution, rounded
from captionret.models.vision.last_blocks import LastBlocks, before, with_own_blocks
from captionret.records import CaptionResult
from captionret.training.captioning import begin_with
from captionret.training.lexical import _part_of_cells
from captionret.training.meaning import mean_codes


@pytest.fixture(scope="module")
def backbone() -> Backbone:
    return load_backbone("efficientnet_lite0")


@pytest.fixture(scope="module")
def pixels() -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (2, 224, 224, 3), np.uint8)


@pytest.fixture(scope="module")
def head(lexical_head: Path, trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("own") / "seeing"
    fields = (
        "backbone=efficientnet_lite0",
        "min_count=4",
        "hidden_dim=64",
        "learning_rate=3e-3",
        "dropout=0",
    )
    settings = (*fields, "own_blocks=1", "cropped=0.5", "mixup=0.4", "meaning=1")
    given = [word for one in settings for word in ("--set", one)]
    where = ["--data", trained.spec, "--out", str(out), "--features", str(trained.features)]
    begun = ["--start-from", str(lexical_head), "--distil-from", str(lexical_head), "--precision", "float32"]
    begun += ["--eight-bits"]
    sizes = ["--variant", "words-lite", "--augment", "1", "--epochs", "2", "--batch-size", "80"]
    assert train_captioner.main([*where, *given, *begun, *sizes]) == 0
    return out


def test_blocks_as_imagenet_left_them_see_what_the_cnn_sees(
    backbone: Backbone, pixels: NDArray[np.uint8]
) -> None:
    own = LastBlocks("efficientnet_lite0", 2).eval()
    own.load_pretrained()
    pooled, grid = backbone.read(pixels)
    _, cells = before(backbone, 2).read(pixels)
    assert cells.shape == (2, 49, 192)
    with torch.inference_mode():
        torch.testing.assert_close(own(cells), pooled, rtol=1e-3, atol=1e-4)
    own.conv.weight.data *= 2
    seen, theirs, same = with_own_blocks(backbone, own, 2).read_all(pixels)
    torch.testing.assert_close(seen, pooled)
    torch.testing.assert_close(same, grid)
    assert theirs.shape == pooled.shape and float((theirs - pooled).abs().max()) > 0.01


def test_own_blocks_may_go_on_with_every_second_cell() -> None:
    whole, sparse = LastBlocks("efficientnet_lite0", 2), LastBlocks("efficientnet_lite0", 2, 2)
    sparse.load_state_dict(whole.state_dict())
    seen: list[Tensor] = []
    for blocks in (whole, sparse):
        blocks.activation.register_forward_hook(lambda module, given, cells: seen.append(cells))
        blocks(torch.randn(2, 49, 192, generator=torch.Generator().manual_seed(0)))
    torch.testing.assert_close(seen[-1], seen[-2][:, :, ::2, ::2], rtol=1e-4, atol=1e-5)
    backbones = [with_own_blocks(load_backbone("efficientnet_lite0"), one, 2) for one in (whole, sparse)]
    assert backbones[0].key != backbones[1].key


def test_a_cnn_with_own_blocks_is_another_one_for_caches_and_engines(backbone: Backbone) -> None:
    first, second = LastBlocks("efficientnet_lite0", 1), LastBlocks("efficientnet_lite0", 1)
    parts = [backbone, before(backbone, 1), before(backbone, 2)]
    parts += [with_own_blocks(backbone, own, 1) for own in (first, second)]
    assert len({part.key for part in parts}) == 5


def test_a_cnn_with_own_blocks_computes_in_bytes_by_the_ranges_of_its_own(
    backbone: Backbone, pixels: NDArray[np.uint8]
) -> None:
    source = with_own_blocks(backbone, LastBlocks("efficientnet_lite0", 1), 1).reader.source
    network = rounded(source).network
    assert sum(isinstance(one, RoundedConvolution) for one in network.modules()) > 40
    with torch.inference_mode():
        images = torch.from_numpy(pixels)
        grid, ours, theirs = (
            one(images)[1] for one in (source.network, network, rounded(backbone.reader.source).network)
        )
    assert torch.equal(ours, theirs) and not torch.equal(ours, grid)
    assert rounded(source).identity != rounded(backbone.reader.source).identity


def test_statistics_of_batch_norms_stay_in_training() -> None:
    network = LexicalNetwork(LexicalConfig("efficientnet_lite0", hidden_dim=8, own_blocks=1), 1280, 5).train()
    assert network.own is not None
    before_it = network.own.norm.running_mean.clone()
    network(torch.randn(4, 49, 192))
    torch.testing.assert_close(network.own.norm.running_mean, before_it)


def test_blocks_that_cannot_be_had_alone_are_refused() -> None:
    with pytest.raises(BadSetting, match="Take an EfficientNet-Lite"):
        LastBlocks("resnet18", 1)
    with pytest.raises(BadSetting, match="Take fewer"):
        LastBlocks("efficientnet_lite0", 7)


def test_a_part_of_the_cells_is_a_rectangle_of_the_grid() -> None:
    torch.manual_seed(0)
    cells = torch.arange(81.0).reshape(1, 81, 1)
    for _ in range(20):
        part = _part_of_cells(cells, 9)[0, 0]
        assert 6 <= len(part) <= 9 and 6 <= part.shape[1] <= 9
        torch.testing.assert_close(part[1:] - part[:-1], torch.full_like(part[1:], 9.0))


def test_a_head_with_own_blocks_predicts_the_same_of_a_picture_and_of_what_it_saw(
    head: Path, trained: Trained
) -> None:
    predictor, path = WordPredictor.load(head, "cpu"), trained.pictures / "red-circle-0.png"
    found = predictor.predict(path, least=0)
    assert max(COLOURS, key=lambda word: found[word]) == "red"
    assert predictor.head is not None
    own = predictor.head.features(_pixels(path)).half().numpy()
    row = predictor.predict_words([], ["ab" * 32], np.zeros((1, 1280)), own=own)[0]
    again = predictor.predict_words([path], ["ab" * 32], np.zeros((1, 1280)))[0]
    np.testing.assert_allclose(row, [found[word] for word in predictor.words], atol=1e-5)
    np.testing.assert_allclose(again, row, atol=1e-5)
    with pytest.raises(BadSetting, match="which takes pictures"):
        predictor.predict_features(np.zeros((1, 1280)))


def test_own_blocks_learn_and_are_part_of_the_fingerprint(head: Path, lexical_head: Path) -> None:
    ours, theirs = LexicalHead.load(head, "cpu"), LexicalHead.load(lexical_head, "cpu")
    pretrained = LastBlocks("efficientnet_lite0", 1)
    pretrained.load_pretrained()
    assert ours.network.own is not None
    assert float((ours.network.own.conv.weight - pretrained.conv.weight).detach().abs().max()) > 1e-4
    counted = ours.config.fingerprinted()
    assert counted["own_blocks"] == 1 and "own_blocks" not in theirs.config.fingerprinted()
    card = (head / "README.md").read_text(encoding="utf-8")
    assert "with the last block of its own, which learnt with it" in card


def test_what_tells_the_meaning_of_captions_is_learnt_beside_words_and_not_kept(head: Path) -> None:
    checkpoint = read_checkpoint(head, LEXICAL)
    assert checkpoint.config.meaning == 1 and "meaning" not in checkpoint.config.fingerprinted()
    assert not [name for name in checkpoint.tensors if name.startswith("meaning")]
    means = mean_codes([["a red circle", "a circle"], ["a blue square"]], head.parent / "codes")
    assert means.shape == (2, 384) and float(means.std()) == pytest.approx(1, abs=0.01)
    torch.testing.assert_close(means[0], -means[1])


def test_a_row_for_each_word_is_kept_in_eight_bits_where_that_is_asked_for(head: Path) -> None:
    stored = mapped_types(head / "model.safetensors")
    assert stored["output.weight"] == "I8" and stored["hidden.weight"] == "F32"
    weights = read_checkpoint(head, LEXICAL).tensors["output.weight"]
    scales = weights.abs().amax(1) / 127
    torch.testing.assert_close(weights, torch.round(weights / scales[:, None]) * scales[:, None])


def mapped_types(file: Path) -> dict[str, str]:
    content = file.read_bytes()
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    return {name: facts["dtype"] for name, facts in header.items() if name != "__metadata__"}


def test_a_training_with_more_own_blocks_begins_with_those_that_there_are(head: Path) -> None:
    start = read_checkpoint(head, LEXICAL)
    more = replace(start.config, own_blocks=2)
    network = make_network(more, len(start.vocabulary))
    assert network.own is not None
    network.own.load_pretrained()
    first = network.state_dict()["own.blocks.0._expand_conv.weight"].clone()
    begin_with(network, more, start.vocabulary, start)
    begun = network.state_dict()
    torch.testing.assert_close(begun["own.blocks.0._expand_conv.weight"], first)
    theirs = start.tensors["own.blocks.0._expand_conv.weight"]
    torch.testing.assert_close(begun["own.blocks.1._expand_conv.weight"], theirs)
    with pytest.raises(BadSetting, match="more own blocks"):
        begin_with(network, replace(more, own_blocks=0), start.vocabulary, start)


def _pixels(path: Path) -> NDArray[np.uint8]:
    from captionret.images import load_views

    return load_views(path, 224)[1]


def test_a_captioner_sees_for_a_head_in_its_own_pass_of_the_cnn(head: Path, trained: Trained) -> None:
    captioner, predictor = Captioner.load(trained.checkpoint), WordPredictor.load(head, "cpu")
    paths = sorted(trained.pictures.glob("*.png"))[:3]
    (before_it,) = captioner.caption_stream(paths)
    assert captioner.see_for(predictor)
    (results,) = captioner.caption_stream(paths)
    assert predictor.head is not None
    for path, one, alone in zip(paths, results, before_it, strict=True):
        assert isinstance(one, CaptionResult) and isinstance(alone, CaptionResult)
        assert one.captions == alone.captions and alone.own is None and one.own is not None
        np.testing.assert_allclose(one.feature, alone.feature, rtol=1e-2, atol=1e-3)
        seen = predictor.head.features(_pixels(path)).numpy()[0]
        np.testing.assert_allclose(one.own.astype(np.float32), seen, rtol=1e-2, atol=1e-3)
    assert not captioner.see_for(WordPredictor(captioner=captioner))
