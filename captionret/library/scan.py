"""What lies in a folder now, against what the catalogue knows: what is new, changed, renamed, gone."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from ..files import sha256_of
from ..records import Failure
from .catalogue.catalogue import Catalogue
from .catalogue.rows import NAME, TEXT, WHOLE, restored, stored
from .listing import Found, Listing

_FAILED = "SELECT path, size, ctime_ns, reason FROM failures WHERE captioner = ?"
UNSEEN = -1  # the size of a file that could not be looked at, so that it is tried again where it can be
_FEW = 200  # listed files, of which alone the catalogue is asked


@dataclass(frozen=True, slots=True)
class Known:
    """What the catalogue says of a file that was captioned."""

    size: int
    mtime_ns: int
    sha256: str

    def is_still(self, file: Found) -> bool:
        """Whether the file is as it was; a file rewritten in place gets another time, at the least."""
        return (self.size, self.mtime_ns) == (file.size, file.mtime_ns)


@dataclass(frozen=True, slots=True)
class Failed:
    """What the catalogue says of a file that could not be captioned."""

    size: int
    ctime_ns: int
    reason: str

    def is_still(self, file: Found) -> bool:
        """Whether trying again is in vain. A file that may now be read has the same content and time of
        writing, but another ctime."""
        return (self.size, self.ctime_ns) == (file.size, file.ctime_ns)


@dataclass(slots=True)
class Task:
    """One content to be captioned: the file to read and the others that hold the same. sha256 is None where
    nothing has its size."""

    files: list[tuple[Found, str]]
    sha256: str | None


@dataclass(slots=True)
class Plan:
    """What an update has to do.

    counts: of the files for which nothing is to be captioned, by what became of them
    silent: of how many files the captioner says nothing
    unread: files that could not be looked at, and why
    """

    known_content: list[tuple[Found, str]] = field(default_factory=list)
    tasks: list[Task] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    silent: int = 0
    unread: list[tuple[Found, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Remembered:
    """What the catalogue says of every file.

    files:   those that were captioned; failed: those that could not be
    current: the contents that the present captioner captioned
    """

    files: dict[str, Known]
    failed: dict[str, Failed]
    current: set[str]


def remembered(catalogue: Catalogue, captioner: int, listing: Listing | None = None) -> Remembered:
    """Read it.

    captioner: the id of the one that captions now
    listing:   no more than what it says of the files of this listing and of those of the same sizes, which
               may have the same content; None, or of many files: of all
    """
    if listing is not None and len(listing.files) + len(listing.gone) <= _FEW:
        return _remembered_of(catalogue, captioner, listing)
    with catalogue.reading() as rows:
        files = rows.table("SELECT path, size, mtime_ns, sha256 FROM files", (NAME, WHOLE, WHOLE, TEXT))
        failed = rows.table(_FAILED, (NAME, WHOLE, WHOLE, NAME), captioner)
        current = rows.table("SELECT sha256 FROM images WHERE captioner = ?", (TEXT,), captioner)
    return Remembered(
        {restored(path): Known(*facts) for path, *facts in files},
        {restored(path): Failed(size, ctime, restored(reason)) for path, size, ctime, reason in failed},
        {sha256 for (sha256,) in current},
    )


def _remembered_of(catalogue: Catalogue, captioner: int, listing: Listing) -> Remembered:
    names = [stored(name) for name in (*(file.name for file in listing.files), *listing.gone)]
    sizes = sorted({file.size for file in listing.files})
    of_names, of_sizes = (", ".join("?" * len(values)) for values in (names, sizes))
    with catalogue.reading() as rows:
        alike = f"path IN ({of_names}) OR size IN ({of_sizes})"
        sql = f"SELECT path, size, mtime_ns, sha256 FROM files WHERE {alike}"  # noqa: S608
        files = rows.table(sql, (NAME, WHOLE, WHOLE, TEXT), *names, *sizes)
        failed = rows.table(
            f"{_FAILED} AND path IN ({of_names})", (NAME, WHOLE, WHOLE, NAME), captioner, *names
        )
        sql = "SELECT 1 FROM images WHERE captioner = ? AND sha256 = ?"
        contents = {row[3] for row in files}
        current = {one for one in contents if rows.value(sql, captioner, one) is not None}
    return Remembered(
        {restored(path): Known(*facts) for path, *facts in files},
        {restored(path): Failed(size, ctime, restored(reason)) for path, size, ctime, reason in failed},
        current,
    )


def make_plan(known: Remembered, listing: Listing, whole: bool = True) -> Plan:
    """Compare a listing with the catalogue. Files are read (for their hash) only where their content could be
    a known one. Contents that another captioner captioned are captioned again.

    whole: whether the listing is of all pictures, so that what is not in it is gone; else what it calls so
    """
    files, failed, current = known.files, known.failed, known.current
    present = {file.name for file in listing.files}
    plan = Plan(failures=list(listing.failures))
    for failure in listing.failures:
        if failure.path not in listing.unreadable:  # no folder
            plan.unread.append((Found(failure.path, failure.path, UNSEEN, 0, 0), failure.reason))
    if whole:
        plan.gone = [name for name in files if name not in present and listing.covers(name)]
    else:
        plan.gone = [name for name in listing.gone if name in files]
    kinds = _Kinds(files, plan.gone)
    tasks: dict[str, Task] = {}
    for file, sha256 in _with_hashes(listing.files, files, failed, plan):
        kind = kinds.of(file, sha256)
        if kind == "unchanged" and sha256 not in current:
            kind = "recaptioned"
        if sha256 is None:
            plan.tasks.append(Task([(file, kind)], None))
        elif sha256 in current:
            plan.counts[kind] += 1
            if not (file.name in files and files[file.name].is_still(file)):
                plan.known_content.append((file, sha256))
        elif sha256 in tasks:
            tasks[sha256].files.append((file, kind))
        else:
            tasks[sha256] = Task([(file, kind)], sha256)
            plan.tasks.append(tasks[sha256])
    plan.counts["removed"] = len(plan.gone) - kinds.renamed
    return plan


def _with_hashes(
    found: list[Found], files: dict[str, Known], failed: dict[str, Failed], plan: Plan
) -> Iterable[tuple[Found, str | None]]:
    """Each file with its content's hash: the known one, the one computed now, or None where no other file has
    its size."""
    sizes = Counter(known.size for known in files.values())
    sizes.update(file.size for file in found if not (file.name in files and files[file.name].is_still(file)))
    for file in found:
        if file.name in files and files[file.name].is_still(file):
            yield file, files[file.name].sha256
        elif file.name in failed and failed[file.name].is_still(file):
            plan.failures.append(Failure(file.name, failed[file.name].reason))
        elif sizes[file.size] == 1:
            yield file, None
        else:
            try:
                yield file, sha256_of(file.path)
            except OSError as error:
                reason = f"{file.path} cannot be read ({error.strerror}). Check its permissions."
                plan.failures.append(Failure(file.name, reason))
                plan.unread.append((file, reason))


class _Kinds:
    """Tells what happened to each file."""

    def __init__(self, files: dict[str, Known], gone: list[str]) -> None:
        self.files = files
        self.seen = {known.sha256 for known in files.values()}
        # vanished names by content: a new name for it is a rename
        self.gone: defaultdict[str, int] = defaultdict(int)
        for name in gone:
            self.gone[files[name].sha256] += 1
        self.renamed = 0

    def of(self, file: Found, sha256: str | None) -> str:
        if file.name in self.files:
            return "unchanged" if sha256 == self.files[file.name].sha256 else "changed"
        if sha256 is None:
            return "new"
        if self.gone[sha256]:
            self.gone[sha256] -= 1
            self.renamed += 1
            return "renamed"
        kind = "duplicates" if sha256 in self.seen else "new"
        self.seen.add(sha256)
        return kind
