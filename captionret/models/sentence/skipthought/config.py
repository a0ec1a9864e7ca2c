"""Skip-thought encoders (Kiros et al. 2015), one row each: an encoder learns from predicting the sentences
around a sentence.

    python scripts/train_skipthought.py --list
    python scripts/train_skipthought.py --direction bi --data flickr8k:data/flickr8k --set hidden_dim=512

skip is the published one, for a corpus of books and a GPU for weeks; skip-lite is what two CPU cores train on
captions in minutes.
"""

from dataclasses import asdict, dataclass
from typing import Any

from ....config import check_fields
from ....errors import BadSetting, UnknownName
from ....word_vectors import DIMS as WORD_VECTOR_DIMS


@dataclass(frozen=True, slots=True)
class SkipThoughtConfig:
    """One row of SKIP_THOUGHTS: the encoder, its decoders, then how it is trained.

    direction:       "uni" (a GRU reads the sentence), "bi" (a second one reads it backwards, each of half the
                     size), or "combine": the codes of a uni and a bi one side by side
    word_dim:        of a word vector
    hidden_dim:      of a code; of each of the two in "combine"
    expansion:       the word vectors from which those of words outside the vocabulary are guessed; None:
                     these are <unk>
    max_words:       longer sentences are cut

    word_vectors:    what the word vectors begin with; None: small random values
    decoder_dim:     of a decoder's state; 0: as hidden_dim. The decoders are not part of a checkpoint
    code_norm:       the decoders read codes standardised over the batch. Else the first that an encoder
                     learns is to move all codes alike, as a bias of the decoders', and for long they hardly
                     differ
    vocabulary_size: at most so many words are known, the commonest
    min_count:       and only those that the training sentences hold this often
    dropout:         on word vectors and codes
    epochs, batch_size (in sentences), learning_rate, weight_decay, clip_norm, schedule, warmup, average: as
    for CaptionerConfig
    """

    direction: str = "uni"
    word_dim: int = 620
    hidden_dim: int = 2400
    expansion: str | None = "glove-50"
    max_words: int = 30

    word_vectors: str | None = None
    decoder_dim: int = 0
    code_norm: bool = False
    vocabulary_size: int = 20_000
    min_count: int = 1
    dropout: float = 0.0
    epochs: int = 5
    batch_size: int = 64
    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    clip_norm: float = 5.0
    schedule: str = "constant"
    warmup: float = 0.0
    average: float = 0.0

    def __post_init__(self) -> None:
        check_fields(self, CHOICES, AT_LEAST, ("dropout", "warmup", "average"))
        if self.word_vectors and self.word_dim != WORD_VECTOR_DIMS[self.word_vectors]:
            raise BadSetting(
                f"{self.word_vectors} has {WORD_VECTOR_DIMS[self.word_vectors]} dimensions, word_dim is "
                f"{self.word_dim}. Make them equal."
            )
        if self.direction != "uni" and self.hidden_dim % 2:
            raise BadSetting(
                f"hidden_dim {self.hidden_dim} is not even: the two directions have half of it each."
            )

    @property
    def parts(self) -> tuple[str, ...]:
        """The directions of its encoders."""
        return ("uni", "bi") if self.direction == "combine" else (self.direction,)

    @property
    def dim(self) -> int:
        """The size of what `encode` gives."""
        return self.hidden_dim * len(self.parts)

    def to_json(self) -> dict[str, Any]:
        """Its fields."""
        return asdict(self)


CHOICES: dict[str, tuple[str | None, ...]] = {
    "direction": ("uni", "bi", "combine"),
    "expansion": (None, *WORD_VECTOR_DIMS),
    "word_vectors": (None, *WORD_VECTOR_DIMS),
    "schedule": ("constant", "cosine"),
}
AT_LEAST = {
    **dict.fromkeys(("word_dim", "hidden_dim", "max_words", "vocabulary_size", "min_count", "epochs"), 1),
    "decoder_dim": 0,
    "batch_size": 2,
}
# The fields that change a code; the others matter only while training.
ENCODING_FIELDS = ("direction", "word_dim", "hidden_dim", "expansion", "max_words")

SKIP_THOUGHTS: dict[str, SkipThoughtConfig] = {
    "skip": SkipThoughtConfig(),
    "skip-lite": SkipThoughtConfig(
        word_dim=50,
        hidden_dim=512,
        word_vectors="glove-50",
        decoder_dim=192,
        code_norm=True,
        min_count=5,
        epochs=3,
        schedule="cosine",
        warmup=0.05,
        learning_rate=2e-3,
    ),
}


def skipthought_config(name: str) -> SkipThoughtConfig:
    """The row of that name; UnknownName lists the others and the nearest."""
    if name not in SKIP_THOUGHTS:
        raise UnknownName.among("skip-thought encoder", name, SKIP_THOUGHTS)
    return SKIP_THOUGHTS[name]
