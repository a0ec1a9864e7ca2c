"""The model card of a skip-thought encoder. Generated from config.json, never written by hand."""

from pathlib import Path
from typing import Any

from ....files import publishing
from ...record import read_record
from .config import SKIPTHOUGHT

_DIRECTIONS = {
    "uni": "one GRU reads the sentence",
    "bi": "two GRUs read the sentence forwards and backwards, half of the code each",
    "combine": "a uni-skip and a bi-skip code side by side, each of length 1",
}


def write_skipthought_card(path: Path | str) -> Path:
    """Write README.md of a checkpoint directory from its config.json; returns the file."""
    path = Path(path)
    with publishing(path / "README.md", "w") as file:
        file.write(skipthought_card(path.name, read_record(path, SKIPTHOUGHT)))
    return path / "README.md"


def skipthought_card(name: str, record: dict[str, Any]) -> str:
    """The card's text."""
    lines = [f"# {name}", "", *_about(record), *_history(record["training"])]
    if record["training"].get("command"):
        lines += ["## Again", "", "    " + record["training"]["command"], ""]
    return (
        "\n".join(
            [
                *lines,
                f"All settings: {', '.join(f'{key} {value}' for key, value in record['config'].items())}.",
            ]
        )
        + "\n"
    )


def _about(record: dict[str, Any]) -> list[str]:
    config, training = record["config"], record["training"]
    halves = 2 if config["direction"] == "combine" else 1
    guessed = (
        f"; words outside it are read by vectors guessed from {config['expansion']}"
        if config["expansion"]
        else ""
    )
    lines = [
        f"A skip-thought encoder, `{record['variant']}`: {config['hidden_dim'] * halves} dimensions, "
        f"{_DIRECTIONS[config['direction']]}. "
        f"{record['vocabulary_size']:,} words{guessed}.",
        "",
    ]
    if "parts" in training:
        lines += [f"Made of `{training['parts'][0]}` and `{training['parts'][1]}`.", ""]
    if "data" in training:
        lines += [
            f"Trained on the {training['sentences']:,} sentences of `{training['data']}`; the epoch kept "
            f"was chosen on {training['validated_on']}. Seed {training['seed']}. The decoders are not kept.",
            "",
        ]
    return lines


def _history(training: dict[str, Any]) -> list[str]:
    if not training.get("history"):
        return []
    lines = [
        "## Training",
        "",
        "| epoch | training loss | perplexity of a neighbour's word |",
        "|---|---|---|",
    ]
    for row in training["history"]:
        mark = " (kept)" if row["epoch"] == training["best_epoch"] else ""
        lines.append(f"| {row['epoch']}{mark} | {row['train_loss']:.2f} | {row['perplexity']:.2f} |")
    return [*lines, "", f"{training['seconds']:.0f} seconds in all, validation included.", ""]
