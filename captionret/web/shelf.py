"""The libraries that are served, each by a name, with what is kept of them between requests."""

import gc
import logging
from collections.abc import Callable, Hashable, Iterator, Mapping
from pathlib import Path
from typing import Self, TypeVar

import numpy as np

from ..app.searcher import Searcher
from ..errors import BadSetting, CaptionretError, UnknownName
from ..library import Library, LibrarySnapshot
from ..report.visible import visible
from ..retrieval import MODES, Gallery
from ..uncollected import uncollected
from .kept import Kept
from .settings import Settings

log = logging.getLogger(__name__)

SAMPLES = "samples"
_ANYWHERE = frozenset({"features", "word_probabilities", "embedding"})  # parts that any library can have
_MOST_ANSWERS, _MOST_FACTS = 24, 12  # that are kept of a library

Made = TypeVar("Made")


class Shelved:
    """One library, opened when it is first asked for.

    id:      how addresses name it
    answers: to the last queries
    """

    def __init__(self, name: str, searcher: Searcher) -> None:
        self.id, self.searcher = name, searcher
        self.answers = Kept(_MOST_ANSWERS)
        self._library: Library | None = None
        self._facts = Kept(_MOST_FACTS)
        self._searchers: dict[str, Searcher] = {}  # by the captioner whose captions they search

    @property
    def library(self) -> Library:
        """errors: as Searcher.library"""
        self._library = self.searcher.library
        return self._library

    def snapshot(self, by: str = "") -> LibrarySnapshot:
        """What it holds now. by: as in searcher_by"""
        return self.library.snapshot(self.label(by))

    def searcher_by(self, by: str) -> Searcher:
        """A searcher of one captioner's captions, by its name as lists show it; "": of the best of each
        picture. errors: BadSetting where there is none of that name"""
        label = self.label(by)
        if label is None:
            return self.searcher
        if label not in self._searchers:
            self._searchers = {**self._searchers, label: self.searcher.with_captions_by(label)}
        return self._searchers[label]

    def label(self, by: str) -> str | None:
        """A captioner's label by its name as lists show it; None for "". errors: BadSetting"""
        if not by:
            return None
        known = self.library.captioners
        found = next((one.label for one in known if by in (one.label, visible(one.label))), None)
        if found is None:
            there = ", ".join(visible(one.label) for one in known) or "nobody yet"
            raise BadSetting(f"There are no captions by {visible(by)} here. There are some by: {there}.")
        return found

    @property
    def revision(self) -> str:
        """Changes with whatever is committed to the library."""
        number, stamp = self.snapshot().state
        return f"{number}-{abs(hash(stamp)):x}"

    def row(self, snapshot: LibrarySnapshot, picture: str) -> int:
        """The row of a picture by its content's hash. errors: UnknownPicture"""
        row = snapshot.gallery().row_of.get(picture)
        if row is None:
            raise UnknownPicture("The library holds no such picture. It may have been removed.")
        return row

    def file(self, picture: str) -> Path:
        """Where a picture lies. errors: UnknownPicture"""
        snapshot = self.snapshot()
        return snapshot.root / snapshot.gallery().paths[self.row(snapshot, picture)]

    def kept(self, key: Hashable, make: Callable[[], Made]) -> Made:
        """Facts that `make` makes, kept until the library changes. key: names them"""
        return self._facts.get(key, self.revision, make)

    @property
    def modes(self) -> tuple[str, ...]:
        """The modes that the library can answer by, or be made to."""
        return self.kept("modes", self._modes)

    def _modes(self) -> tuple[str, ...]:
        snapshot = self.snapshot()
        outline = Gallery([], [], source=snapshot, hybrid=snapshot.contents.hybrid)
        encoded = set() if self.library.encoder is None else {"clip"}
        held = _ANYWHERE | outline.parts | encoded
        return tuple(name for name, mode in MODES.items() if mode.required_parts(outline) <= held)

    def close(self) -> None:
        """Close the library, if it was opened."""
        if self._library is not None:
            self._library.close()

    def ask_by(self, word: str) -> None:
        """Ask once, so that what such a query reads and loads is there; what goes wrong is for the next one
        to say."""
        try:
            self.searcher.search(text=word, top=1)
        except CaptionretError as error:
            log.warning(f"{self.id}: {error.message}")

    @property
    def sees_pictures(self) -> bool:
        """Whether pictures that are sent are seen by captionret's own captioner alone: another one may be
        large, or asked over the network. False where the library cannot be read."""
        try:
            snapshot = self.snapshot()
        except CaptionretError:
            return False
        seen_by = snapshot.made_by, snapshot.captioned_by
        return seen_by[0] is not None and not any(
            one is not None and one.described.get("captioner") for one in seen_by
        )

    def load_for_pictures(self) -> bool:
        """Load what the first picture that is sent would wait for, where `sees_pictures`; returns whether it
        is loaded. What goes wrong is for that picture's query to say."""
        try:
            made_by = self.snapshot().made_by
            if made_by is None or not self.sees_pictures:
                return False
            models = self.searcher.models
            with uncollected():
                models.captioner_for(made_by)  # while others compute
                models.predictor_for(self.snapshot().predicted_by)
            gc.freeze()  # what was loaded stays, and is never to be looked through again
        except CaptionretError as error:
            log.info(f"{self.id}: {error.message}")
            return False
        return True

    def ask_by_a_picture(self) -> None:
        """Ask once, so that whatever a picture's query makes on its way is there."""
        try:
            self.searcher.search(image=np.full((64, 64, 3), 128, np.uint8), top=1)
        except CaptionretError as error:
            log.info(f"{self.id}: {error.message}")


class UnknownPicture(UnknownName):
    """A picture that the library does not hold."""


class UnknownLibrary(UnknownName):
    """A library that is not served."""


class Shelf:
    """All of them."""

    def __init__(self, searchers: Mapping[str, Searcher]) -> None:
        """searchers: by the names of their libraries"""
        self._shelved = {name: Shelved(name, searcher) for name, searcher in searchers.items()}

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The libraries that are to be served; without any the sample photographs. errors: BadLibrary"""
        found: dict[str, Searcher] = {}
        for path in settings.libraries:
            name, number = path.name or "library", 2
            while name in found:
                name, number = f"{path.name}-{number}", number + 1
            library = Library.open(path)
            first = next(iter(found.values()), None)
            found[name] = first.with_library(library) if first else Searcher(library, device=settings.device)
        if not found:
            samples = found[SAMPLES] = Searcher(None, device=settings.device)
            _ = samples.library  # captioned now, if they never were
        return cls(found)

    def add(self, name: str, searcher: Searcher) -> Shelved:
        """Serve one more library."""
        self._shelved = {**self._shelved, name: Shelved(name, searcher)}
        return self._shelved[name]

    def __contains__(self, name: object) -> bool:
        return name in self._shelved

    def __getitem__(self, name: str) -> Shelved:
        """errors: UnknownLibrary"""
        if name not in self._shelved:
            raise UnknownLibrary("No such library is served here.")
        return self._shelved[name]

    def __iter__(self) -> Iterator[Shelved]:
        return iter(self._shelved.values())

    def close(self) -> None:
        """Close all that were opened here."""
        for one in self:
            one.close()
