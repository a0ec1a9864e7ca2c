"""Training a skip-thought encoder: it reads a sentence, and two decoders predict the sentences before and
after it from the code alone."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pack_padded_sequence

from ..config import setting
from ..models.card import write_card
from ..models.checkpoint import Checkpoint, read_checkpoint, save_checkpoint
from ..models.sentence.skipthought.config import SKIPTHOUGHT, SkipThoughtConfig
from ..models.sentence.skipthought.encoder import combined
from ..models.sentence.skipthought.network import SkipThoughtEncoder, make_encoders
from ..models.vision.backbones import Backbone
from ..word_vectors import load_word_vectors
from .neighbours import NeighbourData, commonest, encoded, training_passages
from .run import Prepared, Run
from .task import Task, by_length


class SkipThoughtDecoder(nn.Module):
    """A GRU that predicts a sentence, with the code of its neighbour in every gate of every step (Kiros et
    al. 2015, eq. 5 to 9)."""

    def __init__(self, config: SkipThoughtConfig) -> None:
        super().__init__()
        size = config.decoder_dim or config.hidden_dim
        self.words = nn.Linear(config.word_dim, 3 * size)
        self.code = nn.Linear(config.hidden_dim, 3 * size, bias=False)
        self.state = nn.Linear(size, 3 * size)
        for block in self.state.weight.data.chunk(3):
            nn.init.orthogonal_(block)

    def forward(self, vectors: Tensor, codes: Tensor, sizes: Sequence[int]) -> Tensor:
        """The state before each word that is predicted, (N, S).

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
    """The encoder with both decoders. They share its word vectors, and one map to the words they predict."""

    def __init__(self, config: SkipThoughtConfig, vocabulary_size: int) -> None:
        super().__init__()
        self.encoders = make_encoders(config, vocabulary_size)
        self.decoders = nn.ModuleList(SkipThoughtDecoder(config) for _ in ("before", "after"))
        self.output = nn.Linear(config.decoder_dim or config.hidden_dim, vocabulary_size)
        self.dropout = nn.Dropout(config.dropout)
        self.norm = nn.BatchNorm1d(config.hidden_dim, affine=False) if config.code_norm else nn.Identity()

    def kept(self) -> dict[str, Tensor]:
        """What of it is saved: not the decoders."""
        return self.encoders.state_dict()

    @property
    def encoder(self) -> SkipThoughtEncoder:
        """The only encoder: a combined one is never trained as such."""
        (encoder,) = self.encoders.values()
        assert isinstance(encoder, SkipThoughtEncoder)
        return encoder

    def forward(
        self, tokens: Tensor, lengths: Tensor, neighbours: Sequence[tuple[Tensor, Tensor, Tensor]]
    ) -> tuple[Tensor, int]:
        """The summed negative log-likelihood of all neighbours, and of how many words (<end> counts as one).

        tokens: (B, T) int64, the words of each sentence; lengths: (B,)
        neighbours: before, then after: which of the B sentences have this neighbour, (K,), its tokens with
                    <start> and <end>, (K, T'), and how many words of each are predicted, (K,), on the CPU
        """
        # (B, H)
        codes = self.dropout(self.norm(self.encoder(self.dropout(self.encoder.embed(tokens)), lengths)))
        states, targets = [], []
        for decoder, (rows, texts, counts) in zip(self.decoders, neighbours, strict=True):
            if not len(rows):
                continue
            packed = pack_padded_sequence(texts[:, :-1], counts, batch_first=True, enforce_sorted=False)
            vectors = self.dropout(self.encoder.embed(packed.data))
            assert packed.sorted_indices is not None
            states.append(decoder(vectors, codes[rows[packed.sorted_indices]], packed.batch_sizes.tolist()))
            targets.append(
                pack_padded_sequence(texts[:, 1:], counts, batch_first=True, enforce_sorted=False).data
            )
        words = torch.cat(targets)
        logits = self.output(self.dropout(torch.cat(states)))
        return F.cross_entropy(logits, words, reduction="sum"), len(words)


class NeighbourTask(Task[SkipThoughtConfig, NeighbourData]):
    """The fit loop's task: predict each sentence's neighbours."""

    criterion = "log_likelihood"

    def whole_epoch(self, random: np.random.Generator) -> list[tuple[np.ndarray, np.ndarray]]:
        """(sentences (B,), their neighbours (B, 2)), of nearly equal lengths, in random order."""
        return self._batches(self.train, random)

    def _batches(
        self, data: NeighbourData, random: np.random.Generator
    ) -> list[tuple[np.ndarray, np.ndarray]]:
        neighbours = data.neighbours(random)
        rows = np.flatnonzero((neighbours >= 0).any(1))
        chosen = (rows[batch] for batch in by_length(data.lengths[rows], self.config.batch_size, random))
        return [(batch, neighbours[batch]) for batch in chosen]

    def loss(self, batch: tuple[np.ndarray, np.ndarray]) -> Tensor:
        """-log p(before) - log p(after), the mean over sentences."""
        total, _ = self._predicted(self.module, self.train, batch)
        return total / len(batch[0])

    def _predicted(
        self, module: Any, data: NeighbourData, batch: tuple[np.ndarray, np.ndarray]
    ) -> tuple[Tensor, int]:
        rows, neighbours = batch
        lengths = data.lengths[rows]
        tokens = data.tokens[rows, 1 : lengths.max() + 1].astype(np.int64)
        tokens[np.arange(tokens.shape[1]) >= lengths[:, None]] = 0  # <end> is not read
        sides = []
        for side in neighbours.T:
            some = np.flatnonzero(side >= 0)
            counts = data.lengths[side[some]] + 1
            texts = data.tokens[side[some], : counts.max(initial=0) + 1].astype(np.int64)
            sides.append((self._tensor(some), self._tensor(texts), torch.from_numpy(counts)))
        loss: tuple[Tensor, int] = module(self._tensor(tokens), self._tensor(lengths), sides)
        return loss

    def _tensor(self, values: np.ndarray) -> Tensor:
        return torch.from_numpy(values).to(self.device)

    def validate(self, module: Any) -> dict[str, float]:
        """How likely a word of a neighbour is: the mean log-probability, and the perplexity that it amounts
        to."""
        total, count = 0.0, 0
        for batch in self._batches(self.val, np.random.default_rng(0)):
            loss, words = self._predicted(module, self.val, batch)
            total, count = total + loss.item(), count + words
        return {"log_likelihood": -total / count, "perplexity": float(np.exp(total / count))}


@dataclass(frozen=True)
class SkipThoughtRun(Run[SkipThoughtConfig]):
    """The training of a skip-thought encoder; `name` is a row of SKIP_THOUGHTS. The epoch that predicts the
    val split's neighbours best is kept."""

    kind = SKIPTHOUGHT
    patience: int = setting(3, at_least=1)

    def rules(self) -> Iterator[tuple[bool, str]]:
        """See Run.rules."""
        yield from super().rules()
        yield (
            self.config.direction == "combine",
            "A combined encoder is not trained: train one of direction uni and one of direction bi, and "
            "combine them.",
        )

    def prepare(self, device: torch.device, backbone: Backbone | None = None) -> Prepared:
        """See Run.prepare; no pictures are read."""
        config = self.config
        learned, measured, held_out = training_passages(self.dataset, self.also)
        vocabulary = commonest(learned, config.vocabulary_size, config.min_count)
        torch.manual_seed(self.seed)
        network = SkipThoughtNetwork(config, len(vocabulary)).to(device)
        facts = {"sentences": sum(len(one.sentences) for one in learned), "validated_on": held_out}
        if config.word_vectors is not None:
            matrix, facts["words_without_vector"] = load_word_vectors(config.word_vectors).matrix(vocabulary)
            network.encoder.begin_with(torch.from_numpy(matrix))
        data = [encoded(found, vocabulary, config.max_words) for found in (learned, measured)]
        task = NeighbourTask(network, config, data[0], data[1], self.seed)
        return Prepared(task, vocabulary, facts, tensors=SkipThoughtNetwork.kept)


def combine(
    uni: Path, bi: Path, out: Path, command: str = "", fp16: bool = False
) -> Checkpoint[SkipThoughtConfig]:
    """Save two trained encoders as one, with all they need; errors: see read_checkpoint and combined."""
    parts = [read_checkpoint(path, SKIPTHOUGHT) for path in (uni, bi)]
    checkpoint = combined(*parts)
    checkpoint.training.update(
        parts=[str(path) for path in (uni, bi)],
        seconds=sum(part.training["seconds"] for part in parts),
        command=command,
    )
    save_checkpoint(out, checkpoint, torch.float16 if fp16 else torch.float32)
    write_card(out)
    return read_checkpoint(out, SKIPTHOUGHT)
