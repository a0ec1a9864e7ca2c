"""Training a captioner on cached features: its data, its beginning, its task."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import BadSetting
from ..models.captioning.config import CAPTIONER, CaptionerConfig
from ..models.captioning.decoders import Decoder, make_decoder
from ..models.checkpoint import Checkpoint, read_checkpoint
from ..models.lexical.config import LEXICAL, LexicalConfig
from ..models.lexical.network import make_network
from ..models.record import Kind, read_record
from ..models.vision.backbones import Backbone, backbone_record
from ..records import Item
from ..remedies import remedy
from ..text import Vocabulary
from ..word_vectors import load_word_vectors
from .features import Features, augmented_views
from .fine_tune import FineTuned, LiveFeatures, readable, save_backbone
from .lexical import WordsTask
from .run import Run, check_some
from .self_critical import SelfCritical, SelfCriticalTask
from .teacher_forcing import CaptionData, CaptioningTask, encode_captions
from .train import Prepared, train

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


@dataclass(frozen=True)
class CaptionerRun(Run[Any]):
    """The training of a captioner or of a lexical head.

    split:     what to train on
    hold_out:  validate on every 20th training image though there is a val split, which can then be scored
               like a test split
    start:     a checkpoint whose weights to begin with
    self_critical: go on from `start`, with its vocabulary, for the CIDEr-D of the captions that it generates
    fine_tune: train the CNN, too; its weights then become part of the checkpoint
    """

    config: CaptionerConfig | LexicalConfig
    precision: str = "auto"
    split: str = "train"
    hold_out: bool = False
    start: Path | None = None
    self_critical: SelfCritical | None = None
    fine_tune: bool = False

    def rules(self) -> Iterator[tuple[bool, str]]:
        """See Run.rules."""
        yield from super().rules()
        critical = self.self_critical is not None
        yield critical and not self.start, "Self-critical training goes on from a checkpoint. Name it."
        yield (
            critical and self.fine_tune,
            "Self-critical training and fine-tuning the CNN don't go together. Leave one out.",
        )
        yield (
            self.fine_tune and self.config.average > 0,
            "Averaged weights and fine-tuning the CNN don't go together. Set average=0.",
        )


def train_captioner(
    run: CaptionerRun, backbone: Backbone, device: torch.device, resume: bool = False
) -> tuple[Checkpoint[Any], list[str]]:
    """Train, keep the epoch with the best CIDEr-D on the val split, and save it to run.out.

    Without a val split, every 20th training image is held out instead (and the checkpoint says so).
    returns: the checkpoint that was kept, and the pictures that could not be read
    """
    return train(run, _kind(run), device, lambda: _prepare(run, backbone, device), resume)


def _kind(run: CaptionerRun) -> Kind[Any]:
    return LEXICAL if isinstance(run.config, LexicalConfig) else CAPTIONER


def _prepare(run: CaptionerRun, backbone: Backbone, device: torch.device) -> Prepared:
    config = run.config
    vectors = load_word_vectors(config.word_vectors) if config.word_vectors else None
    start = read_checkpoint(run.start, _kind(run)) if run.start else None
    train_items, val_items, validated_on = run.items(run.split, run.hold_out)
    known = start.vocabulary if start and run.self_critical else None
    learned, vocabulary, failures = load_data(train_items, known, run, backbone, config.views)
    measured, _, more = load_data(val_items, vocabulary, run, backbone, 1)
    torch.manual_seed(run.seed)
    make: Any = make_network if isinstance(config, LexicalConfig) else make_decoder
    decoder = make(config, len(vocabulary)).to(device)
    if start:
        begin_with(decoder, config, vocabulary, start)
    without_vector = 0
    if vectors is not None:
        matrix, without_vector = vectors.matrix(vocabulary)
        decoder.embed.weight.data.copy_(torch.from_numpy(matrix))
    record = backbone_record(backbone.config.name, backbone.weights_sha256)

    def tensors(module: nn.Module) -> dict[str, Tensor]:
        if isinstance(module, FineTuned):
            record["sha256"] = save_backbone(module.backbone, run.out)
            return module.decoder.state_dict()
        return module.state_dict()

    facts = {
        "split": run.split,
        "began_with": start_record(run.start),
        "self_critical": asdict(run.self_critical) if run.self_critical else None,
        "validated_on": validated_on,
        "images": len(learned),
        "captions": int((learned.tokens[:, :, 0] > 0).sum()),
        "words_without_vector": without_vector,
        "fine_tuned": run.fine_tune,
    }
    module = FineTuned(decoder, backbone) if run.fine_tune else decoder
    task = _task(run, module, learned, measured, vocabulary)
    return Prepared(task, vocabulary, facts, record, failures + more, tensors)


def _task(
    run: CaptionerRun, module: nn.Module, learned: CaptionData, measured: CaptionData, vocabulary: Vocabulary
) -> CaptioningTask:
    parts: Any = (module, run.config, learned, measured, run.seed, vocabulary)
    if isinstance(run.config, LexicalConfig):
        return WordsTask(*parts)
    if run.self_critical:
        return SelfCriticalTask(*parts, how=run.self_critical)
    return CaptioningTask(*parts)


def load_data(
    items: Sequence[Item],
    vocabulary: Vocabulary | None,
    run: CaptionerRun,
    backbone: Backbone,
    views: int,
) -> tuple[CaptionData, Vocabulary, list[str]]:
    """Features and encoded captions of the items that have both; the vocabulary, built of these captions
    where none is given; and why pictures could not be read."""
    usable = [item for item in items if item.captions and item.path is not None]
    features: Features | LiveFeatures
    if run.fine_tune:
        paths = [item.path for item in usable if item.path]
        present, unread = readable(paths, backbone.config.preprocessing.size)
        cut = augmented_views(views)
        features = LiveFeatures(backbone, [paths[index] for index in present], run.config.feature, cut)
        usable, failures = [usable[index] for index in present], [one.reason for one in unread]
    else:
        usable, features, failures = run.pictures(usable, backbone, run.config.feature, views)
    check_some(usable, list(items), failures, "a caption")
    captions = [item.captions for item in usable]
    vocabulary = vocabulary or Vocabulary.build(
        (one for image in captions for one in image), run.config.min_count, run.config.punctuation
    )
    return CaptionData(features, encode_captions(captions, vocabulary), captions), vocabulary, failures


def start_record(path: Path | None) -> dict[str, str] | None:
    """What a checkpoint's record says of the one it began with: its name and the hash of its weights."""
    return {"name": path.name, "sha256": read_record(path)["sha256"]["model.safetensors"]} if path else None


def begin_with(
    decoder: Decoder,
    config: CaptionerConfig | LexicalConfig,
    vocabulary: Vocabulary,
    start: Checkpoint[Any],
) -> None:
    """Take over a checkpoint's weights: the rows of words it knows, all of everything else.

    errors: BadSetting where it is another network
    """
    network = [name for name in NETWORK_FIELDS if hasattr(config, name)]
    differing = [name for name in network if getattr(config, name) != getattr(start.config, name)]
    if differing:
        theirs = ", ".join(f"{name}={getattr(start.config, name)}" for name in differing)
        raise BadSetting(
            f"The weights to begin with are of another network ({theirs}).",
            remedy("another network", theirs=theirs),
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
