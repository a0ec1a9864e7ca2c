"""`captionret index --watch`: follow the folders of a library until Ctrl-C, or until the system ends it."""

import argparse
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from types import FrameType
from typing import TYPE_CHECKING

from .options import FOUND, say

if TYPE_CHECKING:
    from ..app.loading.captioners import IndexReport
    from ..library import Library
    from ..records import Failure

    Looking = Callable[[Sequence[str] | None], IndexReport]
_CHANGES = ("new", "changed", "removed", "renamed", "duplicates", "recaptioned")


def add_watching(options: argparse.ArgumentParser) -> None:
    """--watch, and how often all is looked through meanwhile."""
    options.add_argument(
        "--watch",
        action="store_true",
        help="go on until it is stopped: caption what is new or changed within seconds, and say so",
    )
    options.add_argument(
        "--every",
        type=_minutes,
        default=60.0,
        metavar="MINUTES",
        help="with --watch: look through all folders this often, too, for network disks, which do not tell "
        "of changes (default: 60)",
    )


def follow(
    library: "Library",
    look: "Looking",
    every: float,
    show: "Callable[[IndexReport], None]",
    bring_frames: Callable[[], None] | None = None,
) -> int:
    """Follow a library's folders until the process is asked to end; each failure is named once.

    every:        seconds after which all is looked through in any case
    bring_frames: of videos that are new or changed; None: no frames are wanted
    """
    from ..app.curating.watching import Watcher

    known: set[str] = set()  # reasons that were named
    first = True

    def look_and_show(changed: Sequence[str] | None) -> None:
        nonlocal first, known
        done = look(changed)
        reasons = {failure.reason for failure in failures_of(done)}
        if first or reasons - known or _changed(done):
            show(_without(done, known))
        known = reasons if changed is None else known | reasons
        if first:
            say(f"Watching {', '.join(map(str, library.folders))}. Ctrl-C ends it.")
        first = False

    try:
        with _ended_by_the_system():
            Watcher(library, look_and_show, every=every, bring_frames=bring_frames).run(threading.Event())
    except KeyboardInterrupt:
        say("Stopped. What was captioned is kept.")
    return FOUND


def failures_of(done: "IndexReport") -> "list[Failure]":
    """What could not be captioned, by any captioner."""
    return [*done.update.failures, *(one for by in done.captions for one in by.failures)]


def _changed(done: "IndexReport") -> bool:
    """Whether anything in the library is not as it was."""
    beside = any(one.new or one.changed or one.removed for one in done.captions)
    return beside or any(getattr(done.update, name) for name in _CHANGES)


def _without(done: "IndexReport", known: set[str]) -> "IndexReport":
    """The report without failures that were named before; they are counted all the same."""
    left = tuple(one for one in done.update.failures if one.reason not in known)
    captions = tuple(
        replace(by, failures=tuple(one for one in by.failures if one.reason not in known))
        for by in done.captions
    )
    return replace(done, update=replace(done.update, failures=left), captions=captions)


@contextmanager
def _ended_by_the_system() -> Iterator[None]:
    """Let SIGTERM, by which systems end what runs on its own, do as Ctrl-C does."""

    def end(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _minutes(given: str) -> float:
    value = float(given)
    if not 0 < value < 1e6:
        raise argparse.ArgumentTypeError(f"{given} is no number of minutes above 0")
    return value
