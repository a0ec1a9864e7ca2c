"""Every captioner, one row each. A new variant is one line here and no other edit.

    python scripts/train_captioner.py --list
    python scripts/train_captioner.py --variant model2-lite --set hidden_dim=256

model1 to model5 are the published ones. Their *lite* twins differ in the backbone, whose weights are
installed with the requirements, and are trained longer and with dropout, since the collections at hand are a
tenth of COCO's size.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from math import inf
from typing import Any, ClassVar, Protocol, TypeVar, get_args, get_type_hints

from ...config import check_fields
from ...errors import BadSetting, UnknownName
from ...word_vectors import DIMS as WORD_VECTOR_DIMS
from ..vision.backbones import BACKBONES


class Settings(Protocol):
    """The frozen dataclass of a row of some table: CaptionerConfig and its like; it refuses what cannot
    be."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    def to_json(self) -> dict[str, Any]:
        """Its fields."""
        ...


C = TypeVar("C", bound=Settings)


@dataclass(frozen=True, slots=True)
class CaptionerConfig:
    """One row of VARIANTS: the network, then how it is trained.

    decoder:        "lstm" reads the pooled feature; "soft-attention", "adaptive" and "transformer" the grid.
                    "words" is no decoder: it reads the pooled feature and says of each word how likely a
                    caption holds it
    embed_dim:      size of a word vector (E); with word_vectors, theirs
    hidden_dim:     size of the LSTM's state, or of the Transformer's residual stream (H)
    layers:         of the decoder
    heads:          attention heads of the Transformer
    word_vectors:   frozen word vectors: "glove-50" (GloVe 6B, installed), "glove-300" and others (from
                    `download.sh`); None: learned
    dropout:        on the decoder's input, between its layers and before its output
    says_start:     (LSTM) trained to say <start> first, right after the image, as the published models were
    punctuation:    full stops and commas are words, as in the published models
    min_count:      a word is known if the training captions hold it this often
    max_words:      the longest caption, in tokens
    length_penalty: of beam search: captions are ranked by log-probability / words**length_penalty
    constraints:    captions never repeat a word at once or three words at all, nor end on "a" or "with",
                    unless asked to

    epochs, batch_size (in captions), learning_rate: Adam's
    schedule:       "constant", or "cosine" down to a hundredth, after `warmup` (share of all steps)
    captions_together: an image's captions share a batch, and the image's side is computed once for all of
                       them
    views:          cached crops and flips to pick from in training; 1 is the whole picture only
    attention_penalty: (soft attention) weight of the loss that wants every cell looked at, doubly stochastic
                       attention
    scheduled_sampling: share of the words read in training that are the captioner's own guesses at the end of
                        it; it grows from 0
    average:        share of the past in the exponential moving average of the weights that is validated and
                    kept; 0: none
    """

    backbone: str
    decoder: str = "lstm"
    embed_dim: int = 256
    hidden_dim: int = 512
    layers: int = 1
    heads: int = 4
    word_vectors: str | None = None
    dropout: float = 0.0
    says_start: bool = True
    punctuation: bool = True
    min_count: int = 4
    max_words: int = 20
    length_penalty: float = 0.0
    constraints: bool = False

    epochs: int = 5
    batch_size: int = 128
    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    label_smoothing: float = 0.0
    clip_norm: float = 5.0
    schedule: str = "constant"
    warmup: float = 0.0
    captions_together: bool = False
    views: int = 1
    attention_penalty: float = 0.0
    scheduled_sampling: float = 0.0
    average: float = 0.0

    def __post_init__(self) -> None:
        if self.backbone not in BACKBONES:
            raise UnknownName.among("backbone", self.backbone, BACKBONES)
        sizes = (
            "embed_dim",
            "hidden_dim",
            "layers",
            "heads",
            "min_count",
            "max_words",
            "epochs",
            "batch_size",
            "views",
        )
        check_fields(
            self,
            CHOICES,
            dict.fromkeys(sizes, 1),
            ("dropout", "label_smoothing", "average", "warmup", "scheduled_sampling"),
        )
        if not 0 <= self.length_penalty < inf:
            raise BadSetting(f"length_penalty must be a number of at least 0, not {self.length_penalty}.")
        if self.word_vectors and self.embed_dim != WORD_VECTOR_DIMS[self.word_vectors]:
            raise BadSetting(
                f"{self.word_vectors} has {WORD_VECTOR_DIMS[self.word_vectors]} dimensions, embed_dim is "
                f"{self.embed_dim}. Make them equal."
            )
        if not 0 <= self.attention_penalty < inf:
            raise BadSetting(
                f"attention_penalty must be a number of at least 0, not {self.attention_penalty}."
            )
        if self.attention_penalty and self.decoder != "soft-attention":
            raise BadSetting(
                f"attention_penalty is of soft attention, the decoder is {self.decoder}. Leave it at 0."
            )
        if self.decoder == "transformer" and self.hidden_dim % self.heads:
            raise BadSetting(f"hidden_dim {self.hidden_dim} is not a multiple of heads {self.heads}.")
        # it reads <start> in any case; searching would try an untrained word
        if self.decoder != "lstm" and self.says_start:
            raise BadSetting(
                f"The decoder {self.decoder} begins after <start> and never learns to say it. Add --set "
                "says_start=false."
            )
        if self.decoder == "transformer" and self.max_words > MAX_LENGTH:
            raise BadSetting(
                f"The Transformer has positions for captions of {MAX_LENGTH} words, max_words is "
                f"{self.max_words}."
            )

    @property
    def feature(self) -> str:
        """Which of the backbone's outputs the decoder reads: "pooled" or "grid"."""
        return "pooled" if self.decoder in ("lstm", "words") else "grid"

    def to_json(self) -> dict[str, Any]:
        """Its fields."""
        return asdict(self)


# The fields that matter only while training; a library outlives a change of these.
TRAINING_FIELDS = frozenset(
    """dropout min_count epochs batch_size learning_rate weight_decay label_smoothing clip_norm schedule
    warmup captions_together views
    attention_penalty scheduled_sampling average""".split()
)
MAX_LENGTH = 64  # of a caption the Transformer reads or says, in tokens
CHOICES: dict[str, tuple[str | None, ...]] = {
    "decoder": ("lstm", "soft-attention", "adaptive", "transformer", "words"),
    "schedule": ("constant", "cosine"),
    "word_vectors": (None, *WORD_VECTOR_DIMS),
}

# Chosen on Flickr8k's validation split: faster and in smaller batches than published, annealed, averaged, on
# crops and flips.
_RECIPE: dict[str, Any] = {
    "dropout": 0.4,
    "epochs": 14,
    "batch_size": 64,
    "learning_rate": 2e-3,
    "schedule": "cosine",
    "views": 4,
    "average": 0.999,
    "length_penalty": 1.0,
}
_SMALL: dict[str, Any] = {**_RECIPE, "dropout": 0.2}
_ON_GRID: dict[str, Any] = {
    "says_start": False,
    "punctuation": False,
    "constraints": True,
    "batch_size": 160,
    "label_smoothing": 0.1,
    "schedule": "cosine",
    "warmup": 0.05,
    "captions_together": True,
    "views": 2,
    "average": 0.999,
    "length_penalty": 1.0,
}
_FEWER_VIEWS: dict[str, Any] = {"views": 2}  # lite2 takes twice as long for a picture as lite0

VARIANTS: dict[str, CaptionerConfig] = {
    "model1": CaptionerConfig("resnet152"),
    "model2": CaptionerConfig("resnet101"),
    "model3": CaptionerConfig("resnet152", embed_dim=128, hidden_dim=256),
    "model4": CaptionerConfig("resnet101", layers=2),
    "model5": CaptionerConfig("resnet101", embed_dim=300, word_vectors="glove-300"),
    "model1-lite": CaptionerConfig("efficientnet_lite2", **_RECIPE | _FEWER_VIEWS),
    "model2-lite": CaptionerConfig("efficientnet_lite0", **_RECIPE),
    "model3-lite": CaptionerConfig(
        "efficientnet_lite2", embed_dim=128, hidden_dim=256, **_SMALL | _FEWER_VIEWS
    ),
    "model4-lite": CaptionerConfig("efficientnet_lite0", layers=2, **_RECIPE),
    "model5-lite": CaptionerConfig("efficientnet_lite0", embed_dim=50, word_vectors="glove-50", **_SMALL),
    "attention-lite": CaptionerConfig(
        "efficientnet_lite2",
        decoder="soft-attention",
        hidden_dim=384,
        dropout=0.4,
        epochs=10,
        learning_rate=1e-3,
        attention_penalty=0.1,
        **_ON_GRID,
    ),
    "adaptive-lite": CaptionerConfig(
        "efficientnet_lite2",
        decoder="adaptive",
        hidden_dim=384,
        dropout=0.4,
        epochs=10,
        learning_rate=1e-3,
        **_ON_GRID,
    ),
    "transformer-lite": CaptionerConfig(
        "efficientnet_lite2",
        decoder="transformer",
        hidden_dim=256,
        layers=3,
        dropout=0.2,
        epochs=12,
        learning_rate=6e-4,
        weight_decay=0.02,
        **_ON_GRID,
    ),
    "words-lite": CaptionerConfig(
        "efficientnet_lite2",
        decoder="words",
        hidden_dim=512,
        dropout=0.4,
        says_start=False,
        punctuation=False,
        min_count=6,
        epochs=14,
        batch_size=640,
        weight_decay=0.01,
        schedule="cosine",
        warmup=0.2,
        captions_together=True,
        views=2,
        learning_rate=2e-3,
    ),
}


def variant_config(name: str) -> CaptionerConfig:
    """The row of that name; UnknownName lists the others and the nearest."""
    if name not in VARIANTS:
        raise UnknownName.among("variant", name, VARIANTS)
    return VARIANTS[name]


def with_settings(config: C, settings: Iterable[str], other_names: Mapping[str, str] | None = None) -> C:
    """Apply "field=value" settings, each checked against the field's type.

    other_names: further names of fields, as older programs call them
    errors: BadSetting for a malformed one or a value of the wrong type, UnknownName for an unknown field
    """
    hints = get_type_hints(type(config))
    changes: dict[str, Any] = {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not equals:
            raise BadSetting(f"--set takes field=value, not {setting!r}.")
        name = (other_names or {}).get(name, name)
        if name not in hints:
            raise UnknownName.among("field", name, hints)
        changes[name] = _parse(name, text, hints[name])
    return replace(config, **changes)


def run_name(variant: str, config: Settings, row: Settings | None = None) -> str:
    """A name for a run: the variant, with the fields that differ from its row (default: that of VARIANTS)."""
    row = VARIANTS[variant] if row is None else row
    changed = [
        field.name for field in fields(config) if getattr(config, field.name) != getattr(row, field.name)
    ]
    return "-".join([variant, *(f"{name}={getattr(config, name)}" for name in changed)])


def _parse(name: str, text: str, hint: Any) -> Any:
    kinds = get_args(hint) or (hint,)
    if text.lower() in ("none", "null") and type(None) in kinds:
        return None
    kind = next(kind for kind in kinds if kind is not type(None))
    if kind is bool:
        if text.lower() not in ("true", "false"):
            raise BadSetting(f"{name} takes true or false, not {text!r}.")
        return text.lower() == "true"
    try:
        return kind(text)
    except ValueError:
        raise BadSetting(f"{name} takes a value of type {kind.__name__}, not {text!r}.") from None
