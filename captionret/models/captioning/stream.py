"""Batches of pictures with their captions: read ahead through the CNN, several batches decoded together."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from ...images import Picture
from ...records import Caption
from ..device import in_one_thread
from ..vision.backbones import Backbone
from ..vision.reading import ReadBatch, read_ahead

TOGETHER = 64  # pictures whose captions are decoded together, at least: one word more for many costs little

Decode = Callable[[Tensor, Sequence[str]], list[list[Caption]]]
"""What the decoder reads of n pictures, and their content hashes -> the captions of each."""


@runtime_checkable
class Seeing(Protocol):
    """A predictor that may have last blocks of a CNN for itself."""

    def seeing_with(self, backbone: Backbone) -> Backbone:
        """The backbone with these beside its own; the same one where there are none that fit it."""
        ...


@dataclass(frozen=True, slots=True)
class Companion:
    """Another captioner that captions what a captioner reads, in the same pass of the CNN.

    feature: what its decoder reads: "pooled" or "grid"
    keep:    is given the content hashes of some pictures and the captions of each
    """

    feature: str
    decode: Decode
    keep: Callable[[Sequence[str], Sequence[Sequence[Caption]]], None]


def seeing_for(predictor: object, backbone: Backbone) -> Backbone | None:
    """The backbone with a predictor's own last blocks beside its own; None where it has none that fit."""
    seeing = predictor.seeing_with(backbone) if isinstance(predictor, Seeing) else backbone
    return None if seeing is backbone else seeing


def captioned_batches(
    backbone: Backbone,
    feature: str,
    pictures: Sequence[Path | Picture],
    batch_size: int,
    decode: Decode,
    companions: Sequence[Companion] = (),
) -> Iterator[tuple[ReadBatch, list[list[Caption]]]]:
    """Each batch, as the CNN reads it, and the captions of its pictures. Companions have been given theirs
    before.

    feature: what the decoder reads: "pooled" or "grid"
    """
    waiting: list[ReadBatch] = []
    for read in read_ahead(backbone, pictures, batch_size):
        waiting.append(read)
        if sum(len(one.pooled) for one in waiting) >= TOGETHER:
            yield from _decoded(backbone, feature, waiting, decode, companions)
            waiting = []
    yield from _decoded(backbone, feature, waiting, decode, companions)


def _decoded(
    backbone: Backbone,
    feature: str,
    reads: Sequence[ReadBatch],
    decode: Decode,
    companions: Sequence[Companion],
) -> Iterator[tuple[ReadBatch, list[list[Caption]]]]:
    captions: list[list[Caption]] = []
    hashes = [sha256 for read in reads for sha256 in read.batch.hashes]
    beside = backbone.reader.engine != "torch"
    if hashes:
        for companion in companions:
            companion.keep(hashes, _captions(reads, companion.feature, hashes, companion.decode, beside))
        captions = _captions(reads, feature, hashes, decode, beside)
    found = iter(captions)
    for read in reads:
        yield read, list(islice(found, len(read.pooled)))


def _captions(
    reads: Sequence[ReadBatch], feature: str, hashes: Sequence[str], decode: Decode, beside: bool
) -> list[list[Caption]]:
    """beside: another engine computes meanwhile; PyTorch's threads would stand in its way, waiting for each
    other after every operation"""
    rows = torch.cat([read.grid if feature == "grid" else read.pooled for read in reads if len(read.pooled)])
    return in_one_thread(lambda: decode(rows, hashes)) if beside else decode(rows, hashes)
