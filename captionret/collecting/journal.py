"""What became of every picture that was looked at: a line each in collect.jsonl, written as soon as it is
known, so that a run that was stopped goes on where it was."""

import contextlib
import json
import os
import time
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import IO

from ..errors import BadSetting
from ..files import no_space_named
from .candidates import Candidate

NAME = "collect.jsonl"
_SYNC_SECONDS = 2.0
# in the order in which reports list them; what each says of pictures
OUTCOMES = {
    "kept": "kept",
    "duplicate": "the very same file as one that is kept",
    "near-duplicate": "nearly the same as one that is kept",
    "no caption": "they have no caption",
    "tiny": "too small",
    "drawing": "drawings, charts, logos",
    "broken": "not to be decoded, or not whole",
    "no picture": "pages in place of pictures",
    "changed": "not what the list was made of",
    "gone": "not there, or not for everybody",
    "too large": "too many bytes",
    "forbidden": "the host's robots.txt forbids them",
    "refused": "they lead to private addresses or out of the web",
    "for now": "not reached just now; the same command asks again",
}
FOR_NOW = "for now"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry(Candidate):
    """A candidate that was looked at, its texts cleaned. What is not known is "", 0 or ().

    outcome: one of OUTCOMES
    query:   what it was found for
    file:    where it lies, relative to the collection, with "/"
    hash:    its perceptual hash, 16 hex digits
    reason:  why it is not kept
    fetched: when, in universal time: "2026-11-28T14:00:00Z"
    """

    outcome: str
    query: str = ""
    file: str = ""
    width: int = 0
    height: int = 0
    sha256: str = ""
    hash: str = ""
    fetched: str = ""
    reason: str = ""


class Journal:
    """The entries of a collection, the newest of each address.

    entries: by address, in the order in which they were first written
    """

    def __init__(self, folder: Path) -> None:
        self.file = folder / NAME
        self.entries: dict[str, Entry] = {}
        self._out: IO[bytes] | None = None
        self._synced = 0.0

    @contextlib.contextmanager
    def open(self) -> Iterator["Journal"]:
        """Read what is there; what is put is added to it until the block ends."""
        for entry in _entries(self.file):
            self.entries[entry.address] = entry
        with no_space_named(self.file), open(self.file, "ab") as out:
            out.write(b"\n" if self.entries else b"")  # a run that was killed may have left half a line
            self._out = out
            try:
                yield self
            finally:
                self._out = None

    def put(self, entry: Entry) -> None:
        """Keep what is known now. errors: NoSpace"""
        if self._out is None:
            raise BadSetting("The journal is not open.")
        self.entries[entry.address] = entry
        facts = {name: value for name, value in asdict(entry).items() if value}
        with no_space_named(self.file):
            self._out.write(json.dumps(facts, ensure_ascii=False).encode(errors="replace") + b"\n")
            self._out.flush()
            if time.monotonic() - self._synced > _SYNC_SECONDS:
                os.fsync(self._out.fileno())
                self._synced = time.monotonic()

    def settled(self, address: str, private: AbstractSet[str] = frozenset()) -> bool:
        """Whether it is known for good what becomes of an address. private: hosts that may be asked now"""
        known = self.entries.get(address)
        if known is not None and known.outcome == "refused":
            return not any(f"leads to {host!r}" in known.reason for host in private)
        return known is not None and known.outcome != FOR_NOW


def _entries(file: Path) -> Iterator[Entry]:
    """What can be read of the file; a line that was cut short is passed over."""
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        return
    names = {one.name: type(one.default) for one in fields(Entry)}
    names |= {"address": str, "outcome": str, "captions": list}
    for line in content.split(b"\n"):
        with contextlib.suppress(ValueError, RecursionError):
            facts = json.loads(line)
            if not isinstance(facts, dict) or not {"address", "outcome"} <= facts.keys() <= names.keys():
                continue
            if facts["outcome"] in OUTCOMES and all(isinstance(facts[one], names[one]) for one in facts):
                yield Entry(**(facts | {"captions": tuple(map(str, facts.get("captions", ())))}))
