"""A library that follows its folders: what changes there is looked at within seconds, a burst of changes at
once."""

import logging
import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

from ...errors import CaptionretError
from ...images import IGNORE_FILE, image_files, is_picture
from ...images.folders import is_passed_over
from ...images.videos import is_video
from ...library import Library

if TYPE_CHECKING:
    from watchfiles import Change

log = logging.getLogger(__name__)

# Looks at these files, None: through all folders.
Look = Callable[[Sequence[str] | None], object]
Identity = tuple[int, int] | None  # of a folder: its disk and its number there; None where it is not there
MOST_SINGLE = 1000  # changed files of a burst, beyond which all is looked through
WAKE = 1.0  # seconds after which it is seen that a disk was mounted or is gone


class Watcher:
    """Follows the folders of one library until it is stopped.

    look:    brings the library up to date
    bring_frames: brings frames of its videos up to date, where they are wanted
    every:   seconds after which all is looked through in any case, for disks that tell of no changes
    quiet:   seconds without a change that end a burst; longest: after so many it is looked at in any case
    retry:   seconds after which is tried again what failed
    """

    def __init__(
        self,
        library: Library,
        look: Look,
        *,
        bring_frames: Callable[[], object] | None = None,
        every: float = 3600,
        quiet: float = 1,
        longest: float = 10,
        retry: float = 30,
    ) -> None:
        self.library, self._look, self._bring_frames = library, look, bring_frames
        self._every, self._quiet, self._longest, self._retry = every, quiet, longest, retry
        self._changed: dict[str, None] = {}
        self._came: dict[str, None] = {}  # folders
        self._videos_changed = False
        self._all_at = time.monotonic()  # when all is to be looked through
        self._problem = ""  # what was last said
        self._is_untold = False  # the system tells of no changes

    def run(self, stop: Event) -> None:
        """Look through all, then at what changes. errors: KeyboardInterrupt"""
        while not stop.is_set():
            before = self._identities()
            folders = [str(folder) for folder in self.library.folders if before.get(str(folder))]
            for changes in self._bursts(folders, stop):
                self._note(changes)
                self._look_now(stop)
                if self._identities() != before:  # its folders are others, or a disk came or went
                    self._all_at = time.monotonic()
                    break

    def _identities(self) -> dict[str, Identity]:
        """The library's folders and the disks that lie in them, each as it is now."""
        disks = [str(self.library.root / disk) for disk in self.library.disks]
        return {place: _identity(place) for place in (*map(str, self.library.folders), *disks)}

    def _bursts(self, folders: Sequence[str], stop: Event) -> "Iterator[set[tuple[Change, str]]]":
        """The changes of one burst after another; empty sets now and then, where nothing changes."""
        try:
            if folders:
                yield from self._watched(folders, stop)
                return
        except FileNotFoundError:
            yield set()  # it went a moment ago
        except (OSError, RuntimeError) as error:
            if not self._is_untold:
                log.warning(
                    f"The system does not tell of changes ({error}). All is looked through "
                    f"every {self._retry:.0f} seconds instead. {_remedy_for(error)}"
                )
            self._is_untold, self._all_at = True, time.monotonic()
        stop.wait(self._retry)
        yield set()

    def _watched(self, folders: Sequence[str], stop: Event) -> "Iterator[set[tuple[Change, str]]]":
        from watchfiles import watch

        how: dict[str, Any] = {
            "watch_filter": None,
            "debounce": int(self._longest * 1000),
            "step": max(1, int(self._quiet * 1000)),
            "stop_event": stop,
            "rust_timeout": int(min(WAKE, self._retry) * 1000),
            "yield_on_timeout": True,
        }
        try:
            yield from watch(*folders, **how)
        except PermissionError:
            # a folder that may not be listed; without it, the system's limits would not be told of, either
            yield from watch(*folders, **how, ignore_permission_denied=True)

    def _note(self, changes: "set[tuple[Change, str]]") -> None:
        folders = self.library.folders if changes else ()
        for kind, place in sorted(changes, key=lambda change: change[1]):
            if _is_passed_over(place, folders):
                continue
            gone = kind.name == "deleted"
            if os.path.basename(place) == IGNORE_FILE:
                self._all_at = time.monotonic()
            elif not gone and os.path.isdir(place):
                self._came |= {place: None} if kind.name == "added" else {}
                self._videos_changed = True  # it may hold some
            elif is_picture(place):
                self._changed[place] = None
            elif is_video(place):
                self._videos_changed = True
            elif gone:
                self._note_gone(place)

    def _note_gone(self, place: str) -> None:
        """What was no picture is gone: perhaps a folder of pictures, perhaps where a disk was mounted."""
        self._videos_changed = True
        disks = [self.library.root / disk for disk in self.library.disks]
        if any(disk.is_relative_to(place) or Path(place).is_relative_to(disk) for disk in disks):
            self._all_at = time.monotonic()
        else:
            self._changed |= dict.fromkeys(map(str, self.library.files_below(place)))

    def _due(self) -> list[str] | None:
        """The files to be looked at; None: all."""
        changed, self._changed = self._changed, {}
        came, self._came = self._came, {}
        for folder in came:
            changed |= dict.fromkeys(image_files(folder))
        if time.monotonic() >= self._all_at or len(changed) > MOST_SINGLE:
            return None
        return list(changed)

    def _look_now(self, stop: Event) -> None:
        """Look at what is due; what fails is tried again later."""
        due = self._due()
        videos, self._videos_changed = self._videos_changed or due is None, False
        if stop.is_set():
            return
        try:
            if self._bring_frames is not None and videos:
                self._bring_frames()  # the frames lie in a folder of the library, and are seen as they come
            if due == []:
                return
            self._look(due)
        except CaptionretError as error:
            self._say(f"{error.in_shell()} It is tried again in {self._retry:.0f} seconds.")
            self._all_at = time.monotonic() + self._retry
            return
        self._problem = ""
        if due is None:
            self._all_at = time.monotonic() + self._every

    def _say(self, problem: str) -> None:
        """Once, until it is over or another."""
        if problem != self._problem:
            log.warning(problem)
        self._problem = problem


def _is_passed_over(place: str, folders: Sequence[Path]) -> bool:
    """Whether it lies in a folder that is never looked into."""
    root = next((one for one in folders if Path(place).is_relative_to(one)), None)
    return root is not None and is_passed_over(os.path.relpath(os.path.dirname(place), root))


def _identity(place: str) -> Identity:
    try:
        facts = os.stat(place)
    except OSError:
        return None
    return facts.st_dev, facts.st_ino


def _remedy_for(error: Exception) -> str:
    """What lets the system tell of changes again."""
    if "decode path" in str(error):
        return "Give that folder a name in Unicode."
    return "On Linux, raise fs.inotify.max_user_watches and fs.inotify.max_user_instances by sysctl."
