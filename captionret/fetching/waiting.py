"""How long a server asks to be left alone."""

import email.utils
import math
import time

from ..counting import counted


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
        return max(seconds, 0.0) if math.isfinite(seconds) else None
    try:
        return max(email.utils.parsedate_to_datetime(after).timestamp() - time.time(), 0.0)
    except (ValueError, TypeError, OverflowError):
        return None


def in_words(seconds: float) -> str:
    """A pause as people say it, rounded up.

    >>> in_words(45), in_words(150), in_words(40_000), in_words(86_401)
    ('45 seconds', '3 minutes', '12 hours', '25 hours')
    """
    unit, length = next(one for one in _UNITS if seconds >= 2 * one[1] or one[1] == 1)
    return counted(math.ceil(min(seconds, _LONGEST) / length), unit)


_UNITS = (("hours", 3600), ("minutes", 60), ("seconds", 1))
_LONGEST = 3.6e7  # seconds, a year and more
