"""What a mode made of a query, as long as it may be asked for again."""

from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

from ..query import EncodedQuery

AT_ONCE = 2  # queries that are answered at a time, in threads of their own

Made = TypeVar("Made")


class OfQueries(Generic[Made]):
    """What was made of the last AT_ONCE queries: each is asked for several times until it is answered.

    >>> kept, query = OfQueries[str](), EncodedQuery(text="a dog")
    >>> kept.get(query, lambda: "made"), kept.get(query, lambda: "made again")
    ('made', 'made')
    """

    def __init__(self) -> None:
        self._kept: tuple[tuple[EncodedQuery, Made], ...] = ()
        self._lock = Lock()

    def get(self, query: EncodedQuery, make: Callable[[], Made]) -> Made:
        """What `make` makes, or has made, of this very query."""
        for known, made in self._kept:
            if known is query:
                return made
        new = make()
        with self._lock:
            self._kept = ((query, new), *self._kept)[:AT_ONCE]
        return new
