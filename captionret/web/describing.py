"""A library, and one picture of it, in facts."""

from collections import Counter
from collections.abc import Iterable
from functools import partial
from pathlib import Path, PurePosixPath

from ..app.words import picture_words
from ..errors import BadCheckpoint, BadImage, BadSetting, MissingWeights
from ..library.pictures import CaptionsBy
from ..records import Caption
from ..records import PictureFacts as FileFacts
from ..report.visible import visible
from ..retrieval import Gallery, corpus, find_mode
from . import records
from .library_words import SPOKEN
from .pictures import named
from .records import (
    ClassBehind,
    Counted,
    FailedFile,
    GivenCaption,
    LibraryFacts,
    Mode,
    Overview,
    PictureFacts,
    PictureWord,
)
from .settings import Settings
from .shelf import Shelved

_MOST_SHOWN = 30
_MOST_FAILURES = 500


def in_list(shelved: Shelved, settings: Settings) -> LibraryFacts:
    """What menus show of a library."""
    modes = [
        Mode(name=mode.name, about=mode.about, accepts=sorted(mode.accepts), adds=mode.in_space)
        for mode in map(find_mode, shelved.modes)
    ]
    return LibraryFacts(
        id=shelved.id,
        pictures=len(shelved.snapshot()),
        modes=modes,
        captioners=[
            records.KnownCaptioner(name=visible(one.label), kind=one.kind)
            for one in shelved.library.captioners
        ],
        writable=not settings.read_only,
        uploads=settings.uploads is not None and not settings.read_only,
    )


def overview(shelved: Shelved) -> Overview:
    """A page's worth of facts about a library; kept until it changes."""
    return shelved.kept("overview", lambda: _overview(shelved))


def _overview(shelved: Shelved) -> Overview:
    snapshot = shelved.snapshot()
    gallery, made_by = snapshot.gallery(), snapshot.made_by
    months, cameras = _months(gallery), _cameras(gallery)
    folders = _folders(gallery.paths)
    failures = shelved.library.failures()
    return Overview(
        id=shelved.id,
        pictures=len(gallery),
        copies=sum(map(len, gallery.copies)),
        captioned_by=made_by.summary if made_by else "",
        root=visible(str(snapshot.root)),
        by_person=sum(map(snapshot.is_own, range(len(gallery)))),
        cameras=_commonest(cameras),
        folders=_commonest(folders, 200),
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


def _months(gallery: Gallery) -> Counter[str]:
    """How many pictures were taken in each month; no picture's own facts are read for it."""
    sets = gallery.row_sets
    months = dict.fromkeys(day[:7] for day in sets.distinct("day"))
    return Counter({month: int(sets.where("day", partial(_begins, month)).sum()) for month in months})


def _begins(month: str, day: str) -> bool:
    return day.startswith(month)


def _cameras(gallery: Gallery) -> Counter[str]:
    sets = gallery.row_sets
    return Counter({name: int(sets.where("camera", name.__eq__).sum()) for name in sets.distinct("camera")})


def _commonest(counts: Counter[str], most: int = _MOST_SHOWN) -> list[Counted]:
    best = sorted(counts.items(), key=lambda one: (-one[1], one[0]))[:most]
    return [Counted(name=visible(name), pictures=count) for name, count in best]


def picture_facts(shelved: Shelved, picture: str) -> PictureFacts:
    """All that is known of one picture. errors: UnknownPicture"""
    snapshot = shelved.snapshot()
    row = shelved.row(snapshot, picture)
    gallery, own = snapshot.gallery(), snapshot.is_own(row)
    shown, *others = shelved.library.every_caption(picture)
    path = gallery.paths[row]
    facts = _facts(snapshot.root / path)
    name, folder = named(path)
    return PictureFacts(
        id=picture,
        name=name,
        folder=folder,
        captions=_captions(shown.captions),
        captioned_by=visible(shown.name),
        others=_others(others),
        person=own,
        words=_words_of(shelved, path),
        width=facts.width if facts else 0,
        height=facts.height if facts else 0,
        taken=facts.taken if facts else None,
        camera=visible(facts.camera) if facts and facts.camera else None,
        copies=[visible(copy) for copy in gallery.copies[row]],
        missing=not (snapshot.root / path).is_file(),
    )


def _facts(file: Path) -> FileFacts | None:
    """What its file says about itself; None where it is gone or has gone bad."""
    from ..images import read_facts

    try:
        return read_facts(file)
    except (BadImage, OSError):
        return None


def _captions(given: Iterable[Caption]) -> list[GivenCaption]:
    return [GivenCaption(text=visible(one.text), logprob=one.logprob) for one in given]


def _others(every: Iterable[CaptionsBy]) -> list[records.CaptionsBy]:
    return [
        records.CaptionsBy(
            name=visible(one.name), kind=one.kind, day=one.day or "", captions=_captions(one.captions)
        )
        for one in every
    ]


def _words_of(shelved: Shelved, path: str) -> list[PictureWord]:
    try:
        found = picture_words(shelved.searcher, path)
    except (BadCheckpoint, BadSetting, MissingWeights):  # nothing predicts its words
        found = []
    rates = corpus.rates()
    found.sort(key=lambda one: not one.in_captions and rates.get(one.word, 0.0) < SPOKEN)  # keeps their order
    return [
        PictureWord(
            word=visible(one.word),
            probability=round(one.probability, 4),
            in_captions=one.in_captions,
            head=round(one.head, 4),
            classes=_classes(one.classes),
        )
        for one in found[:60]
    ]


def _classes(found: Iterable[tuple[str, float]]) -> list[ClassBehind]:
    likely = [(name, sure) for name, sure in found if sure >= 0.01]
    return [ClassBehind(name=name, probability=round(sure, 4)) for name, sure in likely[:3]]
