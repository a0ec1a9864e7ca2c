"""Training an embedding space on cached features: its data, its labels, its checkpoint."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..datasets import Dataset
from ..datasets.labels import category_names, common_nouns, noun_counts, spelled
from ..errors import BadDataset, BadSetting
from ..models.checkpoint import Checkpoint, read_checkpoint, save_checkpoint
from ..models.embedding.config import CODE_PARTS, EMBEDDING, PRECOMPUTED, EmbeddingConfig
from ..models.embedding.model import checked_features
from ..models.embedding.network import EmbeddingNetwork
from ..models.embedding.text_tower import Reader, idf_of
from ..models.record import add_training
from ..models.sentence.skipthought.encoder import skipthought_of
from ..models.vision.backbones import Backbone, backbone_record
from ..records import Item
from ..text import Vocabulary
from ..word_vectors import load_word_vectors
from .captioning import split_items
from .features import DEFAULT_ROOT, Features, augmented_views, extract
from .labelling import LabelData, LabelTask
from .loop import Fit, FitConfig, check_patience_and_seed
from .pairs import Keep, PairData, PairTask
from .sentence_codes import CachedSentenceEncoder


@dataclass(frozen=True)
class EmbeddingRun:
    """What to train and where to put it.

    name:     the row of EMBEDDING_MODELS
    command:  what reproduces it, for the card
    also:     further collections whose train splits are trained on; what is validated on is the first one's
              alone
    patience: stop after so many epochs that were no better
    half:     store the weights as float16
    """

    name: str
    config: EmbeddingConfig
    dataset: Dataset
    out: Path
    also: tuple[Dataset, ...] = ()
    seed: int = 0
    patience: int = 5
    command: str = ""
    features_root: Path = DEFAULT_ROOT
    progress: bool = True
    half: bool = False

    def __post_init__(self) -> None:
        check_patience_and_seed(self.patience, self.seed)
        dims = {
            None if dataset.features is None else dataset.features.shape[1]
            for dataset in (self.dataset, *self.also)
        }
        if len(dims) > 1:
            raise BadSetting(
                "Pictures and given features, or features of different sizes, cannot be trained on together. "
                "Choose one kind."
            )
        if (self.config.backbone == PRECOMPUTED) != (self.dataset.features is not None):
            raise BadSetting(
                f"backbone={PRECOMPUTED} is for collections that bring features (vse:), and these need it."
            )


def fitting(config: EmbeddingConfig, dataset: Dataset) -> EmbeddingConfig:
    """The settings for a collection: where it brings features, the image tower reads these, and only one view
    of each; and for a
    skip-thought encoder: which one it is, and the size of its codes.

    errors: BadSetting where such an encoder is needed and not named, BadCheckpoint where it cannot be read
    """
    if config.sentence_tower == "skipthought":
        encoder = skipthought_of(config.skipthought)
        config = replace(config, skipthought_sha256=encoder.fingerprint, code_dim=encoder.dim)
    if dataset.features is None:
        return config
    return replace(config, backbone=PRECOMPUTED, feature_dim=dataset.features.shape[1], views=1)


def train_embedding_space(
    run: EmbeddingRun, backbone: Backbone | None, device: torch.device, resume: bool = False
) -> tuple[Checkpoint[EmbeddingConfig], list[str]]:
    """Train, keep the best epoch on the val split (the sum of recalls, right triples, or hit@5 of labels),
    and save it to run.out.

    backbone: whose features are read; None for a collection that brings its own
    Without a val split, every 20th training image is held out instead (and the checkpoint says so).
    returns:  the checkpoint that was kept, and the pictures that could not be read
    """
    train_items, val_items, held_out = split_items(run.dataset, "train")
    train_items += [
        item for dataset in run.also for item in dataset.split("train" if dataset.splits() else "all")
    ]
    train, failures = load_images(train_items, run, backbone, run.config.views)
    val, more = load_images(val_items, run, backbone, 1)
    space, vocabulary, facts = _begin(run, train.items)
    facts["validated_on"] = held_out or "val"
    network = (
        {"name": PRECOMPUTED, "sha256": ""}
        if backbone is None
        else backbone_record(backbone.config.name, backbone.weights_sha256)
    )

    def keep(module: Any, history: list[dict[str, float]]) -> None:
        training = {
            **facts,
            "history": history,
            "best_epoch": len(history),
            "seconds": history[-1]["seconds"],
        }
        checkpoint = Checkpoint(
            run.name, run.config, vocabulary, network, module.state_dict(), training, kind=EMBEDDING.name
        )
        save_checkpoint(run.out, checkpoint, torch.float16 if run.half else torch.float32)

    reader = Reader(run.config, vocabulary, None if space.idf is None else space.idf.numpy())
    if set(run.config.sentence_parts) & set(CODE_PARTS):
        reader.encoder = CachedSentenceEncoder(reader.encoder, run.features_root)
    task, more_facts = _task(run, space.to(device), reader, train, val, keep)
    facts |= more_facts
    identity = {"model": run.name, **run.config.to_json(), **facts, "backbone weights": network["sha256"]}
    del identity["command"], identity["skipthought"]  # the encoder may have moved; its fingerprint counts
    progress = Fit(
        task, _fit_config(run, task.parts), run.out / "training", identity, resume, run.progress
    ).run()
    add_training(run.out, {"history": progress.history, "seconds": progress.seconds})
    return read_checkpoint(run.out, EMBEDDING), failures + more


def _begin(run: EmbeddingRun, items: Sequence[Item]) -> tuple[EmbeddingNetwork, Vocabulary, dict[str, Any]]:
    """The space with its initial weights, the words of the training captions, and facts for the card."""
    texts = [caption for item in items for caption in item.captions]
    vocabulary = Vocabulary.build(
        texts or [label for item in items for label in item.labels], run.config.min_count, punctuation=False
    )
    torch.manual_seed(run.seed)
    space = EmbeddingNetwork(run.config, len(vocabulary))
    facts: dict[str, Any] = {
        "data": " and ".join(dataset.spec for dataset in (run.dataset, *run.also)),
        "images": len(items),
        "captions": len(texts),
        "seed": run.seed,
        "command": run.command,
    }
    if space.idf is not None:
        space.idf.copy_(torch.from_numpy(idf_of(texts, vocabulary)))
    if space.words is not None and run.config.word_vectors is not None:
        matrix, facts["words_without_vector"] = load_word_vectors(run.config.word_vectors).matrix(vocabulary)
        space.words.begin_with(torch.from_numpy(matrix))
    return space, vocabulary, facts


def _task(
    run: EmbeddingRun, space: EmbeddingNetwork, reader: Reader, train: "Images", val: "Images", keep: Keep
) -> tuple[PairTask | LabelTask, dict[str, Any]]:
    """What is learned: captions or labels; and facts of it for the card."""
    if run.config.targets == "captions":
        (learned, left_out), (measured, _) = (_pairs(images, reader, run.progress) for images in (train, val))
        return PairTask(space, run.config, learned, measured, run.seed, keep), {"captions_left_out": left_out}
    names, unseen = labels_of(train.items, run.config)
    data = [
        LabelData(images.features, right_labels(images.items, names, run.config.targets))
        for images in (train, val)
    ]
    seen = np.array([name not in unseen for name in names])
    task = LabelTask(space, run.config, data[0], data[1], label_table(names, reader), seen, run.seed, keep)
    return task, {"labels": names, "unseen_labels": unseen}


@dataclass
class Images:
    """Items beside their features, in one order."""

    items: list[Item]
    features: Features


def load_images(
    items: Sequence[Item], run: EmbeddingRun, backbone: Backbone | None, views: int
) -> tuple[Images, list[str]]:
    """The items that have something to learn from and whose pictures could be read, and why others could
    not."""
    usable = [item for item in items if (item.captions if run.config.targets != "labels" else item.labels)]
    if backbone is None:
        features, failures = _given(usable, (run.dataset, *run.also)), []
    else:
        usable = [item for item in usable if item.path is not None]
        paths = [item.path for item in usable if item.path]
        features, unread = extract(
            backbone, paths, "pooled", augmented_views(views), root=run.features_root, progress=run.progress
        )
        usable, failures = (
            [usable[index] for index in features.present],
            [failure.reason for failure in unread],
        )
    if not usable:
        reason = (
            failures[0] if failures else f"No item has both a picture and {run.config.targets} to learn from."
        )
        raise BadDataset(
            f"There is nothing to train or validate on: {len(items):,} items, {len(failures):,} unreadable "
            f"pictures. {reason}"
        )
    for table, rows in zip(features.table, features.rows, strict=True):
        checked_features(table[rows], run.config.image_dim)
    return Images(usable, features), failures


def labels_of(items: Sequence[Item], config: EmbeddingConfig) -> tuple[list[str], list[str]]:
    """All labels, and those of them that are never a target: the rarest nouns. A common one stands for most
    pictures anyway, so that
    finding it without having learned it would say little.
    """
    if config.targets == "labels":
        return category_names(items), []
    names = common_nouns(items, config.label_count)
    return names, names[len(names) - config.unseen :]


def label_table(names: Sequence[str], reader: Reader) -> np.ndarray:
    """(L, D) float32 unit rows: each label's vector, for a name of several words their mean; BadDataset for
    one without."""
    bad = [name for name in names if reader.missing_reason(spelled(name))]
    if bad:
        raise BadDataset(
            f"Labels without a vector in {reader.config.word_vectors}: {', '.join(bad[:10])}. "
            "Rename these categories, or choose other word vectors (--set word_vectors=...)."
        )
    codes = reader([spelled(name) for name in names]).codes
    assert codes is not None
    return codes / np.linalg.norm(codes, axis=1, keepdims=True)


def right_labels(items: Sequence[Item], names: Sequence[str], targets: str) -> np.ndarray:
    """(N, L) bool: an image's own categories, or the nouns that at least one of its captions says."""
    own = [set(item.labels) if targets == "labels" else set(noun_counts(item)) for item in items]
    return np.array([[name in labels for name in names] for labels in own])


def _given(items: Sequence[Item], datasets: Sequence[Dataset]) -> Features:
    """The features that collections bring for their items, as the cache would hold them."""
    rows = {
        item: row
        for one in datasets
        if one.features is not None
        for item, row in zip(one.items, one.features, strict=True)
    }
    everyone = np.arange(len(items))
    return Features(everyone[None], [np.stack([rows[item] for item in items])], [""] * len(items), everyone)


def _pairs(images: Images, reader: Reader, progress: bool) -> tuple[PairData, int]:
    """Captions beside their images, and how many were left out since the sentence tower cannot read them."""
    found = [(caption, row) for row, item in enumerate(images.items) for caption in item.captions]
    usable = [(caption, row) for caption, row in found if not reader.missing_reason(caption)]
    if not usable:
        raise BadDataset(f"No caption can be read: the first one {reader.missing_reason(found[0][0])}.")
    rows, owner = np.unique([row for _, row in usable], return_inverse=True)  # images that keep a caption
    features = replace(
        images.features,
        rows=images.features.rows[:, rows],
        hashes=[images.features.hashes[row] for row in rows],
    )
    return PairData(features, reader([caption for caption, _ in usable], progress), owner), len(found) - len(
        usable
    )


def _fit_config(run: EmbeddingRun, parts: int) -> FitConfig:
    """Where an epoch is validated in parts, the loop's epochs are these parts."""
    names = ("learning_rate", "weight_decay", "clip_norm", "schedule", "warmup", "average", "optimizer")
    settings = {name: getattr(run.config, name) for name in names}
    return FitConfig(
        epochs=run.config.epochs * parts,
        **settings,
        patience=run.patience * parts,
        seed=run.seed,
        precision="float32",
    )
