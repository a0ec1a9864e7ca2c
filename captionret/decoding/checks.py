"""What every way of decoding checks of its fields in the same words."""

from math import inf

from ..errors import BadSetting

# Captions of one picture that a beam may hold or that may be drawn: more only fill memory.
MOST = 1000


def is_number(value: object) -> bool:
    """Whether it is a number, True and False not being any."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def check_number(what: str, value: float) -> None:
    """BadSetting unless it is a finite number of at least 0. what: begins the message, "The sharpness"."""
    if not is_number(value) or not 0 <= value < inf:
        raise BadSetting(f"{what} must be a number of at least 0, not {value!r}.")


def check_whole(what: str, value: int, least: int, most: int | None = None) -> None:
    """BadSetting unless it is a whole number from `least` to `most`; None: without an upper bound."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise BadSetting(f"{what} must be a whole number, not {value!r}.")
    if value < least:
        raise BadSetting(f"{what} must be at least {least}, not {value:,}.")
    if most is not None and value > most:
        raise BadSetting(f"{what} may be at most {most:,}, not {value:,}.")
