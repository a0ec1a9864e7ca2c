"""What a space is given, checked. No torch."""

import numpy as np
from numpy.typing import NDArray

from ...errors import BadSetting

Numbers = NDArray[np.floating | np.integer]  # of any precision


def checked_features(
    features: Numbers, dim: int, what: str = "The features", words: int | None = None
) -> Numbers:
    """`features`, if they are (N, dim) numbers that a network could have given.

    words: of a space that reads words, too: behind a row may stand so many probabilities
    errors: BadSetting for another shape; for a row that holds NaN or infinity, or zeros only, naming it
    """
    widths = {dim, dim + (words or 0)}
    if features.ndim != 2 or features.shape[1] not in widths or features.dtype.kind not in "fiu":
        raise BadSetting(
            f"{what} are {features.dtype} of shape {features.shape}; expected numbers "
            f"{' or '.join(f'(N, {width})' for width in sorted(widths))}. Use the network's own features."
        )
    for start in range(0, len(features), 4096):  # a mapped file need not fit into memory
        block = np.asarray(features[start : start + 4096], dtype=np.float32)
        bad = np.flatnonzero(~np.isfinite(block).all(1))
        if len(bad):
            raise BadSetting(
                f"{what} hold NaN or infinity in row {start + bad[0]:,} (from 0). Compute that image's "
                "features again."
            )
        empty = np.flatnonzero(~block[:, :dim].any(1))
        if len(empty):
            raise BadSetting(
                f"{what} are all 0 in row {start + empty[0]:,} (from 0), as of an image that was never read. "
                "Compute them again."
            )
    return features


def check_batch_size(batch_size: int) -> None:
    """Refuse a batch of nothing."""
    if batch_size < 1:
        raise BadSetting(f"The batch size is {batch_size}; it must be at least 1.")


def similarity_of(first: Numbers, second: Numbers) -> NDArray[np.float32]:
    """(A, D) and (B, D) unit rows -> (A, B) cosines; a single vector (D,) counts as a row. errors: BadSetting
    where they are not of one size"""
    one, other = (np.atleast_2d(np.asarray(rows, np.float32)) for rows in (first, second))
    if one.ndim != 2 or other.ndim != 2 or one.shape[1] != other.shape[1]:
        raise BadSetting(
            f"Vectors of shapes {np.shape(first)} and {np.shape(second)} cannot be compared: each is "
            "(D,) or (N, D), of one space."
        )
    cosines: NDArray[np.float32] = one @ other.T
    return cosines
