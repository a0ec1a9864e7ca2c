"""What was made for requests, kept until what it was made of changes."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, TypeVar

Made = TypeVar("Made")


@dataclass(eq=False)
class _One:
    """Something that is made once, by the first thread that asks for it."""

    revision: Hashable
    lock: Lock = field(default_factory=Lock)
    made: bool = False
    value: Any = None


class Kept:
    """The last few things that were made. Who asks for one that is being made waits for it, and for no
    other."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = Lock()
        self._kept: dict[Hashable, _One] = {}

    def get(self, key: Hashable, revision: Hashable, make: Callable[[], Made]) -> Made:
        """What `make` makes, or has made of the same revision. What it raises is not kept."""
        with self._lock:
            one = self._kept.pop(key, None)
            if one is None or one.revision != revision:
                one = _One(revision)
            self._kept[key] = one
            while len(self._kept) > self._most:
                del self._kept[next(iter(self._kept))]
        with one.lock:
            if not one.made:
                one.value = make()
                one.made = True
            value: Made = one.value
            return value
