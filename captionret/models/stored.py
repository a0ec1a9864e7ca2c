"""A checkpoint's parts as they lie on disk, read and checked without torch."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic

import numpy as np
from numpy.typing import NDArray

from .. import files
from ..checked_files import sha256_once
from ..config import C
from ..counting import counted
from ..errors import BadCheckpoint, BadSetting
from ..text import Vocabulary
from .record import Kind, read_record
from .vision.rows import PRECOMPUTED

SCALES = ".scales"  # behind the name of a matrix in eight bits: what its rows are multiplied by
RESTORE = "Restore it, or train again."


@dataclass(frozen=True)
class Stored(Generic[C]):
    """What a checkpoint says of itself, beside its weights.

    record:   config.json, as it was written
    backbone: {"name", "sha256", "preprocessing"}: what the features must come from
    """

    record: dict[str, Any]
    config: C
    vocabulary: Vocabulary
    backbone: dict[str, Any]


def read_stored(path: Path, kind: Kind[C]) -> Stored[C]:
    """Read all but the weights. errors: as read_checkpoint"""
    record = read_record(path, kind)
    words = whole(path, "vocab.json", record)
    try:
        vocabulary = Vocabulary.from_json(json.loads(words))
        if not all(isinstance(token, str) for token in vocabulary.tokens):
            raise TypeError("a word in it is no text")
    except (BadCheckpoint, ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        raise BadCheckpoint(f"{path / 'vocab.json'} is no vocabulary ({error}). {RESTORE}") from None
    backbone = record["backbone"]
    if backbone["name"] == "given":  # as release 0.5.0 called it
        backbone = backbone | {"name": PRECOMPUTED}
    return Stored(record, _config(path, record["config"], kind), vocabulary, backbone)


def _config(path: Path, values: dict[str, Any], kind: Kind[C]) -> C:
    try:
        return kind.config.from_json(values)
    except BadSetting as error:
        raise BadCheckpoint(
            f"{path / 'config.json'} describes no {kind.name} that this release knows: {error} Restore it, "
            "or use a newer release of captionret."
        ) from None


def beside(path: Path, name: str, sha256: str) -> Path:
    """Where a part waits for its checkpoint to be committed."""
    return path / f"{name}.{sha256[:12]}"


def whole(path: Path, name: str, record: dict[str, Any]) -> bytes:
    """The content of a part, its hash checked; from beside it where a save was cut before its last step."""
    for file in (path / name, beside(path, name, record["sha256"][name])):
        content = file.read_bytes() if file.is_file() else b""
        if hashlib.sha256(content).hexdigest() == record["sha256"][name]:
            return content
    raise _refused(path, name, record)


def whole_file(path: Path, name: str, record: dict[str, Any]) -> Path:
    """As `whole`, for a part that is to be mapped: which file holds it. It is read to check its hash only
    where it has changed since that was last done."""
    for file in (path / name, beside(path, name, record["sha256"][name])):
        if file.is_file() and sha256_once(file) == record["sha256"][name]:
            return file
    raise _refused(path, name, record)


def fingerprint_of(
    kind: Kind[C],
    config: C,
    vocabulary: Vocabulary,
    backbone: dict[str, Any],
    arrays: Mapping[str, NDArray[np.generic]],
) -> str:
    """A hash over all that changes a model's answers: its weights (float32, by name), its words, its backbone
    where it has one, and of its settings those that outlive training."""
    parts: list[Any] = [config.fingerprinted(), vocabulary.to_json()]
    if kind.reads_pictures:
        parts.append(backbone | {"name": "given"} if backbone["name"] == PRECOMPUTED else backbone)
    digest = hashlib.sha256(json.dumps(parts, sort_keys=True).encode())
    for name, values in sorted(arrays.items()):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(values).data)
    return digest.hexdigest()


def _refused(path: Path, name: str, record: dict[str, Any]) -> BadCheckpoint:
    """Why a part is not taken."""
    if not (path / name).is_file():
        return BadCheckpoint(
            f"{path / name} is missing. Restore the whole directory, or train again into another one."
        )
    if name == "vocab.json":
        vocabulary = files.read_json(path / name, BadCheckpoint, RESTORE)
        tokens = vocabulary.get("tokens") if isinstance(vocabulary, dict) else None
        count = len(tokens) if isinstance(tokens, list) else 0
        if count != record["vocabulary_size"]:
            return BadCheckpoint(
                f"{path / name} has {counted(count, 'words')}, model.safetensors was trained with "
                f"{record['vocabulary_size']:,}. They come from different trainings. Restore the pair, or "
                "train again into another directory."
            )
    return BadCheckpoint(
        f"{path / name} ({counted((path / name).stat().st_size, 'bytes')}) is not the file this checkpoint "
        f"was saved with: cut short or altered. {RESTORE}"
    )
