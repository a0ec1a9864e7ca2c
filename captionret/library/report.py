"""What an update did."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..records import Failure


@dataclass(frozen=True, slots=True)
class UpdateReport:
    """What an update did. Every picture file counts once.

    new:         captioned for the first time
    unchanged:   as they were
    changed:     with another content than before
    removed:     not there any more
    renamed:     known content under a new name, the old one gone; not captioned again
    duplicates:  new names for a content that is there under another name as well; captioned once
    recaptioned: unchanged, but captioned by another captioner before
    failed:      could not be captioned, now or when they were last changed
    waiting:     left for the next update by `limit`
    excluded:    passed over, for a person removed them from the library (`Library.remove`)
    failures:    which failed, and why; folders that may not be listed among them
    other:       how many files of other kinds lie there: {"videos": 3, "hidden files": 12}
    """

    new: int = 0
    unchanged: int = 0
    changed: int = 0
    removed: int = 0
    renamed: int = 0
    duplicates: int = 0
    recaptioned: int = 0
    failed: int = 0
    waiting: int = 0
    excluded: int = 0
    failures: tuple[Failure, ...] = ()
    other: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CaptionReport:
    """What was done with the captions of one captioner, beside those of others. Every picture of the library
    counts once, but for `unknown`.

    captioner: by which its captions are asked for
    new:       captioned for the first time; changed: with other captions than before
    unchanged: as they were
    removed:   no longer in the file
    failed:    could not be captioned, now or before
    waiting:   without a caption still: the file says nothing of them, or they were left for the next time
    unknown:   of how many pictures there are captions that the library does not hold
    failures:  which failed, and why
    """

    captioner: str
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    removed: int = 0
    failed: int = 0
    waiting: int = 0
    unknown: int = 0
    failures: tuple[Failure, ...] = ()
