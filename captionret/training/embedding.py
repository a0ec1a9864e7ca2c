"""Training an embedding space on cached features: its data, its labels, its task."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from ..datasets import Dataset
from ..datasets.labels import category_names, common_nouns, noun_counts, spelled
from ..errors import BadDataset
from ..models.embedding.checks import checked_features
from ..models.embedding.config import CODE_PARTS, EMBEDDING, EmbeddingConfig
from ..models.embedding.network import EmbeddingNetwork
from ..models.embedding.reader import Reader, idf_of
from ..models.sentence.skipthought.encoder import skipthought_of
from ..models.vision.backbones import Backbone, backbone_record, load_backbone
from ..models.vision.rows import PRECOMPUTED
from ..records import Item
from ..retrieval import WordMatrix
from ..text import Vocabulary
from ..word_vectors import load_word_vectors
from .features import Features, FeaturesAndWords
from .labelling import LabelData, LabelTask
from .pairs import PairData, PairTask
from .run import Prepared, Run, check_some
from .sentence_codes import CachedSentenceEncoder


@dataclass(frozen=True, eq=False)
class PredictedWords:
    """What a lexical head predicts of pictures.

    made_by: {"name", "fingerprint"} of the head
    hashes:  N content hashes, one for each row of `matrix`
    """

    made_by: dict[str, str]
    hashes: Sequence[str]
    matrix: WordMatrix

    def beside(self, features: Features, vocabulary: Vocabulary) -> FeaturesAndWords:
        """The features, with the probabilities of the vocabulary's words behind them. KeyError for a picture
        of which nothing is predicted"""
        row_of = {sha256: row for row, sha256 in enumerate(self.hashes)}
        some = self.matrix.take([row_of[sha256] for sha256 in features.hashes])
        rows = (features.rows, features.table, features.hashes, features.present)
        return FeaturesAndWords(*rows, some.dense(vocabulary.tokens))


@dataclass(frozen=True)
class EmbeddingRun(Run[EmbeddingConfig]):
    """The training of an embedding space; `name` is a row of EMBEDDING_MODELS. The epoch with the best sum of
    recalls, right triples, or hit@5 of labels is kept.

    words: what predicts of pictures for a space with picture_words
    """

    kind = EMBEDDING
    words: Callable[[Sequence[Item]], PredictedWords] | None = None

    def rules(self) -> Iterator[tuple[bool, str]]:
        """See Run.rules."""
        yield from super().rules()
        brought = [dataset.features for dataset in (self.dataset, *self.also)]
        dims = {None if features is None else features.shape[1] for features in brought}
        yield (
            len(dims) > 1,
            "Pictures and given features, or features of different sizes, cannot be trained on together. "
            "Choose one kind.",
        )
        yield (
            (self.config.backbone == PRECOMPUTED) != (self.dataset.features is not None),
            f"backbone={PRECOMPUTED} is for collections that bring features (vse:), and these need it.",
        )
        yield (
            self.config.picture_words != (self.words is not None),
            "picture_words needs what a lexical head predicts of the pictures, and that needs picture_words.",
        )

    def prepare(self, device: torch.device, backbone: Backbone | None) -> Prepared:
        """See Run.prepare; a collection that brings its features needs no CNN."""
        record = {"name": PRECOMPUTED, "sha256": ""}
        if self.config.backbone != PRECOMPUTED:
            backbone = backbone or load_backbone(self.config.backbone, device=device)
            record = backbone_record(backbone.config.name, backbone.weights_sha256)
        train_items, val_items, validated_on = self.items()
        learned, failures = load_images(train_items, self, backbone, self.config.views)
        measured, more = load_images(val_items, self, backbone, 1)
        texts = [caption for item in learned.items for caption in item.captions]
        labels = [label for item in learned.items for label in item.labels]
        vocabulary = Vocabulary.build(texts or labels, self.config.min_count, punctuation=False)
        predicted = None if self.words is None else self.words([*learned.items, *measured.items])
        if predicted is not None:
            for images in (learned, measured):
                images.features = predicted.beside(images.features, vocabulary)
        torch.manual_seed(self.seed)
        space = EmbeddingNetwork(self.config, len(vocabulary))
        facts = {"images": len(learned.items), "captions": len(texts), "validated_on": validated_on}
        if predicted is not None:
            facts["words_by"] = predicted.made_by
        if space.idf is not None:
            space.idf.copy_(torch.from_numpy(idf_of(texts, vocabulary)))
        if space.words is not None and self.config.word_vectors is not None:
            vectors = load_word_vectors(self.config.word_vectors)
            matrix, facts["words_without_vector"] = vectors.matrix(vocabulary)
            space.words.begin_with(torch.from_numpy(matrix))
        reader = Reader(self.config, vocabulary, None if space.idf is None else space.idf.numpy())
        if set(self.config.sentence_parts) & set(CODE_PARTS):
            reader.encoder = CachedSentenceEncoder(reader.encoder, self.features_root)
        task, more_facts = _task(self, space.to(device), reader, learned, measured)
        return Prepared(task, vocabulary, {**facts, **more_facts}, record, failures + more)


def fitting(config: EmbeddingConfig, dataset: Dataset) -> EmbeddingConfig:
    """The settings for a collection: where it brings features, the image tower reads these, and only one view
    of each; and for a skip-thought encoder: which one it is, and the size of its codes.

    errors: BadSetting where such an encoder is needed and not named, BadCheckpoint where it cannot be read
    """
    if config.sentence_tower == "skipthought":
        encoder = skipthought_of(config.skipthought)
        config = replace(config, skipthought_sha256=encoder.fingerprint, code_dim=encoder.dim)
    if dataset.features is None:
        return config
    return replace(config, backbone=PRECOMPUTED, feature_dim=dataset.features.shape[1], views=1)


def _task(
    run: EmbeddingRun, space: EmbeddingNetwork, reader: Reader, learned: "Images", measured: "Images"
) -> tuple[PairTask | LabelTask, dict[str, Any]]:
    """What is learned: captions or labels; and facts of it for the card."""
    if run.config.targets == "captions":
        (pairs, left_out), (val, _) = (_pairs(one, reader, run.progress) for one in (learned, measured))
        return PairTask(space, run.config, pairs, val, run.seed), {"captions_left_out": left_out}
    names, unseen = labels_of(learned.items, run.config)
    data = [
        LabelData(images.features, right_labels(images.items, names, run.config.targets))
        for images in (learned, measured)
    ]
    seen = np.array([name not in unseen for name in names])
    task = LabelTask(space, run.config, data[0], data[1], run.seed, label_table(names, reader), seen)
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
    failures: list[str] = []
    if backbone is None:
        features = _given(usable, (run.dataset, *run.also))
    else:
        usable = [item for item in usable if item.path is not None]
        usable, features, failures = run.pictures(usable, backbone, "pooled", views)
    check_some(usable, list(items), failures, f"{run.config.targets} to learn from")
    for table, rows in zip(features.table, features.rows, strict=True):
        checked_features(table[rows], run.config.image_dim)
    return Images(usable, features), failures


def labels_of(items: Sequence[Item], config: EmbeddingConfig) -> tuple[list[str], list[str]]:
    """All labels, and those of them that are never a target: the rarest nouns. A common one stands for most
    pictures anyway, so that finding it without having learned it would say little."""
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
            "Rename these categories, or choose other word_vectors."
        )
    codes = reader([spelled(name) for name in names]).codes
    assert codes is not None
    units: np.ndarray = codes / np.linalg.norm(codes, axis=1, keepdims=True)
    return units


def right_labels(items: Sequence[Item], names: Sequence[str], targets: str) -> np.ndarray:
    """(N, L) bool: an image's own categories, or the nouns that at least one of its captions holds."""
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


def _pairs(images: Images, reader: Reader, progress: bool | None) -> tuple[PairData, int]:
    """Captions beside their images, and how many were left out since the sentence tower cannot read them."""
    found = [(caption, row) for row, item in enumerate(images.items) for caption in item.captions]
    usable = [(caption, row) for caption, row in found if not reader.missing_reason(caption)]
    if not usable:
        raise BadDataset(f"No caption can be read: the first one {reader.missing_reason(found[0][0])}.")
    rows, owner = np.unique([row for _, row in usable], return_inverse=True)  # images that keep a caption
    read = reader([caption for caption, _ in usable], progress)
    return PairData(images.features.some(rows), read, owner), len(found) - len(usable)
