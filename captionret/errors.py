"""One family of errors. Each message says what happened, which file, and what to do.

The command line prints the message alone (no traceback) and exits with the class's `exit_code`:
2 for wrong usage, 3 for bad input.
"""

from collections.abc import Iterable


class CaptionretError(Exception):
    """Anything captionret refuses to go on with."""

    exit_code = 3


class BadImage(CaptionretError):
    """A picture that cannot be read as it should be; never replaced by zeros."""


class BadDataset(CaptionretError):
    """A collection whose files are missing, malformed or contradict each other."""


class BadCheckpoint(CaptionretError):
    """A checkpoint that is cut short, altered, or whose parts don't belong together."""


class BadLibrary(CaptionretError):
    """A library that is missing, damaged or was made with another checkpoint."""


class MissingWeights(CaptionretError):
    """Pretrained weights or word vectors that are not on this machine."""


class NoSpace(CaptionretError):
    """The disk is full; what was there before is untouched."""


class BadSetting(CaptionretError):
    """A setting or combination of options that cannot work."""

    exit_code = 2


class NoWords(BadSetting):
    """A query that holds nothing a mode could compare by."""


class UnknownName(BadSetting):
    """A name that no table holds."""

    @classmethod
    def among(cls, kind: str, name: str, names: Iterable[str]) -> "UnknownName":
        """An error for `name` that lists the known names and the nearest of them."""
        from rapidfuzz import fuzz, process

        known = sorted(names)
        nearest = process.extractOne(name, known, scorer=fuzz.ratio, score_cutoff=50)
        hint = f" Did you mean {nearest[0]!r}?" if nearest else ""
        return cls(f"There is no {kind} {name!r}.{hint} Known: {', '.join(known)}.")
