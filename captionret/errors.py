"""One family of errors. Each message says what happened, which file, and what to do.

What to do depends on who asks: `str(error)` ends with a remedy in Python's terms; the command line words the
same remedy in its own (`error.in_shell()`), prints the message alone, without a traceback, and exits with
the class's `exit_code`: 2 for wrong usage, 3 for bad input.
"""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Remedy:
    """What to do about an error, worded for each kind of caller; the rows stand in `remedies`.

    key:    its name in the registry, by which programs can tell one remedy from another
    python: a sentence that names calls and arguments
    shell:  the same with commands and options
    """

    key: str
    python: str
    shell: str


class CaptionretError(Exception):
    """Anything captionret refuses to go on with.

    remedy: what to do about it, where that depends on the caller; None where the message says it all
    """

    exit_code = 3

    def __init__(self, message: str, remedy: Remedy | None = None) -> None:
        super().__init__(message, remedy)
        self.message, self.remedy = message, remedy

    def __str__(self) -> str:
        return self.message if self.remedy is None else f"{self.message} {self.remedy.python}"

    def in_shell(self) -> str:
        """The message as the command line prints it."""
        return self.message if self.remedy is None else f"{self.message} {self.remedy.shell}"


class BadImage(CaptionretError):
    """A picture that cannot be read as it should be; never replaced by zeros."""


class BadDataset(CaptionretError):
    """A collection whose files are missing, malformed or contradict each other."""


class BadCheckpoint(CaptionretError):
    """A checkpoint that is cut short, altered, or whose parts don't belong together."""


class BadLibrary(CaptionretError):
    """A library that is missing, damaged or was made with another checkpoint."""


class LibraryInUse(BadLibrary):
    """A library that another process writes just now. Reading it goes on; writing has to wait."""


class ReadOnlyLibrary(BadLibrary):
    """A library that may not be written."""


class MissingWeights(CaptionretError):
    """Pretrained weights or word vectors that are not on this machine."""


class NotFetched(CaptionretError):
    """A web address that gives nothing.

    kind:   why: "refused" (it leads where nothing is fetched from), "led away" (so does a redirect),
            "forbidden" (by the host's robots.txt), "status" (the server's answer), "too large", "too slow",
            "unreachable", "proxy" (it is not reached, or does not let us through), "cut short",
            "certificate", "not data" (it is a page, or nonsense) or "left alone" (the host asks for a pause)
    status: the server's answer, where that is why; 0 otherwise
    host:   that answered so
    after:  its header Retry-After
    """

    def __init__(
        self, message: str, kind: str, status: int = 0, host: str = "", after: str | None = None
    ) -> None:
        super().__init__(message)
        self.kind, self.status, self.host, self.after = kind, status, host, after

    @property
    def for_now(self) -> bool:
        """Whether another time may bring it."""
        if self.kind == "status":
            return self.status in (408, 425, 429) or self.status >= 500
        return self.kind not in ("refused", "led away", "forbidden", "too large")


class CaptionerAway(CaptionretError):
    """A captioner that answers nothing just now: a server that is away, or that lets nobody in. What was
    captioned before is kept."""


class NoSpace(CaptionretError):
    """The disk is full; what was there before is untouched."""


class BadSetting(CaptionretError):
    """A setting or combination of options that cannot work."""

    exit_code = 2


class NoWords(BadSetting):
    """A query that holds nothing a mode could compare by."""


class BadQuery(BadSetting):
    """A query text that cannot be read. The message shows the text, with a mark under the place."""

    @classmethod
    def at(cls, sentence: str, text: str, place: int) -> "BadQuery":
        """What is wrong, and below it the query with a ^ under the letter number `place`."""
        shown = "".join(letter if letter.isprintable() else " " for letter in text)
        before = sum(_cells(letter) for letter in shown[:place])
        start = max(0, place - 60)  # of a long text the neighbourhood
        before -= sum(_cells(letter) for letter in shown[:start])
        return cls(f"{sentence}\n    {shown[start : place + 60].rstrip()}\n    {' ' * before}^")


def _cells(letter: str) -> int:
    """How many cells of a terminal a letter takes."""
    if unicodedata.category(letter) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1


class UnknownName(BadSetting):
    """A name that no table holds."""

    @classmethod
    def among(cls, kind: str, name: str, names: Iterable[str], meant: str | None = None) -> "UnknownName":
        """An error for `name` that lists the known names.

        meant: what to suggest, where that is known; else it is the nearest of the names
        """
        known = sorted(names)
        meant = meant or _nearest(str(name), known)
        hint = f" Did you mean {meant!r}?" if meant else ""
        return cls(f"There is no {kind} {name!r}.{hint} Known: {', '.join(known)}.")


def _nearest(name: str, known: list[str]) -> str | None:
    from rapidfuzz import fuzz, process

    nearest = process.extractOne(name, known, scorer=fuzz.ratio, score_cutoff=50)
    return nearest[0] if nearest else None
