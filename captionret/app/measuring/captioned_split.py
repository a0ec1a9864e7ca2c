"""What comparing and evaluating share: the captions that checkpoints give a split, what decoded them, and
their scores in a record."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...counting import counted
from ...datasets import Dataset
from ...decoding import Decoding, Searching, display_fields
from ...errors import BadDataset
from ...records import Item

if TYPE_CHECKING:  # these import torch, which --help does without
    from ...models.captioning.captioner import Captioner

NOTED = ("bleu1", "bleu2", "bleu3", "bleu4", "meteor", "rouge_l", "cider_d", "spice", "distinct", "images")


@dataclass(frozen=True)
class CaptionedSplit:
    """What a captioner says of the pictures of a split, in their order.

    seconds: for the captions, given the features
    hashes:  of the pictures' content
    """

    captions: list[str]
    seconds: float
    hashes: list[str]


def load_captioner(
    paths: Sequence[Path], device: str, engine: str = "auto", precision: str = "float32"
) -> "Captioner":
    """The captioner of one checkpoint directory, or of several that say one caption together.

    engine, precision: of its CNN, see Captioner.load

    errors: BadCheckpoint, see read_checkpoint; BadSetting for several that cannot speak together
    """
    from ...models.captioning.captioner import Captioner
    from ...models.captioning.ensemble import Ensemble

    if len(paths) == 1:
        return Captioner.load(paths[0], device, engine=engine, precision=precision)
    return Ensemble.load(paths, device, engine=engine, precision=precision)


def caption_split(
    captioner: "Captioner", items: Sequence[Item], decoding: Decoding, *, batch_size: int, features: Path
) -> CaptionedSplit:
    """Caption items that have a picture; each passes through the CNN once and is cached in the folder
    `features`.

    errors: BadDataset for pictures that cannot be read: figures without them would be of another split
    """
    import numpy as np

    from ...training.features import extract
    from ..loading.rerankers import with_reranker

    captioner = with_reranker(captioner, decoding)
    paths = [item.path for item in items if item.path]
    rows, failures = extract(captioner.backbone, paths, captioner.config.feature, root=features)
    if failures:
        raise BadDataset(
            f"{counted(len(failures), 'pictures')} cannot be read, so captions of this split cannot be "
            f"compared with others'. {failures[0].reason}"
        )
    captions: list[str] = []
    seconds = 0.0
    for start in range(0, len(paths), batch_size):
        batch = rows.of(np.arange(start, min(start + batch_size, len(paths))))
        began = time.perf_counter()
        found = captioner.decode(batch, decoding, rows.hashes[start : start + batch_size])
        seconds += time.perf_counter() - began
        captions += [image[0].text for image in found]
    return CaptionedSplit(captions, seconds, rows.hashes)


def decoded_with(captioner: "Captioner", decoding: Decoding) -> dict[str, Any]:
    """The setting that makes the captions: what was asked for, else the variant's own. "method" is left out
    of a plain beam's."""
    own = bool(getattr(captioner.config, "constraints", False))
    constraints = own if decoding.constraints is None else decoding.constraints
    searched = (
        {"length_penalty": captioner.length_penalty(decoding)} if isinstance(decoding, Searching) else {}
    )
    lower = {"precision": captioner.compute.precision} if captioner.compute.suffix else {}
    return (
        {"beam": None, "length_penalty": None}
        | decoding.to_json()
        | searched
        | lower
        | {"constraints": constraints}
    )


def setting_summary(setting: Mapping[str, Any]) -> str:
    """`decoded_with`'s facts in a few words: "beam 3, length penalty 1, constraints"; what scored the
    captions is left out."""
    apart = ("constraints", "length_penalty", "tokens", "idf")
    facts = {
        name: value
        for name, value in display_fields(setting).items()
        if name not in apart and value is not None
    }
    parts = [
        f"{name.replace('_', ' ')} {value:g}"
        if isinstance(value, int | float)
        else f"{name.replace('_', ' ')} {value}".strip()
        for name, value in facts.items()
    ]
    parts += [f"length penalty {setting['length_penalty']:g}"] if setting["length_penalty"] else []
    return ", ".join([*parts, *(["constraints"] if setting["constraints"] else [])])


def training_captions(dataset: Dataset) -> list[str]:
    """The captions of the split "train", to see which of them are repeated."""
    return [caption for item in dataset.items if item.split == "train" for caption in item.captions]


def note_scores(
    path: Path, data: str, split: str, setting: Mapping[str, Any], scores: Mapping[str, Any]
) -> None:
    """Write the scores of NOTED that were measured into a checkpoint's record and card, under the data and
    the setting.

    setting: as `decoded_with` gives it
    """
    from ...models.card import write_card
    from ...models.record import add_scores

    name = f"{data.partition(':')[0]} {split}, {setting_summary(setting)}"
    measured = {measure: scores[measure] for measure in NOTED if scores.get(measure) is not None}
    add_scores(
        path,
        name,
        {
            measure: round(value, 3) if isinstance(value, float) else value
            for measure, value in measured.items()
        },
    )
    write_card(path)
