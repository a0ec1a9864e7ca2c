"""The settings of an embedding space of images and sentences; the spaces, one row each, stand in rows.py."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import inf

from ...config import TrainingConfig, setting
from ...word_vectors import DIMS as WORD_VECTOR_DIMS
from ..record import Kind
from ..sentence import MINILM_DIM
from ..vision.rows import BACKBONES, PRECOMPUTED, TIMM

LEAST_WORD = 0.01  # words that are less probable of a picture are not read
LEAST_VARIANCE = 1e-4  # of what is standardised: of a word that hardly any picture has, little is known
FROZEN_WORDS = ("glove", "glove-idf")
WORD_PARTS = ("bow", "gru", "lstm")
FROZEN_CODES = "minilm-frozen"
CODE_PARTS = ("minilm", FROZEN_CODES, "skipthought")  # frozen encoders
PAIR_LOSSES = (
    "sum-of-hinges",
    "sampled-hinges",
    "hardest",
    "semi-hard",
    "triples",
    "triples-hard",
    "info-nce",
)
LABEL_LOSSES = ("hinge-rank", "cosine", "label-softmax")
SENTENCE_TOWERS = (
    *WORD_PARTS,
    "minilm",
    *(f"minilm+{part}" for part in WORD_PARTS),
    FROZEN_CODES,
    "skipthought",
    *FROZEN_WORDS,
)


@dataclass(frozen=True)
class EmbeddingConfig(TrainingConfig):
    """One row of EMBEDDING_MODELS: the two towers, the loss, then how it is trained.

    backbone:       whose pooled features the image tower reads; "precomputed" for those that a `vse:`
                    collection brings
    feature_dim:    of precomputed features; a backbone's is its own
    image_tower:    "linear"; "dense": Dense, batch norm, ReLU, dropout, Dense, batch norm; or "shortcut": on
                    standardised features Dense, ReLU, Dense, and beside them a matrix
    image_hidden:   of "dense" and "shortcut"
    image_bias:     of "linear"
    image_dropout:  of "linear": on the features; of "dense": before its last layer; of "shortcut": both
    picture_words:  ("shortcut") the tower also reads how probable each word of the vocabulary is of the
                    picture, by a lexical head, where that is known
    without_words:  share of the pictures whose words are left out in training
    features_as:    "raw", "unit" (rows of length 1) or "root" (the square root with its sign: a few large
                    ones no longer rule)
    unit_in_training: whether images have length 1 in training, too; they always have when encoded, and
                      sentences always
    sentence_tower: "bow" (the sum of word vectors), "gru", "lstm"; "minilm", a frozen sentence transformer
                    with a linear map, alone or added to one of those, or "minilm-frozen", without a map;
                    "skipthought", a frozen encoder of one's own with a linear map; "glove", the mean of
                    frozen word vectors, or "glove-idf", weighted by idf: nothing to learn
    skipthought:    directory of the skip-thought encoder; it may move together with the space's own.
                    skipthought_sha256, its fingerprint, and code_dim, the size of its codes, are noted in
                    training: no other one is taken in its place
    word_states:    of "gru" and "lstm": what of their states is the sentence, "last" as published, "mean" or
                    "max" over the words
    bidirectional:  (gru, lstm) read the sentence backwards, too; the mean of both
    dim:            of the space
    word_dim:       of a word vector
    word_vectors:   frozen, of the glove towers; for the others what the word vectors begin with, None:
                    uniform in -0.1 to 0.1
    word_dropout:   share of the words that are read as unknown ones in training
    sentence_dropout: on word vectors and codes
    min_count:      a word is known if the training captions hold it this often
    max_words:      longer sentences are cut

    loss:           a name of LOSSES
    first_loss, first_epochs: another loss to begin with, for so many epochs: from untrained towers "hardest"
                              draws all vectors together
    margin:         of all losses but cosine and info-nce
    negatives:      of "sampled-hinges": negatives for each pair
    temperature:    of "label-softmax"; of "info-nce", what it begins with, learned unless temperature_fixed
    targets:        what an image is drawn to: its "captions", its "labels", or the commonest "nouns" of the
                    training captions
    label_count, unseen: of "nouns": how many are labels, and how many of these, the rarest, are never a
                         target

    epochs, batch_size (in pairs), learning_rate, weight_decay, clip_norm, schedule, warmup, average: as for
    CaptionerConfig
    optimizer:      "adam", "sgd" (momentum 0.9) or "nesterov" (the same with Nesterov's)
    views:          cached crops and flips to pick from in training; 1 is the whole picture only
    validate_every: so many updates; 0: once an epoch
    """

    backbone: str = setting(
        "efficientnet_lite2", choices=(*BACKBONES, PRECOMPUTED), also=TIMM, values_were={PRECOMPUTED: "given"}
    )
    feature_dim: int = setting(0, at_least=0, elsewhere="dim_image")
    image_tower: str = setting("linear", choices=("linear", "dense", "shortcut"))
    image_hidden: int = setting(2000, at_least=1)
    image_bias: bool = setting(True)
    image_dropout: float = setting(0.0, at_least=0, below=1, training=True)
    picture_words: bool = setting(False, since=("picture_words",))
    without_words: float = setting(0.1, at_least=0, below=1, training=True)
    features_as: str = setting("raw", choices=("raw", "unit", "root"))
    unit_in_training: bool = setting(True, training=True)
    sentence_tower: str = setting("gru", choices=SENTENCE_TOWERS, elsewhere="encoder")
    # only where it lies: what counts is its fingerprint
    skipthought: str | None = setting(None, training=True)
    skipthought_sha256: str | None = setting(None, since=("skipthought_sha256",))
    code_dim: int = setting(MINILM_DIM, at_least=1, since=("skipthought_sha256",))
    word_states: str = setting(
        "last", choices=("last", "mean", "max"), since=("word_states", "bidirectional")
    )
    bidirectional: bool = setting(False, was="both_ways", since=("word_states", "bidirectional"))
    dim: int = setting(1024, at_least=1)
    word_dim: int = setting(300, at_least=1, elsewhere="dim_word")
    word_vectors: str | None = setting(None, choices=(None, *WORD_VECTOR_DIMS))
    word_dropout: float = setting(0.0, at_least=0, below=1, training=True)
    sentence_dropout: float = setting(0.0, at_least=0, below=1, training=True)
    min_count: int = setting(1, at_least=1, training=True)
    max_words: int = setting(40, at_least=1, elsewhere="maxlen_w")

    loss: str = setting("sum-of-hinges", choices=(*PAIR_LOSSES, *LABEL_LOSSES), training=True)
    first_loss: str | None = setting(None, choices=(None, *PAIR_LOSSES), training=True)
    first_epochs: int = setting(0, at_least=0, training=True)
    margin: float = setting(0.2, above=0, below=inf, training=True)
    negatives: int = setting(50, at_least=1, training=True, was="contrastive", elsewhere="ncon")
    temperature: float = setting(0.05, above=0, below=inf, training=True)
    temperature_fixed: bool = setting(False, training=True)
    targets: str = setting("captions", choices=("captions", "labels", "nouns"), training=True)
    label_count: int = setting(200, at_least=2, training=True)
    unseen: int = setting(40, at_least=0, training=True)

    epochs: int = setting(15, at_least=1, training=True, elsewhere="max_epochs")
    batch_size: int = setting(128, at_least=2, training=True)
    learning_rate: float = setting(2e-4, above=0, below=inf, training=True)
    clip_norm: float = setting(2.0, above=0, training=True, elsewhere="grad_clip")
    views: int = setting(1, at_least=1, training=True)
    validate_every: int = setting(0, at_least=0, training=True, elsewhere="validFreq")

    def rules(self) -> Iterator[tuple[bool, str]]:
        """See Config.rules."""
        yield (
            self.targets != "captions" and self.loss not in LABEL_LOSSES,
            f"{self.loss} compares with captions, not with {self.targets}. Choose one of "
            f"{', '.join(LABEL_LOSSES)}.",
        )
        recurrent = bool(set(self.sentence_parts) & {"gru", "lstm"})
        yield (
            (self.bidirectional or self.word_states != "last") and not recurrent,
            "word_states and bidirectional are of gru and lstm, the sentence tower is "
            f"{self.sentence_tower}. Leave them out.",
        )
        yield (
            bool(self.first_loss) != bool(self.first_epochs),
            "first_loss and first_epochs belong together: which loss to begin with, and for how long.",
        )
        yield (
            self.first_loss is not None and self.targets != "captions",
            f"first_loss compares with captions, not with {self.targets}. Leave it out.",
        )
        yield (
            self.targets == "nouns" and self.unseen >= self.label_count,
            f"unseen must be below label_count {self.label_count}, not {self.unseen}: the others are what is "
            "learned.",
        )
        yield from self._rules_of_sizes()

    def _rules_of_sizes(self) -> Iterator[tuple[bool, str]]:
        yield (
            bool(set(self.sentence_parts) & {"minilm", FROZEN_CODES}) and self.code_dim != MINILM_DIM,
            f"The frozen sentence transformer's codes have {MINILM_DIM} dimensions, code_dim is "
            f"{self.code_dim}.",
        )
        yield (
            self.picture_words and self.image_tower != "shortcut",
            f"picture_words are read by the image tower shortcut, not by {self.image_tower}. Set "
            "image_tower=shortcut.",
        )
        yield (
            self.frozen_words and self.word_vectors is None,
            f"The sentence tower {self.sentence_tower} needs word vectors. Set word_vectors=glove-50.",
        )
        size = WORD_VECTOR_DIMS[self.word_vectors] if self.word_vectors else self.word_dim
        yield (
            self.word_dim != size,
            f"{self.word_vectors} has {size} dimensions, word_dim is {self.word_dim}. Make them equal.",
        )
        yield (
            ("bow" in self.sentence_parts or self.frozen_words) and self.dim != self.word_dim,
            f"{self.sentence_tower} adds word vectors up, so the space has their size: dim is {self.dim}, "
            f"word_dim {self.word_dim}. Make them equal.",
        )
        frozen = self.sentence_tower == FROZEN_CODES
        yield (
            frozen and self.dim != self.code_dim,
            f"{FROZEN_CODES} has no map, so the space has the codes' size: dim is {self.dim}, code_dim "
            f"{self.code_dim}.",
        )
        yield (
            self.targets != "captions" and not (self.frozen_words or frozen),
            f"Labels are words with vectors: targets={self.targets} needs sentence_tower=glove, glove-idf or "
            f"{FROZEN_CODES}, not {self.sentence_tower}.",
        )

    @property
    def sentence_parts(self) -> tuple[str, ...]:
        """The parts whose vectors are added up: ("minilm", "bow")."""
        return tuple(self.sentence_tower.split("+"))

    def loss_in(self, epoch: int) -> str:
        """The loss of an epoch, counted from 0."""
        return self.first_loss if self.first_loss and epoch < self.first_epochs else self.loss

    @property
    def frozen_words(self) -> bool:
        """Whether a sentence is nothing but its words' frozen vectors."""
        return self.sentence_tower in FROZEN_WORDS

    @property
    def mode(self) -> str:
        """The mode of retrieval that compares in such a space."""
        if self.frozen_words:
            return "glove-map" if self.sentence_tower == "glove-idf" else "devise"
        if self.targets != "captions":
            return "devise"
        if "skipthought" in self.sentence_parts:
            return "skip-thoughts"
        # a frozen sentence encoder with a contrastive loss is not VSE (Kiros et al. 2014)
        return "embedding" if set(self.sentence_parts) & set(CODE_PARTS) else "vse"

    @property
    def image_dim(self) -> int:
        """The size of the features that are read."""
        return self.feature_dim if self.backbone == PRECOMPUTED else BACKBONES[self.backbone].dim


EMBEDDING = Kind("embedding space", EmbeddingConfig, "train-embedding")
