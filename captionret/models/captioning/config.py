"""Every captioner, one row each. A new variant is one line here and no other edit.

    captionret train-captioner --list
    captionret train-captioner --variant model2-lite --set hidden_dim=256

model1 to model5 are the published ones. Their *lite* twins differ in the backbone, whose weights are
installed with the requirements, and are trained longer and with dropout, since the collections at hand are a
tenth of COCO's size.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import inf
from typing import Any

from ...config import Registry, TrainingConfig, setting
from ...word_vectors import DIMS as WORD_VECTOR_DIMS
from ..record import DEFAULT_KIND, Kind
from ..vision.rows import BACKBONES, TIMM

MAX_LENGTH = 64  # of a caption that the Transformer reads or generates, in tokens
DECODERS = ("lstm", "soft-attention", "adaptive", "transformer")


@dataclass(frozen=True)
class CaptionerConfig(TrainingConfig):
    """One row of VARIANTS: the network, then how it is trained.

    decoder:        "lstm" reads the pooled feature; "soft-attention", "adaptive" and "transformer" the grid.
    embed_dim:      size of a word vector (E); with word_vectors, theirs
    hidden_dim:     size of the LSTM's state, or of the Transformer's residual stream (H)
    layers:         of the decoder
    heads:          attention heads of the Transformer
    word_vectors:   frozen word vectors: "glove-50" (GloVe 6B, installed), "glove-300" and others (from
                    `download.sh`); None: learned
    dropout:        on the decoder's input, between its layers and before its output
    predict_bos:     (LSTM) trained to say <start> first, right after the image, as the published models were
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

    backbone: str = setting(choices=BACKBONES, also=TIMM)
    decoder: str = setting("lstm", choices=DECODERS)
    embed_dim: int = setting(256, at_least=1)
    hidden_dim: int = setting(512, at_least=1)
    layers: int = setting(1, at_least=1)
    heads: int = setting(4, at_least=1)
    word_vectors: str | None = setting(None, choices=(None, *WORD_VECTOR_DIMS))
    dropout: float = setting(0.0, at_least=0, below=1, training=True)
    predict_bos: bool = setting(True, was="says_start")
    punctuation: bool = setting(True)
    min_count: int = setting(4, at_least=1, training=True)
    max_words: int = setting(20, at_least=1)
    length_penalty: float = setting(0.0, at_least=0, below=inf)
    constraints: bool = setting(False, since=("constraints",))

    label_smoothing: float = setting(0.0, at_least=0, below=1, training=True)
    captions_together: bool = setting(False, training=True)
    views: int = setting(1, at_least=1, training=True)
    attention_penalty: float = setting(0.0, at_least=0, below=inf, training=True)
    scheduled_sampling: float = setting(0.0, at_least=0, below=1, training=True)

    def rules(self) -> Iterator[tuple[bool, str]]:
        """See Config.rules."""
        size = WORD_VECTOR_DIMS[self.word_vectors] if self.word_vectors else self.embed_dim
        yield (
            self.embed_dim != size,
            f"{self.word_vectors} has {size} dimensions, embed_dim is {self.embed_dim}. Make them equal.",
        )
        yield (
            self.attention_penalty > 0 and self.decoder != "soft-attention",
            f"attention_penalty is of soft attention, the decoder is {self.decoder}. Leave it at 0.",
        )
        transformer = self.decoder == "transformer"
        yield (
            transformer and self.hidden_dim % self.heads > 0,
            f"hidden_dim {self.hidden_dim} is not a multiple of heads {self.heads}.",
        )
        # it reads <start> in any case; searching would try an untrained word
        yield (
            self.decoder != "lstm" and self.predict_bos,
            f"The decoder {self.decoder} begins after <start> and never learns to predict it. Set "
            "predict_bos=false.",
        )
        yield (
            transformer and self.max_words > MAX_LENGTH,
            f"The Transformer has positions for captions of {MAX_LENGTH} words, max_words is "
            f"{self.max_words}.",
        )

    @property
    def feature(self) -> str:
        """Which of the backbone's outputs the decoder reads: "pooled" or "grid"."""
        return "pooled" if self.decoder == "lstm" else "grid"


CAPTIONER = Kind(DEFAULT_KIND, CaptionerConfig, "train-captioner", row="variant")

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
    "predict_bos": False,
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

VARIANTS: Registry[CaptionerConfig] = Registry(
    "variant",
    {
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
    },
)
