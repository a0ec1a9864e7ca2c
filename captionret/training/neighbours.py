"""Sentences and the ones before and after them: what skip-thoughts learn from.

A text's sentences stand in an order. An image's captions don't: each is the neighbour of any other, so they
are put into another order, the last before the first, in every epoch.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from ..datasets import Dataset
from ..errors import BadDataset
from ..text import PAD_ID, Vocabulary, words

HELD_OUT = 20  # every 20th passage, where there is no val split


@dataclass(frozen=True)
class Passage:
    """Sentences that belong together. ordered: whether they follow each other as they stand."""

    sentences: tuple[str, ...]
    ordered: bool


@dataclass(frozen=True)
class NeighbourData:
    """Sentences as word ids, and which of them belong together.

    tokens: (M, T) int32, <start>, words, <end>, then 0
    sizes:  of the passages, which follow each other in `tokens`
    ordered: of each passage
    """

    tokens: np.ndarray
    sizes: tuple[int, ...]
    ordered: tuple[bool, ...]

    @cached_property
    def lengths(self) -> np.ndarray:
        """(M,) words of each sentence, without <start> and <end>."""
        counts: np.ndarray = (self.tokens != PAD_ID).sum(1) - 2
        return counts

    def neighbours(self, random: np.random.Generator) -> np.ndarray:
        """(M, 2) int64: the sentences before and after each, -1 where there is none."""
        found = np.full((len(self.tokens), 2), -1)
        start = 0
        for size, ordered in zip(self.sizes, self.ordered, strict=True):
            rows = np.arange(start, start + size)
            start += size
            if not ordered:
                random.shuffle(rows)
            found[rows[1:], 0] = rows[:-1]
            found[rows[:-1], 1] = rows[1:]
            if not ordered and size > 1:
                found[rows[0], 0], found[rows[-1], 1] = rows[-1], rows[0]
        return found


def passages(dataset: Dataset, split: str) -> list[Passage]:
    """The passages of a split that hold two sentences with a word or more; other sentences are left out."""
    kept = [tuple(one for one in item.captions if words(one)) for item in dataset.split(split)]
    return [Passage(sentences, dataset.ordered) for sentences in kept if len(sentences) > 1]


def training_passages(dataset: Dataset, also: Sequence[Dataset]) -> tuple[list[Passage], list[Passage], str]:
    """What to train on, what to validate on, and what that is.

    also:   further collections, of which everything (where they have splits: the train split) is trained on
    Without a val split, every 20th passage is held out; of fewer passages than 20 the last twentieth of each.
    errors: BadDataset where nothing is left to learn from or to validate on
    """
    splits = dataset.splits()
    train = passages(dataset, "train" if splits else "all")
    held_out = "val"
    if "val" in splits:
        val = passages(dataset, "val")
    elif len(train) >= HELD_OUT:
        held_out = f"every {HELD_OUT}th passage of {'train' if splits else 'all'}"
        train, val = [one for index, one in enumerate(train) if index % HELD_OUT], train[::HELD_OUT]
    else:
        held_out = "the last twentieth of each passage"
        train, val = _tails(train)
    for other in also:
        train += passages(other, "train" if other.splits() else "all")
    if not train or not val:
        raise BadDataset(
            f"{dataset.spec} has too few sentences beside each other to train and validate on. Give a text "
            "with a sentence on each line, "
            "blank lines only between what does not belong together, or images with several captions each."
        )
    return train, val, held_out


def _tails(train: Sequence[Passage]) -> tuple[list[Passage], list[Passage]]:
    """Passages without their last twentieth (at least two sentences), and these; too short ones are trained
    on as a whole."""
    heads, tails = [], []
    for one in train:
        cut = len(one.sentences) - max(2, len(one.sentences) // HELD_OUT)
        if cut < 2:
            heads.append(one)
            continue
        heads.append(replace(one, sentences=one.sentences[:cut]))
        tails.append(replace(one, sentences=one.sentences[cut:]))
    return heads, tails


def encoded(found: Sequence[Passage], vocabulary: Vocabulary, max_words: int) -> NeighbourData:
    """Passages as word ids; of each sentence the first `max_words` words."""
    ids = [vocabulary.encode(sentence) for one in found for sentence in one.sentences]
    ids = [[*own[: max_words + 1], own[-1]] if len(own) > max_words + 2 else own for own in ids]
    tokens = np.full((len(ids), max(map(len, ids))), PAD_ID, np.int32)
    for row, own in enumerate(ids):
        tokens[row, : len(own)] = own
    return NeighbourData(
        tokens, tuple(len(one.sentences) for one in found), tuple(one.ordered for one in found)
    )


def commonest(found: Sequence[Passage], size: int, min_count: int) -> Vocabulary:
    """The `size` commonest words of the passages that occur `min_count` times."""
    built = Vocabulary.build(
        (sentence for one in found for sentence in one.sentences), min_count, punctuation=False
    )
    return Vocabulary(built.tokens[: 4 + size], punctuation=False)
