"""What evaluating an embedding space needs of a split: the vectors of its images and captions, and which
captions are whose."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...counting import counted
from ...datasets import Dataset
from ...errors import BadDataset
from ...records import Item
from ...retrieval import beside_words

if TYPE_CHECKING:  # these import torch, which --help does without
    from ...models.embedding.model import EmbeddingModel

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class EncodedSplit:
    """A split in the space of a model.

    items:     those that could be encoded, in their order
    images:    (N, D) float32 unit rows
    sentences: (M, D) float32 unit rows, of all captions that the sentence tower can read
    owner:     (M,) int64, the row in `items` that each caption belongs to; a row may own none
    """

    items: list[Item]
    images: np.ndarray
    sentences: np.ndarray
    owner: np.ndarray


def encode_split(
    model: "EmbeddingModel", dataset: Dataset, items: Sequence[Item], features: Path
) -> EncodedSplit:
    """Encode items of a collection; each picture passes through the CNN once and is cached in the folder
    `features`.

    Captions without a word the tower can read are left out, and counted on stderr.
    errors: BadDataset for pictures that cannot be read: figures without them would be of another split;
            BadSetting for features of another network
    """
    vectors = model.encode_features(split_features(model, dataset, items, features))
    found = [(caption, row) for row, item in enumerate(items) for caption in item.captions]
    readable = [(caption, row) for caption, row in found if not model.read.missing_reason(caption)]
    if len(readable) < len(found):
        log.info(
            f"{len(found) - len(readable):,} of {len(found):,} captions hold no word that {model.name} can "
            "read, and are left out."
        )
    sentences = model.encode_texts([caption for caption, _ in readable], progress=None)
    return EncodedSplit(list(items), vectors, sentences, np.array([row for _, row in readable], np.int64))


def split_features(
    model: "EmbeddingModel", dataset: Dataset, items: Sequence[Item], features: Path
) -> np.ndarray:
    """(N, D_image) features of the items: the collection's own, else the model's backbone's, from the cache
    or through the CNN; with what is predicted of them behind, for a space that reads words."""
    from ...training.features import extract

    if dataset.features is not None:
        rows = dict(zip(dataset.items, dataset.features, strict=True))
        return np.stack([rows[item] for item in items])
    paths = [item.path for item in items if item.path]
    cached, failures = extract(model.backbone, paths, "pooled", root=features)
    if failures:
        raise BadDataset(
            f"{counted(len(failures), 'pictures')} cannot be read, so figures of this split cannot be "
            f"compared with others'. {failures[0].reason}"
        )
    table = cached.of(np.arange(len(paths))).numpy()
    if not model.picture_words:
        return table
    from .described_split import predict_split

    stored = predict_split(model.predictor, items, features)
    predicted = stored.take(cached.hashes)
    return np.asarray(beside_words(table, predicted, model.picture_words), np.float32)
