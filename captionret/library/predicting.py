"""Asking a predictor about every picture of a library, in a run that can be stopped and goes on where it
was."""

import time
from collections.abc import Iterator

import numpy as np

from ..errors import BadLibrary
from ..progress import bar
from ..retrieval import WordMatrix
from .protocols import WordPredicting
from .snapshot import LibrarySnapshot
from .word_probabilities import (
    FILE,
    LEAST,
    UNFINISHED,
    StoredWordProbabilities,
    joined,
    kept_classes,
    kept_words,
    remove_old,
)

# the file is written as a whole: after every batch it would take a big library longer than predicting does
KEEP_SECONDS = 30.0


def predict_all(
    snapshot: LibrarySnapshot, predictor: WordPredicting, batch_size: int, progress: bool | None
) -> int:
    """Write what is predicted of each image into the library's folder; returns of how many it was not known.

    What a stopped run has done lies in a file of its own, so that searching has the last complete one until
    there is the next.
    """
    run = _Run(snapshot, predictor)
    kept, kept_at = run.known, time.monotonic()
    try:
        for _ in run.batches(batch_size, progress):
            if time.monotonic() - kept_at >= KEEP_SECONDS:
                run.stored().write(snapshot.folder, UNFINISHED)
                kept, kept_at = len(run.hashes), time.monotonic()
    except (Exception, KeyboardInterrupt):
        if len(run.hashes) > kept:
            run.stored().write(snapshot.folder, UNFINISHED)
        raise
    run.stored().write(snapshot.folder, FILE)
    remove_old(snapshot.folder)
    return len(run.hashes) - run.known


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
    run = _Run(snapshot, predictor)
    for _ in run.batches(batch_size, progress):
        pass
    return snapshot.with_word_probabilities(run.stored())


class _Run:
    """What a predictor has predicted of a snapshot's images so far.

    hashes: of these images; known: of how many it was known before
    """

    def __init__(self, snapshot: LibrarySnapshot, predictor: WordPredicting) -> None:
        self._snapshot, self._predictor = snapshot, predictor
        self.hashes, self._parts, self._classes = _known(snapshot, predictor)
        self.known = len(self.hashes)

    def batches(self, batch_size: int, progress: bool | None) -> Iterator[None]:
        """Predict those that are not known, a batch for each step of the iteration."""
        gallery, known = self._snapshot.gallery(), set(self.hashes)
        new = [row for row, sha256 in enumerate(gallery.hashes) if sha256 not in known]
        starts = range(0, len(new), batch_size)
        for start in bar(starts, desc="predicting words", unit="batch", show=progress if new else False):
            rows = new[start : start + batch_size]
            names = [gallery.hashes[row] for row in rows]
            paths = [self._snapshot.root / gallery.paths[row] for row in rows]
            features = gallery.features[rows]
            predicted = self._predictor.predict_words(paths, names, features)
            self._parts.append(kept_words(self._predictor.words, predicted))
            classes = self._predictor.predict_classes(features)
            self._classes.append(None if classes is None else kept_classes(classes))
            self.hashes += names
            yield

    def stored(self) -> StoredWordProbabilities:
        """All of it, as a file holds it."""
        classes = [part for part in self._classes if part is not None]
        known = joined(classes) if classes and len(classes) == len(self._classes) else None
        return StoredWordProbabilities(self._predictor.describe(), self.hashes, joined(self._parts), known)


def _known(
    snapshot: LibrarySnapshot, predictor: WordPredicting
) -> tuple[list[str], list[WordMatrix], list[WordMatrix | None]]:
    """What this predictor predicted of the gallery's images before: their hashes, and the rows of these, of
    words and of classes. A damaged file holds nothing, nor does one of release 0.5.0, which kept less."""
    hashes: list[str] = []
    parts = [WordMatrix.of_matrix(predictor.words, np.zeros((0, len(predictor.words))), LEAST)]
    classes: list[WordMatrix | None] = []
    for name in (FILE, UNFINISHED):
        try:
            stored = StoredWordProbabilities.read(snapshot.folder, name)
        except BadLibrary:
            continue  # it is made again, as its message says
        fingerprint = predictor.fingerprint
        if stored is None or stored.made_by["fingerprint"] != fingerprint or stored.least > LEAST:
            continue
        known = set(hashes)
        found = [
            sha256 for sha256 in snapshot.gallery().hashes if sha256 in stored.row_of and sha256 not in known
        ]
        hashes += found
        parts.append(stored.take(found))
        classes.append(stored.take_classes(found))
    return hashes, parts, classes
