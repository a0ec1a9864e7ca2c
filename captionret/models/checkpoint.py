"""A checkpoint is a directory that explains itself:

    config.json        the commit record: format, variant, training data, hashes of the settings and of the
                       other files
    vocab.json         the words, in the order of their ids
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

from .. import __version__, files
from ..config import C
from ..errors import BadCheckpoint, BadSetting
from ..text import Vocabulary
from .record import DEFAULT_KIND, FORMAT, PARTS, Kind, hash_of_settings, read_record
from .vision.rows import PRECOMPUTED

# the CNN's weights, where they were trained, too, or came with an imported checkpoint
OWN_BACKBONE = "backbone.safetensors"
RESTORE = "Restore it, or train again."


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
    kind: str = DEFAULT_KIND


def save_checkpoint(path: Path | str, checkpoint: Checkpoint[C], dtype: torch.dtype = torch.float32) -> None:
    """Write a checkpoint directory; what was there stays whole until everything new is on disk.

    dtype: of the stored weights; float16 halves the file
    """
    path = Path(path)
    tensors = {
        name: tensor.detach().to("cpu", dtype if tensor.is_floating_point() else tensor.dtype).contiguous()
        for name, tensor in checkpoint.tensors.items()
    }
    words = json.dumps(checkpoint.vocabulary.to_json(), ensure_ascii=False, indent=0) + "\n"
    parts = {
        "vocab.json": words.encode(errors="backslashreplace"),
        "model.safetensors": safetensors.torch.save(tensors),
    }
    record = {
        "format": FORMAT,
        "release": __version__,
        "kind": checkpoint.kind,
        "variant": checkpoint.variant,
        "config": checkpoint.config.to_json(),
        "vocabulary_size": len(checkpoint.vocabulary),
        "backbone": checkpoint.backbone,
        "training": checkpoint.training,
        "scores": checkpoint.scores,
    }
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in parts.items()}
    for name, content in parts.items():
        with files.publishing(_beside(path, name, hashes[name])) as file:
            file.write(content)
    record["sha256"] = hashes | {"settings": hash_of_settings(record)}
    files.publish_json(path / "config.json", record)
    for name in parts:
        os.replace(_beside(path, name, hashes[name]), path / name)
        # of a save that was killed; a person's own copies stay
        for left_over in path.glob(f"{name}.{'[0-9a-f]' * 12}"):
            left_over.unlink()
    files.sync_directory(path)


def read_checkpoint(path: Path | str, kind: Kind[C]) -> Checkpoint[C]:
    """Read and check a checkpoint directory.

    errors: BadCheckpoint for a missing or cut-off part, a flipped byte, parts of different trainings, a newer
            format, another kind, a weight that is no number
    """
    path = Path(path)
    record = read_record(path, kind)
    words, weights = (_whole(path, name, record) for name in PARTS)
    try:
        vocabulary = Vocabulary.from_json(json.loads(words))
        if not all(isinstance(token, str) for token in vocabulary.tokens):
            raise TypeError("a word in it is no text")
    except (BadCheckpoint, ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        raise BadCheckpoint(f"{path / 'vocab.json'} is no vocabulary ({error}). {RESTORE}") from None
    backbone = record["backbone"]
    if backbone["name"] == "given":  # as release 0.5.0 called it
        backbone = backbone | {"name": PRECOMPUTED}
    return Checkpoint(
        record["variant"],
        _config(path, record["config"], kind),
        vocabulary,
        backbone,
        _tensors(path / "model.safetensors", weights),
        record["training"],
        record["scores"],
        kind.name,
    )


def _config(path: Path, values: dict[str, Any], kind: Kind[C]) -> C:
    try:
        return kind.config.from_json(values)
    except BadSetting as error:
        raise BadCheckpoint(
            f"{path / 'config.json'} describes no {kind.name} that this release knows: {error} Restore it, "
            "or use a newer release of captionret."
        ) from None


def _tensors(file: Path, content: bytes) -> dict[str, Tensor]:
    """The weights as float32 (counters as they are), each of them a number."""
    try:
        tensors = safetensors.torch.load(content)
    except (safetensors.SafetensorError, ValueError, TypeError, LookupError) as error:
        raise BadCheckpoint(f"{file} cannot be read ({error}). {RESTORE}") from None
    for name, tensor in tensors.items():
        if not torch.isfinite(tensor).all():
            raise BadCheckpoint(f"{file}: {name} holds NaN or infinity, so nothing it says counts. {RESTORE}")
    return {
        name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in tensors.items()
    }


def _beside(path: Path, name: str, sha256: str) -> Path:
    """Where a part waits for its checkpoint to be committed."""
    return path / f"{name}.{sha256[:12]}"


def _whole(path: Path, name: str, record: dict[str, Any]) -> bytes:
    """The content of a part, its hash checked; from beside it where a save was cut before its last step."""
    for file in (path / name, _beside(path, name, record["sha256"][name])):
        content = file.read_bytes() if file.is_file() else b""
        if hashlib.sha256(content).hexdigest() == record["sha256"][name]:
            return content
    if not (path / name).is_file():
        raise BadCheckpoint(
            f"{path / name} is missing. Restore the whole directory, or train again into another one."
        )
    if name == "vocab.json":
        vocabulary = files.read_json(path / name, BadCheckpoint, RESTORE)
        tokens = vocabulary.get("tokens") if isinstance(vocabulary, dict) else None
        count = len(tokens) if isinstance(tokens, list) else 0
        if count != record["vocabulary_size"]:
            raise BadCheckpoint(
                f"{path / name} has {count:,} words, model.safetensors was trained with "
                f"{record['vocabulary_size']:,}. They come from different trainings. Restore the pair, or "
                "train again into another directory."
            )
    raise BadCheckpoint(
        f"{path / name} ({(path / name).stat().st_size:,} bytes) is not the file this checkpoint was saved "
        f"with: cut short or altered. {RESTORE}"
    )
