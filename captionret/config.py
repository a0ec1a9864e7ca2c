"""Tables of rows, and what every table of models checks of a row's fields in the same way. No torch."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import inf
from typing import Any, TypeVar

from .errors import BadSetting, UnknownName

Row = TypeVar("Row")


class Registry(Mapping[str, Row]):
    """A thing with variants as a table of rows, by name: captioners, spaces, backbones, modes, formats, remedies.

    kind: what a row is, in the singular, for messages: "mode"
    """  # noqa: E501

    def __init__(self, kind: str, rows: Mapping[str, Row] | None = None) -> None:
        self.kind = kind
        self._rows: dict[str, Row] = {}
        for name, row in (rows or {}).items():
            self.add(name, row)

    def add(self, name: str, row: Row) -> Row:
        """Register a row. errors: BadSetting for a name that is taken."""
        if name in self._rows:
            raise BadSetting(f"There already is a {self.kind} {name!r}. Give the new one another name.")
        self._rows[name] = row
        return row

    def __getitem__(self, name: str) -> Row:
        """The row of that name; UnknownName lists the others and the nearest."""
        if name not in self._rows:
            raise UnknownName.among(self.kind, name, self._rows)
        return self._rows[name]

    def __contains__(self, name: object) -> bool:
        return name in self._rows

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def __repr__(self) -> str:
        return f"Registry({self.kind!r}: {', '.join(self._rows)})"


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
