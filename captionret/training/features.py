"""The feature cache: a picture passes through a frozen CNN once, whatever is trained or captioned on top of
it.

On disk: data/features/<backbone key>/<kind>-<view>/ with `rows.f16`, float16 rows, and `index.txt`, one
         content hash a line.
Rows are appended first and named afterwards, so a run that is cut leaves at worst rows without a name, which
the next one overwrites.
"""

import hashlib
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..errors import BadCheckpoint, BadSetting
from ..files import no_space_named, sha256_of
from ..home import data_folder
from ..images import WHOLE, View, decoded_batches
from ..locks import locked
from ..models.device import placed
from ..models.vision.backbones import Backbone, as_float16
from ..progress import bar
from ..records import Failure

DEFAULT_ROOT = data_folder("features")
MOST_VIEWS = 12  # the whole picture and five crops, each mirrored and not
_NAME = re.compile(rb"[0-9a-f]{64}")


class FeatureStore:
    """Rows of one shape, found by the picture's content hash.

    shape: of one row: (D,) pooled or (cells, D) grid
    """

    def __init__(self, folder: Path, shape: tuple[int, ...]) -> None:
        self.folder, self.shape = folder, shape
        self.row_bytes = 2 * int(np.prod(shape))
        self.rows: dict[str, int] = {}
        self.refresh()

    def refresh(self) -> None:
        """Read what has been added since; only rows that are wholly on disk count, up to the first damaged
        name."""
        index, rows = self.folder / "index.txt", self.folder / "rows.f16"
        if not index.exists() or not rows.exists():
            self.rows = {}
            return
        # what follows the last line's end is a name that was cut
        lines = index.read_bytes().split(b"\n")[:-1]
        whole = rows.stat().st_size // self.row_bytes
        self.rows = {line.decode(): row for row, line in enumerate(takewhile(_NAME.fullmatch, lines[:whole]))}

    def append(self, hashes: Sequence[str], values: np.ndarray) -> None:
        """Add rows; values: (len(hashes), *shape), stored as float16.

        errors: BadCheckpoint where float16 cannot hold one, NoSpace
        """
        stored = as_float16(values)
        if not np.isfinite(stored).all():
            raise BadCheckpoint(
                f"The CNN gives features that float16 cannot hold, for {self.folder.parent.name}. Check its "
                "weights."
            )
        with no_space_named(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            with locked(self.folder / "lock", wait=True):  # two trainings may fill one cache
                self.refresh()
                new = [i for i, name in enumerate(hashes) if name not in self.rows and name not in hashes[:i]]
                with (
                    open(self.folder / "index.txt", "a+", encoding="ascii") as index,
                    open(self.folder / "rows.f16", "ab") as rows,
                ):
                    index.truncate(65 * len(self.rows))
                    rows.truncate(self.row_bytes * len(self.rows))
                    rows.write(np.ascontiguousarray(stored[new]).tobytes())
                    rows.flush()
                    os.fsync(rows.fileno())
                    index.write("".join(f"{hashes[i]}\n" for i in new))
                self.rows.update({hashes[i]: len(self.rows) + k for k, i in enumerate(new)})

    def memmap(self) -> np.ndarray:
        """Every row: (rows, *shape) float16, mapped, not read."""
        return np.memmap(self.folder / "rows.f16", np.float16, "r", shape=(len(self.rows), *self.shape))


@dataclass(frozen=True)
class Features:
    """The features of a list of pictures, by view.

    rows:     (views, N) int64: where each picture's row stands in `table`
    table:    per view (rows, D) or (rows, cells, D) float16, memory-mapped
    hashes:   the pictures' content hashes
    present:  (N,) int64: which of the paths asked for these are; the others could not be read
    """

    rows: np.ndarray
    table: list[np.ndarray]
    hashes: list[str]
    present: np.ndarray

    def of(
        self, pictures: np.ndarray, views: np.ndarray | None = None, device: torch.device | None = None
    ) -> torch.Tensor:
        """(len(pictures), D) or (len(pictures), cells, D) float32.

        views:  which view of each; None: the whole picture
        device: where they go; None: the CPU
        """
        if views is None or not views.any():
            values = self.table[0][self.rows[0, pictures]]
        else:
            values = np.empty((len(pictures), *self.table[0].shape[1:]), self.table[0].dtype)
            for view in np.unique(views):
                values[views == view] = self.table[view][self.rows[view, pictures[views == view]]]
        # as float16 to the device, which is half the way, and wider there
        return placed(torch.from_numpy(values), device).float()

    def some(self, pictures: np.ndarray) -> "Features":
        """The features of some of the pictures."""
        return replace(self, **self._of_some(pictures))

    def _of_some(self, pictures: np.ndarray) -> dict[str, Any]:
        return {"rows": self.rows[:, pictures], "hashes": [self.hashes[one] for one in pictures]}


@dataclass(frozen=True)
class FeaturesAndWords(Features):
    """Features of pictures, each row followed by the probabilities of words.

    words: (N, V) float16, the same for all views of a picture
    """

    words: np.ndarray

    def of(
        self, pictures: np.ndarray, views: np.ndarray | None = None, device: torch.device | None = None
    ) -> torch.Tensor:
        """(len(pictures), D + V) float32, see Features.of."""
        words = placed(torch.from_numpy(self.words[pictures]), device).float()
        return torch.cat([super().of(pictures, views, device), words], 1)

    def some(self, pictures: np.ndarray) -> "FeaturesAndWords":
        """See Features.some."""
        return replace(self, **self._of_some(pictures), words=self.words[pictures])


def cache_of(backbone: Backbone, root: Path, kind: str = "pooled", view: View = WHOLE) -> Path:
    """The folder of one kind of features of one view."""
    return root / backbone.key / f"{kind}-{view_name(view)}"


def view_name(view: View) -> str:
    """A folder name for a view: "whole", else a short hash of its numbers."""
    return "whole" if view == WHOLE else hashlib.sha256(repr(view).encode()).hexdigest()[:10]


def augmented_views(count: int) -> tuple[View, ...]:
    """The whole picture, its mirror image, then crops of 7/8 of each side at the corners and the centre,
    every other one mirrored.

    7/8 is the published 224 of 256. The crops are fixed so that they can be cached: training then picks one
    of them at random.
    errors: BadSetting for more views than there are different ones
    """
    if count > MOST_VIEWS:
        raise BadSetting(
            f"There are {MOST_VIEWS} views of a picture, not {count}. Choose {MOST_VIEWS} or fewer."
        )
    offset = 1 - 7 / 8
    corners = [(offset / 2, offset / 2), (0.0, 0.0), (offset, offset), (offset, 0.0), (0.0, offset)]
    views = [WHOLE, View(mirrored=True)]
    for index in range(max(0, count - 2)):
        left, top = corners[index % 5]
        views.append(View(left, top, left + 7 / 8, top + 7 / 8, mirrored=index % 2 == 1))
    return tuple(views[:count])


def extract(
    backbone: Backbone,
    paths: Sequence[Path],
    kind: str = "pooled",
    views: tuple[View, ...] = (WHOLE,),
    *,
    root: Path = DEFAULT_ROOT,
    batch_size: int = 32,
    progress: bool | None = None,
) -> tuple[Features, list[Failure]]:
    """The features of every picture, from the cache or through the CNN.

    kind:    "pooled" or "grid"
    returns: the features of the pictures that could be read, in order, and the failures
    """
    side, depth = backbone.config.grid
    shape = (backbone.config.dim,) if kind == "pooled" else (side**2, depth)
    stores = [FeatureStore(cache_of(backbone, root, kind, view), shape) for view in views]
    # The pooled feature is a by-product of the grid, and small: who trains on one soon trains on the other.
    pooled = [FeatureStore(cache_of(backbone, root, view=view), (backbone.config.dim,)) for view in views]
    hashes, failures = _hash_all(paths)
    todo = {
        name: path
        for path, name in zip(paths, hashes, strict=True)
        if name and not all(name in store.rows for store in stores)
    }
    show = progress if todo else False
    with bar(desc=f"{backbone.config.name} {kind}", unit="picture", total=len(todo), show=show) as shown:
        size = backbone.config.preprocessing.size
        backbone.expect(len(todo) * len(views))
        for batch in decoded_batches(list(todo.values()), size, batch_size, views):
            failures += batch.failures
            for store, beside, pixels in zip(stores, pooled, batch.pixels, strict=True):
                _add(backbone, batch.hashes, pixels, store, beside if kind == "grid" else None)
            shown.update(len(batch.hashes) + len(batch.failures))
    present = [i for i, name in enumerate(hashes) if name and all(name in store.rows for store in stores)]
    failures += _copies_of_failures(paths, hashes, present, todo, failures)
    kept = [str(hashes[i]) for i in present]
    rows = np.array([[store.rows[name] for name in kept] for store in stores], dtype=np.int64).reshape(
        len(stores), len(kept)
    )
    table = [store.memmap() if store.rows else np.empty((0, *shape), np.float16) for store in stores]
    return Features(rows, table, kept, np.array(present, dtype=np.int64)), failures


def _add(
    backbone: Backbone,
    hashes: Sequence[str],
    pixels: np.ndarray,
    store: FeatureStore,
    beside: FeatureStore | None,
) -> None:
    """Store the features of the pictures that `store` doesn't have yet. beside: for the pooled feature of
    what is stored as a grid"""
    new = [index for index, name in enumerate(hashes) if name not in store.rows]
    if new:
        pooled, grid = run(backbone, pixels[new])
        names = [hashes[index] for index in new]
        store.append(names, pooled if beside is None else grid)
        if beside is not None:
            beside.append(names, pooled)


def run(backbone: Backbone, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """pixels: (N, S, S, 3) uint8; returns pooled (N, D) and grid (N, cells, D), float32."""
    pooled, grid = backbone.read(pixels)
    return pooled.cpu().numpy(), grid.cpu().numpy()


def _copies_of_failures(
    paths: Sequence[Path],
    hashes: Sequence[str | None],
    present: Sequence[int],
    todo: Mapping[str, Path],
    failures: Sequence[Failure],
) -> list[Failure]:
    """Of several files with one content only one is decoded; where that fails, the others are failures,
    too."""
    reasons = {failure.path: failure.reason for failure in failures}
    found = []
    for index in sorted(set(range(len(paths))) - set(present)):
        path, name = str(paths[index]), hashes[index]
        if name and path not in reasons:
            decoded = str(todo[name])
            reason = reasons.get(decoded, f"{decoded} changed while it was read. Run again.")
            found.append(Failure(path, reason.replace(decoded, path)))
    return found


def _hash_all(paths: Sequence[Path]) -> tuple[list[str | None], list[Failure]]:
    failures: list[Failure] = []

    def hash_of(path: Path) -> str | None:
        try:
            return sha256_of(path)
        except OSError as error:
            failures.append(
                Failure(
                    str(path),
                    f"{path} cannot be read ({error.strerror}). Check the path and its permissions.",
                )
            )
            return None

    return [hash_of(path) for path in paths], failures
