"""The model card of an embedding space. Generated from config.json, never written by hand."""

from pathlib import Path
from typing import Any

from ...files import publishing
from ..record import read_record
from .config import EMBEDDING

_RECALLS = {"r1": ".1f", "r5": ".1f", "r10": ".1f", "medr": ".0f"}
_HISTORY = {
    "rsum": "sum of recalls",
    "i2t_r10": "annotation R@10",
    "t2i_r10": "search R@10",
    "triple_accuracy": "triple accuracy",
    "true_rank": "mean rank of the right image",
    "hit5": "hit@5",
    "unseen_hit5": "hit@5, unseen labels",
}


def write_embedding_card(path: Path | str) -> Path:
    """Write README.md of a checkpoint directory from its config.json; returns the file."""
    path = Path(path)
    with publishing(path / "README.md", "w") as file:
        file.write(embedding_card(path.name, read_record(path, EMBEDDING)))
    return path / "README.md"


def embedding_card(name: str, record: dict[str, Any]) -> str:
    """The card's text."""
    parts = (_about(record), _scores(record["scores"]), _history(record["training"]), _how(record))
    return "\n".join([f"# {name}", "", *(line for part in parts for line in part)]) + "\n"


def _about(record: dict[str, Any]) -> list[str]:
    config, training, backbone = record["config"], record["training"], record["backbone"]
    features = (
        f"`{backbone['name']}` (weights {backbone['sha256'][:12]}, frozen)"
        if backbone["sha256"]
        else "its collection's own network"
    )
    lines = [
        f"An embedding space of images and sentences, model `{record['variant']}`: {config['dim']} "
        f"dimensions; {config['image_tower']} "
        f"image tower on the pooled feature of {features}; sentence tower {config['sentence_tower']} "
        f"({record['vocabulary_size']:,} words); loss {config['loss']}.",
        "",
    ]
    if "data" in training:
        lines += [
            f"Trained on `{training['data']}`: {training['images']:,} images with {training['captions']:,} "
            "captions; the epoch kept was "
            f"chosen on {training['validated_on']}. Seed {training['seed']}.",
            "",
        ]
    if training.get("labels"):
        unseen = training["unseen_labels"]
        without = f", of which {len(unseen)} were never a target: {', '.join(unseen)}" if unseen else ""
        lines += [f"{len(training['labels'])} labels{without}.", ""]
    return lines


def _scores(scores: dict[str, Any]) -> list[str]:
    rows = {on: row for on, row in scores.items() if "i2t" in row}
    if not rows:
        return []
    lines = [
        "## Measured",
        "",
        "| on | annotation R@1 / 5 / 10 / medr | search R@1 / 5 / 10 / medr | sum |",
        "|---|---|---|---|",
    ]
    for on, row in rows.items():
        both = (
            " / ".join(
                f"{row[way][key]:.1f}" if key != "medr" else f"{row[way][key]:.0f}" for key in _RECALLS
            )
            for way in ("i2t", "t2i")
        )
        lines.append(f"| {on} | {' | '.join(both)} | {row['rsum']:.1f} |")
    return [*lines, "", "Annotation: an image ranks all captions; search: a caption ranks all images.", ""]


def _history(training: dict[str, Any]) -> list[str]:
    history = training.get("history")
    if not history:
        return []
    shown = [key for key in _HISTORY if key in history[0]]
    lines = [
        "## Training",
        "",
        f"| validation | training loss | {' | '.join(_HISTORY[key] for key in shown)} |",
        "|---" * (len(shown) + 2) + "|",
    ]
    for row in history:
        mark = " (kept)" if row["epoch"] == training["best_epoch"] else ""
        lines.append(
            f"| {row['epoch']}{mark} | {row['train_loss']:.3f} | "
            f"{' | '.join(f'{row[key]:.4g}' for key in shown)} |"
        )
    return [*lines, "", f"{training['seconds']:.0f} seconds in all, validation included.", ""]


def _how(record: dict[str, Any]) -> list[str]:
    training = record["training"]
    lines = ["## Again", "", "    " + training["command"], ""] if training.get("command") else []
    return [
        *lines,
        f"All settings: {', '.join(f'{key} {value}' for key, value in record['config'].items())}.",
    ]
