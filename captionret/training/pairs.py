"""What an embedding space learns from in a batch, and how it is validated: images and captions that belong
together, and recalls."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..errors import BadDataset
from ..evaluation.ranking import rank_both_ways
from ..models.embedding import losses
from ..models.embedding.config import EmbeddingConfig
from ..models.embedding.network import EmbeddingNetwork
from ..models.embedding.reader import Read
from ..models.embedding.text_tower import tensors_of
from .features import Features
from .task import Task, by_length, with_views


@dataclass
class PairData:
    """Pictures' features, and captions as the sentence tower reads them.

    features: of N images
    read:     of M captions
    owner:    (M,) int64, the image of each; every image owns at least one
    """

    features: Features
    read: Read
    owner: np.ndarray

    def __len__(self) -> int:
        return len(self.features.hashes)


class PairTask(Task[EmbeddingConfig, PairData]):
    """The fit loop's task for a space that is learned from captions.

    criterion: the sum of the recalls; of triples, which only ever teach a text its image, how many of them
               are right
    """

    def __init__(
        self, module: EmbeddingNetwork, config: EmbeddingConfig, train: PairData, val: PairData, seed: int
    ) -> None:
        super().__init__(module, config, train, val, seed)
        self.space = module
        self.criterion = "triple_accuracy" if config.loss.startswith("triples") else "rsum"
        if len(train) < 2:
            raise BadDataset(
                "There is a single image to train on, and no other to compare it with. Add pictures."
            )
        self.parts = parts_of(len(train.owner), config)

    def whole_epoch(self, random: np.random.Generator) -> Sequence[Any]:
        """(captions (B,), a view for each): of nearly equal lengths, in random order.

        A batch with captions of one image only is left out: its loss is 0, and batch norm would have a single
        row.
        """
        batches = by_length(self.train.read.lengths, self.config.batch_size, random)
        contrasts = [rows for rows in batches if np.ptp(self.train.owner[rows])]
        return with_views(contrasts, self.config.views, random)

    def loss(self, batch: tuple[np.ndarray, np.ndarray]) -> Tensor:
        """The configured loss of a batch; each image of it counts once, with all of its captions that are
        there."""
        rows, views = batch
        images, owner = np.unique(self.train.owner[rows], return_inverse=True)
        features = self.train.features.of(images, views[: len(images)], self.device)
        vectors = self.space.image_vectors(features, self.config.unit_in_training)  # (N, D)
        sentences = self.space.sentence_vectors(*tensors_of(self.train.read, rows, self.device))  # (M, D)
        return pair_loss(
            self.space, self.config, vectors, sentences, torch.from_numpy(owner).to(self.device), self.epoch
        )

    def validate(self, module: Any) -> dict[str, float]:
        """Recalls in both directions on the validation images, and where the right image stands among them.

        triple_accuracy: how often a caption's image scores above another one, drawn at random: its expected
                         value
        """
        scores = (
            encoded_images(module, self.val.features, self.device)
            @ encoded_sentences(module, self.val.read, self.device).T
        )
        ranking = rank_both_ways(scores, self.val.owner)
        i2t, t2i = ranking.i2t, ranking.t2i
        measures = {
            "rsum": ranking.rsum,
            "i2t_r1": i2t.r1,
            "i2t_r10": i2t.r10,
            "t2i_r1": t2i.r1,
            "t2i_r10": t2i.r10,
        }
        measures |= {"i2t_medr": i2t.medr, "t2i_medr": t2i.medr, "true_rank": t2i.meanr}
        return measures | {"triple_accuracy": triple_accuracy(t2i.meanr, len(scores))}


def pair_loss(
    space: EmbeddingNetwork,
    config: EmbeddingConfig,
    images: Tensor,
    sentences: Tensor,
    owner: Tensor,
    epoch: int = 0,
) -> Tensor:
    """The loss of `config` in an epoch for images (N, D), sentences (M, D) and the image of each, owner
    (M,)."""
    scores, margin = images @ sentences.T, config.margin

    def labels() -> tuple[Tensor, Tensor, Tensor]:
        """The captions of the batch as labels: scores, which is right, which are wrong."""
        return scores[owner], torch.arange(len(owner), device=owner.device), owner[:, None] != owner

    computed: dict[str, Callable[[], Tensor]] = {
        "sum-of-hinges": lambda: losses.sum_of_hinges(scores, owner, margin),
        "sampled-hinges": lambda: losses.sampled_hinges(scores, owner, margin, config.negatives),
        "hardest": lambda: losses.hardest_negative(scores, owner, margin),
        "semi-hard": lambda: losses.semi_hard_negative(scores, owner, margin),
        "triples": lambda: losses.triple_loss(scores, owner, margin, hard=False),
        "triples-hard": lambda: losses.triple_loss(scores, owner, margin, hard=True),
        "info-nce": lambda: losses.info_nce(scores, owner, space.temperature),
        "cosine": lambda: losses.cosine_loss(images[owner], sentences),
        "hinge-rank": lambda: losses.hinge_rank(*labels(), margin),
        "label-softmax": lambda: losses.label_softmax(*labels(), config.temperature),
    }
    return computed[config.loss_in(epoch)]()


def triple_accuracy(mean_rank: float, images: int) -> float:
    """The chance that a text's image scores above another one of `images`, ties half: 1 - (mean rank - 1) /
    (images - 1)."""
    return 1 - (mean_rank - 1) / (images - 1) if images > 1 else 1.0


def parts_of(samples: int, config: EmbeddingConfig) -> int:
    """How often an epoch of so many samples is validated."""
    return max(1, round(samples / config.batch_size / config.validate_every)) if config.validate_every else 1


@torch.no_grad()
def encoded_images(space: EmbeddingNetwork, features: Features, device: torch.device) -> np.ndarray:
    """(N, D) float32 unit rows of whole pictures."""
    everyone = np.arange(len(features.hashes))
    chunks = [
        features.of(everyone[start : start + 4096], device=device) for start in range(0, len(everyone), 4096)
    ]
    return np.concatenate([space.image_vectors(chunk).float().cpu().numpy() for chunk in chunks])


@torch.no_grad()
def encoded_sentences(space: EmbeddingNetwork, read: Read, device: torch.device) -> np.ndarray:
    """(M, D) float32 unit rows; sentences of like length share a batch."""
    order = np.argsort(read.lengths, kind="stable")
    chunks = [order[start : start + 512] for start in range(0, len(order), 512)]
    found = [space.sentence_vectors(*tensors_of(read, rows, device)).float().cpu().numpy() for rows in chunks]
    vectors = np.empty((len(read), found[0].shape[1]), np.float32)
    vectors[order] = np.concatenate(found)
    return vectors
