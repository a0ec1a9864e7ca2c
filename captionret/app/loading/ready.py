"""A library made ready for a mode: with the spaces and the word probabilities that it compares."""

import contextlib
import logging

from ...errors import (
    BadCheckpoint,
    BadImage,
    BadLibrary,
    BadSetting,
    CaptionretError,
    LibraryInUse,
    MissingWeights,
    NoSpace,
    ReadOnlyLibrary,
)
from ...home import GALLERY, library_called
from ...library import LibrarySnapshot, WordPredicting
from ...library.words.predicting import predicted_for
from ...models.record import read_record
from ...remedies import remedy
from ...retrieval import MODES, Gallery, Mode, find_mode
from ...word_vectors import load_word_vectors
from ..models import Library
from ..places import LEXICAL_HEAD
from .loaded import Models
from .named import by_older_shipped_head

log = logging.getLogger(__name__)

_CAPTIONS_ALONE = "The library holds captions alone, without a CNN's features of its pictures."


class ReadyLibrary:
    """What was made or loaded for each mode, kept until the library changes. One thread at a time.

    missing: why a mode that answers by what is there goes without a part, the sentence by the part's name
    """

    def __init__(self, models: Models, captions_by: str | None = None) -> None:
        """captions_by: as in Library.snapshot"""
        self._models, self._captions_by = models, captions_by
        self.missing: dict[str, str] = {}
        # by a mode's name, and whether with words, the last snapshot with what it compares
        self._ready: dict[tuple[str, bool], LibrarySnapshot] = {}
        # the last snapshot whose words were predicted for searching alone: as it was, and with these
        self._unkept: tuple[LibrarySnapshot, LibrarySnapshot] | None = None

    def snapshot(self, library: Library, name: str, with_words: bool = False) -> LibrarySnapshot:
        """The library as it is now, with what the mode `name` requires.

        with_words: with word probabilities, too; where they cannot be made that is logged, and conditions on
                    words are answered by captions
        errors:     as Searcher.search
        """
        snapshot = library.snapshot(self._captions_by)
        if self._ready.get((name, with_words)) is not snapshot:
            snapshot = self._made_ready(library, snapshot, name)
            if with_words and snapshot.without_word_probabilities and _has_features(snapshot):
                snapshot = self._with_words_if_possible(library, snapshot)
            self._ready[name, with_words] = snapshot
        return snapshot

    def prepare(self, library: Library, progress: bool | None = None) -> None:
        """Make and keep what the next search by mode auto would wait for: vectors and words of the pictures
        of which nothing is predicted yet. What cannot be made is left to that search, which says why."""
        try:
            snapshot = library.snapshot()
            new = snapshot.without_word_probabilities
            if not new or not _has_features(snapshot) or not self._may_predict(snapshot):
                return
            outline = Gallery([], [], source=snapshot, hybrid=snapshot.contents.hybrid)
            for part in sorted(find_mode("auto").required_parts(outline) & MODES.keys()):
                self._try_space(library, part)
            snapshot = library.snapshot()
            for part in sorted(snapshot.parts & MODES.keys()):
                snapshot.vectors(part, new)
            with self._models.lock:
                library.predict_words(self._predictor_for(snapshot), check=False, progress=progress)
            with contextlib.suppress(MissingWeights):
                load_word_vectors("glove-50")  # by which words that are not known are understood
        except CaptionretError as error:
            log.info(f"The first search predicts the words of new pictures: {error.message}")

    def _may_predict(self, snapshot: LibrarySnapshot) -> bool:
        """Whether what predicts its words reads its features; of the shipped lexical head that is known
        without loading it."""
        made_by = snapshot.made_by
        if snapshot.predicted_by is not None or self._models.gives_predictor or made_by is None:
            return True
        read: dict[str, object] = read_record(LEXICAL_HEAD)["backbone"]
        backbone = made_by.described.get("backbone") or {}
        return bool(backbone.get("sha256") == read["sha256"])

    def _with_words_if_possible(self, library: Library, snapshot: LibrarySnapshot) -> LibrarySnapshot:
        try:
            return self._with_words(library, snapshot)
        except (BadCheckpoint, BadSetting, MissingWeights) as error:
            log.warning(f"Conditions on words are answered by captions: {error.message}")
            return snapshot

    def _made_ready(self, library: Library, snapshot: LibrarySnapshot, name: str) -> LibrarySnapshot:
        """The library with the spaces and word probabilities that a mode compares; the same snapshot where
        nothing had to be made or loaded."""
        outline = Gallery(
            [], [], source=snapshot, hybrid=snapshot.contents.hybrid
        )  # what is held, no picture
        mode = find_mode(name)
        required = mode.required_parts(outline)
        use = self._try_space if mode.adaptive else self._use_space
        if not _has_features(snapshot):
            required = self._without_features(mode, required)
        used = [use(library, part) for part in sorted(required) if part in MODES]
        if any(used):
            snapshot = library.snapshot(self._captions_by)
        if (
            "word_probabilities" in required
            and not snapshot.by_captions
            and (
                snapshot.without_word_probabilities
                or (mode.uses_classes and snapshot.predicted_by_older_release)
            )
        ):
            self.missing.pop("word_probabilities", None)
            try:
                if mode.adaptive:
                    self._check_predictor(snapshot)
                snapshot = self._with_words(library, snapshot)
            except (BadCheckpoint, BadLibrary, BadSetting, MissingWeights) as error:
                if not mode.adaptive:
                    raise
                self.missing["word_probabilities"] = error.message
        return snapshot

    def _without_features(self, mode: Mode, required: frozenset[str]) -> frozenset[str]:
        """What a mode can have of a library of captions alone: no model is loaded to find that out. errors:
        BadSetting for a mode that cannot answer then"""
        there = {"clip", "word_probabilities"}  # an encoder reads the pictures; words are those of captions
        gone = sorted(required - there)
        if gone and not mode.adaptive:
            raise BadSetting(f"Mode {mode.name!r} cannot answer: {_CAPTIONS_ALONE}", remedy("own captioner"))
        self.missing |= dict.fromkeys(gone, _CAPTIONS_ALONE)
        return required - {*gone}

    def _check_predictor(self, snapshot: LibrarySnapshot) -> None:
        """BadSetting where the words of the pictures cannot be predicted from their features."""
        made_by = snapshot.made_by
        backbone = made_by.described.get("backbone") if made_by else None
        self._predictor_for(snapshot).check(backbone)

    def _predictor_for(self, snapshot: LibrarySnapshot) -> WordPredicting:
        """The predictor of a snapshot's words; of an older release's shipped head this release's one.
        errors: as predictor_of"""
        try:
            return self._models.predictor_for(snapshot.predicted_by)
        except BadCheckpoint:
            if not by_older_shipped_head(snapshot.predicted_by):
                raise
            return self._models.predictor_for(None)

    def _try_space(self, library: Library, mode: str) -> bool:
        """As _use_space, where a space is at hand that fits the library and can read texts; else note why
        not."""
        before = dict(library.spaces)
        self.missing.pop(mode, None)
        try:
            used = self._use_space(library, mode)
            if used:
                library.spaces[mode].encode_texts(["a photograph"])
        except (BadCheckpoint, BadSetting, MissingWeights) as error:
            self.missing[mode] = error.message
            library.spaces = before
            return False
        return used

    def _use_space(self, library: Library, mode: str) -> bool:
        """Let a mode compare in the space that was given for it, else in the library's, else in the shipped
        one. Returns whether the library did not do so before."""
        if mode in library.spaces and mode not in self._models.given_spaces():
            return False
        space = self._models.space_for(mode, library.encoder)
        if library.spaces.get(mode) is space:
            return False
        library.use_space(mode, space)
        return True

    def _with_words(self, library: Library, snapshot: LibrarySnapshot) -> LibrarySnapshot:
        """The library with the words of the pictures of which nothing was predicted yet. Where most are
        known, it is searched by these if its predictor is gone. While another process is predicting them, and
        where the library cannot be written, they are predicted for this snapshot and not kept."""
        before, made = self._unkept or (None, None)
        try:
            predictor = self._predictor_for(snapshot)
        except BadCheckpoint as error:
            if "word_probabilities" not in snapshot.parts:
                raise
            log.warning(f"New pictures have no word probabilities yet: {error.message}")
            return snapshot
        if (snapshot.predicted_by or {}).get("fingerprint", predictor.fingerprint) != predictor.fingerprint:
            log.info("Their words are of an older release's lexical head; that of this one predicts them.")
        if made is None or before is not snapshot:
            log.info(f"The words of the pictures of {_called(library)} are predicted, once.")
        with self._models.lock:
            try:
                library.predict_words(predictor, check=False)
                return library.snapshot(self._captions_by)
            except BadImage as error:
                return _as_it_is(snapshot, error)
            except LibraryInUse:
                unkept = "Another process is predicting them, too; until it has ended, these are not kept."
            except (ReadOnlyLibrary, NoSpace) as error:
                unkept = f"They are not kept: {error.message}"
            if made is None or before is not snapshot:
                log.info(unkept)
                try:
                    made = predicted_for(snapshot, predictor)
                except BadImage as error:
                    made = _as_it_is(snapshot, error)
                self._unkept = snapshot, made
            return made


def _called(library: Library) -> str:
    """Its name; of one that stands behind a folder which a search was given, that folder."""
    return str(library.root) if library.path.name.startswith(GALLERY) else library_called(library.path)


def _has_features(snapshot: LibrarySnapshot) -> bool:
    """Whether there are a CNN's features of the pictures, or no picture yet."""
    return snapshot.contents.features is not None or not len(snapshot.pictures)


def _as_it_is(snapshot: LibrarySnapshot, error: BadImage) -> LibrarySnapshot:
    """A snapshot of which some pictures' words are predicted, when those of others cannot be: their files
    were moved or deleted, and what is predicted takes them. errors: the BadImage, where it has no words"""
    if "word_probabilities" not in snapshot.parts:
        raise error
    log.warning(f"Words could not be predicted of all pictures yet: {error.message}")
    return snapshot
