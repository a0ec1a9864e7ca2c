"""Pictures of a library that are there more than once, looked for in a thread of its own: the first time
every picture is read."""

from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock

from fastapi import APIRouter
from pydantic import BaseModel

from ..app.curating.duplicates import Copy, DuplicateGroup, find_duplicates
from ..errors import CaptionretError
from ..report.visible import visible, visible_lines
from ..retrieval import Gallery
from .api import LibraryName, problems
from .pictures import named
from .shelf import Shelf, Shelved

_MOST_GROUPS = 300  # that are shown


class DuplicateFile(BaseModel):
    """A file of a group. id: of its content, by which the picture is shown

    width, height: in pixels; size: in bytes; sharpness: see captionret.app.curating.duplicates.Copy
    """

    id: str
    name: str
    folder: str
    width: int
    height: int
    size: int
    sharpness: float
    taken: str | None


class FoundGroup(BaseModel):
    """Files that show the same, the best first. kind: "exact", "near" or "burst" """

    kind: str
    files: list[DuplicateFile]


class DuplicatesFound(BaseModel):
    """What was found so far.

    state:  "looking", "ready" or "failed"; message: why it failed
    groups: the first ones; every: how many there are
    """

    state: str
    groups: list[FoundGroup] = []
    every: int = 0
    message: str = ""


class Duplicates:
    """One look at each library, kept until the library changes."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._looking = ThreadPoolExecutor(1, "duplicates")
        self._looks: dict[str, tuple[str, Future[DuplicatesFound]]] = {}
        self._lock = Lock()
        self.router = APIRouter(prefix="/api/libraries/{library}", responses=problems())
        self.router.add_api_route("/duplicates", self.duplicates, response_model=DuplicatesFound)

    def duplicates(self, library: LibraryName) -> DuplicatesFound:
        """Files that are the very same, nearly the same, or of one burst. The first request begins to look;
        ask again until the state is no more "looking"."""
        shelved = self._shelf[library]
        revision = shelved.revision
        with self._lock:
            known = self._looks.get(library)
            if known is None or (known[0] != revision and known[1].done()):
                known = revision, self._looking.submit(_found, shelved)
                self._looks[library] = known
        look = known[1]
        return look.result() if look.done() else DuplicatesFound(state="looking")

    def close(self) -> None:
        """Look for no more."""
        self._looking.shutdown(wait=False, cancel_futures=True)


def _found(shelved: Shelved) -> DuplicatesFound:
    try:
        groups = find_duplicates(shelved.library, progress=False)
    except CaptionretError as error:
        return DuplicatesFound(state="failed", message=visible_lines(error.message))
    gallery = shelved.snapshot().gallery()
    rows = _rows(gallery)
    shown = [_group(one, gallery, rows) for one in groups[:_MOST_GROUPS]]
    return DuplicatesFound(state="ready", groups=shown, every=len(groups))


def _rows(gallery: Gallery) -> dict[str, int]:
    """By every path, those of copies among them, the row of its picture."""
    return {path: row for row in range(len(gallery)) for path in (gallery.paths[row], *gallery.copies[row])}


def _group(group: DuplicateGroup, gallery: Gallery, rows: Mapping[str, int]) -> FoundGroup:
    held = [one for one in group.pictures if one.path in rows]  # one may have been taken out meanwhile
    return FoundGroup(kind=group.kind, files=[_file(one, gallery.hashes[rows[one.path]]) for one in held])


def _file(copy: Copy, sha256: str) -> DuplicateFile:
    name, folder = named(copy.path)
    return DuplicateFile(
        id=sha256,
        name=name,
        folder=folder,
        width=copy.width,
        height=copy.height,
        size=copy.size,
        sharpness=round(copy.sharpness, 1),
        taken=visible(copy.taken) if copy.taken else None,
    )
