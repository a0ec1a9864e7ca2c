"""A library, and one picture of it, in facts."""

from collections.abc import Iterable
from pathlib import Path

from ..app.curating.words import MODE, SPOKEN, only_names_a_class, words_of_row
from ..app.curating.words import PictureWord as CuratedWord
from ..errors import BadCheckpoint, BadImage, BadSetting, CaptionretError, MissingWeights
from ..image_classes import classes_of
from ..library.pictures import CaptionsBy
from ..records import Caption
from ..records import PictureFacts as FileFacts
from ..report.visible import visible
from ..retrieval import corpus, find_mode
from . import records
from .pictures import named
from .records import (
    ClassBehind,
    GivenCaption,
    LibraryFacts,
    Mode,
    PictureFacts,
    PictureWord,
)
from .settings import Settings
from .shelf import Shelved


class ChangedMeanwhile(CaptionretError):
    """A caption that is not any more what its writer saw."""


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


def picture_facts(shelved: Shelved, picture: str) -> PictureFacts:
    """All that is known of one picture. errors: UnknownPicture"""
    snapshot = shelved.snapshot()
    row = shelved.row(snapshot, picture)
    gallery, own = snapshot.gallery(), snapshot.is_own(row)
    shown, *others = shelved.library.every_caption(picture)
    path = gallery.paths[row]
    facts = _facts(snapshot.root / path) or FileFacts(0, 0)
    name, folder = named(path)
    return PictureFacts(
        id=picture,
        name=name,
        folder=folder,
        captions=_captions(shown.captions),
        captioned_by=visible(shown.name),
        others=_others(others),
        person=own,
        words=_words_of(shelved, picture),
        width=facts.width,
        height=facts.height,
        taken=facts.taken,
        camera=_seen(facts.camera),
        lens=_seen(facts.lens),
        place=facts.place,
        title=_seen(facts.title),
        keywords=[visible(one) for one in facts.keywords],
        copies=[visible(copy) for copy in gallery.copies[row]],
        missing=not (snapshot.root / path).is_file(),
    )


def refuse_where_changed(shelved: Shelved, picture: str, before: str) -> None:
    """ChangedMeanwhile where a picture's caption is another by now than the one that was seen."""
    shown = next(iter(shelved.library.every_caption(picture)), None)
    now = visible(shown.captions[0].text) if shown and shown.captions else ""
    if now != before:
        raise ChangedMeanwhile(f"Somebody has changed the caption meanwhile, to “{now}”.")


def _facts(file: Path) -> FileFacts | None:
    """What its file says about itself; None where it is gone or has gone bad."""
    from ..images import read_facts

    try:
        return read_facts(file)
    except (BadImage, OSError):
        return None


def _seen(text: str | None) -> str | None:
    return None if text is None else visible(text)


def _captions(given: Iterable[Caption]) -> list[GivenCaption]:
    return [GivenCaption(text=visible(one.text), logprob=one.logprob) for one in given]


def _others(every: Iterable[CaptionsBy]) -> list[records.CaptionsBy]:
    return [
        records.CaptionsBy(
            name=visible(one.name), kind=one.kind, day=one.day or "", captions=_captions(one.captions)
        )
        for one in every
    ]


def _words_of(shelved: Shelved, picture: str) -> list[PictureWord]:
    try:
        gallery = shelved.searcher.gallery(MODE)
        row = gallery.row_of.get(picture)  # of 100,000 pictures the name is not found as soon
        found = [] if row is None else words_of_row(gallery, row)
    except (BadCheckpoint, BadSetting, MissingWeights):  # nothing predicts its words
        found = []
    rates = corpus.rates()
    found.sort(key=lambda one: not one.in_captions and rates.get(one.word, 0.0) < SPOKEN)  # keeps their order
    found = one_of_each(found)
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


def one_of_each(found: Iterable[CuratedWord]) -> list[CuratedWord]:
    """Of words that only name the very same classes ("mammal", "mammalian") the first."""
    kept, named = list[CuratedWord](), set[tuple[str, ...]]()
    for one in found:
        classes = classes_of().get(one.word, ())
        if one.in_captions or not only_names_a_class(one.word) or classes not in named:
            kept.append(one)
            named.add(classes)
    return kept


def _classes(found: Iterable[tuple[str, float]]) -> list[ClassBehind]:
    likely = [(name, sure) for name, sure in found if sure >= 0.01]
    return [ClassBehind(name=name, probability=round(sure, 4)) for name, sure in likely[:3]]
