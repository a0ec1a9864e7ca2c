"""Training a skip-thought encoder: it reads a sentence, and two decoders tell the sentences before and after
it from the code alone."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pack_padded_sequence

from ..datasets import Dataset
from ..errors import BadSetting
from ..models.checkpoint import Checkpoint, read_checkpoint, save_checkpoint
from ..models.record import add_training
from ..models.sentence.skipthought.config import SKIPTHOUGHT, SkipThoughtConfig
from ..models.sentence.skipthought.encoder import SkipThoughtEncoder, combined, make_encoders
from ..word_vectors import load_word_vectors
from .batches import by_length
from .loop import Fit, FitConfig, check_patience_and_seed
from .neighbours import NeighbourData, commonest, encoded, training_passages

Keep = Callable[[nn.Module, list[dict[str, float]]], None]
NO_BACKBONE = {"name": "none", "sha256": ""}


class SkipThoughtDecoder(nn.Module):
    """A GRU that says a sentence, with the code of its neighbour in every gate of every step (Kiros et al.
    2015, eq. 5 to 9)."""

    def __init__(self, config: SkipThoughtConfig) -> None:
        super().__init__()
        size = config.decoder_dim or config.hidden_dim
        self.words = nn.Linear(config.word_dim, 3 * size)
        self.code = nn.Linear(config.hidden_dim, 3 * size, bias=False)
        self.state = nn.Linear(size, 3 * size)
        for block in self.state.weight.data.chunk(3):
            nn.init.orthogonal_(block)

    def forward(self, vectors: Tensor, codes: Tensor, sizes: Sequence[int]) -> Tensor:
        """The state before each word that has to be told, (N, S).

        vectors: (N, W) of the words before, those of all sentences' first step first: packed, the longest
                 sentence first
        codes:   (B, H), in the order of the packed sentences; sizes: how many of them go on at each step, sum
                 N
        """
        words, code = self.words(vectors), self.code(codes)
        state = code.new_zeros(len(code), self.state.in_features)
        states = []
        for step in words.split(list(sizes)):
            read, update, new = (step + code[: len(step)]).chunk(3, 1)
            state = state[: len(step)]
            read_by_state, update_by_state, new_by_state = self.state(state).chunk(3, 1)
            candidate = torch.tanh(new + torch.sigmoid(read + read_by_state) * new_by_state)
            state = torch.lerp(candidate, state, torch.sigmoid(update + update_by_state))
            states.append(state)
        return torch.cat(states)


class SkipThoughtNetwork(nn.Module):
    """The encoder with both decoders. They share its word vectors, and one map to the words to be said."""

    def __init__(self, config: SkipThoughtConfig, vocabulary_size: int) -> None:
        super().__init__()
        self.encoders = make_encoders(config, vocabulary_size)
        self.tellers = nn.ModuleList(SkipThoughtDecoder(config) for _ in ("before", "after"))
        self.output = nn.Linear(config.decoder_dim or config.hidden_dim, vocabulary_size)
        self.dropout = nn.Dropout(config.dropout)
        self.norm = nn.BatchNorm1d(config.hidden_dim, affine=False) if config.code_norm else nn.Identity()

    @property
    def encoder(self) -> SkipThoughtEncoder:
        """The only encoder: a combined one is never trained as such."""
        (encoder,) = self.encoders.values()
        assert isinstance(encoder, SkipThoughtEncoder)
        return encoder

    def forward(
        self, tokens: Tensor, lengths: Tensor, told: Sequence[tuple[Tensor, Tensor, Tensor]]
    ) -> tuple[Tensor, int]:
        """The summed negative log-likelihood of all neighbours, and of how many words (<end> counts as one).

        tokens: (B, T) int64, the words of each sentence; lengths: (B,)
        told:   before, then after: which of the B sentences have this neighbour, (K,), its tokens with
                <start> and <end>, (K, T'), and how many words have to be told of each, (K,), on the CPU
        """
        # (B, H)
        codes = self.dropout(self.norm(self.encoder(self.dropout(self.encoder.embed(tokens)), lengths)))
        states, targets = [], []
        for teller, (rows, neighbours, counts) in zip(self.tellers, told, strict=True):
            if not len(rows):
                continue
            packed = pack_padded_sequence(neighbours[:, :-1], counts, batch_first=True, enforce_sorted=False)
            vectors = self.dropout(self.encoder.embed(packed.data))
            assert packed.sorted_indices is not None
            states.append(teller(vectors, codes[rows[packed.sorted_indices]], packed.batch_sizes.tolist()))
            targets.append(
                pack_padded_sequence(neighbours[:, 1:], counts, batch_first=True, enforce_sorted=False).data
            )
        said = torch.cat(targets)
        return F.cross_entropy(self.output(self.dropout(torch.cat(states))), said, reduction="sum"), len(said)


class NeighbourTask:
    """The fit loop's task: tell each sentence's neighbours."""

    criterion = "log_likelihood"

    def __init__(
        self,
        module: SkipThoughtNetwork,
        config: SkipThoughtConfig,
        train: NeighbourData,
        val: NeighbourData,
        seed: int,
        keep: Keep,
    ) -> None:
        self.module: nn.Module = module
        self.rates: dict[str, float] = {}
        self.config, self.train, self.val, self.seed, self.keep = config, train, val, seed, keep
        self.device = next(module.parameters()).device

    def batches(self, epoch: int) -> Sequence[tuple[np.ndarray, np.ndarray]]:
        """(sentences (B,), their neighbours (B, 2)), of nearly equal lengths, in random order."""
        return self._batches(self.train, np.random.default_rng([self.seed, epoch]))

    def _batches(
        self, data: NeighbourData, random: np.random.Generator
    ) -> list[tuple[np.ndarray, np.ndarray]]:
        neighbours = data.neighbours(random)
        rows = np.flatnonzero((neighbours >= 0).any(1))
        chosen = (rows[batch] for batch in by_length(data.lengths[rows], self.config.batch_size, random))
        return [(batch, neighbours[batch]) for batch in chosen]

    def loss(self, batch: tuple[np.ndarray, np.ndarray]) -> Tensor:
        """-log p(before) - log p(after), the mean over sentences."""
        total, _ = self._told(self.module, self.train, batch)
        return total / len(batch[0])

    def _told(
        self, module: Any, data: NeighbourData, batch: tuple[np.ndarray, np.ndarray]
    ) -> tuple[Tensor, int]:
        rows, neighbours = batch
        lengths = data.lengths[rows]
        tokens = data.tokens[rows, 1 : lengths.max() + 1].astype(np.int64)
        tokens[np.arange(tokens.shape[1]) >= lengths[:, None]] = 0  # <end> is not read
        told = []
        for side in neighbours.T:
            some = np.flatnonzero(side >= 0)
            counts = data.lengths[side[some]] + 1
            texts = data.tokens[side[some], : counts.max(initial=0) + 1].astype(np.int64)
            told.append((self._tensor(some), self._tensor(texts), torch.from_numpy(counts)))
        return module(self._tensor(tokens), self._tensor(lengths), told)

    def _tensor(self, values: np.ndarray) -> Tensor:
        return torch.from_numpy(values).to(self.device)

    def validate(self, module: Any) -> dict[str, float]:
        """How likely a word of a neighbour is: the mean log-probability, and the perplexity that it amounts
        to."""
        total, count = 0.0, 0
        for batch in self._batches(self.val, np.random.default_rng(0)):
            loss, said = self._told(module, self.val, batch)
            total, count = total + loss.item(), count + said
        return {"log_likelihood": -total / count, "perplexity": float(np.exp(total / count))}


@dataclass(frozen=True)
class SkipThoughtRun:
    """What to train and where to put it.

    name:     the row of SKIP_THOUGHTS
    also:     further collections that are trained on; what is validated on is the first one's alone
    command:  what reproduces it, for the card
    patience: stop after so many epochs that were no better
    half:     store the weights as float16
    """

    name: str
    config: SkipThoughtConfig
    dataset: Dataset
    out: Path
    also: tuple[Dataset, ...] = ()
    seed: int = 0
    patience: int = 3
    command: str = ""
    progress: bool = True
    half: bool = False

    def __post_init__(self) -> None:
        check_patience_and_seed(self.patience, self.seed)
        if self.config.direction == "combine":
            raise BadSetting(
                "A combined encoder is not trained: train one of direction uni and one of direction bi, and "
                "combine them."
            )


def train_skipthought(
    run: SkipThoughtRun, device: torch.device, resume: bool = False
) -> Checkpoint[SkipThoughtConfig]:
    """Train, keep the encoder of the epoch that tells the val split's neighbours best, and save it to
    run.out."""
    train, val, held_out = training_passages(run.dataset, run.also)
    vocabulary = commonest(train, run.config.vocabulary_size, run.config.min_count)
    torch.manual_seed(run.seed)
    network = SkipThoughtNetwork(run.config, len(vocabulary)).to(device)
    facts: dict[str, Any] = {
        "data": " and ".join(dataset.spec for dataset in (run.dataset, *run.also)),
        "sentences": sum(len(one.sentences) for one in train),
        "validated_on": held_out,
        "seed": run.seed,
        "command": run.command,
    }
    if run.config.word_vectors is not None:
        matrix, facts["words_without_vector"] = load_word_vectors(run.config.word_vectors).matrix(vocabulary)
        network.encoder.begin_with(torch.from_numpy(matrix))

    def keep(module: Any, history: list[dict[str, float]]) -> None:
        training = {
            **facts,
            "history": history,
            "best_epoch": len(history),
            "seconds": history[-1]["seconds"],
        }
        tensors = module.encoders.state_dict()
        checkpoint = Checkpoint(
            run.name, run.config, vocabulary, NO_BACKBONE, tensors, training, kind=SKIPTHOUGHT.name
        )
        save_checkpoint(run.out, checkpoint, torch.float16 if run.half else torch.float32)

    data = [encoded(found, vocabulary, run.config.max_words) for found in (train, val)]
    task = NeighbourTask(network, run.config, data[0], data[1], run.seed, keep)
    identity = {"model": run.name, **run.config.to_json(), **facts}
    del identity["command"]
    names = ("epochs", "learning_rate", "weight_decay", "clip_norm", "schedule", "warmup", "average")
    settings = {name: getattr(run.config, name) for name in names}
    fit_config = FitConfig(**settings, patience=run.patience, seed=run.seed, precision="float32")
    progress = Fit(task, fit_config, run.out / "training", identity, resume, run.progress).run()
    add_training(run.out, {"history": progress.history, "seconds": progress.seconds})
    return read_checkpoint(run.out, SKIPTHOUGHT)


def combine(
    uni: Path, bi: Path, out: Path, command: str = "", half: bool = False
) -> Checkpoint[SkipThoughtConfig]:
    """Save two trained encoders as one, with all they need; errors: see read_checkpoint and combined."""
    parts = [read_checkpoint(path, SKIPTHOUGHT) for path in (uni, bi)]
    checkpoint = combined(*parts)
    checkpoint.training.update(
        parts=[str(path) for path in (uni, bi)],
        seconds=sum(part.training["seconds"] for part in parts),
        command=command,
    )
    save_checkpoint(out, checkpoint, torch.float16 if half else torch.float32)
    return read_checkpoint(out, SKIPTHOUGHT)
