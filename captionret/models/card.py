"""The model card: what a checkpoint is, how it was made, what was measured. Generated from config.json, never
written by hand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..config import Registry
from ..counting import counted
from ..files import publishing
from ..records import CAPTION_MEASURES
from .captioning.config import CAPTIONER
from .embedding.config import EMBEDDING
from .lexical.config import LEXICAL
from .record import Kind, kind_of, read_record
from .sentence.skipthought.config import SKIPTHOUGHT

Record = dict[str, Any]
Lines = list[str]
# what is measured after an epoch: its name in a history, in words, and as it is printed
_EPOCH_COLUMNS = {
    "train_loss": ("training loss", "{:.3f}"),
    "val_loss": ("validation loss", "{:.3f}"),
    "cider_d": ("CIDEr-D (greedy)", "{:.1f}"),
    "distinct": ("distinct", "{:.0f}"),
    "ndcg10": ("NDCG@10", "{:.1f}"),
    "rsum": ("sum of recalls", "{:.4g}"),
    "i2t_r10": ("annotation R@10", "{:.4g}"),
    "t2i_r10": ("search R@10", "{:.4g}"),
    "triple_accuracy": ("triple accuracy", "{:.4g}"),
    "true_rank": ("mean rank of the right image", "{:.4g}"),
    "hit5": ("hit@5", "{:.4g}"),
    "unseen_hit5": ("hit@5, unseen labels", "{:.4g}"),
    "perplexity": ("perplexity of a neighbour's word", "{:.2f}"),
}
_MEASURES = {**CAPTION_MEASURES, "distinct": "distinct captions", "images": "images"}
_RECALLS = {"r1": "{:.1f}", "r5": "{:.1f}", "r10": "{:.1f}", "medr": "{:.0f}"}
_WAYS = {"i2t": "annotation", "t2i": "search"}
_DIRECTIONS = {
    "uni": "one GRU reads the sentence",
    "bi": "two GRUs read the sentence forwards and backwards, half of the code each",
    "combine": "a uni-skip and a bi-skip code side by side, each of length 1",
}


@dataclass(frozen=True, slots=True)
class Card:
    """What the card of a kind says beyond what all say, as templates over `_facts`.

    about:   what the model is, in a paragraph
    trained: on what, and by what the epoch was chosen, in a paragraph
    counted: what a row of the history is: an epoch, or a validation where there are several in one
    """

    kind: Kind[Any]
    about: str
    trained: str
    counted: str = "epoch"


def write_card(path: Path | str) -> Path:
    """Write README.md of a checkpoint directory from its config.json; returns the file.

    errors: BadCheckpoint for a record that cannot be read
    """
    path = Path(path)
    text = card(path.name, read_record(path))
    with publishing(path / "README.md", "w") as file:
        file.write(text.encode(errors="backslashreplace").decode())
    return path / "README.md"


def card(name: str, record: Record) -> str:
    """The card's text, of any kind of checkpoint."""
    row, training = CARDS[kind_of(record)], record["training"]
    config = row.kind.config.from_json(record["config"])
    facts = _facts(record, config)
    lines = [f"# {name}", "", row.about.format(**facts), ""]
    if "data" in training:
        lines += [row.trained.format(**facts), ""]
    if "imported_from" in training:
        origins = training["imported_from"].items()
        files = ", ".join(f"`{file}` (SHA-256 {sha256[:12]})" for file, sha256 in origins)
        lines += [f"Imported from the published {files}.", ""]
    lines += [
        *_caption_scores(record["scores"]),
        *_recall_scores(record["scores"]),
        *_history(training, row.counted),
        *_brought(training),
        *_tried(training),
        *_again(training),
    ]
    listed = ", ".join(f"{name} {value}" for name, value in config.to_json().items() if value != "")
    lines.append(f"All settings: {listed}.")
    return "\n".join(lines) + "\n"


def kept_epoch(record: Record) -> str:
    """What a training ended with, in a sentence or two: "Kept epoch 3: CIDEr-D (greedy) 41.2 ..."."""
    training, row = record["training"], CARDS[kind_of(record)].counted
    best = training["history"][training["best_epoch"] - 1]
    skipped = ("train_loss", "val_loss", "distinct")
    measured = [f"{name} {value}" for name, value in _measured(best).items() if name not in skipped]
    seconds = f"{training['seconds']:.0f} s in all"
    text = f"Kept {row} {best['epoch']}: {', '.join(measured)} in validation; {seconds}."
    if left_out := training.get("captions_left_out"):
        text += f" {counted(left_out, 'captions were')} left out: no word of theirs can be read."
    return text


def _facts(record: Record, config: Any) -> Record:
    """What a card's templates speak of: the record, what is noted of the training, `config`, and these in
    words: its CNN, its word vectors, and paragraphs on labels and on what it was made of."""
    training, backbone = record["training"], record["backbone"]
    state = "fine-tuned" if training.get("fine_tuned") else "frozen"
    cnn = f"`{backbone['name']}` (weights {backbone['sha256'][:12]}, {state})"
    vectors = getattr(config, "word_vectors", None)
    expansion = getattr(config, "expansion", None)
    labels, unseen = training.get("labels"), training.get("unseen_labels")
    without = f", of which {len(unseen)} were never a target: {', '.join(unseen)}" if unseen else ""
    return {
        **record,
        **training,
        "validated_on": training.get("validated_on") or "val",
        "config": config,
        "cnn": cnn if backbone["sha256"] else "its collection's own network",
        "vectors": f"frozen {vectors}" if vectors else "learned",
        "guessed": f"; words outside it are read by vectors guessed from {expansion}" if expansion else "",
        "labelled": f"\n\n{counted(len(labels), 'labels')}{without}." if labels else "",
        "own": _own_blocks(getattr(config, "own_blocks", 0)),
        "taught": _taught(training.get("teachers"), config),
        "made_of": "\n\nMade of `{}` and `{}`.".format(*training["parts"]) if "parts" in training else "",
        "direction": _DIRECTIONS.get(getattr(config, "direction", "")),
    }


def _own_blocks(count: int) -> str:
    """What a lexical head has of its CNN for itself."""
    if not count:
        return ""
    return f", with the last {'block' if count == 1 else f'{count} blocks'} of its own, which learnt with it"


def _taught(teachers: Sequence[Mapping[str, str]] | None, config: Any) -> str:
    """From which other heads a lexical head learnt."""
    if not teachers:
        return ""
    named = ", ".join(f"{one['name']} ({one['sha256'][:12]})" for one in teachers)
    return f" {100 * config.taught:.0f} % of what it learnt is the mean prediction of {named}."


def _caption_scores(scores: Mapping[str, Record]) -> Lines:
    shown = [key for key in _MEASURES if any(row.get(key) is not None for row in scores.values())]
    rows = [[on, *(_number(row.get(key)) for key in shown)] for on, row in scores.items() if shown]
    note = "All but the counts x100, with PTB tokens, as the COCO caption scorer computes them."
    return _section("Measured", ["on", *(_MEASURES[key] for key in shown)], rows, note)


def _number(value: float | int | None) -> str:
    if value is None:
        return "–"
    return f"{value:,}" if isinstance(value, int) else f"{value:.1f}"


def _recall_scores(scores: Mapping[str, Record]) -> Lines:
    rows = [
        [on, *(_recalls(row[way]) for way in _WAYS), f"{row['rsum']:.1f}"]
        for on, row in scores.items()
        if "i2t" in row
    ]
    names = ["on", *(f"{way} R@1 / 5 / 10 / medr" for way in _WAYS.values()), "sum"]
    note = "Annotation: an image ranks all captions; search: a caption ranks all images."
    return _section("Measured", names, rows, note)


def _recalls(way: Mapping[str, float]) -> str:
    return " / ".join(as_.format(way[key]) for key, as_ in _RECALLS.items())


def _history(training: Record, unit: str) -> Lines:
    history = training.get("history") or []
    kept = {training.get("best_epoch"): " (kept)"}
    rows = [[f"{row['epoch']}{kept.get(row['epoch'], '')}", *_measured(row).values()] for row in history]
    names = [unit, *(_EPOCH_COLUMNS[key][0] for key in _measured(history[0]))] if history else []
    return _section(
        "Training", names, rows, f"{training.get('seconds', 0):.0f} seconds in all, validation included."
    )


def _brought(training: Record) -> Lines:
    """What a training without (or with) each setting is worth, as benchmarks/ablation.py measured it."""
    if "brought" not in training:
        return []
    brought = training["brought"]
    rows = [[row["change"], f"{row['cider_d']:.1f}", row["against"] or "–"] for row in brought["rows"]]
    names = ["trained", "CIDEr-D", "against the settings as they are"]
    return _section(f"What each setting brings {brought['variant']}", names, rows, brought["how"])


def _tried(training: Record) -> Lines:
    """What was tried before this, and what each gave: names of columns, rows, and a sentence on how."""
    if "tried" not in training:
        return []
    tried = training["tried"]
    return _section("Tried", tried["columns"], tried["rows"], tried["how"])


def _again(training: Record) -> Lines:
    lines = ["## Again", "", "    " + training["command"], ""] if training.get("command") else []
    if training.get("description"):
        text = "\n".join("    " + line for line in training["description"].splitlines())
        lines += ["The file that described it:", "", text, ""]
    return lines


def _measured(row: Mapping[str, float]) -> dict[str, str]:
    """What an epoch was measured by, as it is printed."""
    return {key: as_.format(row[key]) for key, (_, as_) in _EPOCH_COLUMNS.items() if key in row}


def _section(title: str, names: Lines, rows: list[Lines], note: str) -> Lines:
    """A heading, a table and a sentence below it; nothing where there are no rows."""
    if not rows:
        return []
    table = [f"| {' | '.join(cells)} |" for cells in (names, *rows)]
    return [f"## {title}", "", table[0], "|" + "---|" * len(names), *table[1:], "", note, ""]


_COUNTED = "{images:,} images with {captions:,} captions; the epoch kept was chosen on {validated_on}"
_BY_SPLIT = f"Trained on `{{data}}`, split {{split}}: {_COUNTED} by "
CARDS: Registry[Card] = Registry(
    "kind of checkpoint",
    {
        CAPTIONER.name: Card(
            CAPTIONER,
            "A captioner of variant `{variant}`: {config.decoder} decoder (E {config.embed_dim}, H "
            "{config.hidden_dim}, {config.layers} layer(s), {vocabulary_size:,} words; word vectors "
            "{vectors}) on the {config.feature} feature of {cnn}.",
            _BY_SPLIT + "the CIDEr-D of greedy captions. Seed {seed}.",
        ),
        LEXICAL.name: Card(
            LEXICAL,
            "A lexical head of variant `{variant}`: two layers (H {config.hidden_dim}, {vocabulary_size:,} "
            "words) on the pooled feature of {cnn}{own}.",
            _BY_SPLIT + "NDCG@10 of mode expected-cosine. Seed {seed}.{taught}",
        ),
        EMBEDDING.name: Card(
            EMBEDDING,
            "An embedding space of images and sentences, model `{variant}`: {config.dim} dimensions; "
            "{config.image_tower} image tower on the pooled feature of {cnn}; sentence tower "
            "{config.sentence_tower} ({vocabulary_size:,} words); loss {config.loss}.",
            f"Trained on `{{data}}`: {_COUNTED}. Seed {{seed}}.{{labelled}}",
            counted="validation",
        ),
        SKIPTHOUGHT.name: Card(
            SKIPTHOUGHT,
            "A skip-thought encoder, `{variant}`: {config.dim} dimensions, {direction}. {vocabulary_size:,} "
            "words{guessed}.{made_of}",
            "Trained on the {sentences:,} sentences of `{data}`; the epoch kept was chosen on "
            "{validated_on}. Seed {seed}. The decoders are not kept.",
        ),
    },
)
