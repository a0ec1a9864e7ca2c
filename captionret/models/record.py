"""A checkpoint's record, config.json: which release wrote what of which kind, and hashes that bind the parts
to each other. Read and checked before anything else of a checkpoint is. No torch."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic

from .. import files
from ..config import C
from ..errors import BadCheckpoint
from ..remedies import remedy

FORMAT = 2  # 2: fields under the names of release 0.6.0, the hash of the settings always there
LEXICAL_KIND = "lexical"
DEFAULT_KIND = "captioner"  # of a record that doesn't say; the only one that there was at first
NO_BACKBONE = {"name": "none", "sha256": ""}  # of what reads no pictures
PARTS = ("vocab.json", "model.safetensors")
# what people who take one kind for another need to know of it
_ANSWERS = {
    LEXICAL_KIND: ", which predicts word probabilities and cannot generate captions",
    "captioner": ", which generates captions",
}
_UNFINISHED = (
    "The directory is not a finished checkpoint: restore it, train again, or go on with the training where "
    "it was cut."
)
# what a record's parts are; those of `training` may be absent
_TYPES: dict[str, type | tuple[type, ...]] = {
    "variant": str,
    "config": dict,
    "vocabulary_size": int,
    "backbone": dict,
    "training": dict,
    "scores": dict,
    "sha256": dict,
}
_INNER_TYPES: dict[tuple[str, str], type | tuple[type, ...]] = {
    ("backbone", "name"): str,
    ("backbone", "sha256"): str,
    ("backbone", "preprocessing"): dict,
    ("training", "history"): list,
    ("training", "best_epoch"): int,
    ("training", "seconds"): (int, float),
    ("training", "command"): str,
    ("training", "data"): str,
    **{("sha256", name): str for name in (*PARTS, "settings")},
}


@dataclass(frozen=True, slots=True)
class Kind(Generic[C]):
    """What a checkpoint is of.

    name:    in its record; a record without one is a captioner's, the only kind that there was at first
    config:  the dataclass of its settings
    command: what trains one
    row:     what its row is called where a model is described: "variant", "model"
    reads_pictures: whether its answers depend on a backbone
    """

    name: str
    config: type[C]
    command: str
    row: str = "model"
    reads_pictures: bool = True


def read_record(path: Path | str, kind: Kind[Any] | None = None) -> dict[str, Any]:
    """config.json of a checkpoint directory, as it was written, its format and the types of its parts
    checked.

    kind: what it must be of; None takes any
    """
    path = Path(path)
    train = remedy("train", command=kind.command if kind else "train-captioner", path=path)
    if not path.is_dir():
        raise BadCheckpoint(f"There is no checkpoint directory {path}.", train)
    file = path / "config.json"
    record = files.read_json(file, BadCheckpoint, _UNFINISHED)
    if not isinstance(record, dict) or not isinstance(record.get("format"), int) or record["format"] < 1:
        raise BadCheckpoint(f"{file} is not a checkpoint's record. {_UNFINISHED}")
    if record["format"] > FORMAT:
        writer = f"release {record['release']}" if isinstance(record.get("release"), str) else "newer release"
        raise BadCheckpoint(
            f"{path} has checkpoint format {record['format']}; this release reads up to {FORMAT}. Use a "
            f"newer release of captionret ({writer} wrote it)."
        )
    wrong = _wrong_parts(record)
    if wrong:
        raise BadCheckpoint(f"{file} has no {', '.join(wrong)}, or something else there. {_UNFINISHED}")
    if not _settings_are_whole(record):
        raise BadCheckpoint(
            f"{file} was altered after the checkpoint was saved. Restore it, or train again into another "
            "directory."
        )
    if kind and kind_of(record) != kind.name:
        raise BadCheckpoint(
            f"{path} is a checkpoint of kind {kind_of(record)!r}{_ANSWERS.get(kind_of(record), '')}; here "
            f"one of kind {kind.name!r} is needed.",
            train,
        )
    return record


def kind_of(record: dict[str, Any]) -> str:
    """The name of a record's kind. Release 0.5.0 wrote of a lexical head that it was a captioner with the
    decoder "words"."""
    if record.get("config", {}).get("decoder") == "words":
        return LEXICAL_KIND
    return str(record.get("kind", DEFAULT_KIND))


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


def _wrong_parts(record: dict[str, Any]) -> list[str]:
    """What of a record is missing or of another type."""
    wrong = [name for name, kind in _TYPES.items() if not isinstance(record.get(name), kind)]
    if wrong:
        return wrong
    if set(PARTS) - record["sha256"].keys() or {"name", "sha256"} - record["backbone"].keys():
        return ["hashes"]
    wrong = [
        f"{part}.{name}"
        for (part, name), kind in _INNER_TYPES.items()
        if name in record[part] and not isinstance(record[part][name], kind)
    ]
    rows = record["training"].get("history") or []
    if isinstance(rows, list) and not all(isinstance(row, dict) and "epoch" in row for row in rows):
        wrong.append("training.history")
    return wrong


def _settings_are_whole(record: dict[str, Any]) -> bool:
    """Whether the settings are those that were saved. Only captioners that were trained before release 0.1.0
    have no hash of theirs; they have no field length_penalty either, which came later."""
    oldest = record["format"] == 1 and "kind" not in record and "length_penalty" not in record["config"]
    hashed = record["sha256"].get("settings", hash_of_settings(record) if oldest else None)
    return bool(hashed == hash_of_settings(record))


def hash_of_settings(record: dict[str, Any]) -> str:
    """A hash of what in the record changes an answer, and who wrote it; the rest, as scores, may be added
    to."""
    names = ("release", "variant", "config", "vocabulary_size", "backbone", "kind")
    settings = [record[name] for name in names if name in record]
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()
