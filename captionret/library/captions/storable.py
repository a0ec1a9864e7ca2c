"""Whether a library can keep what a captioner gave."""

from math import isfinite

import numpy as np

from ...records import Caption, CaptionResult, Failure


def whole_result(result: CaptionResult | Failure) -> CaptionResult | Failure:
    """The result, or a Failure in its place where no library can keep it: without a caption, or with numbers
    that are not finite."""
    if isinstance(result, Failure) or (not result.captions and not len(result.feature)):
        return result  # of the latter the content alone is noted
    if not result.captions or not all(caption.text.strip() for caption in result.captions):
        return Failure(str(result.path), f"{result.path}: the captioner found no caption.")
    if not all(map(is_storable, result.captions)):
        return Failure(
            str(result.path), f"{result.path}: its caption holds what is no text, or has no log-probability."
        )
    with np.errstate(over="ignore"):
        feature = np.asarray(result.feature).astype(np.float16)
    if not np.isfinite(feature).all():
        return Failure(str(result.path), f"{result.path}: its features are not finite numbers in float16.")
    return result


def is_storable(caption: Caption) -> bool:
    """Whether a caption is text, with a log-probability that is a number."""
    try:
        "\n".join((caption.text, *caption.tokens)).encode()
    except UnicodeEncodeError:
        return False
    return isfinite(caption.logprob)
