"""How long a server asks to be left alone."""

import email.utils
import math
import time


def seconds_to_wait(after: str | None) -> float | None:
    """What a Retry-After header asks for, seconds or a date; None where it holds neither.

    >>> seconds_to_wait("120"), seconds_to_wait("soon")
    (120.0, None)
    """
    if not after:
        return None
    try:
        seconds = float(after)
    except ValueError:
        pass
    else:
        return None if math.isnan(seconds) else max(seconds, 0.0)
    try:
        return max(email.utils.parsedate_to_datetime(after).timestamp() - time.time(), 0.0)
    except (ValueError, TypeError, OverflowError):
        return None
