"""A split of a collection as a gallery: captioned, predicted and with its features, cached, so that only the
first time is slow."""

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...counting import counted
from ...decoding import BeamSearch
from ...errors import BadDataset, BadLibrary
from ...files import publish_json, read_json
from ...home import data_folder
from ...library import Library, LibrarySnapshot, PictureSpace
from ...library.vectors.encoded import EncodedPictures
from ...library.words.word_probabilities import LEAST, StoredWordProbabilities, kept_classes, kept_words
from ...progress import bar
from ...records import Item
from ...remedies import remedy
from ...retrieval import Gallery, PartOfGallery, TableSource, WordMatrix
from ...retrieval.table import ListedPictures
from ..loading.named import calibration_of

if TYPE_CHECKING:  # these import torch, which --help does without
    from ...models.captioning.captioner import Captioner
    from ...models.embedding.model import EmbeddingModel
    from ...models.encoders import PictureEncoder
    from ...models.lexical.predictor import WordPredictor
    from ...models.vision.backbones import Backbone
    from ...training.features import Features

DECODING = BeamSearch(5, captions=5)
CACHE = data_folder("described")
_BATCH = 50


def describe_split(
    captioner: "Captioner",
    predictor: "WordPredictor | None",
    items: Sequence[Item],
    features: Path,
    cache: Path = CACHE,
    spaces: "Mapping[str, EmbeddingModel | PictureEncoder] | None" = None,
) -> Gallery:
    """The items' pictures with five captions each and, with a predictor, what is predicted of them.

    features: the folder of the feature cache; cache: of the captions and word probabilities
    spaces:   the embedding space of each mode that compares in one
    errors:   BadDataset for pictures that cannot be read: figures without them would be of another split
    """
    if predictor is not None:
        predictor.check(captioner.checkpoint.backbone)
    for space in (spaces or {}).values():
        space.check(captioner.checkpoint.backbone)
    paths = [item.path for item in items if item.path]
    kinds = {captioner.config.feature, *_kinds(predictor)}
    rows = _features(captioner.backbone, kinds, paths, features)
    pooled = rows["pooled"]
    captions = _captions(captioner, rows, cache)
    stored = _predicted(predictor, rows, paths, features, cache) if predictor else None
    first = {sha256: row for row, sha256 in reversed(list(enumerate(pooled.hashes)))}  # equal pictures once
    places = list(first.values())
    source = TableSource(
        list(first),
        captions=[captions[row] for row in places],
        features=pooled.of(np.array(places, np.int64)).numpy(),
        word_probabilities=stored.take(list(first)) if stored else None,
        classes=stored.take_classes(list(first)) if stored else None,
        calibration=calibration_of(stored.made_by) if stored else None,
        vectors={
            mode: pictures_encoded(space, [paths[row] for row in places], list(first), cache)
            for mode, space in (spaces or {}).items()
            if isinstance(space, PictureSpace)
        },
        spaces={mode: space for mode, space in (spaces or {}).items() if not isinstance(space, PictureSpace)},
    )
    shown, best = [str(path) for path in paths], [image[0] for image in captions]
    return Gallery(shown, best, pooled.hashes, [item.id for item in items], source)


def pictures_encoded(
    encoder: PictureSpace, paths: Sequence[Path], hashes: Sequence[str], cache: Path = CACHE
) -> np.ndarray:
    """(N, D) unit rows of pictures in an encoder's space, kept in the folder `cache` by their contents."""
    cache.mkdir(parents=True, exist_ok=True)
    files = dict(zip(hashes, paths, strict=True))
    return EncodedPictures(cache, encoder).take(hashes, files.__getitem__, progress=None)


def predict_split(
    predictor: "WordPredictor", items: Sequence[Item], features: Path, cache: Path = CACHE
) -> StoredWordProbabilities:
    """What is predicted of the items' pictures. Arguments and errors: as describe_split"""
    paths = [item.path for item in items if item.path]
    rows = _features(predictor.backbone, _kinds(predictor), paths, features)
    return _predicted(predictor, rows, paths, features, cache)


def _kinds(predictor: "WordPredictor | None") -> set[str]:
    """The kinds of features that a predictor reads."""
    drawing = None if predictor is None else predictor.captioner
    return {"pooled"} if drawing is None else {"pooled", drawing.config.feature}


def _features(
    backbone: "Backbone", kinds: Collection[str], paths: Sequence[Path], folder: Path
) -> "dict[str, Features]":
    """The features of each kind, and the pooled ones."""
    from ...training.features import extract

    found = {}
    for kind in sorted({"pooled", *kinds}):
        found[kind], failures = extract(backbone, paths, kind, root=folder)
        if failures:
            raise BadDataset(
                f"{counted(len(failures), 'pictures')} cannot be read, so this split cannot be compared with "
                f"others'. {failures[0].reason}"
            )
    return found


def _captions(captioner: "Captioner", rows: "Mapping[str, Features]", cache: Path) -> list[list[str]]:
    """Five captions of each picture, the best first; kept for the next time."""
    hashes = rows["pooled"].hashes
    named = json.dumps([captioner.fingerprint, DECODING.to_json(), hashes]).encode()
    file = cache / f"captions-{hashlib.sha256(named).hexdigest()[:24]}.json"
    found: list[list[str]] = []
    if file.is_file():
        found = read_json(file, BadDataset, "Delete it, and it is made again.")
        return found
    own = rows[captioner.config.feature]
    for batch in bar(_batches(len(hashes)), desc="captions", unit="batch"):
        decoded = captioner.decode(own.of(batch), DECODING)
        found += [[caption.text for caption in image] for image in decoded]
    publish_json(file, found)
    return found


def _read_by_head(predictor: "WordPredictor", paths: Sequence[Path], folder: Path) -> "Features | None":
    """What the lexical head's own last blocks read; None where it has none."""
    from ...training.features import extract

    if predictor.head is None or predictor.sees_with is None:
        return None
    found, _ = extract(predictor.head.learns_from, paths, predictor.head.config.feature, root=folder)
    return found


def _predicted(
    predictor: "WordPredictor",
    rows: "Mapping[str, Features]",
    paths: Sequence[Path],
    features: Path,
    cache: Path,
) -> StoredWordProbabilities:
    pooled = rows["pooled"]
    named = json.dumps([predictor.fingerprint, pooled.hashes]).encode()
    folder = cache / f"word-probabilities-{hashlib.sha256(named).hexdigest()[:24]}"
    stored = StoredWordProbabilities.read(folder)
    if stored is not None and stored.least <= LEAST:
        return stored
    grid = rows[predictor.captioner.config.feature] if predictor.captioner else None
    read, found = _read_by_head(predictor, paths, features), []
    for batch in bar(_batches(len(paths)), desc="words", unit="batch"):
        names = [pooled.hashes[row] for row in batch]
        drawn_from = None if grid is None else grid.of(batch)
        own = None if read is None else read.of(batch).numpy()
        where = [paths[row] for row in batch]
        found.append(predictor.predict_words(where, names, pooled.of(batch).numpy(), drawn_from, own=own))
    classes = predictor.predict_classes(pooled.of(np.arange(len(paths))).numpy())
    stored = StoredWordProbabilities(
        predictor.describe(),
        list(pooled.hashes),
        kept_words(predictor.words, np.concatenate(found)),
        None if classes is None else kept_classes(classes),
    )
    stored.write(folder)
    return stored


def _batches(count: int) -> list[np.ndarray]:
    return [np.arange(start, min(start + _BATCH, count)) for start in range(0, count, _BATCH)]


class _PartOfLibrary(PartOfGallery):
    """Some pictures of a library, to be measured by what was predicted of them, and by nothing in its
    place."""

    def __init__(self, snapshot: LibrarySnapshot) -> None:
        super().__init__(snapshot.gallery())
        self._snapshot = snapshot
        if snapshot.contents.features is None:
            self.parts -= {"features"}

    def word_probabilities(self, hashes: Sequence[str]) -> WordMatrix:
        """N rows; BadLibrary where nothing is predicted yet of some."""
        unpredicted = () if self._snapshot.by_captions else self._snapshot.without_word_probabilities
        if missing := set(hashes) & set(unpredicted):
            folder = self._snapshot.folder
            raise BadLibrary(
                f"{folder} holds no word probabilities of {counted(len(missing), 'pictures')} captioned "
                "since the last prediction.",
                remedy("predict words", library=folder),
            )
        return super().word_probabilities(hashes)


def library_split(library: Library, items: Sequence[Item], captions_by: str | None = None) -> Gallery:
    """The items as a library describes them. BadLibrary for pictures it does not hold: figures without them
    would be of another split. captions_by: as in Library.snapshot"""
    from ...files import sha256_of

    snapshot = library.snapshot(captions_by)
    whole = snapshot.gallery()
    hashes = [sha256_of(item.path) for item in items if item.path]
    missing = [item.id for item, sha256 in zip(items, hashes, strict=True) if sha256 not in whole.row_of]
    if missing:
        held = "does not hold" if captions_by is None else f"holds no captions by {captions_by} of"
        raise BadLibrary(
            f"{library.path} {held} {len(missing):,} of the split's {counted(len(items), 'pictures')}, "
            f"{missing[0]} among them. Caption the collection's folder into it first."
        )
    captions = [whole.captions[whole.row_of[sha256]] for sha256 in hashes]
    paths, ids = [str(item.path) for item in items], [item.id for item in items]
    table, by_captions = ListedPictures(paths, captions, hashes, ids), snapshot.by_captions
    gallery = Gallery.of_table(table, _PartOfLibrary(snapshot), whole.hybrid, by_captions)
    if by_captions:  # counted as the library counts them
        gallery.predicted = whole.predicted.some(np.array([whole.row_of[one] for one in gallery.hashes]))
    return gallery
