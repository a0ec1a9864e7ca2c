"""Many requests to hosts that owe us nothing: robots.txt is kept to, each host has its pace, and a host that
asks for a pause gets it.

    visitor = Visitor(Manners(agent="captionret/0.6 (me@example.org)"))
    answer = visitor.get("https://example.org/dog.jpg", accept="image/*")

May be used from several threads.
"""

import contextlib
import random
import socket
import threading
import time
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import SplitResult

from ..errors import NotFetched
from .client import MAX_BYTES, Answer, Request, get
from .manners import Manners, Turns
from .waiting import in_words, seconds_to_wait

if TYPE_CHECKING:
    from protego import Protego

_ROBOTS_BYTES = 500_000
_LONGEST_DELAY = 30.0  # seconds between two requests that a robots.txt may ask for
_EVERYBODY = ""  # the turn of all hosts together


class Stopped(Exception):
    """The visit was ended while a request waited."""


class Visitor:
    """Asks many addresses of many hosts.

    bytes: how many were received so far
    """

    def __init__(self, manners: Manners | None = None) -> None:
        self.manners = manners or Manners()
        self.bytes = 0
        self._turns = Turns()
        self._robots: dict[str, _Robots] = {}
        self._away: dict[str, float] = {}  # hosts that asked for a long pause, until when
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._open: weakref.WeakSet[socket.socket] = weakref.WeakSet()

    def get(
        self,
        address: str,
        accept: str = "*/*",
        most: int = MAX_BYTES,
        robots: bool = True,
        apart: float = 0.0,
        check: Callable[[Answer], None] | None = None,
    ) -> Answer:
        """What lies at an address, asked for again where that may help.

        most:   bytes
        robots: keep to the host's robots.txt; an interface that is made for programs is none of its matter
        apart:  seconds between two requests to the host, where that is slower than the manners
        check:  raises NotFetched for an answer that is none, as an interface's "not just now"
        errors: NotFetched; Stopped
        """
        for attempt in range(1, self.manners.tries + 1):
            try:
                answer = get(address, self._request(accept, most, robots, apart))
                if check is not None:
                    check(answer)
            except NotFetched as error:
                if self._ended.is_set():
                    raise Stopped from None
                self._leave_alone(error, address)
                if attempt == self.manners.tries or not error.for_now or error.kind in _ONCE:
                    raise
                self._wait(self.manners.first_wait * 2 ** (attempt - 1) * random.uniform(0.8, 1.2))
            else:
                with self._lock:
                    self.bytes += len(answer.content)
                return answer
        raise AssertionError("every way out is above")

    def stop(self) -> None:
        """End what waits and what runs; nothing more is asked."""
        self._ended.set()
        with self._lock:
            for one in self._open:
                _shut(one)

    def _request(self, accept: str, most: int, robots: bool, apart: float = 0.0) -> Request:
        def before(parts: SplitResult) -> None:
            delay = apart
            if robots:
                delay = max(apart, self._robots_of(parts).delay_for(parts, self.manners.agent))
            self._take_turn(parts.hostname or "", delay)

        manners = self.manners
        headers = {"Accept": accept}
        return Request(
            headers, manners.agent, most, private=manners.private, before=before, opened=self._watch
        )

    def _watch(self, one: socket.socket) -> None:
        with self._lock:
            self._open.add(one)
            if self._ended.is_set():  # meanwhile: nobody else would shut it
                _shut(one)

    def _take_turn(self, host: str, delay: float) -> None:
        if time.monotonic() < self._away.get(host, 0.0):
            raise NotFetched(f"{host} asked to be left alone for a while.", "left alone")
        self._wait(self._turns.take(host, max(1 / self.manners.per_host, delay)))
        self._wait(self._turns.held(host))
        self._wait(self._turns.take(_EVERYBODY, 1 / self.manners.per_second))

    def _wait(self, seconds: float) -> None:
        if self._ended.is_set() or (seconds > 0 and self._ended.wait(seconds)):
            raise Stopped

    def _leave_alone(self, error: NotFetched, address: str) -> None:
        """Do as the host asks: wait before its next request, or give it up."""
        seconds = seconds_to_wait(error.after)
        if error.kind != "status" or seconds is None or error.status not in (429, 503):
            return
        host = error.host
        self._turns.hold(host, min(seconds, self.manners.patience))
        if seconds > self.manners.patience:
            with self._lock:
                self._away[host] = time.monotonic() + seconds
            raise NotFetched(
                f"{address} cannot be fetched: {host} asks to be left alone for {in_words(seconds)}. "
                "Try again then.",
                "left alone",
                error.status,
            ) from None

    def _robots_of(self, parts: SplitResult) -> "_Robots":
        origin = f"{parts.scheme}://{parts.netloc}"
        with self._lock:
            known = self._robots.setdefault(origin, _Robots(origin))
        with known.lock:  # one asks, the others wait for what it says
            if not known.read:
                known.ask(self._request("text/plain", _ROBOTS_BYTES, robots=False))
        return known


def _shut(one: socket.socket) -> None:
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)


# asking again at once cannot help, or would wait as long again
_ONCE = ("left alone", "certificate", "too slow", "proxy")


class _Robots:
    """What one host lets be fetched. A host without a robots.txt lets everything; one that cannot give it
    just now nothing (RFC 9309)."""

    def __init__(self, origin: str) -> None:
        self.origin, self.read = origin, False
        self.lock = threading.Lock()
        self._rules: Protego | None = None
        self._problem: NotFetched | None = None

    def ask(self, request: Request) -> None:
        """Read the host's robots.txt."""
        from protego import Protego  # only who visits pays for the import

        self.read = True
        try:
            content = get(f"{self.origin}/robots.txt", request).content
        except NotFetched as error:
            gone = error.kind == "status" and 400 <= error.status < 500 and error.status != 429
            self._problem = None if gone else error
            return
        self._rules = Protego.parse(content.decode("utf-8", errors="replace"))

    def delay_for(self, parts: SplitResult, agent: str) -> float:
        """Seconds between two requests that the host asks for. errors: NotFetched where it lets nobody in"""
        name = agent.partition("/")[0]
        if self._problem is not None:
            raise NotFetched(
                f"{parts.geturl()} is not fetched: what the host allows is not known. {self._problem}",
                self._problem.kind if self._problem.kind != "status" else "unreachable",
            )
        if self._rules is None:
            return 0.0
        if not self._rules.can_fetch(parts.geturl(), name):
            raise NotFetched(
                f"{parts.geturl()} is not fetched: the host's robots.txt forbids it.", "forbidden"
            )
        return min(self._rules.crawl_delay(name) or 0.0, _LONGEST_DELAY)
