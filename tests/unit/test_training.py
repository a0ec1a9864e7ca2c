"""Training a captioner: what a batch holds, what learns and what does not, what is held out, what is
written."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from PIL import Image
from shapes import Trained, table
from torch.nn import functional as F

from captionret.datasets import Dataset, open_dataset
from captionret.errors import BadCheckpoint, BadDataset, BadSetting
from captionret.models.captioning.captioner import Captioner
from captionret.models.captioning.config import CAPTIONER, VARIANTS, CaptionerConfig
from captionret.models.captioning.decoders import make_decoder
from captionret.models.checkpoint import OWN_BACKBONE, Checkpoint, read_checkpoint, save_checkpoint
from captionret.models.vision.backbones import Backbone, load_backbone
from captionret.records import Item
from captionret.text import Vocabulary
from captionret.training.captioning import CaptionerRun, begin_with
from captionret.training.features import Features
from captionret.training.loop import train
from captionret.training.self_critical import SelfCritical
from captionret.training.teacher_forcing import LONGEST, CaptionData, CaptioningTask, encode_captions
from captionret.word_vectors import load_word_vectors

CPU = torch.device("cpu")
KINDS_OF_SHAPE = 8  # every split of `table` holds so many of each
TINY = {
    "embed_dim": 24,
    "hidden_dim": 24,
    "epochs": 1,
    "batch_size": 12,
    "views": 1,
    "average": 0.0,
    "min_count": 1,
}


def run_of(
    spec: str, out: Path, features: Path, variant: str = "model2-lite", **changes: Any
) -> CaptionerRun:
    fields = {key: changes.pop(key) for key in list(changes) if key in CaptionerConfig.__dataclass_fields__}
    config = replace(VARIANTS[variant], **{**TINY, **fields})
    return CaptionerRun(
        variant,
        config,
        open_dataset(spec),
        out,
        features_root=features,
        progress=False,
        precision="float32",
        **changes,
    )


def split_items(dataset: Dataset, split: str, hold_out: bool = False) -> tuple[list[Item], list[Item], str]:
    return CaptionerRun("model1", VARIANTS["model1"], dataset, Path("unused")).items(split, hold_out)


def small(folder: Path, splits: dict[str, int]) -> str:
    return table(folder / "shapes", splits, wordings=["a {} {} ."])


# What a batch holds


def made_up(images: int, captions: int, config: CaptionerConfig, seed: int = 0) -> CaptioningTask:
    """A task on random features with captions of many lengths; some images have fewer captions than
    others."""
    random = np.random.default_rng(seed)
    words = "a dog runs on wet sand by blue water with two red birds".split()
    texts = [
        tuple(
            " ".join(random.choice(words, random.integers(3, 14)))
            for _ in range(random.integers(1, captions + 1))
        )
        for _ in range(images)
    ]
    vocabulary = Vocabulary.build((one for image in texts for one in image), 1)
    values = random.normal(size=(images, 1280)).astype(np.float16)
    rows = np.tile(np.arange(images), (config.views, 1))
    features = Features(rows, [values] * config.views, ["0" * 64] * images, np.arange(images))
    data = CaptionData(features, encode_captions(texts, vocabulary), texts)
    torch.manual_seed(0)
    module = make_decoder(config, len(vocabulary))
    return CaptioningTask(module, config, data, data, 0, vocabulary)


def config_with(**changes: Any) -> CaptionerConfig:
    return replace(VARIANTS["model2-lite"], **{**TINY, **changes})


@pytest.mark.parametrize("images", [2, 24, 25, 100])
@pytest.mark.parametrize("batch_size", [1, 12, 64])
def test_batches_of_an_epoch_hold_every_caption_exactly_once(images: int, batch_size: int) -> None:
    task = made_up(images, 4, config_with(batch_size=batch_size))
    expected = {(image, column) for image, column in np.argwhere(task.train.tokens[:, :, 0] > 0).tolist()}
    for epoch in range(3):
        seen = [tuple(sample) for samples, _ in task.batches(epoch) for sample in samples.tolist()]
        assert len(seen) == len(expected)
        assert set(seen) == expected


@pytest.mark.parametrize("images", [2, 24, 25, 31])
def test_batches_of_whole_images_hold_every_image_exactly_once(images: int) -> None:
    task = made_up(images, 4, config_with(captions_together=True, batch_size=12))
    seen = Counter(sample for samples, _ in task.batches(0) for sample in samples[:, 0].tolist())
    assert seen == dict.fromkeys(range(images), 1)


@pytest.mark.parametrize("together", [False, True])
def test_no_batch_holds_a_single_example(together: bool) -> None:
    """Batch norm cannot learn from one."""
    for images in range(2, 30):
        task = made_up(images, 1, config_with(captions_together=together, batch_size=4))
        assert min(len(samples) for samples, _ in task.batches(0)) >= 2, images


def test_batches_are_the_same_whenever_the_epoch_is_asked_for_and_others_in_the_next() -> None:
    task = made_up(40, 3, config_with(views=3))
    first, again, following = (
        [(samples.tolist(), views.tolist()) for samples, views in task.batches(epoch)] for epoch in (1, 1, 2)
    )
    assert first == again
    assert first != following


def test_every_view_is_used() -> None:
    task = made_up(40, 3, config_with(views=3))
    counts = Counter(view for _, views in task.batches(0) for view in views.tolist())
    assert set(counts) == {0, 1, 2}
    assert min(counts.values()) > 5


def test_captions_of_a_batch_are_of_nearly_equal_length() -> None:
    task = made_up(400, 3, config_with(batch_size=12))
    spans = [int(np.ptp((task.train.tokens[tuple(samples.T)] > 0).sum(1))) for samples, _ in task.batches(0)]
    assert np.mean(spans) < 2


def test_single_example_is_too_few() -> None:
    with pytest.raises(BadDataset, match="a single example to train on"):
        made_up(1, 1, config_with())


def test_encoded_captions_are_padded_and_cut_at_the_longest() -> None:
    vocabulary = Vocabulary.build(["dog " * 60], 1)
    tokens = encode_captions([("dog", "dog dog"), ("dog " * 60,)], vocabulary)
    assert tokens.shape == (2, 2, LONGEST)
    assert tokens.dtype == np.int32
    assert tokens[0, 0].tolist() == [1, 4, 2] + [0] * (LONGEST - 3)
    assert (tokens[1, 0] > 0).all()
    assert (tokens[1, 1] == 0).all()


@pytest.mark.parametrize("together", [False, True])
@pytest.mark.parametrize("predict_bos", [False, True])
def test_loss_of_a_batch_is_the_mean_over_its_tokens_one_caption_at_a_time(
    together: bool, predict_bos: bool
) -> None:
    task = made_up(
        30,
        3,
        config_with(captions_together=together, predict_bos=predict_bos, dropout=0.0, label_smoothing=0.0),
    )
    task.module.eval()
    batch = task.batches(0)[0]
    captions = [
        (image, column)
        for image, column in batch[0].tolist()
        for column in (range(3) if column < 0 else [column])
        if task.train.tokens[image, column, 0] > 0
    ]
    expected, count = naive_loss(task, captions, predict_bos)
    assert float(task.loss(batch).detach()) == pytest.approx(expected / count, rel=1e-4)


@pytest.mark.parametrize("predict_bos", [False, True])
def test_validation_loss_is_the_mean_over_all_tokens_one_caption_at_a_time(predict_bos: bool) -> None:
    """Over more than one batch of 100, whose captions differ in length."""
    task = made_up(130, 3, config_with(predict_bos=predict_bos))
    task.module.eval()
    captions = [(image, column) for image, column in np.argwhere(task.val.tokens[:, :, 0] > 0).tolist()]
    expected, count = naive_loss(task, captions, predict_bos)
    with torch.no_grad():
        measures = task.validate(task.module)
    assert measures["val_loss"] == pytest.approx(expected / count, rel=1e-5)
    assert 1 <= measures["distinct"] <= 130


def naive_loss(task: CaptioningTask, captions: list[tuple[int, int]], predict_bos: bool) -> tuple[float, int]:
    """The sum of the tokens' negative log-probabilities, each caption alone and word by word, and how many
    tokens there are."""
    total, count = 0.0, 0
    with torch.no_grad():
        for image, column in captions:
            tokens = [token for token in task.train.tokens[image, column].tolist() if token]
            logits, state = task.module.begin(task.train.features.of(np.array([image])))
            if predict_bos:
                total += float(F.cross_entropy(logits, torch.tensor(tokens[:1])))
                logits, state = task.module.step(torch.tensor(tokens[:1]), state)
                count += 1
            for token in tokens[1:]:
                total += float(F.cross_entropy(logits, torch.tensor([token])))
                logits, state = task.module.step(torch.tensor([token]), state)
                count += 1
    return total, count


# What learns, and what does not


def test_losses_fall_and_the_captions_come_out_right(trained: Trained) -> None:
    history = json.loads((trained.checkpoint / "config.json").read_text())["training"]["history"]
    assert history[-1]["train_loss"] < 0.4 * history[0]["train_loss"]
    assert history[-1]["val_loss"] < 0.6 * history[0]["val_loss"]
    pictures = sorted(trained.pictures.iterdir())
    captions = Captioner.load(trained.checkpoint).caption(pictures)
    for picture, said in zip(pictures, captions, strict=True):
        colour, kind, _ = picture.stem.split("-")
        assert {colour, kind} < set(said[0].tokens)


def test_frozen_cnn_stays_exactly_what_it_was(trained: Trained, lite0: Backbone, tmp_path: Path) -> None:
    before = {name: tensor.clone() for name, tensor in lite0.state_dict().items()}
    train(
        run_of(small(tmp_path, {"train": 3, "val": 1}), tmp_path / "out", tmp_path / "features"), CPU, lite0
    )
    assert not any(parameter.requires_grad for parameter in lite0.parameters())
    assert all(torch.equal(tensor, before[name]) for name, tensor in lite0.state_dict().items())


def test_decoder_linear_layer_and_batch_norm_all_learn(
    trained: Trained, lite0: Backbone, tmp_path: Path
) -> None:
    run = run_of(trained.spec, tmp_path / "out", trained.features)
    checkpoint, _ = train(run, CPU, lite0)
    assert isinstance(run.config, CaptionerConfig)
    torch.manual_seed(run.seed)
    before = make_decoder(run.config, len(checkpoint.vocabulary)).state_dict()
    unchanged = [name for name, tensor in checkpoint.tensors.items() if torch.equal(tensor, before[name])]
    assert unchanged == []
    assert {"project.weight", "norm.running_mean", "embed.weight", "output.bias"} < set(before)


def test_frozen_word_vectors_stay_exactly_what_they_were(
    trained: Trained, lite0: Backbone, tmp_path: Path
) -> None:
    run = run_of(trained.spec, tmp_path / "out", trained.features, "model5-lite", embed_dim=50)
    checkpoint, _ = train(run, CPU, lite0)
    matrix, unknown = load_word_vectors("glove-50").matrix(checkpoint.vocabulary)
    assert np.array_equal(checkpoint.tensors["embed.weight"].numpy(), matrix)
    assert checkpoint.training["words_without_vector"] == unknown == 0


def test_averaged_weights_are_what_is_saved(trained: Trained, lite0: Backbone, tmp_path: Path) -> None:
    plain, averaged = (
        train(run_of(trained.spec, tmp_path / str(share), trained.features, average=share), CPU, lite0)[0]
        for share in (0.0, 0.9)
    )
    assert not torch.equal(plain.tensors["output.weight"], averaged.tensors["output.weight"])
    assert plain.training["history"][0]["train_loss"] == averaged.training["history"][0]["train_loss"]


def test_transformer_trains_on_the_grid(lite0: Backbone, tmp_path: Path) -> None:
    spec = small(tmp_path, {"train": 3, "val": 1})
    changes = {
        "backbone": "efficientnet_lite0",
        "embed_dim": 32,
        "hidden_dim": 32,
        "layers": 1,
        "epochs": 6,
        "learning_rate": 0.01,
    }
    run = run_of(spec, tmp_path / "out", tmp_path / "features", "transformer-lite", **changes)
    checkpoint, failures = train(run, CPU, lite0)
    history = checkpoint.training["history"]
    assert failures == []
    assert history[-1]["train_loss"] < 0.8 * history[0]["train_loss"]
    assert sorted(path.name for path in (tmp_path / "features" / lite0.key).iterdir()) == [
        "grid-whole",
        "pooled-whole",
    ]


def test_augmented_training_caches_every_view_and_validates_on_whole_pictures(
    lite0: Backbone, tmp_path: Path
) -> None:
    spec = small(tmp_path, {"train": 2, "val": 1})
    train(run_of(spec, tmp_path / "out", tmp_path / "features", views=3), CPU, lite0)
    folders = {
        path.name: (path / "rows.f16").stat().st_size // 2560
        for path in (tmp_path / "features" / lite0.key).iterdir()
    }
    assert len(folders) == 3
    assert folders.pop("pooled-whole") == 24
    assert list(folders.values()) == [16, 16]


# What is trained and validated on


def test_val_split_is_what_is_validated_on(trained: Trained) -> None:
    train, val, held_out = split_items(open_dataset(trained.spec), "train")
    assert ({item.split for item in train}, {item.split for item in val}, held_out) == (
        {"train"},
        {"val"},
        "val",
    )


@pytest.mark.parametrize("split", ["all", "val"])
def test_nothing_is_both_trained_and_validated_on(split: str, tmp_path: Path) -> None:
    dataset = open_dataset(small(tmp_path, {"train": 3, "val": 3}))
    train, val, held_out = split_items(dataset, split)
    assert {item.id for item in train}.isdisjoint(item.id for item in val)
    assert len(train) + len(val) == len(dataset.split(split))
    assert held_out == f"every 20th image of {split}"


def test_collection_without_splits_is_trained_on_as_a_whole(tmp_path: Path) -> None:
    small(tmp_path, {"train": 5})
    table_file = tmp_path / "shapes" / "captions.csv"
    table_file.write_text("\n".join(line.rsplit(",", 1)[0] for line in table_file.read_text().splitlines()))
    train, val, held_out = split_items(open_dataset(f"table:{table_file}"), "train")
    assert (len(train), len(val), held_out) == (38, 2, "every 20th image of train")
    with pytest.raises(
        BadDataset, match=r"no images in split 'tain'\. Its splits: none; 'all' takes every image"
    ):
        split_items(open_dataset(f"table:{table_file}"), "tain")


def test_without_a_val_split_some_are_held_out_and_the_card_says_so(lite0: Backbone, tmp_path: Path) -> None:
    from captionret.models.card import write_card

    spec = small(tmp_path, {"train": 5})
    checkpoint, _ = train(run_of(spec, tmp_path / "out", tmp_path / "features"), CPU, lite0)
    assert checkpoint.training["images"] == 38
    assert checkpoint.training["validated_on"] == "every 20th image of train"
    card = write_card(tmp_path / "out").read_text()
    assert "38 images with 38 captions; the epoch kept was chosen on every 20th image of train" in card


def test_too_few_pictures_to_hold_some_out_is_a_clear_error(lite0: Backbone, tmp_path: Path) -> None:
    spec = small(tmp_path, {"train": 2})
    with pytest.raises(BadDataset, match=r"has 16 images in split 'train' and no val split: too few"):
        train(run_of(spec, tmp_path / "out", tmp_path / "features"), CPU, lite0)


def test_pictures_without_captions_cannot_be_trained_on(lite0: Backbone, tmp_path: Path) -> None:
    small(tmp_path, {"train": 3})
    run = run_of(f"folder:{tmp_path}/shapes", tmp_path / "out", tmp_path / "features", split="all")
    with pytest.raises(BadDataset, match="nothing to train or validate on: 22 items"):
        train(run, CPU, lite0)


def with_broken_picture(folder: Path) -> tuple[str, Path]:
    """A data set of 24 training pictures, one of which is a text file."""
    spec = small(folder, {"train": 3, "val": 1})
    broken = folder / "shapes" / "train" / "blue-circle-1.png"
    broken.write_text("not a picture")
    return spec, broken


def test_broken_picture_never_stops_a_training(lite0: Backbone, tmp_path: Path) -> None:
    spec, broken = with_broken_picture(tmp_path)
    checkpoint, failures = train(run_of(spec, tmp_path / "out", tmp_path / "features"), CPU, lite0)
    assert checkpoint.training["images"] == 23
    (reason,) = failures
    assert str(broken) in reason


def test_only_broken_pictures_is_a_clear_error(lite0: Backbone, tmp_path: Path) -> None:
    spec = small(tmp_path, {"train": 1, "val": 1})
    for picture in (tmp_path / "shapes" / "train").iterdir():
        picture.write_bytes(b"")
    with pytest.raises(BadDataset, match=r"8 items, 8 unreadable pictures\. .*\.png is empty"):
        train(run_of(spec, tmp_path / "out", tmp_path / "features"), CPU, lite0)


# What is written


def test_checkpoint_directory_explains_itself_and_holds_no_pickle(trained: Trained) -> None:
    names = {path.name for path in trained.checkpoint.iterdir()}
    assert names == {
        "README.md",
        "config.json",
        "model.safetensors",
        "training",
        "training.png",
        "vocab.json",
    }
    assert not [
        path
        for path in trained.checkpoint.rglob("*")
        if path.is_file() and path.read_bytes()[:2] in (b"PK", b"\x80\x02", b"\x80\x04")
    ]
    with Image.open(trained.checkpoint / "training.png") as curve:
        assert curve.format == "PNG" and curve.width > 600
    training = json.loads((trained.checkpoint / "config.json").read_text())["training"]
    assert training["data"] == trained.spec
    assert (training["images"], training["captions"]) == (64, 128)
    assert len(training["history"]) == 30
    assert training["best_epoch"] == 1 + max(
        range(30), key=lambda epoch: (training["history"][epoch]["cider_d"], -epoch)
    )
    assert training["seconds"] > 0


def test_card_says_how_it_was_made_and_how_to_make_it_again(trained: Trained) -> None:
    card = (trained.checkpoint / "README.md").read_text()
    record = json.loads((trained.checkpoint / "config.json").read_text())
    assert card.startswith("# tiny\n")
    assert "variant `model2-lite`" in card and "`efficientnet_lite0`" in card and "frozen" in card
    assert (
        "64 images with 128 captions; the epoch kept was chosen on val by the CIDEr-D of greedy captions. "
        "Seed 0." in card
    )
    assert f"    captionret train-captioner --data {trained.spec} --out {trained.checkpoint}" in card
    assert f"| {record['training']['best_epoch']} (kept) |" in card
    assert "learning_rate 0.01" in card


def test_half_precision_halves_the_file_and_keeps_the_captions(
    trained: Trained, lite0: Backbone, tmp_path: Path
) -> None:
    train(run_of(trained.spec, tmp_path / "half", trained.features, fp16=True), CPU, lite0)
    stored = safetensors.torch.load_file(tmp_path / "half" / "model.safetensors")
    assert {tensor.dtype for tensor in stored.values() if tensor.is_floating_point()} == {torch.float16}

    save_checkpoint(tmp_path / "trained", read_checkpoint(trained.checkpoint, CAPTIONER), torch.float16)
    sizes = [
        (path / "model.safetensors").stat().st_size for path in (tmp_path / "trained", trained.checkpoint)
    ]
    assert sizes[0] < 0.6 * sizes[1]
    pictures = sorted(trained.pictures.iterdir())
    half, whole = (
        [said[0].text for said in Captioner.load(path, "cpu", lite0).caption(pictures)]
        for path in (tmp_path / "trained", trained.checkpoint)
    )
    assert half == whole


# Fine-tuning


@pytest.fixture(scope="module")
def fine_tuned(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Backbone, list[str], Path]:
    """A checkpoint trained with its CNN, that CNN as the training left it, the failures, the pictures it was
    validated on."""
    folder = tmp_path_factory.mktemp("fine-tuned")
    spec, _ = with_broken_picture(folder)
    backbone = load_backbone("efficientnet_lite0", frozen=False)
    run = run_of(spec, folder / "out", folder / "features", fine_tune=True, views=2, learning_rate=0.01)
    _, failures = train(run, CPU, backbone)
    return folder / "out", backbone, failures, folder / "shapes" / "val"


def test_fine_tuning_changes_the_cnn_and_saves_it(fine_tuned: tuple[Path, Backbone, list[str], Path]) -> None:
    out, _, failures, _ = fine_tuned
    weights = safetensors.torch.load_file(out / OWN_BACKBONE)
    original = load_backbone("efficientnet_lite0", frozen=False).network.state_dict()
    learned = [name for name in weights if not torch.equal(weights[name], original[name])]
    assert "_conv_stem.weight" in learned and "_conv_head.weight" in learned
    # the batch norms keep their ImageNet statistics
    assert not [name for name in learned if "running" in name]
    assert original.keys() - weights.keys() == {"_fc.weight", "_fc.bias"}
    assert not (out.parent / "features").exists()
    assert json.loads((out / "config.json").read_text())["training"]["fine_tuned"]
    assert ["blue-circle-1.png" in reason for reason in failures] == [True]


def test_fine_tuned_captions_are_the_same_before_and_after_reloading(
    fine_tuned: tuple[Path, Backbone, list[str], Path],
) -> None:
    out, backbone, _, folder = fine_tuned
    pictures = sorted(folder.iterdir())
    reloaded = Captioner.load(out, "cpu")
    backbone.weights_sha256 = reloaded.checkpoint.backbone["sha256"]
    with torch.inference_mode():
        before = Captioner.load(out, "cpu", backbone).caption(pictures)
    after = reloaded.caption(pictures)
    assert [said[0].text for said in after] == [said[0].text for said in before]
    assert [said[0].logprob for said in after] == pytest.approx(
        [said[0].logprob for said in before], abs=1e-3
    )


def test_fine_tuned_checkpoint_refuses_the_cnn_it_was_not_trained_with(
    fine_tuned: tuple[Path, Backbone, list[str], Path], lite0: Backbone
) -> None:
    out, _, _, folder = fine_tuned
    with pytest.raises(BadCheckpoint, match="was trained on features of efficientnet_lite0 with weights"):
        Captioner.load(out, "cpu", lite0).caption(sorted(folder.iterdir()))


def test_fine_tuning_with_averaging_is_refused(tmp_path: Path) -> None:
    spec = small(tmp_path, {"train": 1, "val": 1})
    with pytest.raises(BadSetting, match="Set average=0"):
        run_of(spec, tmp_path / "out", tmp_path, fine_tune=True, average=0.9)
    assert not (tmp_path / "out").exists()


def test_resuming_on_other_cnn_weights_is_refused(trained: Trained, lite0: Backbone, tmp_path: Path) -> None:
    run = run_of(trained.spec, tmp_path / "out", trained.features)
    train(run, CPU, lite0)
    other = load_backbone("efficientnet_lite0", random=True)
    with pytest.raises(BadCheckpoint, match="another backbone weights"):
        train(replace(run, features_root=tmp_path / "features"), CPU, other, resume=True)


# What a training begins with, and what else it is trained on


def test_further_collections_are_trained_on_but_not_validated_on(tmp_path: Path, lite0: Backbone) -> None:
    spec, also = small(tmp_path / "a", {"train": 6, "val": 3}), small(tmp_path / "b", {"train": 4, "val": 5})
    run = run_of(spec, tmp_path / "out", tmp_path / "features", also=(open_dataset(also),))
    checkpoint, _ = train(run, CPU, lite0)
    assert (
        checkpoint.training["images"] == 10 * KINDS_OF_SHAPE
        and checkpoint.training["data"] == f"{spec} and {also}"
    )
    alone = run_of(spec, tmp_path / "alone", tmp_path / "features")
    train_items, val_items, held_out = alone.items()
    assert (len(train_items), len(val_items), held_out) == (6 * KINDS_OF_SHAPE, 3 * KINDS_OF_SHAPE, "val")


def test_hold_out_leaves_the_val_split_for_scoring(tmp_path: Path) -> None:
    dataset = open_dataset(small(tmp_path, {"train": 40, "val": 5}))
    train, val, held_out = split_items(dataset, "train", hold_out=True)
    assert (
        held_out == "every 20th image of train"
        and len(val) == 2 * KINDS_OF_SHAPE
        and len(train) == 38 * KINDS_OF_SHAPE
    )
    assert not {item.id for item in val} & {item.id for item in train}
    assert all(item.split == "train" for item in (*train, *val))


def test_a_training_begins_with_the_rows_of_the_words_that_both_know() -> None:
    config = config_with(decoder="transformer", embed_dim=8, hidden_dim=8, heads=2, predict_bos=False)
    old, new = (
        Vocabulary([*Vocabulary.build(["x"], 1).tokens[:4], *words.split()])
        for words in ("a dog cat runs", "bird a cat")
    )
    torch.manual_seed(0)
    source, target = make_decoder(config, len(old)), make_decoder(config, len(new))
    before = target.state_dict()["embed.weight"].clone()
    begin_with(target, config, new, Checkpoint("transformer-lite", config, old, {}, source.state_dict()))
    for name in ("embed.weight", "bias"):
        there, here = source.state_dict()[name], target.state_dict()[name]
        assert torch.equal(here[new.ids["a"]], there[old.ids["a"]]) and torch.equal(
            here[new.ids["cat"]], there[old.ids["cat"]]
        )
    assert torch.equal(target.state_dict()["embed.weight"][new.ids["bird"]], before[new.ids["bird"]])
    assert torch.equal(target.state_dict()["project.weight"], source.state_dict()["project.weight"])
    with pytest.raises(BadSetting, match="layers=1"):
        begin_with(
            target,
            replace(config, layers=2),
            new,
            Checkpoint("transformer-lite", config, old, {}, source.state_dict()),
        )


def test_scheduled_sampling_reads_own_guesses_more_and_more_and_never_in_place_of_start_or_padding() -> None:
    task = made_up(30, 3, config_with(scheduled_sampling=0.8, epochs=5))
    tokens = torch.from_numpy(task.train.tokens.astype(np.int64))
    shares = []
    for epoch in range(5):
        task.batches(epoch)
        read = task._guessed(task.train.features.of(np.arange(30)), tokens)
        words = tokens > 3
        assert torch.equal(read[~words], tokens[~words])
        shares.append(float((read != tokens)[words].float().mean()))
    assert shares[0] == 0 and shares == sorted(shares) and 0.5 < shares[-1] < 0.9
    assert torch.isfinite(task.loss(task.batches(4)[0]))


def test_soft_attention_is_trained_to_look_everywhere() -> None:
    config = config_with(decoder="soft-attention", predict_bos=False, attention_penalty=0.5)
    with pytest.raises(BadSetting, match="is of soft attention"):
        replace(config, decoder="adaptive")
    vocabulary = Vocabulary.build(["a dog runs"], 1)
    values = np.random.default_rng(0).normal(size=(4, 49, 1280)).astype(np.float16)
    features = Features(np.arange(4)[None], [values], ["0" * 64] * 4, np.arange(4))
    data = CaptionData(features, encode_captions([("a dog runs",)] * 4, vocabulary), [("a dog runs",)] * 4)
    module = make_decoder(config, len(vocabulary))
    losses = []
    for settings in (config, replace(config, attention_penalty=0.0)):
        task = CaptioningTask(module.eval(), settings, data, data, 0, vocabulary)
        losses.append(float(task.loss(task.batches(0)[0]).detach()))
    assert losses[0] > losses[1] + 0.1


def test_self_critical_training_goes_on_with_the_checkpoints_vocabulary(
    tmp_path: Path, lite0: Backbone
) -> None:
    spec = small(tmp_path / "data", {"train": 12, "val": 4})
    first = run_of(spec, tmp_path / "first", tmp_path / "features", epochs=2)
    train(first, CPU, lite0)
    again = replace(
        first,
        out=tmp_path / "better",
        start=first.out,
        self_critical=SelfCritical(samples=3),
        config=replace(first.config, epochs=1),
    )
    checkpoint, _ = train(again, CPU, lite0)
    assert checkpoint.vocabulary.tokens == read_checkpoint(first.out, CAPTIONER).vocabulary.tokens
    assert checkpoint.training["self_critical"] == {"baseline": "mean", "samples": 3, "learns": "all"}
    assert (
        checkpoint.training["began_with"]["name"] == "first" and "reward" in checkpoint.training["history"][0]
    )
    with pytest.raises(BadSetting, match="goes on from a checkpoint"):
        replace(first, self_critical=SelfCritical())
