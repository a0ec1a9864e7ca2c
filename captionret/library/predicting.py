"""Asking a predictor about every picture of a library, in a run that can be stopped and goes on where it
was."""

import time
from pathlib import Path

import numpy as np
from tqdm import tqdm

from ..errors import BadLibrary
from ..retrieval import Gallery, WordMatrix
from .word_probabilities import FILE, LEAST, UNFINISHED, StoredWordProbabilities, WordPredicting, joined

# the file is written as a whole: after every batch it would take a big library longer than predicting does
KEEP_SECONDS = 30.0


def predict_all(
    folder: Path, root: Path, gallery: Gallery, predictor: WordPredicting, batch_size: int, progress: bool
) -> int:
    """Write what is predicted of each image of the gallery into `folder`; returns of how many it was not
    known.

    What a stopped run has done lies in a file of its own, so that searching has the last complete one until
    there is the next.
    """
    hashes, parts = _known(folder, gallery, predictor)
    known = set(hashes)
    new = [row for row, sha256 in enumerate(gallery.hashes) if sha256 not in known]
    kept, kept_at = len(hashes), time.monotonic()

    def keep(name: str) -> None:
        StoredWordProbabilities(predictor.describe(), hashes, joined(parts)).write(folder, name)

    try:
        for start in tqdm(
            range(0, len(new), batch_size),
            desc="word_probabilities",
            unit="batch",
            disable=not (progress and new),
        ):
            rows = new[start : start + batch_size]
            names = [gallery.hashes[row] for row in rows]
            said = predictor.predict_words(
                [root / gallery.paths[row] for row in rows], names, gallery.features[rows]
            )
            parts.append(WordMatrix.of_matrix(predictor.words, said, LEAST))
            hashes += names
            if time.monotonic() - kept_at >= KEEP_SECONDS:
                keep(UNFINISHED)
                kept, kept_at = len(hashes), time.monotonic()
    except (Exception, KeyboardInterrupt):
        if len(hashes) > kept:
            keep(UNFINISHED)
        raise
    keep(FILE)
    (folder / UNFINISHED).unlink(missing_ok=True)
    return len(new)


def _known(folder: Path, gallery: Gallery, predictor: WordPredicting) -> tuple[list[str], list[WordMatrix]]:
    """What this predictor has said of the gallery's images before: their hashes, and the rows of these; a
    damaged file says nothing."""
    hashes: list[str] = []
    parts = [WordMatrix.of_matrix(predictor.words, np.zeros((0, len(predictor.words))), LEAST)]
    for name in (FILE, UNFINISHED):
        try:
            stored = StoredWordProbabilities.read(folder, name)
        except BadLibrary:
            continue  # it is made again, as its message says
        if stored is not None and stored.made_by["fingerprint"] == predictor.fingerprint:
            known = set(hashes)
            found = [sha256 for sha256 in gallery.hashes if sha256 in stored.row_of and sha256 not in known]
            hashes += found
            parts.append(stored.take(found, folder))
    return hashes, parts
