"""When a picture fits a text for mode `auto` since it is near to it in the space."""

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ...text import content_words, words
from ..nouns import is_often_said
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
# The same of a text of words that captions seldom hold, which are never so probable as others: of 441 such
# nouns that no caption of a half of val holds one finds a picture by that alone; of 817 such words that one
# or two people say there 18, of which 12 a right one.
NEAR_AND_SELDOM, PROBABLE_SELDOM = 0.25, 0.1


def probable_enough(text: str) -> tuple[tuple[float, float], ...]:
    """How near a picture must be to a text, and how probable a word of the text of it, for it to fit."""
    telling = content_words(words(text))
    if not telling or any(map(is_often_said, telling)):
        return ((NEAR_AND_PROBABLE, PROBABLE),)
    return ((NEAR_AND_PROBABLE, PROBABLE), (NEAR_AND_SELDOM, PROBABLE_SELDOM))


def near_enough(
    text: str,
    near: NDArray[np.floating],
    captioned: Callable[[], Mask],
    probable: Callable[[float], Mask],
    off: float = 0.0,
) -> Mask:
    """(M,) which pictures are as near to a text as NEAR, or nearly so where a caption says a word of it, or
    one is probable.

    near: (M,) how near each is; off: what is added to every limit
    captioned, probable: find (M,) of which pictures a caption says one, or one is as probable as a number
    """
    found: Mask = near >= np.float32(NEAR + off)
    agreeing = [(NEAR_AND_CAPTIONED, captioned)]
    agreeing += [(least, partial(probable, number)) for least, number in probable_enough(text)]
    for least, agrees in agreeing:
        perhaps: Mask = near >= np.float32(least + off)
        if (perhaps & ~found).any():
            found |= perhaps & agrees()
    return found


def near_fitting(
    text: str, near: Roughly, captioned: Callable[[], Mask], probable: Callable[[float], Fitting]
) -> Fitting:
    """The same of very many pictures, of which it is known roughly how near they are; captioned: of all."""
    return Fitting(
        lambda sure: near_enough(
            text,
            near.scores,
            captioned,
            lambda least: probable(least).roughly(sure),
            near.off if sure else -near.off,
        ),
        lambda rows: near_enough(
            text,
            near.exactly(rows),
            lambda: captioned()[rows],
            lambda least: probable(least).exactly(rows),
        ),
    )
