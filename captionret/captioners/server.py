"""A server that is asked over HTTP: connections that are kept, limits of time and size, and asking again
where that may help."""

import contextlib
import http.client
import json
import logging
import random
import socket
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from ..counting import counted
from ..errors import CaptionerAway
from ..fetching.waiting import seconds_to_wait
from .options import CaptionerOptions

log = logging.getLogger(__name__)

MOST_BYTES = 4_000_000  # of an answer
MOST_WAITING = 900.0  # seconds that a server may ask to be left alone
_AGAIN = (408, 409, 425, 429, 500, 502, 503, 504, 529)
_SHOWN = 200


class Refused(Exception):
    """The server does not answer for this picture, however often it is asked. The message says why."""


class Unanswered(Exception):
    """There was no answer that can be read, after all tries."""


class Stopped(Exception):
    """The run was ended while a request waited."""


class Server:
    """Answers requests at one address, from several threads."""

    def __init__(self, url: str, options: CaptionerOptions, key: str | None) -> None:
        self.url, self._options = url, options
        self._parts = urlsplit(url)
        self._headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if key:
            self._headers["Authorization"] = f"Bearer {key}"
        self._local = threading.local()
        self._open: list[http.client.HTTPConnection] = []
        self._lock = threading.Lock()
        self._not_before = 0.0
        self._ended = threading.Event()
        self.counts: Counter[str] = Counter()
        self.cost = 0.0

    def ask(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """The message that answers.

        errors: Refused, Unanswered; CaptionerAway where it lets nobody in or knows no such model
        """
        content, reason = json.dumps(body).encode(), ""
        for attempt in range(self._options.retries + 1):
            if attempt:
                self._wait(min(0.5 * 2 ** (attempt - 1), 30.0) * random.uniform(0.8, 1.2))
            self._wait(self._not_before - time.monotonic())
            try:
                status, headers, answer = self._sent(content)
            except (OSError, http.client.HTTPException) as error:
                self._forget()
                reason = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
                continue
            if status == 200:
                try:
                    return self._message(headers, answer)
                except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
                    reason = f"the answer is not of the protocol ({type(error).__name__}: {_start(answer)!r})"
                    continue
            reason = f"status {status} ({_start(answer)!r})"
            if status in (401, 403):
                raise CaptionerAway(
                    f"{self.url} lets nobody in: {reason}. Put its key into {self._options.key_from}."
                )
            if status == 404:
                raise CaptionerAway(f"{self.url} is not there, or knows no such model: {reason}.")
            if status not in _AGAIN:
                raise Refused(f"the server refuses it: {reason}.")
            self._leave_alone(status, headers.get("Retry-After"))
        raise Unanswered(f"no answer after {self._options.retries + 1} tries, last {reason}")

    def bill(self) -> str:
        """What was asked so far, in a sentence."""
        counts = self.counts
        facts = (
            f"{counted(counts['answers'], 'answers')} of {self.url}: "
            f"{counted(counts['prompt_tokens'], 'tokens')} sent, "
        )
        facts += f"{counts['completion_tokens']:,} received"
        return f"{facts}, cost {self.cost:.4f}." if self.cost else f"{facts}."

    def stop(self) -> None:
        """End what waits, and the requests that run."""
        self._ended.set()
        with self._lock:
            for connection in self._open:
                if connection.sock is not None:
                    with contextlib.suppress(OSError):
                        connection.sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close all connections; it can be asked again."""
        with self._lock:
            for connection in self._open:
                connection.close()
            self._open = []
            self._local = threading.local()
        self._ended.clear()

    def _wait(self, seconds: float) -> None:
        if seconds > 0 and self._ended.wait(seconds):
            raise Stopped
        if self._ended.is_set():
            raise Stopped

    def _leave_alone(self, status: int, after: str | None) -> None:
        """Keep all threads from asking before the server wants to be asked again."""
        seconds = seconds_to_wait(after)
        if seconds is None:
            return
        if seconds > MOST_WAITING:
            raise CaptionerAway(
                f"{self.url} wants to be left alone for {seconds:,.0f} seconds (status {status}). "
                "Try again then; what it captioned is kept."
            )
        if seconds > 5:
            log.info(f"{self.url} is busy (status {status}); asked again in {seconds:.0f} seconds.")
        with self._lock:
            self._not_before = max(self._not_before, time.monotonic() + seconds)

    def _sent(self, content: bytes) -> tuple[int, http.client.HTTPMessage, bytes]:
        """One request: status, headers and answer, within the time that it may take."""
        ends = time.monotonic() + self._options.timeout
        connection = self._connection()
        if connection.sock is None:
            connection.connect()
            self._wait(0)  # who ended the run meanwhile found no socket to shut
        path = self._parts.path + (f"?{self._parts.query}" if self._parts.query else "")
        connection.request("POST", path, content, self._headers)
        response = connection.getresponse()
        parts, size = [], 0
        while part := response.read1(65536):
            parts.append(part)
            size += len(part)
            if size > MOST_BYTES:
                raise http.client.HTTPException(f"the answer has more than {MOST_BYTES:,} bytes")
            if time.monotonic() > ends:
                raise TimeoutError(f"not whole after {self._options.timeout:g} seconds")
        response.read()  # which ends it, so that the connection can be used again
        if response.will_close:
            self._forget()
        return response.status, response.headers, b"".join(parts)

    def _connection(self) -> http.client.HTTPConnection:
        known: http.client.HTTPConnection | None = getattr(self._local, "connection", None)
        if known is None:
            kind = (
                http.client.HTTPSConnection if self._parts.scheme == "https" else http.client.HTTPConnection
            )
            known = kind(self._parts.hostname or "", self._parts.port, timeout=self._options.timeout)
            self._local.connection = known
            with self._lock:
                self._open.append(known)
        return known

    def _forget(self) -> None:
        known = getattr(self._local, "connection", None)
        if known is not None:
            known.close()
            self._local.connection = None

    def _message(self, headers: http.client.HTTPMessage, answer: bytes) -> dict[str, Any]:
        text = answer.decode()
        streamed = headers.get_content_type() == "text/event-stream" or text.startswith("data:")
        whole = _joined(text) if streamed else json.loads(text)
        message = whole["choices"][0]["message"]
        if not isinstance(message, dict):
            raise TypeError("no message")
        usage = whole.get("usage") or {}
        with self._lock:
            self.counts["answers"] += 1
            tokens = [int(usage.get(name) or 0) for name in ("prompt_tokens", "completion_tokens")]
            self.counts.update(prompt_tokens=tokens[0], completion_tokens=tokens[1])
            self.cost += self._cost(tokens, usage)
        return message

    def _cost(self, tokens: Sequence[int], usage: Mapping[str, Any]) -> float:
        """Of one answer: by the price that was given, else as the server says."""
        if self._options.price is None:
            return float(usage.get("cost") or 0)
        return sum(count * price for count, price in zip(tokens, self._options.price, strict=True)) / 1e6


def _joined(text: str) -> dict[str, Any]:
    """The whole answer of the pieces that a streaming server sends."""
    pieces, refused, usage = [], [], None
    for line in text.splitlines():
        piece = line.removeprefix("data:").strip()
        if not line.startswith("data:") or piece == "[DONE]":
            continue
        facts = json.loads(piece)
        usage = facts.get("usage") or usage
        for choice in facts.get("choices") or ():
            delta = choice.get("delta") or choice.get("message") or {}
            pieces.append(delta.get("content") or "")
            refused.append(delta.get("refusal") or "")
    if not pieces:
        raise ValueError("no piece of an answer")
    message = {"content": "".join(pieces), "refusal": "".join(refused)}
    return {"choices": [{"message": message}], "usage": usage}


def _start(answer: bytes) -> str:
    """The first words of an answer, for a message."""
    return " ".join(answer[: 4 * _SHOWN].decode(errors="replace").split())[:_SHOWN]
