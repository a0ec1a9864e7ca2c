"""Training a captioner on cached features: its data, its beginning, its checkpoint."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from ..datasets import Dataset
from ..errors import BadDataset, BadSetting
from ..models.captioning.config import CaptionerConfig
from ..models.captioning.decoders import Decoder, make_decoder
from ..models.checkpoint import CAPTIONER, Checkpoint, read_checkpoint, save_checkpoint
from ..models.lexical.config import LEXICAL, LexicalConfig
from ..models.lexical.network import make_network
from ..models.record import Kind, add_training, read_record
from ..models.vision.backbones import Backbone, backbone_record
from ..records import Item
from ..text import Vocabulary
from ..word_vectors import WordVectors, load_word_vectors
from .features import DEFAULT_ROOT, Features, augmented_views, extract
from .fine_tune import FineTuned, LiveFeatures, readable, save_backbone
from .lexical import WordsTask
from .loop import Fit, FitConfig, check_patience_and_seed, cut_training, uses_bfloat16
from .self_critical import SelfCritical, SelfCriticalTask
from .teacher_forcing import CaptionData, CaptioningTask, encode_captions

NETWORK_FIELDS = (
    "backbone",
    "decoder",
    "embed_dim",
    "hidden_dim",
    "layers",
    "heads",
    "word_vectors",
    "predict_bos",
    "punctuation",
)
WORD_ROWS = ("embed", "output", "bias")  # the parts of a decoder that hold a row for every word


def load_data(
    items: Sequence[Item], vocabulary: Vocabulary | None, run: "TrainingRun", backbone: Backbone, views: int
) -> tuple[CaptionData, Vocabulary, list[str]]:
    """Features and encoded captions of the items that have both; the vocabulary, built of these captions
    where none is given."""
    usable = [item for item in items if item.captions and item.path is not None]
    paths = [item.path for item in usable if item.path]
    cut = augmented_views(views)
    features: Features | LiveFeatures
    if run.fine_tune:
        present, failures = readable(paths, backbone.config.preprocessing.size)
        features = LiveFeatures(backbone, [paths[index] for index in present], run.config.feature, cut)
    else:
        features, failures = extract(
            backbone, paths, run.config.feature, cut, root=run.features_root, progress=run.progress
        )
        present = features.present.tolist()
    usable = [usable[index] for index in present]
    if not usable:
        reason = failures[0].reason if failures else "No item has both a picture and a caption."
        raise BadDataset(
            f"There is nothing to train or validate on: {len(items):,} items, {len(failures):,} unreadable "
            f"pictures. {reason}"
        )
    captions = [item.captions for item in usable]
    vocabulary = vocabulary or Vocabulary.build(
        (one for image in captions for one in image), run.config.min_count, run.config.punctuation
    )
    return (
        CaptionData(features, encode_captions(captions, vocabulary), captions),
        vocabulary,
        [failure.reason for failure in failures],
    )


@dataclass(frozen=True)
class TrainingRun:
    """What to train and where to put it.

    command:   what reproduces it, for the card
    also:      further collections whose train splits are trained on; what is validated on is the first one's
               alone
    hold_out:  validate on every 20th training image though there is a val split, which can then be scored
               like a test split
    start:     a checkpoint whose weights to begin with
    self_critical: go on from `start`, with its vocabulary, for the CIDEr-D of the captions that it says
                   itself
    fine_tune: train the CNN, too; its weights then become part of the checkpoint
    half:      store the weights as float16
    """

    variant: str
    config: CaptionerConfig | LexicalConfig
    dataset: Dataset
    out: Path
    split: str = "train"
    seed: int = 0
    patience: int = 5
    precision: str = "auto"
    command: str = ""
    features_root: Path = DEFAULT_ROOT
    progress: bool = True
    also: tuple[Dataset, ...] = ()
    hold_out: bool = False
    start: Path | None = None
    self_critical: SelfCritical | None = None
    fine_tune: bool = False
    half: bool = False

    def __post_init__(self) -> None:
        check_patience_and_seed(self.patience, self.seed)
        if self.self_critical and not self.start:
            raise BadSetting("Self-critical training goes on from a checkpoint. Name it.")
        if self.self_critical and self.fine_tune:
            raise BadSetting("Self-critical training and --fine-tune don't go together. Leave one out.")


def train_captioner(
    run: TrainingRun, backbone: Backbone, device: torch.device, resume: bool = False
) -> tuple[Checkpoint, list[str]]:
    """Train, keep the epoch with the best CIDEr-D on the val split, and save it to run.out.

    Without a val split, every 20th training image is held out instead (and the checkpoint says so).
    returns: the checkpoint that was kept, and the pictures that could not be read
    """
    if run.fine_tune and run.config.average:
        raise BadSetting("Averaged weights and --fine-tune don't go together. Add --set average=0.")
    fit_config = _fit_config(run)
    if resume:
        cut_training(run.out / "training")
    # what cannot be is better refused before every picture has passed through the CNN
    uses_bfloat16(fit_config.precision, device)
    vectors = load_word_vectors(run.config.word_vectors) if run.config.word_vectors else None
    kind: Kind[Any] = LEXICAL if isinstance(run.config, LexicalConfig) else CAPTIONER
    start = read_checkpoint(run.start, kind) if run.start else None
    train_items, val_items, held_out = split_items(run.dataset, run.split, run.hold_out)
    train_items += [
        item for dataset in run.also for item in dataset.split("train" if dataset.splits() else "all")
    ]
    words = start.vocabulary if start and run.self_critical else None
    train, vocabulary, failures = load_data(train_items, words, run, backbone, run.config.views)
    val, _, more = load_data(val_items, vocabulary, run, backbone, 1)
    torch.manual_seed(run.seed)
    decoder = _network(run.config, len(vocabulary)).to(device)
    if start:
        begin_with(decoder, run.config, vocabulary, start)
    facts = {
        "data": " and ".join(dataset.spec for dataset in (run.dataset, *run.also)),
        "split": run.split,
        "began_with": start_record(run.start),
        "self_critical": asdict(run.self_critical) if run.self_critical else None,
        "validated_on": held_out or "val",
        "images": len(train),
        "captions": int((train.tokens[:, :, 0] > 0).sum()),
        "words_without_vector": _set_word_vectors(decoder, vectors, vocabulary),
        "fine_tuned": run.fine_tune,
        "seed": run.seed,
        "command": run.command,
    }

    def keep(module: Any, history: list[dict[str, float]]) -> None:
        network = backbone_record(backbone.config.name, backbone.weights_sha256)
        if isinstance(module, FineTuned):
            network["sha256"] = save_backbone(module.backbone, run.out)
            module = module.decoder
        training = {
            **facts,
            "history": history,
            "best_epoch": len(history),
            "seconds": history[-1]["seconds"],
        }
        weights = module.state_dict()
        checkpoint: Checkpoint[Any] = Checkpoint(
            run.variant, run.config, vocabulary, network, weights, training, kind=kind.name
        )
        save_checkpoint(run.out, checkpoint, torch.float16 if run.half else torch.float32)

    module = FineTuned(decoder, backbone) if run.fine_tune else decoder
    parts: Any = (module, run.config, train, val, vocabulary, run.seed, keep)
    task: CaptioningTask
    if isinstance(run.config, LexicalConfig):
        task = WordsTask(*parts)
    else:
        task = (
            SelfCriticalTask(*parts, how=run.self_critical) if run.self_critical else CaptioningTask(*parts)
        )
    identity = {
        "variant": run.variant,
        **run.config.to_json(),
        **facts,
        "backbone weights": backbone.weights_sha256,
    }
    del identity["command"]
    progress = Fit(task, fit_config, run.out / "training", identity, resume, run.progress).run()
    add_training(run.out, {"history": progress.history, "seconds": progress.seconds})
    return read_checkpoint(run.out, kind), failures + more


def _network(config: CaptionerConfig | LexicalConfig, words: int) -> Any:
    """What learns, with random weights."""
    return make_network(config, words) if isinstance(config, LexicalConfig) else make_decoder(config, words)


def split_items(dataset: Dataset, split: str, hold_out: bool = False) -> tuple[list[Item], list[Item], str]:
    """The items to train on, those to validate on, and what these are if not the val split. hold_out: see
    TrainingRun."""
    whole = split == "train" and not dataset.splits()  # a collection without splits is trained on as a whole
    train = dataset.split("all" if whole else split)
    if "val" in dataset.splits() and split not in ("val", "all") and not hold_out:
        return train, dataset.split("val"), ""
    if len(train) < 20:
        raise BadDataset(
            f"{dataset.spec} has {len(train)} images in split "
            f"{split!r}{'' if hold_out else ' and no val split'}: "
            "too few to hold some out. Add pictures."
        )
    return (
        [item for index, item in enumerate(train) if index % 20],
        train[::20],
        f"every 20th image of {split}",
    )


def start_record(path: Path | None) -> dict[str, str] | None:
    """What a checkpoint's record says of the one it began with: its name and the hash of its weights."""
    return {"name": path.name, "sha256": read_record(path)["sha256"]["model.safetensors"]} if path else None


def begin_with(
    decoder: Decoder, config: CaptionerConfig | LexicalConfig, vocabulary: Vocabulary, start: Checkpoint[Any]
) -> None:
    """Take over a checkpoint's weights: the rows of words it knows, all of everything else.

    errors: BadSetting where it is another network
    """
    differing = [
        name
        for name in NETWORK_FIELDS
        if hasattr(config, name) and getattr(config, name) != getattr(start.config, name)
    ]
    if differing:
        theirs = ", ".join(f"{name}={getattr(start.config, name)}" for name in differing)
        raise BadSetting(
            f"The weights to begin with are of another network ({theirs}). Choose its variant, or add --set "
            f"{theirs}."
        )
    rows = [
        (new, start.vocabulary.ids[token])
        for new, token in enumerate(vocabulary.tokens)
        if token in start.vocabulary
    ]
    new, old = torch.tensor(rows).T
    state = decoder.state_dict()
    for name, tensor in start.tensors.items():
        if name.split(".")[0] in WORD_ROWS and len(tensor) == len(start.vocabulary):
            state[name][new] = tensor[old].to(state[name].device)
        else:
            state[name].copy_(tensor)


def _fit_config(run: TrainingRun) -> FitConfig:
    names = ("epochs", "learning_rate", "weight_decay", "clip_norm", "schedule", "warmup", "average")
    return FitConfig(
        **{name: getattr(run.config, name) for name in names},
        patience=run.patience,
        seed=run.seed,
        precision=run.precision,
    )


def _set_word_vectors(decoder: Decoder, vectors: WordVectors | None, vocabulary: Vocabulary) -> int:
    """Put pretrained vectors into the embedding, where the variant has them; how many words have none."""
    if vectors is None:
        return 0
    matrix, unknown = vectors.matrix(vocabulary)
    decoder.embed.weight.data.copy_(torch.from_numpy(matrix))
    return unknown
