"""Training a captioner on cached features: teacher forcing, validated by loss and by CIDEr-D of greedy captions."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..datasets import Dataset
from ..errors import BadDataset, BadSetting
from ..evaluation.cider import CiderD
from ..models.backbones import Backbone, backbone_record
from ..models.captioner import Decoder, make_decoder
from ..models.checkpoint import Checkpoint, add_training, load_checkpoint, save_checkpoint
from ..models.decoding import beam_search
from ..models.variants import CaptionerConfig
from ..models.words import WordVectors, load_word_vectors
from ..records import Item
from ..text import Vocabulary
from .features import DEFAULT_ROOT, Features, augmented_views, extract
from .fine_tune import BACKBONE_RATE, FineTuned, LiveFeatures, readable, save_backbone
from .fit import Fit, FitConfig, uses_bfloat16

LONGEST = 40  # tokens of a training caption that are read; one in 30,000 of Flickr8k's is longer
_POOL = 20  # batches that are sorted by length together, so that a batch pads little and the order stays nearly random


@dataclass
class CaptionData:
    """Pictures' features beside their encoded captions.

    tokens:   (N, G, T) int32, G captions an image, 0 where there is none
    captions: the human captions as texts
    """

    features: Features | LiveFeatures
    tokens: np.ndarray
    captions: list[tuple[str, ...]]

    def __len__(self) -> int:
        return len(self.captions)


def encode_captions(captions: Sequence[Sequence[str]], vocabulary: Vocabulary) -> np.ndarray:
    """(N, G, T) int32, padded with 0; G is the largest number of captions of one image."""
    ids = [[vocabulary.encode(caption)[:LONGEST] for caption in image] for image in captions]
    tokens = np.zeros((len(ids), max(map(len, ids)), max(len(one) for image in ids for one in image)), np.int32)
    for row, image in enumerate(ids):
        for column, one in enumerate(image):
            tokens[row, column, : len(one)] = one
    return tokens


class CaptioningTask:
    """The fit loop's task for a captioner."""

    criterion = "cider_d"

    def __init__(
        self, module: nn.Module, config: CaptionerConfig, train: CaptionData, val: CaptionData, vocabulary: Vocabulary, seed: int, keep: Any
    ) -> None:
        self.module = module
        self.rates = {"backbone": BACKBONE_RATE} if isinstance(module, FineTuned) else {}
        self.config, self.train, self.val, self.vocabulary, self.seed, self.keep = config, train, val, vocabulary, seed, keep
        self.cider = CiderD(val.captions)
        self.device = next(module.parameters()).device
        if config.captions_together:
            self.samples = np.stack([np.arange(len(train)), np.full(len(train), -1)], 1)
            self.lengths = (train.tokens > 0).sum(2).max(1)
        else:
            self.samples = np.argwhere(train.tokens[:, :, 0] > 0)
            self.lengths = (train.tokens > 0).sum(2)[self.samples[:, 0], self.samples[:, 1]]
        if len(self.samples) < 2:
            raise BadDataset("There is a single example to train on; batch norm needs two at least. Add pictures.")

    def batches(self, epoch: int) -> Sequence[tuple[np.ndarray, np.ndarray]]:
        """Batches of nearly equal lengths in random order: (samples (B, 2) of image and caption, -1 for all; a view for each)."""
        random = np.random.default_rng([self.seed, epoch])
        group = self.train.tokens.shape[1] if self.config.captions_together else 1
        size = max(2, self.config.batch_size // group)  # batch norm needs two
        order = random.permutation(len(self.samples))
        pools = [order[start : start + _POOL * size] for start in range(0, len(order), _POOL * size)]
        order = np.concatenate([pool[np.argsort(self.lengths[pool], kind="stable")] for pool in pools])
        starts = range(0, max(1, len(order) - 1), size)  # a sample that would be left alone joins the batch before it
        batches = [order[start : None if start == starts[-1] else start + size] for start in starts]
        random.shuffle(batches)
        return [(self.samples[batch], random.integers(0, self.config.views, len(batch))) for batch in batches]

    def loss(self, batch: tuple[np.ndarray, np.ndarray]) -> Tensor:
        """Mean cross-entropy per token."""
        samples, views = batch
        images, columns = samples.T
        tokens = self.train.tokens[images] if self.config.captions_together else self.train.tokens[images, columns][:, None]
        features = self.train.features.of(images, views).to(self.device)
        return self._cross_entropy(self.module, features, tokens, self.config.label_smoothing)[0]

    def validate(self, module: nn.Module) -> dict[str, float]:
        """val_loss per token without smoothing, CIDEr-D x100 of greedy captions, how many of them are distinct."""
        total, count = 0.0, 0
        captions: list[str] = []
        for start in range(0, len(self.val), 100):
            images = np.arange(start, min(start + 100, len(self.val)))
            features = self.val.features.of(images).to(self.device)  # once: while fine-tuning, it is a pass of the CNN
            loss, predicted = self._cross_entropy(module, features, self.val.tokens[images])
            total += float(loss) * predicted
            count += predicted
            captions += greedy(module, features, self.config, self.vocabulary)
        score, _ = self.cider.score(captions)
        return {"val_loss": total / count, "cider_d": 100 * score, "distinct": float(len(set(captions)))}

    def _cross_entropy(self, module: nn.Module, features: Tensor, tokens: np.ndarray, smoothing: float = 0.0) -> tuple[Tensor, int]:
        """The mean over the tokens that are predicted, and their number."""
        longest = int((tokens > 0).sum(-1).max())
        logits, targets = module(features, torch.from_numpy(tokens[:, :, :longest].astype(np.int64)).to(self.device))
        return F.cross_entropy(logits.float(), targets, label_smoothing=smoothing), len(targets)


def greedy(module: Any, features: Tensor, config: CaptionerConfig, vocabulary: Vocabulary) -> list[str]:
    """One caption a picture, by greedy search, as blank-separated tokens."""
    first, state = module.begin(features)
    beams = beam_search(first, state, module.step, beam=1, max_words=config.max_words, says_start=config.says_start)
    return [" ".join(vocabulary.decode(ids)) for ids in beams.tokens[:, 0].tolist()]


def load_data(
    items: Sequence[Item], vocabulary: Vocabulary | None, run: "TrainingRun", backbone: Backbone, views: int
) -> tuple[CaptionData, Vocabulary, list[str]]:
    """Features and encoded captions of the items that have both; the vocabulary, built of these captions where none is given."""
    usable = [item for item in items if item.captions and item.path is not None]
    paths = [item.path for item in usable if item.path]
    cut = augmented_views(views)
    features: Features | LiveFeatures
    if run.fine_tune:
        present, failures = readable(paths, backbone.config.preprocessing.size)
        features = LiveFeatures(backbone, [paths[index] for index in present], run.config.feature, cut)
    else:
        features, failures = extract(backbone, paths, run.config.feature, cut, root=run.features_root, progress=run.progress)
        present = features.present.tolist()
    usable = [usable[index] for index in present]
    if not usable:
        reason = failures[0].reason if failures else "No item has both a picture and a caption."
        raise BadDataset(f"There is nothing to train or validate on: {len(items):,} items, {len(failures):,} unreadable pictures. {reason}")
    captions = [item.captions for item in usable]
    vocabulary = vocabulary or Vocabulary.build((one for image in captions for one in image), run.config.min_count, run.config.punctuation)
    return CaptionData(features, encode_captions(captions, vocabulary), captions), vocabulary, [failure.reason for failure in failures]


@dataclass(frozen=True)
class TrainingRun:
    """What to train and where to put it.

    command:   what reproduces it, for the card
    fine_tune: train the CNN, too; its weights then become part of the checkpoint
    half:      store the weights as float16
    """

    variant: str
    config: CaptionerConfig
    dataset: Dataset
    out: Path
    split: str = "train"
    seed: int = 0
    patience: int = 5
    precision: str = "auto"
    command: str = ""
    features_root: Path = DEFAULT_ROOT
    progress: bool = True
    fine_tune: bool = False
    half: bool = False

    def __post_init__(self) -> None:
        if self.patience < 1:
            raise BadSetting(f"patience must be at least 1, not {self.patience}.")
        if not 0 <= self.seed < 2**63:
            raise BadSetting(f"The seed must be at least 0 and below 2**63, not {self.seed}.")


def train_captioner(run: TrainingRun, backbone: Backbone, device: torch.device, resume: bool = False) -> tuple[Checkpoint, list[str]]:
    """Train, keep the epoch with the best CIDEr-D on the val split, and save it to run.out.

    Without a val split, every 20th training image is held out instead (and the checkpoint says so).
    returns: the checkpoint that was kept, and the pictures that could not be read
    """
    if run.fine_tune and run.config.average:
        raise BadSetting("Averaged weights and --fine-tune don't go together. Add --set average=0.")
    fit_config = _fit_config(run)
    uses_bfloat16(fit_config.precision, device)  # what cannot be is better refused before every picture has passed through the CNN
    vectors = load_word_vectors(run.config.word_vectors) if run.config.word_vectors else None
    train_items, val_items, held_out = split_items(run.dataset, run.split)
    train, vocabulary, failures = load_data(train_items, None, run, backbone, run.config.views)
    val, _, more = load_data(val_items, vocabulary, run, backbone, 1)
    torch.manual_seed(run.seed)
    decoder = make_decoder(run.config, len(vocabulary)).to(device)
    facts = {
        "data": run.dataset.spec,
        "split": run.split,
        "validated_on": held_out or "val",
        "images": len(train),
        "captions": int((train.tokens[:, :, 0] > 0).sum()),
        "words_without_vector": _set_word_vectors(decoder, vectors, vocabulary),
        "fine_tuned": run.fine_tune,
        "seed": run.seed,
        "command": run.command,
    }

    def keep(module: Any, history: list[dict[str, float]]) -> None:
        network = backbone_record(backbone.config.name, backbone.weights_sha256)
        if isinstance(module, FineTuned):
            network["sha256"] = save_backbone(module.backbone, run.out)
            module = module.decoder
        training = {**facts, "history": history, "best_epoch": len(history), "seconds": history[-1]["seconds"]}
        checkpoint = Checkpoint(run.variant, run.config, vocabulary, network, module.state_dict(), training)
        save_checkpoint(run.out, checkpoint, torch.float16 if run.half else torch.float32)

    module = FineTuned(decoder, backbone) if run.fine_tune else decoder
    task = CaptioningTask(module, run.config, train, val, vocabulary, run.seed, keep)
    identity = {"variant": run.variant, **run.config.to_json(), **facts, "backbone weights": backbone.weights_sha256}
    del identity["command"]
    progress = Fit(task, fit_config, run.out / "training", identity, resume, run.progress).run()
    add_training(run.out, {"history": progress.history, "seconds": progress.seconds})
    return load_checkpoint(run.out), failures + more


def split_items(dataset: Dataset, split: str) -> tuple[list[Item], list[Item], str]:
    """The items to train on, those to validate on, and what these are if not the val split."""
    whole = split == "train" and not dataset.splits()  # a collection without splits is trained on as a whole
    train = dataset.split("all" if whole else split)
    if "val" in dataset.splits() and split not in ("val", "all"):
        return train, dataset.split("val"), ""
    if len(train) < 20:
        raise BadDataset(
            f"{dataset.spec} has {len(train)} images in split {split!r} and no val split: too few to hold some out. Add pictures."
        )
    return [item for index, item in enumerate(train) if index % 20], train[::20], f"every 20th image of {split}"


def _fit_config(run: TrainingRun) -> FitConfig:
    names = ("epochs", "learning_rate", "weight_decay", "clip_norm", "schedule", "warmup", "average")
    return FitConfig(**{name: getattr(run.config, name) for name in names}, patience=run.patience, seed=run.seed, precision=run.precision)


def _set_word_vectors(decoder: Decoder, vectors: WordVectors | None, vocabulary: Vocabulary) -> int:
    """Put pretrained vectors into the embedding, where the variant has them; how many words have none."""
    if vectors is None:
        return 0
    matrix, unknown = vectors.matrix(vocabulary)
    decoder.embed.weight.data.copy_(torch.from_numpy(matrix))
    return unknown
