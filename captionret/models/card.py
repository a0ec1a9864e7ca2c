"""The model card: what a checkpoint is, how it was made, what was measured. Generated from config.json, never
written by hand."""

from pathlib import Path
from typing import Any

from ..files import publishing
from .record import LEXICAL_KIND, kind_of, read_record

_MEASURES = {
    "bleu1": "BLEU-1",
    "bleu2": "BLEU-2",
    "bleu3": "BLEU-3",
    "bleu4": "BLEU-4",
    "meteor": "METEOR",
    "rouge_l": "ROUGE-L",
    "cider_d": "CIDEr-D",
    "distinct": "distinct captions",
    "images": "images",
}
_MEASURED_AS = {
    "train_loss": "{:.3f}",
    "val_loss": "{:.3f}",
    "cider_d": "{:.1f}",
    "distinct": "{:.0f}",
    "ndcg10": "{:.1f}",
}


def write_card(path: Path | str) -> Path:
    """Write README.md of a checkpoint directory from its config.json; returns the file."""
    path = Path(path)
    with publishing(path / "README.md", "w") as file:
        file.write(card(path.name, read_record(path)))
    return path / "README.md"


def card(name: str, record: dict[str, Any]) -> str:
    """The card's text."""
    training = record["training"]
    lines = [
        f"# {name}",
        "",
        *_about(record),
        *_scores(record["scores"]),
        *_history(training),
        *_brought(training),
        *_how(record),
    ]
    return "\n".join(lines) + "\n"


def _about(record: dict[str, Any]) -> list[str]:
    config, training = record["config"], record["training"]
    lexical = kind_of(record) == LEXICAL_KIND
    if lexical:
        network = f"two layers (H {config['hidden_dim']}, {record['vocabulary_size']:,} words)"
    else:
        words = f"frozen {config['word_vectors']}" if config["word_vectors"] else "learned"
        network = (
            f"{config['decoder']} decoder (E {config['embed_dim']}, H {config['hidden_dim']}, "
            f"{config['layers']} layer(s), {record['vocabulary_size']:,} words; word vectors {words})"
        )
    lines = [
        f"A {'lexical head' if lexical else 'captioner'} of variant `{record['variant']}`: {network} "
        f"on the {_feature(record)} feature of `{record['backbone']['name']}` "
        f"(weights {record['backbone']['sha256'][:12]}, "
        f"{'fine-tuned' if training.get('fine_tuned') else 'frozen'}).",
        "",
    ]
    if "data" in training:
        lines += [
            f"Trained on `{training['data']}`, split {training['split']}: {training['images']:,} images "
            f"with {training['captions']:,} captions; the epoch kept was chosen on "
            f"{training['validated_on'] or 'val'} by "
            f"{'NDCG@10 of mode expected-cosine' if lexical else 'the CIDEr-D of greedy captions'}. Seed "
            f"{training['seed']}.",
            "",
        ]
    if "imported_from" in training:
        sources = ", ".join(
            f"`{name}` (SHA-256 {sha256[:12]})" for name, sha256 in training["imported_from"].items()
        )
        lines += [f"Imported from the published {sources}.", ""]
    return lines


def _feature(record: dict[str, Any]) -> str:
    pooled = kind_of(record) == LEXICAL_KIND or record["config"]["decoder"] == "lstm"
    return "pooled" if pooled else "grid"


def _scores(scores: dict[str, Any]) -> list[str]:
    if not scores:
        return []
    shown = [key for key in _MEASURES if any(row.get(key) is not None for row in scores.values())]
    lines = [
        "## Measured",
        "",
        f"| on | {' | '.join(_MEASURES[key] for key in shown)} |",
        f"|---|{'---|' * len(shown)}",
    ]
    for on, row in scores.items():
        lines.append(f"| {on} | {' | '.join(_number(row.get(key)) for key in shown)} |")
    return [
        *lines,
        "",
        "All but the counts x100, with PTB tokens, as the COCO caption scorer computes them.",
        "",
    ]


def _number(value: float | int | None) -> str:
    if value is None:
        return "–"
    return f"{value:,}" if isinstance(value, int) else f"{value:.1f}"


def _history(training: dict[str, Any]) -> list[str]:
    if not training.get("history"):
        return []
    columns = {
        "train_loss": "training loss",
        "val_loss": "validation loss",
        "cider_d": "CIDEr-D (greedy)",
        "distinct": "distinct",
        "ndcg10": "NDCG@10",
    }
    columns = {key: name for key, name in columns.items() if key in training["history"][0]}
    lines = [
        "## Training",
        "",
        f"| epoch | {' | '.join(columns.values())} |",
        f"|---|{'---|' * len(columns)}",
    ]
    for row in training["history"]:
        mark = " (kept)" if row["epoch"] == training["best_epoch"] else ""
        lines.append(
            f"| {row['epoch']}{mark} | {' | '.join(_MEASURED_AS[key].format(row[key]) for key in columns)} |"
        )
    return [*lines, "", f"{training['seconds']:.0f} seconds in all, validation included.", ""]


def _brought(training: dict[str, Any]) -> list[str]:
    """What a training without (or with) each setting is worth, as benchmarks/ablation.py measured it."""
    if "brought" not in training:
        return []
    lines = [
        f"## What each setting brings {training['brought']['variant']}",
        "",
        "| trained | CIDEr-D | against the settings as they are |",
        "|---|---|---|",
    ]
    lines += [
        f"| {row['change']} | {row['cider_d']:.1f} | {row['against'] or '–'} |"
        for row in training["brought"]["rows"]
    ]
    return [*lines, "", training["brought"]["how"], ""]


def _how(record: dict[str, Any]) -> list[str]:
    training = record["training"]
    lines = ["## Again", "", "    " + training["command"], ""] if training.get("command") else []
    changed = ", ".join(f"{key} {value}" for key, value in record["config"].items())
    return [*lines, f"All settings: {changed}."]
