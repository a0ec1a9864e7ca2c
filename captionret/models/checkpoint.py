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
from ..errors import BadCheckpoint
from ..text import Vocabulary
from .eight_bits import packed, unpacked
from .record import DEFAULT_KIND, FORMAT, Kind, hash_of_settings
from .stored import RESTORE, beside, read_stored, whole

# the CNN's weights, where they were trained, too, or came with an imported checkpoint
OWN_BACKBONE = "backbone.safetensors"


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


def save_checkpoint(
    path: Path | str,
    checkpoint: Checkpoint[C],
    dtype: torch.dtype = torch.float32,
    eight_bits: bool = False,
) -> None:
    """Write a checkpoint directory; what was there stays whole until everything new is on disk.

    dtype: of the stored weights; float16 halves the file
    eight_bits: store matrices that hold a row for each word in eight bits
    """
    path = Path(path)
    tensors = {
        name: tensor.detach().to("cpu", dtype if tensor.is_floating_point() else tensor.dtype).contiguous()
        for name, tensor in checkpoint.tensors.items()
    }
    if eight_bits:
        tensors |= packed(checkpoint.tensors, len(checkpoint.vocabulary))
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
        with files.publishing(beside(path, name, hashes[name])) as file:
            file.write(content)
    record["sha256"] = hashes | {"settings": hash_of_settings(record)}
    files.publish_json(path / "config.json", record)
    for name in parts:
        os.replace(beside(path, name, hashes[name]), path / name)
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
    stored = read_stored(path, kind)
    return Checkpoint(
        stored.record["variant"],
        stored.config,
        stored.vocabulary,
        stored.backbone,
        _tensors(path / "model.safetensors", whole(path, "model.safetensors", stored.record)),
        stored.record["training"],
        stored.record["scores"],
        kind.name,
    )


def _tensors(file: Path, content: bytes) -> dict[str, Tensor]:
    """The weights as float32 (counters as they are), each of them a number."""
    try:
        tensors = unpacked(safetensors.torch.load(content))
    except (safetensors.SafetensorError, ValueError, TypeError, LookupError, RuntimeError) as error:
        raise BadCheckpoint(f"{file} cannot be read ({error}). {RESTORE}") from None
    for name, tensor in tensors.items():
        if not torch.isfinite(tensor).all():
            raise BadCheckpoint(f"{file}: {name} holds NaN or infinity, so nothing it says counts. {RESTORE}")
    return tensors
