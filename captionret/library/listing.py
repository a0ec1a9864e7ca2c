"""What lies in a library's folders now. A folder whose disk is not mounted is not taken for empty."""

import os
import stat
from collections import Counter
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import BadLibrary
from ..records import Failure
from .names import PathInput

if TYPE_CHECKING:
    from ..images import Rules


@dataclass(frozen=True, slots=True)
class Found:
    """A picture file as it was when the folder was listed.

    place:    where it lies
    name:     relative to the root, with forward slashes; a picture that lies elsewhere has its whole path
    mtime_ns: when the content was written last
    ctime_ns: when anything about the file changed last, its permissions included
    """

    place: str
    name: str
    size: int
    mtime_ns: int
    ctime_ns: int

    @property
    def path(self) -> Path:
        """Where it lies."""
        return Path(self.place)


@dataclass(slots=True)
class Listing:
    """What a folder holds.

    unreadable: the folders that may not be listed, or are not there and may come back
    other:      how many files of other kinds lie there
    excluded:   how many pictures were passed over, for a person removed them from the library
    disks:      the folders that are disks of their own
    gone:       where single files are looked at, those that are not there any more
    """

    files: list[Found] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    other: Counter[str] = field(default_factory=Counter)
    excluded: int = 0
    disks: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)

    @property
    def leaves_out(self) -> int:
        """How many pictures and folders are left out by patterns."""
        from ..images.folders import FOLDERS_LEFT_OUT, LEFT_OUT

        return self.other[LEFT_OUT] + self.other[FOLDERS_LEFT_OUT]

    def covers(self, name: str) -> bool:
        """Whether the file would have been seen if it were there: what cannot be looked at is not taken for
        deleted."""
        hidden = any(folder == "." or _lies_in(name, folder) for folder in self.unreadable)
        return not hidden and not any(failure.path == name for failure in self.failures)


@dataclass(frozen=True, slots=True)
class Places:
    """Where a library looks for pictures, and what it passes over there.

    root:          the folder that names are relative to
    further:       more folders, whose pictures have their whole paths for names
    held:          those of them of which the library holds pictures
    alone:         the library's pictures that lie in none of them, by their whole paths
    removed:       names that a person removed
    ignored:       patterns of what is left out
    disks:         folders that were disks of their own when they were last looked at
    may_come_back: whether what is not there may be on a disk that is not mounted
    """

    root: Path
    further: Sequence[Path] = ()
    held: Container[str] = ()
    alone: Sequence[str] = ()
    removed: Container[str] = ()
    ignored: Sequence[str] = ()
    disks: Sequence[str] = ()
    may_come_back: bool = True


def list_places(places: Places) -> Listing:
    """Every picture file of a library's folders with its size and time.

    errors: BadLibrary where the root itself is not there
    """
    if not places.root.is_dir():
        raise BadLibrary(
            f"{places.root} is not a folder any more (moved, deleted, or its disk is not mounted). Nothing "
            "was changed in the library."
        )
    listing = Listing()
    _list(places, places.root, listing)
    for folder in places.further:
        before = len(listing.files)
        if folder.is_dir():
            _list(places, folder, listing)
        if len(listing.files) == before and str(folder) in places.held and places.may_come_back:
            _keep(str(folder), f"{folder} holds no pictures, or is not there", listing)
    away: set[str] = set()
    for name in places.alone:
        parent = os.path.dirname(name)
        if os.path.exists(name):
            look_at(name, name, listing)
        elif places.may_come_back and parent not in away and not os.path.isdir(parent):
            away.add(parent)
            _keep(parent, f"{parent} is not there", listing)
    if places.may_come_back:
        _keep_disks(places, listing)
    return listing


def list_changed(places: Places, changed: Iterable[PathInput]) -> Listing:
    """The same of single files alone, by their whole paths; of those that are there no longer the names."""
    from ..images import is_picture

    listing = Listing()
    rules: dict[str, Rules | None] = {}  # by folder
    there: dict[str, frozenset[str]] = {}
    for place in dict.fromkeys(os.fspath(one) for one in changed):
        parent, name = os.path.split(place)
        if parent not in rules:
            rules[parent] = _rules_in(parent, places)
            there[parent] = _names_in(parent)
        within = Path(place).is_relative_to(places.root)
        known = Path(place).relative_to(places.root).as_posix() if within else place
        here = rules[parent]
        # not by asking for the file, which some systems find under a name in other letters, too
        if name not in there[parent]:
            listing.gone.append(known)
        elif known in places.removed:
            listing.excluded += 1
        elif here is not None and is_picture(name) and not here.leave_out(place):
            look_at(place, known, listing)
    return listing


def _rules_in(folder: str, places: Places) -> "Rules | None":
    """The patterns that hold in a folder; None where it is passed over, also for now, since they cannot be
    read."""
    from ..images import Rules, rules_of

    root = next((one for one in (places.root, *places.further) if Path(folder).is_relative_to(one)), None)
    try:
        return Rules() if root is None else rules_of(root, folder, places.ignored)
    except (OSError, ValueError):
        return None


def _names_in(folder: str) -> frozenset[str]:
    try:
        return frozenset(os.listdir(folder))
    except OSError:  # it is gone, too, or may not be listed; then nothing in it can be captioned
        return frozenset()


def _list(places: Places, folder: Path, listing: Listing) -> None:
    """Add the pictures below the root, or below a further folder."""
    from ..images import image_files  # importing it takes a search's time, which lists nothing

    messages: list[str] = []
    disks: list[str] = []
    start = len(os.path.join(folder, "")) if folder == places.root else 0
    for place in image_files(folder, messages, listing.other, places.ignored, disks):
        if (name := place[start:].replace(os.sep, "/") if start else place) in places.removed:
            listing.excluded += 1
        else:
            look_at(place, name, listing)
    listing.disks += [disk[start:].replace(os.sep, "/") if start else disk for disk in disks]
    for message in messages:
        place, _, reason = message.rpartition(": ")
        name = Path(place).relative_to(folder).as_posix() if start else place
        listing.unreadable.append(name)
        reason = f"The folder {place} cannot be listed ({reason}). Change its permissions or leave it out."
        listing.failures.append(Failure(name, reason))


def _keep_disks(places: Places, listing: Listing) -> None:
    """Take no disk that was there for empty where it is not mounted."""
    for disk in places.disks:
        if disk not in listing.disks and not any(_lies_in(file.name, disk) for file in listing.files):
            listing.disks.append(disk)
            _keep(disk, f"{places.root / disk} is a disk of its own, which is not mounted", listing)


def _keep(name: str, reason: str, listing: Listing) -> None:
    listing.unreadable.append(name)
    reason = f"{reason}: its pictures stay as they were. Mount its disk, or take it out of the library."
    listing.failures.append(Failure(name, reason))


def _lies_in(name: str, folder: str) -> bool:
    return name.startswith((f"{folder}/", f"{folder}{os.sep}"))


def look_at(place: str, name: str, listing: Listing) -> None:
    """Add one file to a listing: among the files, or among the failures where there is none to be read."""
    try:
        facts = os.stat(place)
    except OSError as error:
        reason = f"{place} cannot be read ({error.strerror}). Check the link or its permissions."
        listing.failures.append(Failure(name, reason))
        return
    if stat.S_ISREG(facts.st_mode):
        listing.files.append(Found(place, name, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns))
    else:
        listing.failures.append(Failure(name, f"{place} is not a regular file. Leave it out."))
