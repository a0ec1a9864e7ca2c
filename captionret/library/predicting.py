"""Asking a predictor about every picture of a library, in a run that can be stopped and goes on where it
was."""

import time

import numpy as np

from ..errors import BadLibrary
from ..progress import bar
from ..retrieval import WordMatrix
from .protocols import WordPredicting
from .snapshot import LibrarySnapshot
from .word_probabilities import FILE, LEAST, UNFINISHED, StoredWordProbabilities, joined, remove_old

# the file is written as a whole: after every batch it would take a big library longer than predicting does
KEEP_SECONDS = 30.0


def predict_all(
    snapshot: LibrarySnapshot, predictor: WordPredicting, batch_size: int, progress: bool | None
) -> int:
    """Write what is predicted of each image into the library's folder; returns of how many it was not known.

    What a stopped run has done lies in a file of its own, so that searching has the last complete one until
    there is the next.
    """
    folder, gallery = snapshot.folder, snapshot.gallery()
    hashes, parts = _known(snapshot, predictor)
    known = set(hashes)
    new = [row for row, sha256 in enumerate(gallery.hashes) if sha256 not in known]
    kept, kept_at = len(hashes), time.monotonic()

    def keep(name: str) -> None:
        StoredWordProbabilities(predictor.describe(), hashes, joined(parts)).write(folder, name)

    batches = range(0, len(new), batch_size)
    show = progress if new else False
    try:
        for start in bar(batches, desc="predicting words", unit="batch", show=show):
            rows = new[start : start + batch_size]
            names = [gallery.hashes[row] for row in rows]
            predicted = predictor.predict_words(
                [snapshot.root / gallery.paths[row] for row in rows], names, gallery.features[rows]
            )
            parts.append(WordMatrix.of_matrix(predictor.words, predicted, LEAST))
            hashes += names
            if time.monotonic() - kept_at >= KEEP_SECONDS:
                keep(UNFINISHED)
                kept, kept_at = len(hashes), time.monotonic()
    except (Exception, KeyboardInterrupt):
        if len(hashes) > kept:
            keep(UNFINISHED)
        raise
    keep(FILE)
    remove_old(folder)
    return len(new)


def _known(snapshot: LibrarySnapshot, predictor: WordPredicting) -> tuple[list[str], list[WordMatrix]]:
    """What this predictor predicted of the gallery's images before: their hashes, and the rows of these; a
    damaged file holds nothing."""
    hashes: list[str] = []
    parts = [WordMatrix.of_matrix(predictor.words, np.zeros((0, len(predictor.words))), LEAST)]
    for name in (FILE, UNFINISHED):
        try:
            stored = StoredWordProbabilities.read(snapshot.folder, name)
        except BadLibrary:
            continue  # it is made again, as its message says
        if stored is not None and stored.made_by["fingerprint"] == predictor.fingerprint:
            known = set(hashes)
            found = [
                sha256
                for sha256 in snapshot.gallery().hashes
                if sha256 in stored.row_of and sha256 not in known
            ]
            hashes += found
            parts.append(stored.take(found))
    return hashes, parts
