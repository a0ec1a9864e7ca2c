"""A checkpoint is a directory that explains itself:

    config.json        the commit record: format, variant, training data, hashes of the other files and of the
    settings vocab.json         the words, in the order of their ids
    model.safetensors  what was trained; the backbone is named with its hash, not copied
    README.md          the model card, generated

Opening one never runs code. Weights and vocabulary are bound to each other by the hashes in config.json. Over
an older checkpoint the new parts are first written beside the old ones, under names of their own: until
config.json is replaced the old ones count, from then on the new ones, even if a kill comes before they are
renamed.
"""

import hashlib
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic

import safetensors.torch
import torch
from torch import Tensor

from .. import files
from ..errors import BadCheckpoint, BadSetting
from ..text import Vocabulary
from .captioning.config import C, CaptionerConfig

FORMAT = 1
PARTS = ("vocab.json", "model.safetensors")
# the CNN's weights, where they were trained, too, or came with an imported checkpoint
OWN_BACKBONE = "backbone.safetensors"
_FIELDS = {
    "variant": str,
    "config": dict,
    "vocabulary_size": int,
    "backbone": dict,
    "training": dict,
    "scores": dict,
    "sha256": dict,
}


@dataclass(frozen=True, slots=True)
class Kind(Generic[C]):
    """What a checkpoint is of.

    name:   in its record; a record without one is a captioner's, which were there before there was another
            kind
    config: the dataclass of its settings
    script: what trains one
    """

    name: str
    config: type[C]
    script: str


CAPTIONER = Kind("captioner", CaptionerConfig, "train_captioner")


@dataclass(frozen=True)
class Checkpoint(Generic[C]):
    """A trained network as it lies on disk.

    variant:   the row it was made from: of VARIANTS, for a captioner
    backbone:  {"name", "sha256", "preprocessing"}: what the features must come from
    training:  how it was made (data, seconds, epochs, seed, history, command ...), for the card and the
               comparison
    scores:    measured quality, by data and setting
    tensors:   the state dict, float32
    kind:      see Kind
    """

    variant: str
    config: C
    vocabulary: Vocabulary
    backbone: dict[str, Any]
    tensors: dict[str, Tensor] = field(repr=False)
    training: dict[str, Any] = field(default_factory=dict)
    scores: dict[str, Any] = field(default_factory=dict)
    kind: str = CAPTIONER.name


def save_checkpoint(path: Path | str, checkpoint: Checkpoint[C], dtype: torch.dtype = torch.float32) -> None:
    """Write a checkpoint directory; what was there stays whole until everything new is on disk.

    dtype: of the stored weights; float16 halves the file
    """
    path = Path(path)
    tensors = {
        name: tensor.detach().to("cpu", dtype if tensor.is_floating_point() else tensor.dtype).contiguous()
        for name, tensor in checkpoint.tensors.items()
    }
    parts = {
        "vocab.json": (
            json.dumps(checkpoint.vocabulary.to_json(), ensure_ascii=False, indent=0) + "\n"
        ).encode(),
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
    }
    if checkpoint.kind != CAPTIONER.name:
        record["kind"] = checkpoint.kind
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in parts.items()}
    for name, content in parts.items():
        with files.publishing(_beside(path, name, hashes[name])) as file:
            file.write(content)
    files.publish_json(
        path / "config.json", record | {"sha256": hashes | {"settings": _hash_of_settings(record)}}
    )
    for name in parts:
        os.replace(_beside(path, name, hashes[name]), path / name)
        # of a save that was killed; a person's own copies stay
        for left_over in path.glob(f"{name}.{'[0-9a-f]' * 12}"):
            left_over.unlink()
    files.sync_directory(path)


def load_checkpoint(path: Path | str) -> Checkpoint[CaptionerConfig]:
    """Read and check a captioner's checkpoint directory; errors: see read_checkpoint."""
    return read_checkpoint(path, CAPTIONER)


def read_checkpoint(path: Path | str, kind: Kind[C]) -> Checkpoint[C]:
    """Read and check a checkpoint directory.

    errors: BadCheckpoint for a missing or cut-off part, a flipped byte, parts of different trainings, a newer
            format, another kind
    """
    path = Path(path)
    record = read_record(path, kind)
    vocabulary_file, weights_file = (_whole(path, name, record) for name in PARTS)
    vocabulary = Vocabulary.from_json(files.read_json(vocabulary_file, BadCheckpoint))
    try:
        tensors = safetensors.torch.load_file(weights_file)
    except safetensors.SafetensorError as error:
        raise BadCheckpoint(f"{weights_file} cannot be read ({error}). Restore it, or train again.") from None
    config = _config(path, record["config"], kind)
    tensors = {
        name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in tensors.items()
    }
    return Checkpoint(
        record["variant"],
        config,
        vocabulary,
        record["backbone"],
        tensors,
        record["training"],
        record["scores"],
        kind.name,
    )


def read_record(path: Path | str, kind: Kind[Any] | None = None) -> dict[str, Any]:
    """config.json of a checkpoint directory, its format checked.

    kind: what it must be of; None takes any
    """
    path = Path(path)
    if not path.is_dir():
        raise BadCheckpoint(
            f"There is no checkpoint directory {path}. Train one: python "
            f"scripts/{(kind or CAPTIONER).script}.py --out {path}"
        )
    remedy = (
        "The directory is not a finished checkpoint: restore it, or train again (with --resume where "
        "a training was cut)."
    )
    record = files.read_json(path / "config.json", BadCheckpoint, remedy)
    if not isinstance(record, dict) or not isinstance(record.get("format"), int) or record["format"] < 1:
        raise BadCheckpoint(f"{path / 'config.json'} is not a checkpoint's record. {remedy}")
    if record["format"] > FORMAT:
        raise BadCheckpoint(
            f"{path} has checkpoint format {record['format']}; this release reads up to {FORMAT}. Use a "
            "newer release of captionret."
        )
    wrong = [name for name, kind in _FIELDS.items() if not isinstance(record.get(name), kind)]
    if wrong or set(PARTS) - record["sha256"].keys() or {"name", "sha256"} - record["backbone"].keys():
        raise BadCheckpoint(f"{path / 'config.json'} lacks {', '.join(wrong) or 'hashes'}. {remedy}")
    # not in the oldest checkpoints
    if record["sha256"].get("settings", _hash_of_settings(record)) != _hash_of_settings(record):
        raise BadCheckpoint(
            f"{path / 'config.json'} was altered after the checkpoint was saved. Restore it, or train again "
            "into a new --out."
        )
    if kind and kind_of(record) != kind.name:
        raise BadCheckpoint(
            f"{path} is a checkpoint of kind {kind_of(record)!r}; here one of kind {kind.name!r} is needed. "
            f"Give another directory, or train one: python scripts/{kind.script}.py"
        )
    return record


def kind_of(record: dict[str, Any]) -> str:
    """The name of a record's kind."""
    return str(record.get("kind", CAPTIONER.name))


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


def _hash_of_settings(record: dict[str, Any]) -> str:
    """A hash of what in the record changes an answer; the rest of it, as scores, may be added to."""
    settings = [
        record[name]
        for name in ("variant", "config", "vocabulary_size", "backbone", "kind")
        if name in record
    ]
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()


def _config(path: Path, values: dict[str, Any], kind: Kind[C]) -> C:
    known = set(kind.config.__dataclass_fields__)
    if set(values) - known:
        raise BadCheckpoint(
            f"{path / 'config.json'} has fields this release does not know: "
            f"{', '.join(sorted(set(values) - known))}. Use a newer release."
        )
    try:
        return kind.config(**values)
    except (BadSetting, TypeError) as error:
        raise BadCheckpoint(
            f"{path / 'config.json'} describes no {kind.name}: {error} Restore it, or train again."
        ) from None


def _beside(path: Path, name: str, sha256: str) -> Path:
    """Where a part waits for its checkpoint to be committed."""
    return path / f"{name}.{sha256[:12]}"


def _whole(path: Path, name: str, record: dict[str, Any]) -> Path:
    """The file that holds a part, its hash checked; the one beside it where a save was cut before its last
    step."""
    for file in (path / name, _beside(path, name, record["sha256"][name])):
        if file.is_file() and files.sha256_of(file) == record["sha256"][name]:
            return file
    if not (path / name).is_file():
        raise BadCheckpoint(
            f"{path / name} is missing. Restore the whole directory, or train again into a new --out."
        )
    if name == "vocab.json":
        vocabulary = files.read_json(path / name, BadCheckpoint, "Restore it, or train again.")
        count = (
            len(vocabulary["tokens"])
            if isinstance(vocabulary, dict) and isinstance(vocabulary.get("tokens"), list)
            else 0
        )
        if count != record["vocabulary_size"]:
            raise BadCheckpoint(
                f"{path / name} has {count:,} words, model.safetensors was trained with "
                f"{record['vocabulary_size']:,}. "
                "They come from different trainings. Restore the pair, or train again into a new --out."
            )
    raise BadCheckpoint(
        f"{path / name} ({(path / name).stat().st_size:,} bytes) is not the file this checkpoint was saved "
        "with: cut short or altered. "
        "Restore it, or train again."
    )
