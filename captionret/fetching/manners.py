"""How many requests, how fast, and who asks."""

import threading
import time
from dataclasses import dataclass

from ..errors import BadSetting


@dataclass(frozen=True, slots=True)
class Manners:
    """How the web is visited.

    agent:      who asks; robots.txt knows it by the part before the "/"
    per_second: requests a second in all
    per_host:   requests a second to one host; what its robots.txt asks for holds where that is less
    tries:      of a request that fails for now
    patience:   seconds that a host may ask to be left alone before it is given up
    first_wait: seconds before the second try; each further one waits twice as long
    private:    hosts of one's own network that may be asked
    """

    agent: str = "captionret"
    per_second: float = 8.0
    per_host: float = 2.0
    tries: int = 3
    patience: float = 120.0
    first_wait: float = 1.0
    private: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if not (self.per_second > 0 and self.per_host > 0):
            raise BadSetting("Requests a second must be more than 0, in all and to one host.")
        if self.tries < 1:
            raise BadSetting(f"tries must be at least 1, not {self.tries}.")
        if not self.agent.isprintable() or not self.agent.isascii():
            raise BadSetting("Who asks is given in plain letters: no accents, no line breaks.")


class Turns:
    """Whose turn it is: each who asks gets a time that is so long after the one before."""

    def __init__(self) -> None:
        self._next: dict[str, float] = {}
        self._held: dict[str, float] = {}
        self._lock = threading.Lock()

    def take(self, name: str, apart: float) -> float:
        """Seconds until the next request to `name` may start; its turn is then taken."""
        with self._lock:
            now = time.monotonic()
            start = max(now, self._next.get(name, 0.0), self._held.get(name, 0.0))
            self._next[name] = start + apart
            return start - now

    def hold(self, name: str, seconds: float) -> None:
        """Let nobody ask `name` for so long, not even who has a turn already."""
        with self._lock:
            self._held[name] = max(self._held.get(name, 0.0), time.monotonic() + seconds)

    def held(self, name: str) -> float:
        """Seconds until `name` may be asked again; 0 where it may."""
        with self._lock:
            return max(self._held.get(name, 0.0) - time.monotonic(), 0.0)
