"""Pictures through the decoder and the CNN, batch by batch, while the caller works on the batches before.

for read in read_ahead(backbone, paths, 32):
    read.batch.paths, read.pooled, read.grid
"""

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import torch
from torch import Tensor

from ...images import DecodedBatch, Picture, decoded_batches
from .backbones import Backbone

# Batches in the CNN or waiting for their turn there: while one is taken out the next is being read. More
# would only hold memory.
AHEAD = 2


@dataclass(frozen=True, slots=True)
class ReadBatch:
    """The pictures of one batch and what the CNN gives of those that could be read.

    pooled: (n, D) float32; grid: (n, cells, depth) float32; both on the backbone's device
    own:    (n, D) float32, what other last blocks make of them; (n, 0) where there are none
    """

    batch: DecodedBatch
    pooled: Tensor
    grid: Tensor
    own: Tensor


def read_ahead(
    backbone: Backbone, pictures: Sequence[Path | Picture], batch_size: int
) -> Iterator[ReadBatch]:
    """Every picture in its turn: files are read and decoded in one thread, the CNN runs in others, a bounded
    number of batches ahead of the caller.

    errors: as Backbone.read
    """
    backbone.expect(len(pictures))
    decoded = decoded_batches(pictures, backbone.config.preprocessing.size, batch_size)
    pool = ThreadPoolExecutor(AHEAD)
    pending: deque[Future[ReadBatch]] = deque()
    try:
        for batch in islice(decoded, AHEAD):
            pending.append(pool.submit(_read, backbone, batch))
        while pending:
            done = pending.popleft().result()
            for batch in islice(decoded, 1):
                pending.append(pool.submit(_read, backbone, batch))
            yield done
    finally:
        pool.shutdown(cancel_futures=True)
        decoded.close()


def _read(backbone: Backbone, batch: DecodedBatch) -> ReadBatch:
    if not batch.pictures:
        side, depth = backbone.config.grid
        dim = backbone.config.dim
        nothing = torch.empty(0, dim), torch.empty(0, side * side, depth), torch.empty(0, 0)
        return ReadBatch(batch, *nothing)
    pooled, own, grid = backbone.read_all(batch.pixels[0])
    return ReadBatch(batch, pooled, grid, own)
