"""Asking a predictor about every picture of a library, in a run that can be stopped and goes on where it
was."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...errors import BadLibrary
from ...progress import bar
from ...retrieval import WordMatrix
from ..protocols import WordPredicting
from ..snapshot import LibrarySnapshot
from . import word_files, word_probabilities
from .seen import SeenRows, words_of
from .word_files import MANIFEST, MOST_PICTURES, UNFINISHED, NamedPart, PredictedWords, part_of, written
from .word_places import placed_words, rows_of
from .word_probabilities import LEAST, joined, kept_classes, kept_words

KEEP_SECONDS = 30.0  # after which what has been predicted is kept
MOST_SMALL = 8  # parts of fewer than half of MOST_PICTURES; then they become one
MOST_GONE = 1 / 8  # of a part's pictures that the library holds no more; then it is written anew


def predict_all(
    snapshot: LibrarySnapshot, predictor: WordPredicting, batch_size: int, progress: bool | None, check: bool
) -> int:
    """Write what is predicted of each image into the library's folder; returns of how many it was not known.

    What a stopped run has done lies under a manifest of its own, so that searching has the last complete one
    until there is the next.
    check: whether what is there is read as a whole, so that a damaged part is made again
    """
    folder = snapshot.folder
    run = _Run(snapshot, predictor, check)
    kept_at = time.monotonic()
    try:
        for _ in run.batches(batch_size, progress):
            if run.waiting >= MOST_PICTURES or time.monotonic() - kept_at >= KEEP_SECONDS:
                run.keep(folder)
                kept_at = time.monotonic()
    except (Exception, KeyboardInterrupt):
        run.keep(folder)
        raise
    predicted = _tidied(run.predicted(), snapshot)
    predicted = replace(predicted, parts=tuple(written(folder, one) for one in predicted.parts))
    predicted.write(folder)
    (folder / UNFINISHED).unlink(missing_ok=True)
    word_files.remove_others(folder, predicted.parts)
    word_probabilities.remove_old(folder)
    SeenRows(folder, predictor).remove()
    return run.new


def predicted_for(
    snapshot: LibrarySnapshot, predictor: WordPredicting, batch_size: int = 256, progress: bool | None = None
) -> LibrarySnapshot:
    """The snapshot with what is predicted of each of its images, of which nothing is written: for a reader
    while another process is writing it.

    errors: BadSetting for a lexical head that reads another backbone's features, BadImage for a picture that
            has gone bad
    """
    made_by = snapshot.made_by
    predictor.check(made_by.described.get("backbone") if made_by else None)
    run = _Run(snapshot, predictor, check=False)
    for _ in run.batches(batch_size, progress):
        pass
    return snapshot.with_words(run.predicted())


class _Run:
    """What a predictor has predicted of a snapshot's images so far.

    new: of how many it was not known before; waiting: how many of these are in no part yet
    """

    def __init__(self, snapshot: LibrarySnapshot, predictor: WordPredicting, check: bool) -> None:
        self._snapshot, self._predictor = snapshot, predictor
        self._seen = SeenRows(snapshot.folder, predictor)
        self._parts = _known(snapshot.folder, predictor, check)
        self._hashes: list[str] = []
        self._words: list[WordMatrix] = []
        self._classes: list[WordMatrix | None] = []
        self.new = 0

    @property
    def waiting(self) -> int:
        """How many of the pictures that were asked about are in no part yet."""
        return len(self._hashes)

    def batches(self, batch_size: int, progress: bool | None) -> Iterator[None]:
        """Predict those that are not known, a batch for each step of the iteration."""
        gallery, new = self._snapshot.gallery(), self._unknown().tolist()
        file = self._snapshot.contents.features
        seen = self._seen.take(0 if file is None else file.dim) if new else {}
        starts = range(0, len(new), batch_size)
        for start in bar(starts, desc="predicting words", unit="batch", show=progress if new else False):
            rows = new[start : start + batch_size]
            names = [gallery.hashes[row] for row in rows]
            paths = [self._snapshot.root / gallery.paths[row] for row in rows]
            features = self._snapshot.features(names)  # of these alone, however many others there are
            words = words_of(self._predictor, seen, paths, names, features)
            classes = self._predictor.predict_classes(features)
            self._words.append(kept_words(self._predictor.words, words))
            self._classes.append(None if classes is None else kept_classes(classes))
            self._hashes += names
            self.new += len(names)
            yield

    def keep(self, folder: Path) -> None:
        """Write what is in no file yet, for a run that goes on here."""
        if self._hashes:
            parts = tuple(written(folder, one) for one in self.predicted().parts)
            PredictedWords(self._predictor.describe(), parts).write(folder, UNFINISHED)

    def predicted(self) -> PredictedWords:
        """All of it; what is in no part yet becomes one, or several."""
        if self._hashes or not self._parts:
            self._parts += _parts_of(self._hashes, self._joined(), _all_joined(self._classes))
            self._hashes, self._words, self._classes = [], [], []
        return PredictedWords(self._predictor.describe(), tuple(self._parts))

    def _joined(self) -> WordMatrix:
        words = self._predictor.words
        nothing = WordMatrix.of_matrix(words, np.zeros((0, len(words))), LEAST)
        return joined([nothing, *self._words])

    def _unknown(self) -> NDArray[np.int32]:
        known = np.zeros(len(self._snapshot.pictures), np.bool_)
        for one in self._parts:
            rows = rows_of(one, self._snapshot.pictures)
            known[rows[rows >= 0]] = True
        return np.flatnonzero(~known).astype(np.int32)


def _known(folder: Path, predictor: WordPredicting, check: bool) -> list[NamedPart]:
    """What this predictor predicted before. A damaged file holds nothing, nor does what release 0.5.0 wrote,
    which kept less."""
    found: dict[str, NamedPart] = {}
    for name in (MANIFEST, UNFINISHED):
        try:
            predicted = PredictedWords.read(folder, name)
        except BadLibrary:
            continue  # it is made again, as its message says
        if predicted is None or predicted.made_by["fingerprint"] != predictor.fingerprint:
            continue
        parts = [one for one in predicted.parts if one.part.count and predicted.least <= LEAST]
        if name == UNFINISHED:  # a run that was killed at its end may have left what the manifest holds, too
            known = {sha256 for one in found.values() for sha256 in one.names()}
            parts = [one for one in parts if known.isdisjoint(one.names())]
        found |= {one.name: one for one in parts if not check or _is_whole(one)}
    return list(found.values())


def _is_whole(part: NamedPart) -> bool:
    try:
        part.check()
    except BadLibrary:
        return False
    return True


def _tidied(predicted: PredictedWords, snapshot: LibrarySnapshot) -> PredictedWords:
    """The same with small parts made one, once there are many, and without pictures that are gone, once there
    are many of these."""
    pictures, parts = snapshot.pictures, predicted.parts
    places = [rows_of(one, pictures) for one in parts]
    held = [int((rows >= 0).sum()) for rows in places]
    small = [place for place, count in enumerate(held) if count < MOST_PICTURES / 2]
    chosen = {
        place for place, one in enumerate(parts) if one.part.count - held[place] > one.part.count * MOST_GONE
    }
    chosen.update(small if len(small) > MOST_SMALL else ())
    if not chosen:
        return predicted
    rows = np.sort(np.concatenate([places[place][places[place] >= 0] for place in chosen]))
    stored = placed_words([parts[one] for one in chosen], [places[one] for one in chosen], {}, len(pictures))
    classes = None if stored.classes is None else stored.matrix(classes=True).take(rows)
    hashes = [pictures.hashes[row] for row in rows.tolist()]
    others = [one for place, one in enumerate(parts) if place not in chosen]
    return replace(predicted, parts=(*others, *_parts_of(hashes, stored.matrix().take(rows), classes)))


def _parts_of(hashes: Sequence[str], words: WordMatrix, classes: WordMatrix | None) -> list[NamedPart]:
    """Parts in memory, of at most MOST_PICTURES each; of no picture one."""
    found = []
    for first in range(0, max(len(hashes), 1), MOST_PICTURES):
        rows = range(first, min(first + MOST_PICTURES, len(hashes)))
        own = None if classes is None else classes.take(rows)
        found.append(part_of(hashes[first : rows.stop], words.take(rows), own))
    return found


def _all_joined(parts: Sequence[WordMatrix | None]) -> WordMatrix | None:
    """Their rows one after the other; None where some are not known."""
    known = [part for part in parts if part is not None]
    return joined(known) if known and len(known) == len(parts) else None
