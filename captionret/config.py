"""What every table of models checks of a row's fields in the same way."""

from collections.abc import Iterable, Mapping, Sequence
from math import inf
from typing import Any

from .errors import BadSetting, UnknownName


def check_fields(
    config: Any,
    choices: Mapping[str, Sequence[str | None]],
    at_least: Mapping[str, int],
    shares: Iterable[str],
) -> None:
    """Refuse a value that no training can use.

    config:   with learning_rate, weight_decay and clip_norm beside the fields named here
    choices:  what a field may hold
    at_least: the least value of a field
    shares:   fields of at least 0 and below 1
    errors:   UnknownName for another choice, BadSetting for the rest
    """
    for name, known in choices.items():
        if getattr(config, name) not in known:
            raise UnknownName.among(name, str(getattr(config, name)), [str(choice) for choice in known])
    for name, least in at_least.items():
        if getattr(config, name) < least:
            raise BadSetting(f"{name} must be at least {least}, not {getattr(config, name)}.")
    for name in shares:
        if not 0 <= getattr(config, name) < 1:
            raise BadSetting(f"{name} must be at least 0 and below 1, not {getattr(config, name)}.")
    # also refuses nan
    if not (0 < config.learning_rate < inf and 0 <= config.weight_decay < inf and config.clip_norm > 0):
        raise BadSetting("learning_rate and clip_norm must be numbers above 0, weight_decay at least 0.")
