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
from ..images import image_files
from ..report.visible import visible_lines
from .records import Job
from .shelf import Shelf, Shelved
from .threads import environment_alone

State = Literal["running", "paused", "done", "failed", "cancelled"]
_MOST_KEPT = 50
_TO_STOP = 10.0  # seconds that a process gets


class UnknownJob(UnknownName):
    """A job that there is not."""


class IndexJob:
    """One job. Its state is looked at whenever it is asked for."""

    def __init__(self, shelved: Shelved, device: str) -> None:
        self.id, self.shelved, self._device = secrets.token_hex(8), shelved, device
        self._lock = RLock()
        self._state: State = "running"
        self._total, self._message = 0, ""
        self._folder: Path | None = None  # of the report
        self._process = self._started()
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
            self._process = self._started()

    def _started(self) -> "subprocess.Popen[bytes]":
        self._folder = Path(tempfile.mkdtemp(prefix="captionret-"))
        library, report = str(self.shelved.library.path.absolute()), str(self._folder / "report.json")
        command = [sys.executable, "-m", f"{__package__}.indexing", library, report, self._device]
        with open(self._folder / "stderr", "wb") as errors:
            return subprocess.Popen(  # noqa: S603
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                env=environment_alone(),
            )

    def _stop(self, state: State) -> None:
        with self._lock:
            self._look()
            if self._state not in ("running", "paused"):
                return
            self._state = state
            self._process.terminate()
            try:
                self._process.wait(_TO_STOP)
            except subprocess.TimeoutExpired:
                self._process.kill()
            self._clear()

    def _look(self) -> None:
        """Take note of a process that has ended by itself."""
        if self._state != "running" or self._process.poll() is None or self._folder is None:
            return
        found = _report_in(self._folder)
        self._state = "done" if "done" in found else "failed"
        self._message = found[self._state]
        self._clear()

    def _clear(self) -> None:
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def _count(self) -> None:
        """How many pictures lie in its folders."""
        with contextlib.suppress(OSError):
            library = self.shelved.library
            found = (image_files(folder, patterns=library.ignored) for folder in library.folders)
            total = sum(1 for files in found for _ in files)
            with self._lock:
                self._total = total

    def _done(self) -> int:
        gallery = self.shelved.snapshot().gallery()
        copies = sum(map(len, gallery.copies)) if len(gallery) <= 20_000 else 0
        return len(gallery) + copies + len(self.shelved.library.failures())


class Jobs:
    """All jobs, the last ones kept."""

    def __init__(self, shelf: Shelf, device: str) -> None:
        self._shelf, self._device = shelf, device
        self._jobs: dict[str, IndexJob] = {}
        self._lock = RLock()

    def start(self, library: str) -> Job:
        """Index a library's folder. errors: UnknownLibrary; BadSetting where that is going on"""
        shelved = self._shelf[library]
        with self._lock:
            running = (one for one in self._jobs.values() if one.facts().state in ("running", "paused"))
            if any(one.shelved is shelved for one in running):
                raise BadSetting(
                    "The library is being indexed already. Wait until that has ended, or stop it."
                )
            job = IndexJob(shelved, self._device)
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


def _report_in(folder: Path) -> dict[str, str]:
    """What a process wrote at its end: {"done": ...} or {"failed": ...}."""
    try:
        written = json.loads((folder / "report.json").read_text(encoding="utf-8"))
        return {name: visible_lines(str(text)) for name, text in written.items()}
    except (OSError, ValueError):
        errors = (folder / "stderr").read_text(encoding="utf-8", errors="replace")
        return {"failed": visible_lines(errors.strip()[-1000:]) or "The process was ended from outside."}
