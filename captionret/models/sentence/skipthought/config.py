"""Skip-thought encoders (Kiros et al. 2015), one row each: an encoder learns from predicting the sentences
around a sentence.

    captionret train-skipthought --list
    captionret train-skipthought --direction bi --data flickr8k:data/flickr8k --set hidden_dim=512

skip is the published one, for a corpus of books and a GPU for weeks; skip-lite is what two CPU cores train on
captions in minutes.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from ....config import Registry, TrainingConfig, setting
from ....word_vectors import DIMS as WORD_VECTOR_DIMS
from ...record import Kind


@dataclass(frozen=True)
class SkipThoughtConfig(TrainingConfig):
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

    direction: str = setting("uni", choices=("uni", "bi", "combine"))
    word_dim: int = setting(620, at_least=1)
    hidden_dim: int = setting(2400, at_least=1)
    expansion: str | None = setting("glove-50", choices=(None, *WORD_VECTOR_DIMS))
    max_words: int = setting(30, at_least=1)

    word_vectors: str | None = setting(None, choices=(None, *WORD_VECTOR_DIMS), training=True)
    decoder_dim: int = setting(0, at_least=0, training=True)
    code_norm: bool = setting(False, training=True)
    vocabulary_size: int = setting(20_000, at_least=1, training=True)
    min_count: int = setting(1, at_least=1, training=True)
    dropout: float = setting(0.0, at_least=0, below=1, training=True)
    batch_size: int = setting(64, at_least=2, training=True)

    def rules(self) -> Iterator[tuple[bool, str]]:
        """See Config.rules."""
        size = WORD_VECTOR_DIMS[self.word_vectors] if self.word_vectors else self.word_dim
        yield (
            self.word_dim != size,
            f"{self.word_vectors} has {size} dimensions, word_dim is {self.word_dim}. Make them equal.",
        )
        yield (
            self.direction != "uni" and self.hidden_dim % 2 > 0,
            f"hidden_dim {self.hidden_dim} is not even: the two directions have half of it each.",
        )

    @property
    def parts(self) -> tuple[str, ...]:
        """The directions of its encoders."""
        return ("uni", "bi") if self.direction == "combine" else (self.direction,)

    @property
    def dim(self) -> int:
        """The size of what `encode` gives."""
        return self.hidden_dim * len(self.parts)


SKIPTHOUGHT = Kind("skip-thought encoder", SkipThoughtConfig, "train-skipthought", reads_pictures=False)

SKIP_THOUGHTS: Registry[SkipThoughtConfig] = Registry(
    "skip-thought encoder",
    {
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
    },
)
