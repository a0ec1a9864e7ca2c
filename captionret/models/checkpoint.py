"""A checkpoint is a directory that explains itself:

    config.json        the commit record, written last: format, variant, training data, hashes of the other files
    vocab.json         the words, in the order of their ids
    model.safetensors  what was trained; the backbone is named with its hash, not copied
    README.md          the model card, generated

Opening one never runs code. Weights and vocabulary are bound to each other by the hashes in config.json.
"""

import contextlib
import hashlib
import json
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor

from .. import files
from ..errors import BadCheckpoint
from ..text import Vocabulary
from .variants import CaptionerConfig

FORMAT = 1
PARTS = ("vocab.json", "model.safetensors")


@dataclass(frozen=True)
class Checkpoint:
    """A captioner as it lies on disk.

    variant:   the row of VARIANTS it was made from
    backbone:  {"name", "sha256"}: the weights the features must come from
    training:  how it was made (data, seconds, epochs, seed, history, command ...), for the card and the comparison
    scores:    measured quality, by data and setting
    tensors:   the state dict, float32
    """

    variant: str
    config: CaptionerConfig
    vocabulary: Vocabulary
    backbone: dict[str, str]
    tensors: dict[str, Tensor] = field(repr=False)
    training: dict[str, Any] = field(default_factory=dict)
    scores: dict[str, Any] = field(default_factory=dict)


def save_checkpoint(path: Path | str, checkpoint: Checkpoint, dtype: torch.dtype = torch.float32) -> None:
    """Write a checkpoint directory; what was there stays whole until everything new is on disk.

    dtype: of the stored weights; float16 halves the file
    """
    path = Path(path)
    tensors = {
        name: tensor.detach().to("cpu", dtype if tensor.is_floating_point() else tensor.dtype).contiguous()
        for name, tensor in checkpoint.tensors.items()
    }
    parts = {
        "vocab.json": (json.dumps(checkpoint.vocabulary.to_json(), ensure_ascii=False, indent=0) + "\n").encode(),
        "model.safetensors": safetensors.torch.save(tensors),
    }
    record = {
        "format": FORMAT,
        "variant": checkpoint.variant,
        "config": checkpoint.config.to_json(),
        "vocabulary_size": len(checkpoint.vocabulary),
        "backbone": checkpoint.backbone,
        "training": checkpoint.training,
        "scores": checkpoint.scores,
        "sha256": {name: hashlib.sha256(content).hexdigest() for name, content in parts.items()},
    }
    with contextlib.ExitStack() as stack:  # all are written before the first is renamed; config.json, entered first, is renamed last
        config_file = stack.enter_context(files.publishing(path / "config.json", "w"))
        json.dump(record, config_file, indent=1, ensure_ascii=False)
        for name, content in parts.items():
            stack.enter_context(files.publishing(path / name)).write(content)


def load_checkpoint(path: Path | str) -> Checkpoint:
    """Read and check a checkpoint directory.

    errors: BadCheckpoint for a missing or cut-off part, a flipped byte, parts of different trainings, a newer format
    """
    path = Path(path)
    record = read_record(path)
    for name in PARTS:
        if not (path / name).is_file():
            raise BadCheckpoint(f"{path / name} is missing. Restore the whole directory, or train again into a new --out.")
        if files.sha256_of(path / name) != record["sha256"][name]:
            raise BadCheckpoint(_altered(path, name, record))
    vocabulary = Vocabulary.from_json(files.read_json(path / "vocab.json", BadCheckpoint))
    try:
        tensors = safetensors.torch.load_file(path / "model.safetensors")
    except safetensors.SafetensorError as error:
        raise BadCheckpoint(f"{path / 'model.safetensors'} cannot be read ({error}). Restore it, or train again.") from None
    config = _config(path, record["config"])
    tensors = {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in tensors.items()}
    return Checkpoint(record["variant"], config, vocabulary, record["backbone"], tensors, record["training"], record["scores"])


def read_record(path: Path | str) -> dict[str, Any]:
    """config.json of a checkpoint directory, its format checked."""
    path = Path(path)
    if not path.is_dir():
        raise BadCheckpoint(f"There is no checkpoint directory {path}. Train one: python scripts/train_captioner.py --out {path}")
    remedy = "The directory is not a finished checkpoint: restore it, or train again (with --resume where a training was cut)."
    record = files.read_json(path / "config.json", BadCheckpoint, remedy)
    if not isinstance(record, dict) or not isinstance(record.get("format"), int):
        raise BadCheckpoint(f"{path / 'config.json'} is not a checkpoint's record. {remedy}")
    if record["format"] > FORMAT:
        raise BadCheckpoint(
            f"{path} has checkpoint format {record['format']}; this release reads up to {FORMAT}. Use a newer release of captionret."
        )
    expected = {"variant", "config", "backbone", "training", "scores", "sha256"}
    if not expected <= record.keys() or set(PARTS) - set(record["sha256"]):
        raise BadCheckpoint(f"{path / 'config.json'} lacks {', '.join(sorted(expected - record.keys())) or 'hashes'}. {remedy}")
    return record


def add_scores(path: Path | str, name: str, scores: dict[str, Any]) -> None:
    """Note measured quality in a checkpoint's record, under the name of what it was measured on."""
    _amend(path, "scores", {name: scores})


def add_training(path: Path | str, facts: dict[str, Any]) -> None:
    """Note more of how a checkpoint was trained."""
    _amend(path, "training", facts)


def _amend(path: Path | str, part: str, facts: dict[str, Any]) -> None:
    record = read_record(path)
    record[part] |= facts
    files.publish_json(Path(path) / "config.json", record)


def _config(path: Path, values: dict[str, Any]) -> CaptionerConfig:
    known = {field.name for field in fields(CaptionerConfig)}
    if set(values) - known:
        raise BadCheckpoint(
            f"{path / 'config.json'} has fields this release does not know: {', '.join(sorted(set(values) - known))}. Use a newer release."
        )
    return CaptionerConfig(**values)


def _altered(path: Path, name: str, record: dict[str, Any]) -> str:
    if name == "vocab.json":
        tokens = files.read_json(path / name, BadCheckpoint, "Restore it, or train again.").get("tokens", [])
        if len(tokens) != record.get("vocabulary_size"):
            return (
                f"{path / name} has {len(tokens):,} words, model.safetensors was trained with {record.get('vocabulary_size'):,}. "
                "They come from different trainings. Restore the pair, or train again into a new --out."
            )
    size = (path / name).stat().st_size
    return (
        f"{path / name} ({size:,} bytes) is not the file this checkpoint was saved with: cut short or altered. Restore it, or train again."
    )
