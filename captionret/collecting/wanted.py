"""What is to be collected: a query to sources, a list, or a page, each of which names candidates."""

import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from ..errors import NotFetched
from ..fetching import Visitor
from .candidates import Candidate
from .sources import Source

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Pictures for one query, list or page.

    label:  the query; "" where there is none
    listed: names the candidates, as they are taken
    most:   pictures to be kept; None: all that are good
    """

    label: str
    listed: Callable[[Visitor], Iterable[Candidate]]
    most: int | None = None


class Listing:
    """The candidates of a `Wanted`, one after the other, as long as what names them answers.

    failure: why it ended early; None where it did not
    """

    def __init__(self, wanted: Wanted, visitor: Visitor) -> None:
        self.failure: NotFetched | None = None
        self._candidates = self._named(wanted, visitor)

    def next(self) -> Candidate | None:
        """The next one; None where there is no more."""
        return next(self._candidates, None)

    def _named(self, wanted: Wanted, visitor: Visitor) -> Iterator[Candidate]:
        try:
            yield from wanted.listed(visitor)
        except NotFetched as error:
            self.failure = error


def listed(candidates: Sequence[Candidate]) -> Callable[[Visitor], Iterable[Candidate]]:
    """Candidates that are known already."""
    return lambda _: candidates


def from_sources(query: str, sources: Sequence[Source]) -> Callable[[Visitor], Iterator[Candidate]]:
    """The candidates of several sources in turns; one that fails is named, the others go on."""

    def found(visitor: Visitor) -> Iterator[Candidate]:
        left = deque((source, source.search(query, visitor)) for source in sources)
        failed: list[NotFetched] = []
        named = 0
        while left:
            source, results = left.popleft()
            try:
                one = next(results, None)
            except NotFetched as error:
                log.warning(f"{source.name}, {query!r}: {error}")
                failed.append(error)
                continue
            if one is not None:
                named += 1
                yield one
                left.append((source, results))
        if len(failed) == len(sources) and not named:
            raise NotFetched(
                f"No source answers for {query!r}. Try again later, or choose another source.", failed[0].kind
            )

    return found
