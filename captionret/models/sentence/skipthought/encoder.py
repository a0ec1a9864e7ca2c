"""Skip-thought vectors (Kiros et al. 2015): codes of sentences, from which their neighbours can be predicted.

model = SkipThought.load("checkpoints/uni-skip-lite-flickr8k")
codes = model.encode(["a dog runs", "a red car"])  # (2, 512)
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ....errors import BadCheckpoint, BadSetting
from ....files import expanded
from ....progress import bar
from ....remedies import remedy
from ....text import PAD_ID, UNKNOWN_ID, is_word, words
from ....word_vectors import load_word_vectors
from ...checkpoint import Checkpoint
from ...trained import TrainedModel
from .config import SKIPTHOUGHT, SkipThoughtConfig
from .expansion import Expansion
from .network import SkipThoughtEncoder, make_encoders


class SkipThought(TrainedModel[SkipThoughtConfig]):
    """A trained encoder, its vocabulary and (loaded when first needed) the word vectors that expand it."""

    kind = SKIPTHOUGHT

    def _build(self) -> None:
        self.encoders = self.ready(lambda: make_encoders(self.config, len(self.vocabulary)))

    @property
    def dim(self) -> int:
        """The size of a code."""
        return self.config.dim

    @cached_property
    def expansions(self) -> list[Expansion]:
        """A map from the pretrained word space into each encoder's; none where the settings say so."""
        if self.config.expansion is None:
            return []
        vectors = load_word_vectors(self.config.expansion)
        return [
            Expansion(vectors, self.vocabulary, encoder.embed.weight.detach().cpu().numpy())
            for encoder in self._each
        ]

    @property
    def _each(self) -> list[SkipThoughtEncoder]:
        return [encoder for encoder in self.encoders.values() if isinstance(encoder, SkipThoughtEncoder)]

    def knows(self, word: str) -> bool:
        """Whether a word has a vector, learned or guessed."""
        return word in self.vocabulary or any(word in expansion for expansion in self.expansions[:1])

    def missing_reason(self, text: str) -> str:
        """What keeps a text from being encoded, as the end of a sentence; "" where nothing does."""
        tokens = words(text)
        if not tokens:
            return "holds no word"
        if not any(self.knows(token) for token in tokens[: self.config.max_words]):
            more = f" and that have no vector in {self.config.expansion}" if self.config.expansion else ""
            return f"holds only words that {self.name} was not trained on{more}"
        return ""

    @torch.inference_mode()
    def encode(
        self, sentences: Sequence[str], batch_size: int = 128, progress: bool | None = False
    ) -> np.ndarray:
        """The code of each of M sentences, (M, D) float32. Sentences of like length share a batch; equal ones
        are encoded once.

        Rows have length 1; those of a combined encoder have it in either half, as published, so that neither
        outweighs the other. A word that was not trained on is read by its guessed vector, or where it has
        none as <unk>.
        errors: BadSetting for a sentence without a word, or of words only that have no vector
        """
        if batch_size < 1:
            raise BadSetting(f"The batch size is {batch_size}; it must be at least 1.")
        if isinstance(sentences, str):
            raise BadSetting(
                f"A list of sentences is needed, not the single text {sentences!r}. Put it into a list."
            )
        for index, text in enumerate(sentences):
            if why := self.missing_reason(text):
                raise BadSetting(
                    f"Sentence {index + 1} of {len(sentences)} ({text[:80]!r}) {why}. Give other words."
                )
        distinct = {sentence: row for row, sentence in enumerate(dict.fromkeys(sentences))}
        tokens = [words(text)[: self.config.max_words] for text in distinct]
        ids, tables = self._tables(tokens)
        order = sorted(range(len(ids)), key=lambda row: len(ids[row]))
        codes = np.empty((len(ids), self.dim), np.float32)
        with bar(total=len(ids), desc="sentences", unit="sentence", show=progress) as shown:
            for start in range(0, len(order), batch_size):
                rows = order[start : start + batch_size]
                codes[rows] = self._forward([ids[row] for row in rows], tables).cpu().numpy()
                shown.update(len(rows))
        return codes[[distinct[sentence] for sentence in sentences]]

    def _tables(self, sentences: Sequence[Sequence[str]]) -> tuple[list[list[int]], list[Tensor]]:
        """Sentences as rows of a table, and each encoder's table: the learned word vectors, below them the
        guessed ones."""
        strange = dict.fromkeys(
            word for tokens in sentences for word in tokens if word not in self.vocabulary
        )
        guessed = [word for word in strange if self.knows(word)]
        rows = self.vocabulary.ids | {word: len(self.vocabulary) + row for row, word in enumerate(guessed)}
        tables = [encoder.embed.weight for encoder in self._each]
        if guessed:
            more = [torch.from_numpy(expansion(guessed)).to(self.device) for expansion in self.expansions]
            tables = [torch.cat(both) for both in zip(tables, more, strict=True)]
        return [[rows.get(word, UNKNOWN_ID) for word in tokens] for tokens in sentences], tables

    def _forward(self, ids: Sequence[Sequence[int]], tables: Sequence[Tensor]) -> Tensor:
        """(B, D) float32, each encoder's part with rows of length 1."""
        lengths = torch.tensor([len(one) for one in ids], device=self.device)
        tokens = torch.full((len(ids), int(lengths.max())), PAD_ID, device=self.device)  # (B, T)
        for row, one in enumerate(ids):
            tokens[row, : len(one)] = torch.tensor(one)
        codes = [
            encoder(F.embedding(tokens, table), lengths)
            for encoder, table in zip(self._each, tables, strict=True)
        ]
        return torch.cat([F.normalize(code, dim=1) for code in codes], 1)

    def nearest_sentences(
        self, text: str, sentences: Sequence[str], count: int = 5, *, progress: bool | None = False
    ) -> list[tuple[float, str]]:
        """The `count` different sentences whose codes are most like a text's, each with the cosine, best
        first; ties by spelling.

        errors: as `encode`, for the text or a sentence
        """
        found = list(dict.fromkeys(sentences))
        codes = self.encode([text, *found], progress=progress)
        return best(codes[1:] @ codes[0] / len(self._each), found, count)

    def words(self) -> list[str]:
        """Every word that has a vector: the vocabulary, the commonest first, then those that are guessed."""
        known = dict.fromkeys(word for word in self.vocabulary.tokens if is_word(word))
        for expansion in self.expansions[:1]:
            known |= dict.fromkeys(word for word in expansion.vectors.words if is_word(word))
        return list(known)

    def encode_words(self, words: Sequence[str]) -> np.ndarray:
        """(len(words), W) float32 unit rows; of a combined encoder (len(words), 2W), both halves of equal
        length.

        These are word vectors, as the encoder reads them, not codes of sentences of one word.
        errors: BadSetting for words that have none
        """
        missing = [word for word in words if not self.knows(word)]
        if missing:
            raise BadSetting(
                f"{self.name} has no vector for {', '.join(repr(word) for word in missing[:10])}. Give other "
                "words."
            )
        ids, tables = self._tables([words])
        parts = [
            F.normalize(table.detach()[torch.tensor(ids[0], dtype=torch.int64)], dim=1) for table in tables
        ]
        rows: np.ndarray = (torch.cat(parts, 1) / len(parts) ** 0.5).cpu().numpy()
        return rows

    def nearest_words(self, word: str, count: int = 5) -> list[tuple[float, str]]:
        """The `count` words whose vectors are most like that of `word`, itself left out, each with the
        cosine; errors: encode_words."""
        spelled = word.lower()
        vector = self.encode_words([spelled])[0]
        others = [one for one in self.words() if one != spelled]
        # all at once would fill a GB
        chunks = [others[start : start + 50_000] for start in range(0, len(others), 50_000)]
        return best(np.concatenate([self.encode_words(chunk) @ vector for chunk in chunks]), others, count)


def skipthought_of(place: str | None, sha256: str | None = None, near: Path | None = None) -> SkipThought:
    """The encoder at `place`, or under the same name beside the directory `near`.

    sha256: the fingerprint that it must have
    errors: BadSetting where no place is given; BadCheckpoint where it is not there, or another one
    """
    if place is None:
        raise BadSetting(
            "The sentence tower skipthought needs a trained skip-thought encoder.", remedy("skip-thoughts")
        )
    path = expanded(place)
    if not path.is_dir() and near is not None and (near.resolve().parent / path.name).is_dir():
        path = near.resolve().parent / path.name
    if not path.is_dir():
        of = f" that {near.name} was trained on" if near else ""
        missing = f"The skip-thought encoder {place}{of} is not there."
        if near:
            raise BadCheckpoint(f"{missing} Put it back, beside that directory or where it was.")
        raise BadCheckpoint(missing, remedy("skip-thought encoder"))
    model = SkipThought.load(path)
    if sha256 is not None and model.fingerprint != sha256:
        raise BadCheckpoint(
            f"{path} is another skip-thought encoder ({model.fingerprint[:12]}) than the one that "
            f"{near.name if near else 'the space'} "
            f"was trained on ({sha256[:12]}). Put that one back, or train the space again."
        )
    return model


def combined(
    uni: Checkpoint[SkipThoughtConfig], bi: Checkpoint[SkipThoughtConfig]
) -> Checkpoint[SkipThoughtConfig]:
    """combine-skip: two encoders, trained apart, as one.

    errors: BadSetting where they are not a uni and a bi one of equal vocabularies and sizes
    """
    for checkpoint, direction in ((uni, "uni"), (bi, "bi")):
        if checkpoint.config.direction != direction:
            raise BadSetting(
                f"An encoder of direction {direction} is needed here, this one is "
                f"{checkpoint.config.direction}. "
                "Give a uni one, then a bi one."
            )
    differing = [
        name
        for name in uni.config.fingerprinted()
        if name != "direction" and getattr(uni.config, name) != getattr(bi.config, name)
    ]
    if uni.vocabulary.to_json() != bi.vocabulary.to_json():
        differing.append("vocabulary")
    if differing:
        raise BadSetting(
            f"The two encoders have another {', '.join(differing)}. Train both on the same data with the "
            "same settings."
        )
    return replace(
        uni,
        config=replace(uni.config, direction="combine"),
        tensors={**uni.tensors, **bi.tensors},
        training={},
        scores={},
    )


def best(scores: np.ndarray, texts: Sequence[str], count: int) -> list[tuple[float, str]]:
    """The `count` texts with the highest scores, best first; ties by spelling."""
    if count < 1:
        raise BadSetting(f"At least one has to be asked for, not {count}.")
    least = np.partition(scores, -count)[-count] if count < len(texts) else -np.inf
    near = np.flatnonzero(scores >= least).tolist()
    order = sorted(near, key=lambda row: (-scores[row], texts[row]))[:count]
    return [(float(scores[row]), texts[row]) for row in order]
