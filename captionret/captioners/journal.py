"""Answers of a captioner that are paid for or waited for, kept as soon as they are there: whatever happens
before a library has them, no answered picture is asked about again."""

import contextlib
import json
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from ..images import Picture
from ..records import Caption
from .protocol import Answer

_SYNC_SECONDS = 2.0


class Journal:
    """A file with an answer in each line, by the content of its picture; None: nothing is kept."""

    def __init__(self, file: Path | None) -> None:
        self.file = file
        self._known: dict[str, Answer] = {}
        self._out: IO[bytes] | None = None
        self._lock = threading.Lock()
        self._synced = 0.0

    @contextlib.contextmanager
    def open(self) -> Iterator["Journal"]:
        """Read what is there; what is put is added to it until the block ends."""
        if self.file is None:
            yield self
            return
        self._known = dict(_lines(self.file))
        with open(self.file, "ab") as out:
            out.write(b"\n" if self._known else b"")  # a killed run may have left half a line
            self._out = out
            try:
                yield self
            finally:
                self._out = None

    def get(self, picture: Picture) -> Answer | None:
        """The answer for a picture; None where it was never asked about."""
        if not self._known:
            return None
        from ..errors import BadImage

        try:
            return self._known.get(picture.sha256)
        except BadImage as error:
            return error

    def put(self, picture: Picture, captions: list[Caption]) -> None:
        """Keep an answer, whatever becomes of this process."""
        if self._out is None:
            return
        listed = [[one.text, list(one.tags)] for one in captions]
        line = json.dumps([picture.sha256, listed], ensure_ascii=False).encode(errors="replace")
        with self._lock:
            self._out.write(line + b"\n")
            self._out.flush()  # which outlives this process; the machine, from the next fsync on
            if time.monotonic() - self._synced > _SYNC_SECONDS:
                os.fsync(self._out.fileno())
                self._synced = time.monotonic()

    def remove(self) -> None:
        """All answers are where they belong."""
        self._known = {}
        if self.file is not None:
            self.file.unlink(missing_ok=True)


def _lines(file: Path) -> Iterator[tuple[str, list[str | Caption]]]:
    """What can be read of the file; a line that a kill cut short is passed over."""
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        return
    for line in content.split(b"\n"):
        with contextlib.suppress(ValueError, TypeError):
            sha256, captions = json.loads(line)
            if isinstance(sha256, str):
                yield sha256, [_caption(text, tags) for text, tags in captions]


def _caption(text: Any, tags: Any) -> Caption:
    if not isinstance(text, str) or not all(isinstance(one, str) for one in tags):
        raise TypeError
    return Caption(text, tuple(text.split()), 0.0, tuple(tags))
