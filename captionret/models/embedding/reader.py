"""Sentences as a space's text tower reads them: word ids, frozen codes, or both. No torch."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from ...errors import BadSetting
from ...text import PAD_ID, UNKNOWN_ID, Vocabulary, words
from ...word_vectors import WordVectors, load_word_vectors
from ..sentence.minilm import SentenceEncoder
from .config import CODE_PARTS, EmbeddingConfig

if TYPE_CHECKING:  # it imports torch
    from ..sentence.skipthought.encoder import SkipThought


@dataclass(frozen=True)
class Read:
    """Sentences as a tower reads them.

    tokens: (M, T) int32 word ids, 0 after the last; None where no part reads words
    codes:  (M, E) float32 of a frozen encoder; None where there is none
    """

    tokens: np.ndarray | None
    codes: np.ndarray | None

    def __len__(self) -> int:
        return len(self.lengths)

    @cached_property
    def lengths(self) -> np.ndarray:
        """(M,) words to read; all 1 where only codes are read."""
        if self.tokens is not None:
            counts: np.ndarray = (self.tokens != PAD_ID).sum(1)
            return counts
        return np.ones(0 if self.codes is None else len(self.codes), np.int64)


class FrozenEncoder(Protocol):
    """What makes a sentence's frozen code: a sentence transformer, a skip-thought encoder, or a cache of
    either."""

    def encode(
        self, sentences: Sequence[str], batch_size: int = 64, progress: bool | None = False
    ) -> np.ndarray:
        """(M, E) float32."""
        ...


class Reader:
    """Texts into what the sentence tower of `config` reads.

    idf:  (V,) float32 for "glove-idf", that of a word outside the vocabulary in the place of <unk>
    near: the space's own directory, beside which its skip-thought encoder may lie, too
    """

    def __init__(
        self,
        config: EmbeddingConfig,
        vocabulary: Vocabulary,
        idf: np.ndarray | None = None,
        near: Path | None = None,
    ) -> None:
        self.config, self.vocabulary, self.idf, self.near = config, vocabulary, idf, near

    @cached_property
    def vectors(self) -> WordVectors:
        """The frozen word vectors of the glove towers."""
        return load_word_vectors(self.config.word_vectors or "")

    @cached_property
    def skipthought(self) -> "SkipThought":
        """The skip-thought encoder that the space was trained on, loaded when it is first needed;
        BadCheckpoint for another one."""
        from ..sentence.skipthought.encoder import skipthought_of

        return skipthought_of(self.config.skipthought, self.config.skipthought_sha256, self.near)

    @cached_property
    def encoder(self) -> FrozenEncoder:
        """What makes the frozen codes, loaded when it is first needed."""
        return self.skipthought if self.config.sentence_tower == "skipthought" else SentenceEncoder.load()

    def missing_reason(self, text: str) -> str:
        """What keeps a text from being read, as the end of a sentence; "" where nothing does."""
        if not words(text):
            return "holds no word"
        if self.config.sentence_tower == "skipthought":
            return self.skipthought.missing_reason(text)
        if self.config.frozen_words and not np.any(self._word_code(text)):
            return f"holds no word that has a vector in {self.config.word_vectors}" + (
                " and any weight" if self.idf is not None else ""
            )
        return ""

    def __call__(self, texts: Sequence[str], progress: bool | None = False) -> Read:
        """Read M texts.

        errors: BadSetting for a text without a word or, for the glove towers, of unknown words only
        """
        for index, text in enumerate(texts):
            if why := self.missing_reason(text):
                which = f"Sentence {index + 1} of {len(texts)}" if len(texts) > 1 else "The text"
                raise BadSetting(f"{which} ({text[:80]!r}) {why}. Give other words.")
        tokens = codes = None
        if self.config.frozen_words:
            codes = (
                np.stack([self._word_code(text) for text in texts])
                if texts
                else np.empty((0, self.config.word_dim), np.float32)
            )
        elif set(self.config.sentence_parts) & set(CODE_PARTS):
            codes = self.encoder.encode(texts, progress=progress)
        if set(self.config.sentence_parts) & {"bow", "gru", "lstm"}:
            tokens = self._tokens(texts)
        return Read(tokens, codes)

    def _tokens(self, texts: Sequence[str]) -> np.ndarray:
        """(M, T) int32."""
        ids = [self.vocabulary.encode(text)[1:-1][: self.config.max_words] for text in texts]
        tokens = np.full((len(ids), max(map(len, ids), default=1)), PAD_ID, np.int32)
        for row, own in enumerate(ids):
            tokens[row, : len(own)] = own
        return tokens

    def _word_code(self, text: str) -> np.ndarray:
        """(E,) float32: the mean of the words' vectors, or their sum weighted by idf; zeros where none has
        one."""
        known = [word for word in words(text) if word in self.vectors.words]
        # (words, E)
        rows = self.vectors.table[[self.vectors.words[word] for word in known]].astype(np.float32)
        if self.idf is None:
            return rows.mean(0) if known else np.zeros(self.config.word_dim, np.float32)
        weights = (
            self.idf[[self.vocabulary.ids.get(word, UNKNOWN_ID) for word in known]]
            if known
            else np.zeros(0, np.float32)
        )
        return weights @ rows


def idf_of(captions: Sequence[str], vocabulary: Vocabulary) -> np.ndarray:
    """(V,) float32: log10(captions / captions that hold the word), that of a single caption for words in none
    (and for <unk>)."""
    counts = np.zeros(len(vocabulary))
    for caption in captions:
        for word in set(words(caption)) & vocabulary.ids.keys():
            counts[vocabulary.ids[word]] += 1
    return np.log10(len(captions) / np.maximum(counts, 1)).astype(np.float32)
