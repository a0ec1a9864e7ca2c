"""Captioners compared on the same pictures: the quality of their captions, their speed, and what each
retrieves."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...datasets import Dataset
from ...decoding import BeamSearch
from ...errors import BadCheckpoint, BadDataset
from ...records import Item
from ...remedies import remedy
from ..loading.spaces import load_space
from ..places import checkpoints_folder, data_folder, known_checkpoints
from .captioned_split import caption_split, decoded_with, load_captioner, training_captions
from .compared_captions import DIFFERENCES, Compared, scored

if TYPE_CHECKING:  # it imports torch, which --help does without
    from ...models.embedding.model import EmbeddingModel
    from ...models.encoders import PictureEncoder


@dataclass(frozen=True)
class Measuring:
    """How checkpoints are compared.

    relevance: by which retrieval is measured, see load_relevance
    folder:    of the feature cache; None: the usual one
    """

    decoding: BeamSearch = field(default_factory=BeamSearch)
    batch_size: int = 64
    relevance: str = "tfidf"
    device: str = "auto"
    folder: Path | None = None

    @property
    def features(self) -> Path:
        """The folder of the feature cache."""
        return self.folder or data_folder("features")


@dataclass(frozen=True)
class Comparison:
    """Checkpoints, or captioners of a library, compared on the same pictures.

    what:   the collection and its split, in words
    found:  how their captions were found, in a sentence
    beside: how embedding spaces retrieve on the same pictures: rows of compared_modes
    """

    what: str
    items: Sequence[Item]
    how: Measuring
    compared: Sequence[Compared]
    found: str
    beside: Sequence[dict[str, Any]] = ()

    @cached_property
    def differences(self) -> list[dict[str, Any]]:
        """Each against each: a row for every pair and measure, with the paired interval of the difference,
        p of Fisher's randomisation test, and p corrected for all the rows (Holm)."""
        from ...evaluation.significance import compare as compare_scores

        pairs = [
            (measure, one, other)
            for measure in DIFFERENCES
            for one, other in combinations(self.compared, 2)
            if measure in one.each and measure in other.each
        ]
        tested = compare_scores([(one.each[measure], other.each[measure]) for measure, one, other in pairs])
        return [
            {
                "measure": measure,
                "variant": self.name_of(one),
                "against": self.name_of(other),
                "difference": row.mean,
                "low": row.low,
                "high": row.high,
                "p": row.p,
                "p_holm": row.p_holm,
            }
            for (measure, one, other), row in zip(pairs, tested, strict=True)
        ]

    def name_of(self, one: Compared) -> str:
        """What one is called in tables."""
        return Path(one.row["checkpoint"]).name if one.row.get("checkpoint") else str(one.row["variant"])


def compare(
    dataset: Dataset,
    split: str,
    checkpoints: Sequence[Path] | None,
    how: Measuring,
    spaces: Sequence[str] = (),
) -> Comparison:
    """Compare checkpoints on a split; with embedding spaces, also as ways to find related pictures.

    checkpoints: None: every captioner's that known_captioners finds
    spaces:      names or directories
    errors:      BadDataset for no captioned pictures, or such as cannot be read; BadCheckpoint
    """
    from ...models.captioning.config import CAPTIONER
    from ...models.checkpoint import read_checkpoint

    items = [item for item in dataset.split(split) if item.captions and item.path is not None]
    if not items:
        raise BadDataset(
            f"{dataset.spec} has no captioned pictures in split {split!r}. Choose another split."
        )
    checkpoints = known_captioners() if checkpoints is None else checkpoints
    for checkpoint in checkpoints:
        # a damaged one is named before minutes have gone into the others
        read_checkpoint(checkpoint, CAPTIONER)
    models = _load_spaces(spaces, how.device)
    training = training_captions(dataset)
    compared = [compare_one(checkpoint, items, training, how) for checkpoint in checkpoints]
    what = f"{dataset.spec}, split {split}"
    penalty = how.decoding.length_penalty
    own = "each variant's own" if penalty is None else f"{penalty:g}"
    found = f"Beam {how.decoding.beam}, length penalty {own}; captions per second with the features given."
    if not models:
        return Comparison(what, items, how, compared, found)
    from .compared_modes import compared_modes

    captioned = {Path(one.row["checkpoint"]): one.gallery for one in compared}
    beside = compared_modes(captioned, models, dataset, items, how.relevance, how.features)
    return Comparison(what, items, how, compared, found, beside)


def _load_spaces(given: Sequence[str], device: str) -> "list[EmbeddingModel | PictureEncoder]":
    return [load_space(one, device) for one in given]


def known_captioners() -> list[Path]:
    """Every checkpoint of a captioner in ./checkpoints and where trainings put theirs. errors: BadCheckpoint
    where there is none"""
    from ...models.captioning.config import CAPTIONER
    from ...models.record import kind_of, read_record

    own = known_checkpoints(own=True)
    found = [path for _, path in sorted(own.items()) if kind_of(read_record(path)) == CAPTIONER.name]
    if not found:
        folder = checkpoints_folder()
        raise BadCheckpoint(f"There are no checkpoints in {folder}.", remedy("train captioner"))
    return found


def compare_one(path: Path, items: Sequence[Item], training: Sequence[str], how: Measuring) -> Compared:
    """Caption the items with one checkpoint and score it.

    training: the captions that it may have been trained on, to see which of them are repeated
    errors:   BadCheckpoint; BadDataset for pictures that cannot be read
    """
    from ...models.trained import count_parameters

    captioner = load_captioner([path], how.device)
    done = caption_split(captioner, items, how.decoding, batch_size=how.batch_size, features=how.features)
    setting = decoded_with(captioner, how.decoding)
    facts = {
        "variant": captioner.checkpoint.variant,
        "checkpoint": str(path),
        "parameters": count_parameters(captioner.decoder),
        "train_seconds": captioner.checkpoint.training.get("seconds"),
        "captions_per_second": len(items) / done.seconds,
        "beam": setting["beam"],
        "length_penalty": setting["length_penalty"],
    }
    return scored(facts, done.captions, done.hashes, items, how.relevance, training, setting)
