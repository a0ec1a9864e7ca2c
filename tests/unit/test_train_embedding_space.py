"""Training an embedding space: what a batch holds, what the loss is, what is measured, what is learned, what
is refused."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from shapes import Trained

from captionret.datasets import Dataset, open_dataset
from captionret.datasets.labels import NOUNS, category_names, common_nouns, nouns, singular, spelled
from captionret.datasets.vse import write_split
from captionret.errors import BadDataset, BadSetting
from captionret.evaluation.labels import chance_of_hit, hierarchical_precision, hits, nearest
from captionret.evaluation.ranking import rank_both_ways
from captionret.files import sha256_of
from captionret.models.embedding.config import EmbeddingConfig
from captionret.models.embedding.model import EmbeddingModel
from captionret.models.embedding.network import EmbeddingNetwork
from captionret.models.embedding.reader import Reader
from captionret.models.embedding.rows import EMBEDDING_MODELS
from captionret.models.embedding.text_tower import tensors_of
from captionret.models.sentence.minilm import SentenceEncoder
from captionret.models.vision.backbones import Backbone
from captionret.models.vision.rows import PRECOMPUTED
from captionret.records import Item
from captionret.retrieval import WordMatrix, beside_words
from captionret.text import Vocabulary, words
from captionret.training import loop as fit_module
from captionret.training.embedding import EmbeddingRun, PredictedWords, fitting, label_table, labels_of
from captionret.training.features import Features
from captionret.training.labelling import LabelData, LabelTask
from captionret.training.loop import train
from captionret.training.pairs import (
    PairData,
    PairTask,
    encoded_images,
    encoded_sentences,
    pair_loss,
    triple_accuracy,
)
from captionret.training.sentence_codes import CachedSentenceEncoder

CPU = torch.device("cpu")
WORDS = "a dog runs on wet sand by blue water with two red birds".split()


def features_of(values: np.ndarray, views: int = 1) -> Features:
    everyone = np.arange(len(values))
    return Features(
        np.tile(everyone, (views, 1)),
        [values + view for view in range(views)],
        ["0" * 64] * len(values),
        everyone,
    )


def made_up(images: int, captions: int, seed: int = 0, **changes: Any) -> PairTask:
    """A task on random features with captions of many lengths; some images have fewer captions than
    others."""
    random = np.random.default_rng(seed)
    config = EmbeddingConfig(
        **{
            "backbone": PRECOMPUTED,
            "feature_dim": 6,
            "sentence_tower": "bow",
            "dim": 8,
            "word_dim": 8,
            "batch_size": 12,
            **changes,
        }
    )
    texts, owner = [], []
    for image in range(images):
        for _ in range(random.integers(1, captions + 1)):
            texts.append(" ".join(random.choice(WORDS, random.integers(3, 14))))
            owner.append(image)
    vocabulary = Vocabulary.build(texts, 1, punctuation=False)
    values = random.normal(size=(images, 6)).astype(np.float32)
    data = PairData(features_of(values, config.views), Reader(config, vocabulary)(texts), np.array(owner))
    torch.manual_seed(0)
    return PairTask(EmbeddingNetwork(config, len(vocabulary)), config, data, data, 0)


# --- what a batch holds ---


@pytest.mark.parametrize("images", [2, 24, 25, 100])
@pytest.mark.parametrize("batch_size", [8, 64])
@pytest.mark.parametrize("validate_every", [0, 2, 1000])
def test_an_epoch_holds_every_caption_exactly_once_however_often_it_is_validated(
    images: int, batch_size: int, validate_every: int
) -> None:
    task = made_up(images, 4, batch_size=batch_size, validate_every=validate_every)
    for epoch in range(2):
        parts = [task.batches(epoch * task.parts + part) for part in range(task.parts)]
        seen = Counter(row for part in parts for rows, _ in part for row in rows.tolist())
        assert seen == dict.fromkeys(range(len(task.train.owner)), 1)
        if validate_every == 2:
            assert all(1 <= len(part) <= 4 for part in parts)
    assert task.parts == 1 or validate_every == 2


def test_batches_are_the_same_whenever_the_epoch_is_asked_for_and_others_in_the_next() -> None:
    task = made_up(40, 3, views=3)
    first, again, following = (
        [(rows.tolist(), views.tolist()) for rows, views in task.batches(epoch)] for epoch in (1, 1, 2)
    )
    assert first == again != following


def test_a_batch_of_one_image_alone_is_left_out() -> None:
    task = made_up(3, 9, seed=5, batch_size=2)
    for epoch in range(50):
        assert all(len(set(task.train.owner[rows])) > 1 for rows, _ in task.batches(epoch))


def test_a_single_image_is_too_few() -> None:
    with pytest.raises(BadDataset, match="a single image to train on"):
        made_up(1, 4)


# --- what the loss is ---


@pytest.mark.parametrize(
    "loss", ["sum-of-hinges", "hardest", "semi-hard", "triples-hard", "info-nce", "cosine", "hinge-rank"]
)
@pytest.mark.parametrize("unit_in_training", [True, False])
def test_loss_of_a_batch_counts_each_image_once_with_all_its_captions_there(
    loss: str, unit_in_training: bool
) -> None:
    task = made_up(6, 4, loss=loss, unit_in_training=unit_in_training, batch_size=16, views=2)
    rows, views = task.batches(0)[0]
    images = sorted(set(task.train.owner[rows].tolist()))
    features = np.stack([task.train.features.table[views[k]][image] for k, image in enumerate(images)])
    vectors = task.space.image_vectors(torch.from_numpy(features), unit_in_training)
    sentences = task.space.sentence_vectors(*tensors_of(task.train.read, rows, CPU))
    owner = torch.tensor([images.index(image) for image in task.train.owner[rows]])
    assert task.loss((rows, views)).item() == pytest.approx(
        pair_loss(task.space, task.config, vectors, sentences, owner).item(), rel=1e-5
    )
    scores = (vectors @ sentences.T).detach()
    if loss == "cosine":
        cosines = torch.nn.functional.cosine_similarity(vectors[owner], sentences)
        assert task.loss((rows, views)).item() == pytest.approx(-cosines.mean().item(), rel=1e-5)
    if loss == "hinge-rank":
        total = sum(
            max(0.0, 0.2 - scores[owner[m], m].item() + scores[owner[m], j].item())
            for m in range(len(rows))
            for j in range(len(rows))
            if owner[j] != owner[m]
        )
        assert task.loss((rows, views)).item() == pytest.approx(total / len(rows), rel=1e-4)


@pytest.mark.parametrize(
    "loss", ["sum-of-hinges", "sampled-hinges", "hardest", "semi-hard", "triples", "triples-hard", "info-nce"]
)
@pytest.mark.parametrize("tower", ["bow", "gru"])
def test_every_loss_moves_both_towers(loss: str, tower: str) -> None:
    task = made_up(6, 4, loss=loss, sentence_tower=tower, batch_size=16)
    torch.manual_seed(0)
    task.loss(task.batches(0)[0]).backward()
    for name, parameter in task.space.named_parameters():
        if name == "images.map.bias" and loss == "info-nce":
            continue
        assert parameter.grad is not None and parameter.grad.any(), name


def test_another_loss_may_begin() -> None:
    whole = {loss: made_up(6, 4, loss=loss, batch_size=16) for loss in ("info-nce", "hardest")}
    task = made_up(6, 4, loss="hardest", first_loss="info-nce", first_epochs=2, batch_size=16)
    task.space.load_state_dict(whole["hardest"].space.state_dict(), strict=False)
    whole["info-nce"].space.load_state_dict(task.space.state_dict())
    for epoch, loss in enumerate(("info-nce", "info-nce", "hardest", "hardest")):
        batch = task.batches(epoch)[0]
        assert task.loss(batch).item() == pytest.approx(whole[loss].loss(batch).item(), rel=1e-6)


# --- what is measured ---


def test_recalls_and_triples_are_what_loops_over_all_scores_find() -> None:
    task = made_up(30, 4)
    scores = (
        encoded_images(task.space, task.val.features, CPU)
        @ encoded_sentences(task.space, task.val.read, CPU).T
    )
    owner = task.val.owner
    right = [sum(scores[other, m] >= scores[n, m] for other in range(30)) for m, n in enumerate(owner)]
    above = [
        np.mean([scores[n, m] > scores[other, m] for other in range(30) if other != n])
        for m, n in enumerate(owner)
    ]
    measures = task.validate(task.space)
    assert measures["t2i_r10"] == pytest.approx(100 * np.mean(np.array(right) <= 10))
    assert measures["true_rank"] == pytest.approx(np.mean(right))
    assert measures["triple_accuracy"] == pytest.approx(np.mean(above))
    best = [
        min(int((scores[n] >= scores[n, m]).sum()) for m in np.flatnonzero(owner == n)) for n in range(30)
    ]
    assert measures["i2t_r1"] == pytest.approx(100 * np.mean(np.array(best) <= 1))
    assert triple_accuracy(1.0, 1) == 1.0


def test_hits_are_found_by_sorting_and_equal_scores_hit_nothing() -> None:
    random = np.random.default_rng(0)
    scores, right = random.normal(size=(50, 12)), random.random((50, 12)) < 0.1
    expected = [right[n][np.argsort(-scores[n])[:3]].any() for n in range(50) if right[n].any()]
    assert hits(scores, right, 3).tolist() == expected
    assert not hits(np.zeros((50, 12)), right, 3).any()


def test_chance_of_a_hit_is_what_random_labels_get() -> None:
    random = np.random.default_rng(0)
    right = random.random((60, 12)) < 0.2
    found = np.mean([hits(random.random((60, 12)), right, 3).mean() for _ in range(2000)])
    assert chance_of_hit(right, 3) == pytest.approx(found, abs=0.005)
    assert chance_of_hit(right, 20) == 1.0


def test_hierarchical_precision_is_the_share_of_words_that_are_also_near_the_label() -> None:
    random = np.random.default_rng(0)
    table_of_words = random.normal(size=(300, 5))
    vectors = random.normal(size=(70, 5))
    found = nearest(vectors, table_of_words, 4)
    assert found.tolist() == [np.argsort(-(table_of_words @ vector))[:4].tolist() for vector in vectors]
    assert hierarchical_precision(np.array([[1, 2, 3, 4]]), np.array([[4, 9, 2, 7]])).tolist() == [0.5]


# --- labels ---


def test_nouns_are_told_and_plurals_are_their_singulars() -> None:
    assert nouns("Two dogs and a puppy run to the beaches.") == {"dog", "puppy", "beach"}
    assert nouns("The children and people have feet in leaves") == {"child", "person", "foot", "leaf"}
    assert singular("jeans") == "jeans" and singular("glasses") == "glasses" and singular("glass") == "glass"
    for word in ("to", "two", "running", "is", "red", "white"):
        assert singular(word) is None
    assert all(singular(noun) == noun for noun in NOUNS)


def test_common_nouns_are_those_of_the_most_images() -> None:
    items = [
        Item("1", None, ("a dog", "a dog by a car")),
        Item("2", None, ("the dogs", "a cat")),
        Item("3", None, ("car",)),
    ]
    assert common_nouns(items, 2) == ["car", "dog"]
    with pytest.raises(BadDataset, match="hold 3 different nouns, fewer than 4"):
        common_nouns(items, 4)


def words_config(**changes: Any) -> EmbeddingConfig:
    return replace(EMBEDDING_MODELS["devise"], backbone=PRECOMPUTED, feature_dim=6, **changes)


def test_unseen_labels_are_the_rarest_of_all() -> None:
    names = sorted(NOUNS)[:20]
    items = [Item(str(k), None, tuple(names[: k + 1])) for k in range(20)]  # the first noun is in all of them
    labels, unseen = labels_of(items, words_config(label_count=20, unseen=4))
    assert labels == names and unseen == names[16:]
    assert labels_of(items, words_config(label_count=10, unseen=0))[1] == []


def test_categories_are_the_collections_own_and_spelled_in_words() -> None:
    items = [Item("1", None, (), None, ("dog",)), Item("2", None, (), None, ("tvmonitor", "potted_plant"))]
    assert category_names(items) == ["dog", "potted_plant", "tvmonitor"]
    assert [spelled(name) for name in category_names(items)] == ["dog", "potted plant", "tv monitor"]
    with pytest.raises(BadDataset, match=r"no labels of their own.*targets='nouns'"):
        category_names([Item("1", None, ("a dog",))])


def test_a_label_without_a_vector_is_named() -> None:
    reader = Reader(words_config(), Vocabulary.build(["a dog"], 1))
    found = label_table(["dog", "potted_plant"], reader)
    vectors = reader.vectors
    expected = vectors.table[vectors.words["potted"]] + vectors.table[vectors.words["plant"]]
    assert found[1] == pytest.approx(expected / np.linalg.norm(expected), abs=1e-6)
    with pytest.raises(BadDataset, match="Labels without a vector in glove-50: qwertzuiop, xyzzyx1"):
        label_table(["dog", "qwertzuiop", "xyzzyx1"], reader)


def label_task(loss: str, unseen: Sequence[int] = (2,), images: int = 20) -> LabelTask:
    random = np.random.default_rng(0)
    config = words_config(loss=loss, batch_size=7)
    right = random.random((images, 5)) < 0.4
    right[:5] |= np.eye(5, dtype=bool)
    data = LabelData(features_of(random.normal(size=(images, 6)).astype(np.float32)), right)
    labels = random.normal(size=(5, 50)).astype(np.float32)
    labels /= np.linalg.norm(labels, axis=1, keepdims=True)
    torch.manual_seed(0)
    seen = np.array([label not in unseen for label in range(5)])
    return LabelTask(EmbeddingNetwork(config, 9), config, data, data, 0, labels, seen)


def test_every_image_is_learned_with_each_of_its_seen_labels_once_an_epoch() -> None:
    task = label_task("cosine")
    seen = [0, 1, 3, 4]
    found = Counter(
        (image, seen[label]) for samples, _ in task.batches(0) for image, label in samples.tolist()
    )
    assert found == {
        (image, label): 1 for image, label in np.argwhere(task.train.right).tolist() if label != 2
    }


def test_hinge_rank_of_a_batch_compares_with_the_seen_labels_that_are_wrong() -> None:
    task = label_task("hinge-rank")
    samples, views = task.batches(0)[0]
    vectors = task.space.image_vectors(task.train.features.of(samples[:, 0]), task.config.unit_in_training)
    scores = (vectors @ task.table.T).detach().numpy()
    seen = [0, 1, 3, 4]
    total = sum(
        max(0.0, 0.1 - scores[k, seen[label]] + scores[k, other])
        for k, (image, label) in enumerate(samples.tolist())
        for other in seen
        if not task.train.right[image, other]
    )
    assert task.loss((samples, views)).item() == pytest.approx(total / len(samples), rel=1e-5)


def test_cosine_of_a_batch_is_with_the_labels_vectors() -> None:
    task = label_task("cosine")
    samples, views = task.batches(0)[0]
    vectors = task.space.image_vectors(task.train.features.of(samples[:, 0])).detach().numpy()
    targets = task.table.numpy()[[[0, 1, 3, 4][label] for label in samples[:, 1]]]
    assert task.loss((samples, views)).item() == pytest.approx(
        -float((vectors * targets).sum(1).mean()), rel=1e-4
    )


def test_labels_that_were_never_a_target_are_measured_among_themselves() -> None:
    task = label_task("cosine", unseen=(1, 2))
    measures = task.validate(task.space)
    assert measures["hit5"] == measures["unseen_hit5"] == 100.0, "three and two labels, five answers"
    assert "unseen_hit5" not in label_task("cosine", unseen=()).validate(task.space)


# --- training ---


@pytest.fixture
def spec(trained: Trained) -> str:
    return trained.spec


@pytest.fixture
def cache(trained: Trained) -> Path:
    """The pictures' features are there already."""
    return trained.features


SMALL = {
    "backbone": "efficientnet_lite0",
    "dim": 50,
    "word_dim": 50,
    "epochs": 25,
    "batch_size": 32,
    "learning_rate": 3e-3,
    "views": 1,
}
SMALL |= {"average": 0.0, "schedule": "constant", "validate_every": 0}


def run_of(dataset: Dataset, out: Path, cache: Path, name: str, **changes: Any) -> EmbeddingRun:
    config = fitting(replace(EMBEDDING_MODELS[name], **{**SMALL, **changes}), dataset)
    return EmbeddingRun(name, config, dataset, out, features_root=cache, progress=False, patience=25)


@pytest.mark.parametrize(
    "name", [name for name in EMBEDDING_MODELS if not name.startswith(("devise", "glove", "skipthought"))]
)
def test_every_model_learns_which_shape_is_said(
    name: str, spec: str, cache: Path, lite0: Backbone, tmp_path: Path
) -> None:
    dataset = open_dataset(spec)
    checkpoint, failures = train(run_of(dataset, tmp_path / "out", cache, name), CPU, lite0)
    assert not failures and checkpoint.variant == name and checkpoint.training["images"] == 64
    model = EmbeddingModel.load(tmp_path / "out", "cpu", lite0)
    items = dataset.split("test")
    texts = sorted({caption for item in items for caption in item.captions if "on white paper" in caption})
    scores = model.encode_images([item.path for item in items if item.path]) @ model.encode_texts(texts).T
    found = [texts[row] in item.captions for item, row in zip(items, scores.argmax(1), strict=True)]
    assert np.mean(found) > 0.8, "chance is 1 of 8"


def test_words_that_are_predicted_of_pictures_are_learnt_from(
    spec: str, cache: Path, lite0: Backbone, tmp_path: Path
) -> None:
    dataset = open_dataset(spec)
    asked = list[Item]()

    def predicted(items: Sequence[Item]) -> PredictedWords:
        """What a caption of each picture says."""
        asked.extend(items)
        said = {sha256_of(item.path): words(item.captions[0]) for item in items if item.path}
        rows = [dict.fromkeys(one, 0.9) for one in said.values()]
        return PredictedWords({"name": "x", "fingerprint": "y"}, list(said), WordMatrix.of_rows(rows))

    reading: dict[str, Any] = {
        "picture_words": True,
        "image_tower": "shortcut",
        "image_hidden": 20,
        "epochs": 6,
    }
    with pytest.raises(BadSetting, match="needs what a lexical head predicts"):
        run_of(dataset, tmp_path / "out", cache, "vse-bow", **reading)
    config = replace(EMBEDDING_MODELS["vse-bow"], **{**SMALL, **reading})
    run = EmbeddingRun(
        "vse-bow", config, dataset, tmp_path / "out", features_root=cache, progress=False, words=predicted
    )
    checkpoint, _ = train(run, CPU, lite0)
    assert len(asked) == 64 + len(dataset.split("val")) and checkpoint.training["words_by"]["name"] == "x"
    model = EmbeddingModel.load(tmp_path / "out", "cpu", lite0)
    items = dataset.split("test")
    alike = np.ones((len(items), config.image_dim), np.float32)
    features = beside_words(alike, predicted(items).matrix, model.picture_words)
    texts = model.encode_texts([item.captions[0] for item in items])
    found = rank_both_ways(model.encode_features(features) @ texts.T, np.arange(len(items)))
    assert found.t2i.r10 == 100 and found.t2i.r1 > 40, "by words alone; several pictures share each text"


def test_glove_map_learns_the_colours_and_is_measured_by_triples(
    spec: str, cache: Path, lite0: Backbone, tmp_path: Path
) -> None:
    run = run_of(
        open_dataset(spec), tmp_path / "out", cache, "glove-map", learning_rate=0.05, loss="triples-hard"
    )
    checkpoint, _ = train(run, CPU, lite0)
    first, last = checkpoint.training["history"][0], checkpoint.training["history"][-1]
    assert last["triple_accuracy"] > 0.85 and last["true_rank"] < first["true_rank"]
    assert checkpoint.tensors["idf"].shape == (len(checkpoint.vocabulary),)
    assert set(checkpoint.tensors) == {"idf", "images.map.weight"}, (
        "M without a bias, and nothing else is learned"
    )


def labelled(spec: str) -> Dataset:
    """The shapes, each labelled with its colour and its kind."""
    dataset = open_dataset(spec)
    items = tuple(replace(item, labels=tuple(Path(item.id).stem.split("-")[:2])) for item in dataset.items)
    return replace(dataset, items=items)


@pytest.mark.parametrize("name", ["devise", "devise-cosine"])
def test_devise_names_colours_and_kinds(
    name: str, spec: str, cache: Path, lite0: Backbone, tmp_path: Path
) -> None:
    dataset = labelled(spec)
    run = run_of(
        dataset,
        tmp_path / "out",
        cache,
        name,
        targets="labels",
        learning_rate=1e-3 if name == "devise" else 0.01,
    )
    checkpoint, _ = train(run, CPU, lite0)
    assert checkpoint.training["labels"] == ["blue", "circle", "green", "red", "square", "yellow"]
    model = EmbeddingModel.load(tmp_path / "out", "cpu", lite0)
    items = dataset.split("test")
    scores = (
        model.encode_images([item.path for item in items if item.path])
        @ model.encode_texts(checkpoint.training["labels"]).T
    )
    best = [checkpoint.training["labels"][row] for row in scores.argmax(1)]
    assert np.mean([label in item.labels for item, label in zip(items, best, strict=True)]) > 0.8, (
        "chance is 2 of 6"
    )


def test_labels_are_learned_without_any_caption(
    spec: str, cache: Path, lite0: Backbone, tmp_path: Path
) -> None:
    dataset = labelled(spec)
    bare = replace(dataset, items=tuple(replace(item, captions=()) for item in dataset.items))
    run = run_of(bare, tmp_path / "out", cache, "devise", targets="labels", epochs=2)
    assert train(run, CPU, lite0)[0].training["captions"] == 0


def test_captions_that_a_tower_cannot_read_are_left_out_and_counted(
    spec: str, cache: Path, lite0: Backbone, tmp_path: Path
) -> None:
    dataset = open_dataset(spec)
    odd = [
        replace(item, captions=("qwertzuiop!", *item.captions)) if k % 2 else item
        for k, item in enumerate(dataset.items)
    ]
    odd[0] = replace(odd[0], captions=("qwertzuiop",))
    run = run_of(replace(dataset, items=tuple(odd)), tmp_path / "out", cache, "glove-map", epochs=1)
    assert train(run, CPU, lite0)[0].training["captions_left_out"] == 1 + 32


def write_vse(folder: Path, dim: int = 6) -> str:
    random = np.random.default_rng(0)
    for split, count in {"train": 30, "val": 8, "test": 8}.items():
        kinds = random.integers(0, len(WORDS), count)
        features = np.eye(len(WORDS))[kinds][:, :dim] + random.normal(scale=0.1, size=(count, dim))
        write_split(
            folder,
            "f8k",
            split,
            [[f"{WORDS[kind]} number {k}" for k in range(5)] for kind in kinds],
            features,
        )
    return f"vse:{folder}"


def test_features_that_a_collection_brings_are_learned_from(tmp_path: Path) -> None:
    dataset = open_dataset(write_vse(tmp_path / "vse", dim=len(WORDS)))
    run = run_of(dataset, tmp_path / "out", tmp_path, "vse-bow", epochs=40)
    assert (run.config.backbone, run.config.feature_dim) == (PRECOMPUTED, len(WORDS))
    checkpoint, _ = train(run, CPU)
    assert checkpoint.backbone == {"name": PRECOMPUTED, "sha256": ""}
    assert checkpoint.training["history"][-1]["t2i_r10"] > 90
    model = EmbeddingModel.load(tmp_path / "out", "cpu")
    assert model.encode_features(np.eye(len(WORDS))).shape == (len(WORDS), 50)


def test_a_further_collection_is_trained_on_and_not_validated_on(tmp_path: Path) -> None:
    dataset, other = (open_dataset(write_vse(tmp_path / name)) for name in ("one", "two"))
    run = replace(run_of(dataset, tmp_path / "out", tmp_path, "vse-bow", epochs=1), also=(other,))
    checkpoint, _ = train(run, CPU)
    assert checkpoint.training["images"] == 60 and checkpoint.training["captions"] == 300
    assert checkpoint.training["data"] == f"{dataset.spec} and {other.spec}"


@pytest.mark.parametrize("bad", [np.nan, 0.0])
def test_features_that_are_no_numbers_or_zeros_are_refused_before_training(
    bad: float, tmp_path: Path
) -> None:
    dataset = open_dataset(write_vse(tmp_path / "vse"))
    assert dataset.features is not None
    dataset.features[3] = bad
    with pytest.raises(BadSetting, match="row 3"):
        train(run_of(dataset, tmp_path / "out", tmp_path, "vse-bow"), CPU)
    assert not (tmp_path / "out").exists()


def test_pictures_and_given_features_are_not_mixed(spec: str, tmp_path: Path) -> None:
    pictures, given, wider = (
        open_dataset(spec),
        open_dataset(write_vse(tmp_path / "a")),
        open_dataset(write_vse(tmp_path / "b", 7)),
    )
    run = run_of(given, tmp_path / "out", tmp_path, "vse-bow")
    for other in (pictures, wider):
        with pytest.raises(BadSetting, match="cannot be trained on together"):
            replace(run, also=(other,))
    with pytest.raises(BadSetting, match="backbone=precomputed is for collections that bring features"):
        replace(run, dataset=pictures)
    with pytest.raises(BadSetting, match="patience must be at least 1"):
        replace(run, patience=0)


@pytest.mark.parametrize(
    "changes",
    [{}, {"optimizer": "nesterov", "learning_rate": 0.01}, {"loss": "sampled-hinges", "negatives": 3}],
)
def test_a_cut_training_ends_as_one_that_was_not(
    changes: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = open_dataset(write_vse(tmp_path / "vse"))
    settings = {"epochs": 3, "word_dropout": 0.2, "validate_every": 2, **changes}
    straight, _ = train(run_of(dataset, tmp_path / "straight", tmp_path, "vse-bow", **settings), CPU)
    real, steps = fit_module.Fit._step, [0]

    def step(self: Any, batch: Any) -> float:
        steps[0] += 1
        if steps[0] == 7:
            self.stop_asked = True
        return real(self, batch)

    monkeypatch.setattr(fit_module.Fit, "_step", step)
    run = run_of(dataset, tmp_path / "cut", tmp_path, "vse-bow", **settings)
    with pytest.raises(fit_module.Interrupted):
        train(run, CPU)
    resumed, _ = train(run, CPU, resume=True)
    assert all(torch.equal(straight.tensors[name], resumed.tensors[name]) for name in straight.tensors)
    assert [row["rsum"] for row in straight.training["history"]] == [
        row["rsum"] for row in resumed.training["history"]
    ]


def test_word_vectors_are_what_a_learned_tower_begins_with(tmp_path: Path) -> None:
    dataset = open_dataset(write_vse(tmp_path / "vse"))
    run = run_of(
        dataset, tmp_path / "out", tmp_path, "vse-bow", epochs=1, word_vectors="glove-50", learning_rate=1e-9
    )
    checkpoint, _ = train(run, CPU)
    reader = Reader(run.config, checkpoint.vocabulary)
    assert checkpoint.training["words_without_vector"] == 0
    found = checkpoint.tensors["words.embed.weight"][checkpoint.vocabulary.ids["number"]].numpy()
    assert found == pytest.approx(reader.vectors.table[reader.vectors.words["number"]], abs=1e-5)


def test_the_record_says_how_it_was_trained(tmp_path: Path) -> None:
    dataset = open_dataset(write_vse(tmp_path / "vse"))
    train(run_of(dataset, tmp_path / "out", tmp_path, "vse-bow", epochs=2), CPU)
    record = json.loads((tmp_path / "out" / "config.json").read_text())
    assert record["kind"] == "embedding space" and record["variant"] == "vse-bow"
    assert record["training"]["validated_on"] == "val" and len(record["training"]["history"]) == 2


def test_sentences_are_encoded_once_and_come_back_in_their_order(tmp_path: Path) -> None:
    asked: list[str] = []

    class Counting(SentenceEncoder):
        def encode(
            self, sentences: Sequence[str], batch_size: int = 64, progress: bool | None = False
        ) -> np.ndarray:
            asked.extend(sentences)
            return super().encode(sentences, batch_size, progress)

    plain = SentenceEncoder.load()
    counting = Counting(plain._tokenizer, plain._weights)
    texts = ["a dog runs", "a longer sentence about two cats", "a dog runs", "hi"]
    first = CachedSentenceEncoder(counting, tmp_path).encode(texts)
    again = CachedSentenceEncoder(counting, tmp_path).encode([*texts[::-1], "a new one"])
    assert first.dtype == np.float32 and first == pytest.approx(plain.encode(texts), abs=1e-3)
    assert np.array_equal(again[:4], first[::-1]) and Counter(asked) == dict.fromkeys(
        {*texts, "a new one"}, 1
    )
    assert CachedSentenceEncoder(counting, tmp_path).encode([]).shape == (0, 384)
