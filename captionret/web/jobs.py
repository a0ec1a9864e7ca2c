"""Indexing a library's folder in another process, while this one answers.

A job that is paused or cancelled is a process that was stopped: what it has captioned is kept, and going on
begins where it was.
"""

import contextlib
import json
import secrets
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from threading import RLock, Thread
from typing import Literal

from ..errors import BadSetting, UnknownName
from ..images import find_images
from ..report.visible import visible_lines
from .records import Job
from .shelf import Shelf, Shelved

State = Literal["running", "paused", "done", "failed", "cancelled"]
_MOST_KEPT = 50


class UnknownJob(UnknownName):
    """A job that there is not."""


class IndexJob:
    """One job. Its state is looked at whenever it is asked for."""

    def __init__(self, shelved: Shelved) -> None:
        self.id, self.shelved = secrets.token_hex(8), shelved
        self._lock = RLock()
        self._state: State = "running"
        self._total, self._message = 0, ""
        self._process: subprocess.Popen[bytes] | None = None
        self._printed: Path | None = None
        self._start()
        Thread(target=self._count, daemon=True).start()

    def facts(self) -> Job:
        """How far it is."""
        with self._lock:
            self._look()
            done = self._done()
            return Job(
                id=self.id,
                library=self.shelved.id,
                state=self._state,
                done=min(done, self._total) if self._total else done,
                total=self._total,
                message=self._message,
            )

    def pause(self) -> None:
        """Stop after what is done."""
        self._stop("paused")

    def cancel(self) -> None:
        """Stop for good; what is done is kept."""
        self._stop("cancelled")

    def go_on(self) -> None:
        """Go on after a pause. errors: BadSetting"""
        with self._lock:
            if self._state != "paused":
                raise BadSetting("The job is not paused.")
            self._state = "running"
            self._start()

    def _start(self) -> None:
        command = [sys.executable, "-m", "captionret", "index", "--library", str(self.shelved.library.path)]
        self._printed = Path(tempfile.mkdtemp(prefix="captionret-"))
        with open(self._printed / "out", "wb") as out, open(self._printed / "err", "wb") as err:
            self._process = subprocess.Popen(  # noqa: S603
                [*command, "--json", "--quiet"], stdin=subprocess.DEVNULL, stdout=out, stderr=err
            )

    def _stop(self, state: State) -> None:
        with self._lock:
            self._look()
            if self._state not in ("running", "paused"):
                return
            self._state = state
            if self._process is not None:
                self._process.terminate()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._process.wait(10)
                self._process = None
            if self._printed is not None:
                _texts_in(self._printed)
                self._printed = None

    def _look(self) -> None:
        """Take note of a process that has ended by itself."""
        if self._state != "running" or self._process is None or self._printed is None:
            return
        code = self._process.poll()
        if code is None:
            return
        out, err = _texts_in(self._printed)
        self._printed = None
        self._state = "done" if code in (0, 1) else "failed"
        self._message = _counts(out) if self._state == "done" else visible_lines(err[-1000:].strip())

    def _count(self) -> None:
        """How many pictures lie below the folder."""
        with contextlib.suppress(OSError):
            total = len(list(find_images(self.shelved.library.root)))
            with self._lock:
                self._total = total

    def _done(self) -> int:
        gallery = self.shelved.snapshot().gallery()
        copies = sum(map(len, gallery.copies)) if len(gallery) <= 20_000 else 0
        return len(gallery) + copies + len(self.shelved.library.failures())


class Jobs:
    """All jobs, the last ones kept."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._jobs: dict[str, IndexJob] = {}
        self._lock = RLock()

    def start(self, library: str) -> Job:
        """Index a library's folder. errors: UnknownLibrary; BadSetting where that is going on"""
        shelved = self._shelf[library]
        with self._lock:
            running = (one for one in self._jobs.values() if one.facts().state in ("running", "paused"))
            if any(one.shelved is shelved for one in running):
                raise BadSetting("The library is being indexed already.")
            job = IndexJob(shelved)
            self._jobs[job.id] = job
            while len(self._jobs) > _MOST_KEPT:
                del self._jobs[next(iter(self._jobs))]
        return job.facts()

    def __getitem__(self, name: str) -> IndexJob:
        """errors: UnknownJob"""
        with self._lock:
            if name not in self._jobs:
                raise UnknownJob("There is no such job.")
            return self._jobs[name]

    def all(self) -> list[Job]:
        """The last one first."""
        with self._lock:
            return [one.facts() for one in reversed(self._jobs.values())]

    def close(self) -> None:
        """Stop those that run; what they have done is kept."""
        with self._lock:
            for one in self._jobs.values():
                one.cancel()


def _texts_in(folder: Path) -> tuple[str, str]:
    """What a process printed, on stdout and on stderr; the folder goes."""
    out, err = ((folder / name).read_text(encoding="utf-8", errors="replace") for name in ("out", "err"))
    shutil.rmtree(folder, ignore_errors=True)
    return out, err


def _counts(printed: str) -> str:
    """What `captionret index --json` did, in words."""
    try:
        found = json.loads(printed)
        names = ("new", "changed", "renamed", "removed", "failed")
        counts = [f"{found[name]:,} {name}" for name in names if found[name]]
    except (ValueError, KeyError, TypeError):
        return "Done."
    return f"{', '.join(counts)}." if counts else "Nothing new."
