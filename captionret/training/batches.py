"""The order in which sentences are learned from."""

import numpy as np

# batches that are sorted by length together, so that a batch pads little and the order stays nearly random
_POOL = 20


def by_length(lengths: np.ndarray, size: int, random: np.random.Generator) -> list[np.ndarray]:
    """The rows of an epoch in batches of `size` in random order, each of nearly equal lengths; every row
    once.

    lengths: (M,) of the sentences
    A row that would be left alone joins the batch before it: neither batch norm nor a contrast can learn from
    one.
    """
    order = random.permutation(len(lengths))
    pools = [order[start : start + _POOL * size] for start in range(0, len(order), _POOL * size)]
    order = np.concatenate([pool[np.argsort(lengths[pool], kind="stable")] for pool in pools])
    starts = range(0, max(1, len(order) - 1), size)
    batches = [order[start : None if start == starts[-1] else start + size] for start in starts]
    random.shuffle(batches)
    return batches
