"""Fetch what sources name, judge it, and keep each good picture once."""

import logging
from collections import Counter, deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import BadSetting, NotFetched
from ..fetching import Manners, Visitor
from ..files import publishing
from ..images.hashes import alike_pairs
from ..locks import InUse, locked
from ..progress import Bar, bar
from .candidates import Candidate
from .captions import captions_of, plain
from .journal import FOR_NOW, OUTCOMES, Entry, Journal
from .judging import Good, NotGood, Standards, judge
from .naming import folder_name
from .report import write_report
from .table import TABLE, write_captions
from .wanted import Listing, Wanted

log = logging.getLogger(__name__)
_FIRST = 12  # pictures of which at least one must come, or nothing is wrong with the pictures
_IN_A_ROW = 5  # queries, lists or pages
_ENDS = {"led away": "refused", "status": "gone"} | {
    kind: kind for kind in ("forbidden", "too large", "refused")
}


@dataclass(frozen=True, slots=True)
class Collected:
    """What lies in a collection's folder now.

    table:    captions.csv; page: the report
    outcomes: how many pictures became what, over all runs
    new:      pictures that this run kept
    received: bytes of this run
    ended:    why the run ended before everything was asked for; "" where it did not
    refused:  why the first address that was refused was, in this run or before; "" where none was
    """

    table: Path
    page: Path
    outcomes: dict[str, int] = field(default_factory=dict)
    new: int = 0
    received: int = 0
    ended: str = ""
    refused: str = ""


def collect(
    wanted: Sequence[Wanted],
    folder: Path,
    manners: Manners | None = None,
    standards: Standards | None = None,
    most_bytes: int | None = None,
    threads: int = 8,
    progress: bool | None = None,
) -> Collected:
    """Fetch what is wanted into a folder, going on where an earlier run stopped.

    most_bytes: after which no further picture is asked for: of this run, or in the folder
    returns:    also where some pictures could not be had; each is in the journal with its reason
    errors:     NotFetched where nothing at all can be reached; BadSetting where another run fills the folder;
                NoSpace
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with locked(folder / ".collect.lock"), Journal(folder).open() as journal:
            run = _Run(folder, journal, Visitor(manners), standards or Standards(), most_bytes, threads)
            try:
                for one in wanted:
                    run.take(one, progress)
                run.check()
            finally:
                run.visitor.stop()
                entries = [*journal.entries.values()]
                write_captions(folder, entries)
                page = write_report(folder, entries)
    except InUse as error:
        raise BadSetting(
            f"{folder} is being filled by {error.holder}. Wait for it, or choose another folder."
        ) from None
    counts = Counter(entry.outcome for entry in entries)
    outcomes = {name: counts[name] for name in OUTCOMES if counts[name]}
    refused = next((entry.reason for entry in entries if entry.outcome == "refused"), "")
    return Collected(folder / TABLE, page, outcomes, run.new, run.visitor.bytes, run.ended, refused)


class _Run:
    """One run: what it has kept so far, and what is known from earlier ones."""

    def __init__(
        self,
        folder: Path,
        journal: Journal,
        visitor: Visitor,
        standards: Standards,
        most_bytes: int | None,
        threads: int,
    ) -> None:
        self.visitor, self.new, self.ended = visitor, 0, ""
        self._folder, self._journal, self._standards = folder, journal, standards
        self._most_bytes, self._threads = most_bytes, threads
        kept = [entry for entry in journal.entries.values() if entry.outcome == "kept"]
        self._files = {entry.sha256: entry.file for entry in kept}
        self._hashes = [int(entry.hash, 16) for entry in kept if entry.hash]
        files = (folder / entry.file for entry in kept)
        self._bytes = sum(file.stat().st_size for file in files if file.is_file())
        self._came = bool(kept)  # whether any picture ever came
        self._failed: list[Entry] = []  # as long as none did
        self._unanswered: list[NotFetched] = []
        self._unnamed: list[NotFetched] = []  # failures that nobody was shown so far

    def take(self, wanted: Wanted, progress: bool | None) -> None:
        """Fetch the pictures of one query."""
        of_earlier = (one for one in self._journal.entries.values() if one.outcome == "kept")
        had = sum(one.query == wanted.label for one in of_earlier) if wanted.most is not None else 0
        if self.ended or (wanted.most is not None and had >= wanted.most):
            return
        with (
            ThreadPoolExecutor(self._threads) as pool,
            bar(
                desc=wanted.label or "pictures", unit="picture", total=wanted.most, initial=had, show=progress
            ) as shown,
        ):
            try:
                self._fill(wanted, had, pool, shown)
            except BaseException:
                self.visitor.stop()
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def _fill(self, wanted: Wanted, had: int, pool: ThreadPoolExecutor, shown: Bar) -> None:
        """Judge the pictures in the order in which they are named, whichever comes first; no more are asked
        for than may still be wanted."""
        listing = Listing(wanted, self.visitor)
        pending: deque[tuple[Candidate, Future[Good]]] = deque()
        more = True
        while more or pending:
            room = self._threads + 4 if wanted.most is None else min(self._threads + 4, wanted.most - had)
            while more and len(pending) < room and not self._full():
                candidate = listing.next()
                if candidate is None:
                    more = False
                elif self._worth_asking(candidate, wanted.label):
                    pending.append((candidate, pool.submit(self._fetched, candidate)))
            if not pending:
                break
            candidate, future = pending.popleft()
            kept = self._settle(candidate, future, wanted.label)
            had += kept
            shown.update(kept)
            if wanted.most is not None and had >= wanted.most:
                break
        self._note(listing.failure)

    def _note(self, failure: NotFetched | None) -> None:
        """Name what did not answer; several in a row end the run, and another goes on."""
        self._unanswered = [*self._unanswered, failure] if failure else []
        if failure:
            self._unnamed.append(failure)
        if self._journal.entries:
            self._name_failures()
        if len(self._unanswered) == _IN_A_ROW:
            self.ended = f"{_IN_A_ROW} in a row were not answered"

    def check(self) -> None:
        """errors: NotFetched where nothing was named, for something failed"""
        if self._unnamed and not self._journal.entries:
            raise self._unnamed[0]
        self._name_failures()

    def _name_failures(self) -> None:
        for failure in self._unnamed:
            log.warning(str(failure))
        self._unnamed = []

    def _full(self) -> bool:
        if self._most_bytes is not None and max(self._bytes, self.visitor.bytes) >= self._most_bytes:
            self.ended = f"{self._most_bytes / 1e6:,.0f} MB are reached"
        return bool(self.ended)

    def _worth_asking(self, candidate: Candidate, query: str) -> bool:
        """Whether nothing is known of it yet; without a caption it need not be asked for."""
        if self._journal.settled(candidate.address, self.visitor.manners.private):
            return False
        if not captions_of(candidate.captions) and not self._standards.uncaptioned:
            self._journal.put(_entry(candidate, query, "no caption"))
            return False
        return True

    def _fetched(self, candidate: Candidate) -> Good:
        answer = self.visitor.get(candidate.address, "image/*", self._standards.most)
        return judge(candidate, answer.content, answer.kind, self._standards)

    def _settle(self, candidate: Candidate, future: Future[Good], query: str) -> int:
        """Note what becomes of one picture; 1 where it is kept."""
        try:
            good = future.result()
        except NotGood as error:
            self._refuse(_entry(candidate, query, error.outcome, error.reason))
        except NotFetched as error:
            outcome = FOR_NOW if error.for_now else _ENDS.get(error.kind, FOR_NOW)
            self._refuse(_entry(candidate, query, outcome, str(error)), error.kind == "led away")
        else:
            self._came = True
            return self._keep(candidate, good, query)
        return 0

    def _refuse(self, entry: Entry, led_away: bool = False) -> None:
        """Note a picture that is not kept. While none came at all the network may be at fault, not the
        pictures: a sign-in page answers for all, or has all led to itself."""
        doubtful = led_away or entry.outcome in (FOR_NOW, "no picture")
        if self._came or not doubtful:
            self._came = self._came or entry.outcome not in ("refused", "forbidden", FOR_NOW)
            self._journal.put(entry)
            return
        self._journal.put(replace(entry, outcome=FOR_NOW))
        self._failed.append(entry)
        if len(self._failed) < _FIRST:
            return
        pages = sum(one.outcome != FOR_NOW for one in self._failed)
        what = (
            "answer with a page. Is there a sign-in page before the web?"
            if pages > _FIRST / 2
            else "cannot be reached. Is this machine connected to the web?"
        )
        raise NotFetched(
            f"The first {_FIRST} pictures {what} The last: {entry.address}: {entry.reason}", "unreachable"
        )

    def _keep(self, candidate: Candidate, good: Good, query: str) -> int:
        entry = replace(
            _entry(candidate, query, "kept"),
            width=good.width,
            height=good.height,
            sha256=good.sha256,
            hash=f"{good.hash:016x}",
        )
        if good.sha256 in self._files:
            reason = f"the same file as {self._files[good.sha256]}"
            self._journal.put(replace(entry, outcome="duplicate", reason=reason))
            return 0
        if self._is_alike(good.hash):
            self._journal.put(replace(entry, outcome="near-duplicate"))
            return 0
        name = f"{folder_name(query)}/{good.sha256[:16]}.{good.ending}"
        with publishing(self._folder / name) as file:
            file.write(good.content)
        self._journal.put(replace(entry, file=name))
        self._files[good.sha256] = name
        self._hashes.append(good.hash)
        self._bytes += len(good.content)
        self.new += 1
        return 1

    def _is_alike(self, one: int) -> bool:
        if self._standards.alike < 0 or not self._hashes:
            return False
        others = np.array(self._hashes, np.uint64)
        return bool(len(alike_pairs(np.array([one], np.uint64), self._standards.alike, others)))


def _entry(candidate: Candidate, query: str, outcome: str, reason: str = "") -> Entry:
    """What is noted of a candidate; its texts are cleaned now."""
    names = ("source", "page", "title", "licence", "licence_address", "author", "date")
    texts: dict[str, Any] = {name: plain(getattr(candidate, name)) for name in names}
    return Entry(
        candidate.address,
        captions_of(candidate.captions),
        **texts,
        outcome=outcome,
        query=query,
        fetched=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        reason=reason,
    )
