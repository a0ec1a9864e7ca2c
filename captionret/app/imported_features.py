"""Features that others computed put into the cache, so that what is trained on the same backbone takes them
as its own."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..counting import counted
from ..errors import BadCheckpoint, BadDataset
from ..files import sha256_of
from ..home import data_folder
from ..records import Item

if TYPE_CHECKING:  # it imports torch, which --help does without
    from ..models.vision.backbones import Backbone

COMPARED = 16  # pictures whose features are computed, to see that the file's are of the same network
LEAST = 0.95  # cosine, in the mean: another way of scaling gives .97, another network 0 to .5
_AT_ONCE = 2048


@dataclass(frozen=True, slots=True)
class ImportedFeatures:
    """stored: new in the cache; known: were there already; absent: images without a feature in the file;
    unknown: features of images that the data set does not hold; agreement: the mean cosine of COMPARED
    features and those that the backbone gives; None where none was new"""

    stored: int
    known: int
    absent: int
    unknown: int
    agreement: float | None


def import_features(
    file: Path, items: Sequence[Item], backbone: "Backbone", root: Path | None = None
) -> ImportedFeatures:
    """Put the pooled features of a pickled dictionary into the cache.

    root:   of the cache; None: the usual one
    items:  their ids, their files' names or these without their endings are the file's keys
    errors: BadCheckpoint for a file that is refused, or whose features are another network's; BadDataset
            where it has a feature of none of the items
    """
    from ..models.vision.feature_files import read_features
    from ..training.features import FeatureStore, cache_of

    features = read_features(file)
    size = len(next(iter(features.values())))
    if size != backbone.config.dim:
        raise BadCheckpoint(
            f"{file} holds features of {size} numbers, {backbone.config.name} gives {backbone.config.dim}. "
            "Name the backbone that made them."
        )
    found = {item.path: key for item in items if item.path and (key := _key(item, features)) is not None}
    if not found:
        raise BadDataset(
            f"{file} has a feature of none of the {len(items):,} images. Give the data set it is of."
        )
    store = FeatureStore(cache_of(backbone, root or data_folder("features")), (size,))
    hashes = _hashes(list(found))
    new = {path: name for path, name in hashes.items() if name not in store.rows}
    agreement = _agreement(file, list(new)[:COMPARED], found, features, backbone) if new else None
    before = len(store.rows)
    for start in range(0, len(new), _AT_ONCE):
        some = list(new.items())[start : start + _AT_ONCE]
        store.append([name for _, name in some], np.stack([features[found[path]] for path, _ in some]))
    stored = len(store.rows) - before
    unknown = len(features.keys() - set(found.values()))
    return ImportedFeatures(stored, len(found) - len(new), len(items) - len(found), unknown, agreement)


def _key(item: Item, features: dict[str, NDArray[np.float32]]) -> str | None:
    path = item.path or Path()
    return next((key for key in (item.id, path.name, path.stem) if key in features), None)


def _hashes(paths: Sequence[Path]) -> dict[Path, str]:
    try:
        return {path: sha256_of(path) for path in paths}
    except OSError as error:
        raise BadDataset(f"{error.filename} cannot be read ({error.strerror}). Check it.") from None


def _agreement(
    file: Path,
    paths: Sequence[Path],
    found: dict[Path, str],
    features: dict[str, NDArray[np.float32]],
    backbone: "Backbone",
) -> float:
    """The mean cosine of the file's features and the backbone's own. errors: BadCheckpoint where it is low"""
    from ..training.features import extract

    with tempfile.TemporaryDirectory() as folder:  # not the cache, which keeps the file's
        own, failures = extract(backbone, paths, root=Path(folder), progress=False)
        computed = own.of(np.arange(len(own.hashes))).numpy()
    if failures and not len(computed):
        raise BadDataset(f"No picture could be read to compare the features with. {failures[0].reason}")
    given = np.stack([features[found[paths[place]]] for place in own.present])
    lengths = np.linalg.norm(given, axis=1) * np.linalg.norm(computed, axis=1)
    agreement = float(((given * computed).sum(axis=1) / np.maximum(lengths, 1e-12)).mean())
    if agreement < LEAST:
        raise BadCheckpoint(
            f"{file}: its features are not those of {backbone.config.name}: of "
            f"{counted(len(computed), 'pictures')} the mean cosine is {agreement:.2f}, less than {LEAST}. "
            "Nothing was stored. Name the backbone that made them."
        )
    return agreement
