"""A library at a glance: how many pictures there are of what, by what their files say."""

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath

from pydantic import BaseModel

from ..report.visible import visible
from ..retrieval import Gallery
from .shelf import Shelved
from .taken_at import KM, taken_at

_MOST_SHOWN, _MOST_FOLDERS, _MOST_FAILURES = 30, 200, 500
_ASKED_WHERE = 200  # pictures of a place of which the folder is looked at


class FailedFile(BaseModel):
    """A file that could not be captioned."""

    path: str
    reason: str


class Counted(BaseModel):
    """A name and how many pictures bear it."""

    name: str
    pictures: int


class Place(BaseModel):
    """Where pictures were taken: in degrees, north and east positive, within so many kilometres. folder: in
    which most of them lie"""

    latitude: float
    longitude: float
    km: float
    pictures: int
    folder: str


class Overview(BaseModel):
    """A library in more words.

    captioned_by: "photos-lite, beam 3"; root: the folder of its pictures
    months: how many pictures were taken in each month, "2019-06", in order; undated: how many say nothing
    by_person: how many captions a person wrote
    cameras, lenses, keywords, places, folders: the commonest
    """

    id: str
    pictures: int
    copies: int
    captioned_by: str
    root: str
    by_person: int
    cameras: list[Counted]
    lenses: list[Counted]
    keywords: list[Counted]
    places: list[Place]
    folders: list[Counted]
    months: list[Counted]
    undated: int
    failures: list[FailedFile]
    revision: str


def overview(shelved: Shelved) -> Overview:
    """A page's worth of facts about a library; kept until it changes."""
    return shelved.kept("overview", lambda: _overview(shelved))


def _overview(shelved: Shelved) -> Overview:
    snapshot = shelved.snapshot()
    gallery, made_by = snapshot.gallery(), snapshot.made_by or snapshot.captioned_by
    sets = gallery.row_sets
    months = _months(sets.counts("day"))
    failures = shelved.library.failures()
    return Overview(
        id=shelved.id,
        pictures=len(gallery),
        copies=sum(map(len, gallery.copies)),
        captioned_by=made_by.summary if made_by else "",
        root=visible(str(snapshot.root)),
        by_person=int(snapshot.own().sum()),
        cameras=_commonest(sets.counts("camera")),
        lenses=_commonest(sets.counts("lens")),
        keywords=_commonest(sets.counts("keyword")),
        places=_places(gallery),
        folders=_commonest(_folders(gallery.paths), _MOST_FOLDERS),
        months=[Counted(name=month, pictures=count) for month, count in sorted(months.items())],
        undated=len(gallery) - sum(months.values()),
        failures=[
            FailedFile(path=visible(one.path), reason=visible(one.reason))
            for one in failures[:_MOST_FAILURES]
        ],
        revision=shelved.revision,
    )


def _folders(paths: Iterable[str]) -> Counter[str]:
    """How many pictures lie in each folder or below it."""
    own = Counter(path.rpartition("/")[0] for path in paths)
    counts: Counter[str] = Counter()
    for folder, count in own.items():
        for one in (PurePosixPath(folder), *PurePosixPath(folder).parents):
            counts[str(one)] += count
    return Counter({name: count for name, count in counts.items() if name not in (".", "/")})


def _months(days: Mapping[str, int]) -> Counter[str]:
    """How many pictures were taken in each month."""
    months: Counter[str] = Counter()
    for day, count in days.items():
        months[day[:7]] += count
    return months


def _places(gallery: Gallery) -> list[Place]:
    found = []
    for latitude, longitude in taken_at(gallery.row_sets.places(), _MOST_SHOWN):
        rows = gallery.row_sets.near(latitude, longitude, KM).nonzero()[0]
        asked = rows[:_ASKED_WHERE].tolist()
        (folder,) = dict(Counter(gallery.paths[row].rpartition("/")[0] for row in asked).most_common(1))
        found.append(
            Place(latitude=latitude, longitude=longitude, km=KM, pictures=len(rows), folder=visible(folder))
        )
    return found


def _commonest(counts: Mapping[str, int], most: int = _MOST_SHOWN) -> list[Counted]:
    best = sorted(counts.items(), key=lambda one: (-one[1], one[0]))[:most]
    return [Counted(name=visible(name), pictures=count) for name, count in best]
