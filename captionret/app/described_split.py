"""A split of a collection as a gallery: captioned, predicted and with its features, cached, so that only the
first time is slow."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from tqdm import tqdm

from ..errors import BadDataset, BadLibrary
from ..files import publish_json, read_json
from ..library import Library
from ..library.word_probabilities import LEAST, StoredWordProbabilities
from ..records import Decoding, Item
from ..retrieval import Gallery, WordMatrix

if TYPE_CHECKING:  # these import torch, which --help does without
    from ..models.captioning.captioner import Captioner
    from ..models.embedding.model import EmbeddingModel
    from ..models.lexical.predictor import WordPredictor

DECODING = Decoding(beam=5, captions=5)
CACHE = Path("data/described")
_BATCH = 50


def describe_split(
    captioner: "Captioner",
    predictor: "WordPredictor | None",
    items: Sequence[Item],
    features: Path,
    cache: Path = CACHE,
    spaces: "Mapping[str, EmbeddingModel] | None" = None,
) -> Gallery:
    """The items' pictures with five captions each and, with a predictor, what is predicted of them.

    features: the folder of the feature cache; cache: of the captions and word probabilities
    spaces:   the embedding space of each mode that compares in one
    errors:   BadDataset for pictures that cannot be read: figures without them would be of another split
    """
    from ..training.features import extract

    paths = [item.path for item in items if item.path]
    if predictor is not None:
        predictor.check(captioner.checkpoint.backbone)
    for space in (spaces or {}).values():
        space.check(captioner.checkpoint.backbone)
    kinds = {"pooled", captioner.config.feature} | (
        {predictor.captioner.config.feature} if predictor and predictor.captioner else set()
    )
    rows = {kind: extract(captioner.backbone, paths, kind, root=features) for kind in sorted(kinds)}
    pooled, failures = rows["pooled"]
    if failures:
        raise BadDataset(
            f"{len(failures):,} pictures cannot be read, so this split cannot be compared with others'. "
            f"{failures[0].reason}"
        )
    key = hashlib.sha256(
        json.dumps([captioner.fingerprint, DECODING.to_json(), pooled.hashes]).encode()
    ).hexdigest()[:24]
    file = cache / f"captions-{key}.json"
    if file.is_file():
        said = read_json(file, BadDataset, "Delete it, and it is made again.")
    else:
        said = []
        own = rows[captioner.config.feature][0]
        for batch in tqdm(_batches(len(paths)), desc="captions", unit="batch"):
            said += [
                [caption.text for caption in image] for image in captioner.decode(own.of(batch), DECODING)
            ]
        publish_json(file, said)
    captions = dict(zip(pooled.hashes, said, strict=True))
    place = {name: row for row, name in enumerate(pooled.hashes)}
    table = pooled.of(np.arange(len(paths))).numpy()
    stored = _predicted(predictor, rows, paths, cache) if predictor else None

    def load_features(hashes: Sequence[str]) -> np.ndarray:
        return table[[place[name] for name in hashes]]

    return Gallery(
        [str(path) for path in paths],
        [image[0] for image in said],
        pooled.hashes,
        [item.id for item in items],
        load_features=load_features,
        load_captions=lambda hashes: [captions[name] for name in hashes],
        load_word_probabilities=(lambda hashes: stored.take(hashes, cache)) if stored else None,
        load_vectors={mode: partial(_placed, space, load_features) for mode, space in (spaces or {}).items()},
    )


def _placed(
    space: "EmbeddingModel", load_features: Callable[[Sequence[str]], np.ndarray], hashes: Sequence[str]
) -> np.ndarray:
    return space.encode_features(load_features(hashes))


def _predicted(
    predictor: "WordPredictor", rows: dict[str, Any], paths: Sequence[Path], cache: Path
) -> StoredWordProbabilities:
    pooled = rows["pooled"][0]
    folder = (
        cache / "word "
        f"probabilities-{hashlib.sha256(json.dumps([predictor.fingerprint, pooled.hashes]).encode()).hexdigest()[:24]}"  # noqa: E501
    )
    stored = StoredWordProbabilities.read(folder)
    if stored is not None:
        return stored
    grid = rows[predictor.captioner.config.feature][0] if predictor.captioner else None
    said = []
    for batch in tqdm(_batches(len(paths)), desc="word_probabilities", unit="batch"):
        names = [pooled.hashes[row] for row in batch]
        drawn_from = None if grid is None else grid.of(batch)
        said.append(
            predictor.predict_words(
                [paths[row] for row in batch], names, pooled.of(batch).numpy(), drawn_from
            )
        )
    stored = StoredWordProbabilities(
        predictor.describe(),
        list(pooled.hashes),
        WordMatrix.of_matrix(predictor.words, np.concatenate(said), LEAST),
    )
    stored.write(folder)
    return stored


def _batches(count: int) -> list[np.ndarray]:
    return [np.arange(start, min(start + _BATCH, count)) for start in range(0, count, _BATCH)]


def library_split(library: Library, items: Sequence[Item]) -> Gallery:
    """The items as a library describes them. BadLibrary for pictures it does not hold: figures without them
    would be of another split."""
    from ..files import sha256_of

    whole = library.gallery()
    hashes = [sha256_of(item.path) for item in items if item.path]
    missing = [item.id for item, sha256 in zip(items, hashes, strict=True) if sha256 not in whole.row_of]
    if missing:
        raise BadLibrary(
            f"{library.path} does not hold {len(missing):,} of the split's {len(items):,} pictures, "
            f"{missing[0]} among them. Caption the collection's folder into it first."
        )
    rows = [whole.row_of[sha256] for sha256 in hashes]
    place = dict(zip(hashes, rows, strict=True))

    def taken(names: Sequence[str]) -> list[int]:
        return [place[name] for name in names]

    def load_vectors(mode: str, names: Sequence[str]) -> np.ndarray:
        return whole.vectors(mode)[taken(names)]

    return Gallery(
        [str(item.path) for item in items],
        [whole.captions[row] for row in rows],
        hashes,
        [item.id for item in items],
        load_features=lambda names: np.asarray(whole.features)[taken(names)],
        load_captions=lambda names: [whole.all_captions[row] for row in taken(names)],
        load_word_probabilities=(lambda names: whole.word_probabilities.take(taken(names)))
        if "word_probabilities" in whole.parts
        else None,
        load_vectors={mode: partial(load_vectors, mode) for mode in library.spaces},
        hybrid=whole.hybrid,
    )
