"""When a picture fits a text for mode `auto` since it is near to it in the space."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ..rough_sums import Fitting, Roughly

Mask = NDArray[np.bool_]

# By that alone one in four hundred words that no caption of a half of Flickr8k val holds finds a picture.
NEAR = 0.5
# A picture fits that is so near, too, where a caption of it says a word of the text: two that agree. One in
# four hundred words that no caption of val holds finds a picture by that alone; "flowers", of the sample
# photographs, was in view.
NEAR_AND_CAPTIONED = 0.3
# The same where a word of the text is so probable of it: of halves of val one in four hundred words that no
# caption holds finds a picture by that alone, and two of 617 that captions hold.
NEAR_AND_PROBABLE, PROBABLE = 0.45, 0.05


def near_enough(
    near: NDArray[np.floating], captioned: Callable[[], Mask], probable: Callable[[], Mask], off: float = 0.0
) -> Mask:
    """(M,) which pictures are as near to a text as NEAR, or nearly so where a caption says a word of it, or
    one is probable.

    near: (M,) how near each is; off: what is added to every limit
    captioned, probable: find (M,) of which pictures a caption says one, or one is as probable as PROBABLE
    """
    found: Mask = near >= np.float32(NEAR + off)
    for least, agrees in ((NEAR_AND_CAPTIONED, captioned), (NEAR_AND_PROBABLE, probable)):
        perhaps: Mask = near >= np.float32(least + off)
        if (perhaps & ~found).any():
            found |= perhaps & agrees()
    return found


def near_fitting(near: Roughly, captioned: Callable[[], Mask], probable: Fitting) -> Fitting:
    """The same of very many pictures, of which it is known roughly how near they are; captioned: of all."""
    return Fitting(
        lambda sure: near_enough(
            near.scores, captioned, lambda: probable.roughly(sure), near.off if sure else -near.off
        ),
        lambda rows: near_enough(
            near.exactly(rows), lambda: captioned()[rows], lambda: probable.exactly(rows)
        ),
    )
