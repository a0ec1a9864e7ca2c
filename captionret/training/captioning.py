"""Training a captioner on cached features: its data, its beginning, its task."""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ..config import setting
from ..errors import BadSetting
from ..models.captioning.config import CAPTIONER, CaptionerConfig
from ..models.captioning.decoders import make_decoder
from ..models.checkpoint import Checkpoint, read_checkpoint
from ..models.lexical.config import LEXICAL, LexicalConfig
from ..models.lexical.network import make_network
from ..models.record import Kind, read_record
from ..models.vision.backbones import Backbone, backbone_record, load_backbone
from ..models.vision.last_blocks import before
from ..records import Item
from ..remedies import remedy
from ..text import Vocabulary
from ..word_vectors import load_word_vectors
from .distillation import taught_words, teacher_records
from .features import Features, augmented_views
from .fine_tune import FineTuned, LiveFeatures, readable, save_backbone
from .lexical import WordsTask
from .meaning import kept, mean_codes, meaning_tower
from .optimizer import PRECISIONS
from .run import Prepared, Run, check_some
from .self_critical import SelfCritical, SelfCriticalTask
from .teacher_forcing import CaptionData, CaptioningTask, encode_captions

logger = logging.getLogger(__name__)
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
    teachers:  lexical heads whose predictions of the training pictures a lexical head learns, too
    random_backbone: a CNN with random weights: for tests and timings only
    """

    config: CaptionerConfig | LexicalConfig
    precision: str = setting("auto", choices=PRECISIONS)
    split: str = "train"
    hold_out: bool = False
    start: Path | None = None
    self_critical: SelfCritical | None = None
    fine_tune: bool = False
    teachers: tuple[Path, ...] = ()
    random_backbone: bool = False

    def rules(self) -> Iterator[tuple[bool, str]]:
        """See Run.rules."""
        yield from super().rules()
        critical = self.self_critical is not None
        yield critical and not self.start, "Self-critical training goes on from a checkpoint. Name it."
        yield (
            critical and self.fine_tune,
            "Self-critical training and fine-tuning the CNN don't go together. Leave one out.",
        )
        yield from self._rules_of_teachers()
        yield (
            self.fine_tune and self.config.average > 0,
            "Averaged weights and fine-tuning the CNN don't go together. Set average=0.",
        )

    def _rules_of_teachers(self) -> Iterator[tuple[bool, str]]:
        yield (
            bool(self.teachers) and not isinstance(self.config, LexicalConfig),
            "Lexical heads alone learn from other heads. Choose a variant that is one, or name no teachers.",
        )
        yield (
            self._own_blocks > 0 and self.fine_tune,
            "Fine-tuning the CNN and training blocks of its own don't go together. Leave one out.",
        )
        yield (
            bool(self.teachers) and self.fine_tune,
            "Fine-tuning the CNN and learning from other heads don't go together. Leave one out.",
        )

    @property
    def kind(self) -> Kind[Any]:
        """See Run.kind."""
        return _LEARNERS[type(self.config)][0]

    def prepare(self, device: torch.device, backbone: Backbone | None) -> Prepared:
        """See Run.prepare; errors: BadSetting for weights to begin with that are of another network."""
        config, (kind, make, task) = self.config, _LEARNERS[type(self.config)]
        backbone = backbone or self._backbone(device)
        vectors = load_word_vectors(config.word_vectors) if config.word_vectors else None
        start = read_checkpoint(self.start, kind) if self.start else None
        train_items, val_items, validated_on = self.items(self.split, self.hold_out)
        known = start.vocabulary if start and self.self_critical else None
        learned, vocabulary, failures = load_data(train_items, known, self, backbone, config.views)
        measured, _, more = load_data(val_items, vocabulary, self, backbone, 1)
        torch.manual_seed(self.seed)
        decoder = self._with_own(make(config, len(vocabulary))).to(device)
        facts: dict[str, Any] = {
            "split": self.split,
            "began_with": start_record(self.start),
            "self_critical": asdict(self.self_critical) if self.self_critical else None,
            "validated_on": validated_on,
            "images": len(learned),
            "captions": int((learned.tokens[:, :, 0] > 0).sum()),
            "words_without_vector": 0,
            "fine_tuned": self.fine_tune,
        }
        if start:
            begin_with(decoder, config, vocabulary, start)
        if vectors is not None:
            matrix, facts["words_without_vector"] = vectors.matrix(vocabulary)
            decoder.embed.weight.data.copy_(torch.from_numpy(matrix))
        record = backbone_record(backbone.config.name, backbone.weights_sha256)

        def tensors(module: nn.Module) -> dict[str, Tensor]:
            if isinstance(module, FineTuned):
                record["sha256"] = save_backbone(module.backbone, self.out)
                return module.decoder.state_dict()
            return kept(module.state_dict())

        module = FineTuned(decoder, backbone) if self.fine_tune else decoder
        parts = (module, config, learned, measured, self.seed, vocabulary)
        made = (
            SelfCriticalTask(*parts, how=self.self_critical)
            if self.self_critical
            else task(*parts, **self._of_heads(train_items, learned, vocabulary, facts, device))
        )
        return Prepared(made, vocabulary, facts, record, failures + more, tensors)

    def _of_heads(
        self,
        items: Sequence[Item],
        learned: CaptionData,
        vocabulary: Vocabulary,
        facts: dict[str, Any],
        device: torch.device,
    ) -> dict[str, Any]:
        """What the task of a lexical head takes beside the data: what teachers predict, where there are any
        (they are noted in the facts), and whether it has weights to begin with."""
        if not isinstance(self.config, LexicalConfig):
            return {}
        more: dict[str, Any] = {"begun": self.start is not None}
        if self.config.meaning:
            more["meanings"] = mean_codes(learned.captions, self.features_root)
        if not self.teachers:
            return more
        assert isinstance(learned.features, Features), "a rule keeps teachers from fine-tuning"
        facts["teachers"] = teacher_records(self.teachers)
        usable = [item for item in items if item.captions and item.path is not None]
        hashes = learned.features.hashes
        return more | {"taught": taught_words(self.teachers, usable, hashes, vocabulary, self, device)}

    def _backbone(self, device: torch.device) -> Backbone:
        if self.random_backbone:
            logger.warning(
                "Random weights for %s, as asked for: the captions will mean nothing.", self.config.backbone
            )
            torch.manual_seed(self.seed)
        return self._before_own(
            load_backbone(
                self.config.backbone, random=self.random_backbone, device=device, frozen=not self.fine_tune
            )
        )

    def _before_own(self, backbone: Backbone) -> Backbone:
        return before(backbone, self._own_blocks) if self._own_blocks else backbone

    def _with_own(self, network: Any) -> Any:
        """A network whose own last blocks begin as ImageNet left them, with a part that learns what captions
        mean where that is asked for."""
        if self._own_blocks and not self.random_backbone:
            network.own.load_pretrained()
        if isinstance(self.config, LexicalConfig) and self.config.meaning:
            network.meaning = meaning_tower(network.hidden.in_features, self.config.dropout)
        return network

    @property
    def _own_blocks(self) -> int:
        return self.config.own_blocks if isinstance(self.config, LexicalConfig) else 0


# what is made of which settings, and what its network and its task are
_LEARNERS: dict[type, tuple[Kind[Any], Callable[..., nn.Module], Any]] = {
    CaptionerConfig: (CAPTIONER, make_decoder, CaptioningTask),
    LexicalConfig: (LEXICAL, make_network, WordsTask),
}


def network_of(config: CaptionerConfig | LexicalConfig, words: int) -> nn.Module:
    """The network of these settings, for a vocabulary of so many words."""
    return _LEARNERS[type(config)][1](config, words)


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
    decoder: nn.Module,
    config: CaptionerConfig | LexicalConfig,
    vocabulary: Vocabulary,
    start: Checkpoint[Any],
) -> None:
    """Take over a checkpoint's weights: the rows of words it knows, all of everything else. Of a lexical head
    with fewer blocks of its own these are the last ones.

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
    for name, tensor in _placed(start, getattr(config, "own_blocks", 0)).items():
        if name.split(".")[0] in WORD_ROWS and len(tensor) == len(start.vocabulary):
            state[name][new] = tensor[old].to(state[name].device)
        else:
            state[name].copy_(tensor)


def _placed(start: Checkpoint[Any], own_blocks: int) -> dict[str, Tensor]:
    """A checkpoint's tensors as a network with so many own blocks calls them, or with more of them."""
    later = own_blocks - getattr(start.config, "own_blocks", 0)
    if later < 0:
        raise BadSetting("The weights to begin with have more own blocks. Set own_blocks to as many.")

    def called(name: str) -> str:
        before_it, blocks, rest = name.partition("own.blocks.")
        number, _, part = rest.partition(".")
        return f"{blocks}{int(number) + later}.{part}" if blocks and not before_it else name

    return {called(name): tensor for name, tensor in start.tensors.items()}
