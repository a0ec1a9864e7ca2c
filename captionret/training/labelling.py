"""What a space of words learns from in a batch, and how it is validated: images and the words they are
labelled with (DeViSE)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..errors import BadDataset
from ..evaluation.labels import hits
from ..models.embedding import losses
from ..models.embedding.config import EmbeddingConfig
from ..models.embedding.network import EmbeddingNetwork
from .features import Features
from .pairs import encoded_images, parts_of
from .task import Task, stretches, with_views


@dataclass
class LabelData:
    """Pictures' features, and which labels are right for each.

    right: (N, L) bool
    """

    features: Features
    right: np.ndarray


class LabelTask(Task[EmbeddingConfig, LabelData]):
    """The fit loop's task for a space that is learned from labels.

    table: (L, D) float32 unit rows, the labels' vectors
    seen:  (L,) bool, the labels that may be a target; the others are there to be recognised without ever
           having been one
    """

    criterion = "hit5"

    def __init__(
        self,
        module: EmbeddingNetwork,
        config: EmbeddingConfig,
        train: LabelData,
        val: LabelData,
        seed: int,
        table: np.ndarray,
        seen: np.ndarray,
    ) -> None:
        super().__init__(module, config, train, val, seed)
        self.space, self.seen = module, seen
        self.table = torch.from_numpy(table).to(self.device)
        self.targets = torch.from_numpy(np.flatnonzero(seen)).to(self.device)
        # (S, 2): an image, and one of its labels as a row of `targets`
        self.samples = np.argwhere(train.right[:, seen])
        if len(self.samples) < 2:
            raise BadDataset(
                "There is a single labelled image to train on; batch norm needs two at least. Add pictures."
            )
        if not val.right[:, seen].any():
            raise BadDataset(
                "No image to validate on has one of the labels. Add pictures, or lower label_count."
            )
        self.parts = parts_of(len(self.samples), config)

    def whole_epoch(self, random: np.random.Generator) -> Sequence[Any]:
        """(samples (B, 2), a view for each), in random order."""
        batches = stretches(random.permutation(len(self.samples)), self.config.batch_size)
        return with_views([self.samples[batch] for batch in batches], self.config.views, random)

    def loss(self, batch: tuple[np.ndarray, np.ndarray]) -> Tensor:
        """The configured loss: against all other labels that may be a target and are wrong for the image, or
        the cosine."""
        samples, views = batch
        images, positive = samples.T
        vectors = self.space.image_vectors(
            self.train.features.of(images, views, self.device), self.config.unit_in_training
        )
        table = self.table[self.targets]  # (L seen, D)
        label = torch.from_numpy(positive).to(self.device)
        if self.config.loss == "cosine":
            return losses.cosine_loss(vectors, table[label])
        wrong = torch.from_numpy(~self.train.right[images][:, self.seen]).to(self.device)
        if self.config.loss == "label-softmax":
            return losses.label_softmax(vectors @ table.T, label, wrong, self.config.temperature)
        return losses.hinge_rank(vectors @ table.T, label, wrong, self.config.margin)

    def validate(self, module: Any) -> dict[str, float]:
        """hit5: share (in %) of validation images with a right one among the five nearest of the labels that
        were targets; unseen_hit5: among the five nearest of those that never were, for the images that have
        one."""
        scores = encoded_images(module, self.val.features, self.device) @ self.table.cpu().numpy().T
        measures = {"hit5": 100 * float(hits(scores[:, self.seen], self.val.right[:, self.seen], 5).mean())}
        if self.val.right[:, ~self.seen].any():
            measures["unseen_hit5"] = 100 * float(
                hits(scores[:, ~self.seen], self.val.right[:, ~self.seen], 5).mean()
            )
        return measures
