"""The nearest of many vectors: exactly by NumPy, or beyond 200,000 rows through a graph that is kept on disk.

index = open_index(vectors, "data/indexes/words.graph")
rows, scores = index.search(queries, top=5)

The graph is hierarchical navigable small worlds (Malkov and Yashunin 2018, arXiv:1603.09320), built by
Spotify's voyager. It proposes rows; their scores are computed exactly, so that only a row it overlooks can
make an answer differ from the exact one.
"""

import hashlib
import io
import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ...counting import counted
from ...errors import BadSetting, NoSpace
from ...files import publishing
from ...progress import bar
from .. import rank

if TYPE_CHECKING:  # loaded only where a graph is needed
    import voyager

log = logging.getLogger(__name__)

EXACT_UP_TO = 200_000  # rows
# M and efConstruction of the paper: what each row is joined to, and how carefully
NEIGHBOURS, BUILD_WIDTH = (16, 100)
SEARCH_WIDTH = 400  # ef of the paper: rows that a search keeps in view
_FORMAT = 1
_BLOCK = 2000  # rows between two looks at the keyboard
_ASKED = 100  # rows by which the recall of a graph is measured
_MOST = 1000  # for more hits than this, comparing with every row is faster than the graph


class Nearest(NamedTuple):
    """The nearest rows of Q queries, best first, ties by row.

    rows:   (Q, K) int64
    scores: (Q, K) float32, the dot products
    """

    rows: np.ndarray
    scores: np.ndarray


class ExactIndex:
    """Every row compared with every query."""

    def __init__(self, vectors: np.ndarray) -> None:
        """vectors: (N, D) unit rows; BadSetting for others."""
        self.vectors = _unit_rows(vectors, "The vectors")

    def search(self, queries: np.ndarray, top: int) -> Nearest:
        """The `top` nearest rows (all, where there are fewer) of each of (Q, D) unit rows; BadSetting for
        others."""
        queries, top = _checked(queries, top, self.vectors)
        found = [_best(self.vectors, query, None, top) for query in queries]
        return _joined(found, top)


class GraphIndex(ExactIndex):
    """Rows that the graph proposes, ordered by their exact scores.

    recall: the share of the ten nearest that it finds, of rows of its own as queries
    """

    def __init__(self, vectors: np.ndarray, graph: "voyager.Index", recall: float | None = None) -> None:
        """graph: of these very rows

        recall: where it was measured before; None: measure it now
        """
        super().__init__(vectors)
        self.graph = graph
        self.recall = self._measured() if recall is None else recall

    def search(self, queries: np.ndarray, top: int) -> Nearest:
        """As an exact index's, but that it may overlook a row."""
        queries, top = _checked(queries, top, self.vectors)
        if top > _MOST:
            return super().search(queries, top)
        found = [_best(self.vectors, query, self._proposed(query, top), top) for query in queries]
        return _joined(found, top)

    def _measured(self) -> float:
        chosen = np.linspace(0, len(self.vectors) - 1, min(_ASKED, len(self.vectors))).astype(np.int64)
        queries = self.vectors[chosen]
        exact, found = super().search(queries, 10), self.search(queries, 10)
        pairs = zip(exact.rows.tolist(), found.rows.tolist(), strict=True)
        return sum(len({*ours} & {*theirs}) for ours, theirs in pairs) / max(exact.rows.size, 1)

    def _proposed(self, query: np.ndarray, top: int) -> np.ndarray | None:
        """Rows in ascending order, None for all: where the graph falls into parts, it may reach fewer than
        are asked for."""
        import voyager

        width = min(len(self.vectors), max(SEARCH_WIDTH, 2 * top))
        try:
            rows, _ = self.graph.query(query, k=top, num_threads=1, query_ef=width)
        except voyager.RecallError:
            return None
        return np.sort(rows.astype(np.int64))


def open_index(
    vectors: np.ndarray,
    file: Path | str,
    exact_up_to: int = EXACT_UP_TO,
    build: bool = True,
    progress: bool | None = False,
    note: Callable[[str], None] = lambda text: None,
) -> ExactIndex:
    """An exact index of up to `exact_up_to` rows; for more a graph, read from `file` or made and kept there.

    vectors:  (N, D) unit rows, in memory or mapped
    file:     a graph of other vectors, of another setting, or a damaged one is never used, but made anew
    build:    make a graph where none is kept, which takes minutes for 400,000 rows; otherwise be exact
    progress: show a bar on stderr while building
    note:     called with what was done and why
    errors:   BadSetting for rows that are no finite unit vectors
    """
    vectors, file = _unit_rows(vectors, "The vectors"), Path(file)
    if len(vectors) <= exact_up_to:
        return ExactIndex(vectors)
    kept, problem = _read(file, vectors)
    if kept is not None:
        _show_recall(kept)
        return kept
    if not build:
        note(f"{problem}: all {len(vectors):,} vectors are compared.")
        return ExactIndex(vectors)
    note(f"{problem}: {counted(len(vectors), 'vectors are')} put into a new one, once.")
    made = GraphIndex(vectors, _built(vectors, progress))
    _show_recall(made)
    try:
        _write(file, _fingerprint(vectors), made.graph.as_bytes(), made.recall)
    except (OSError, NoSpace) as error:  # the work of minutes is used, even where it cannot be kept
        note(f"The index could not be kept ({error}). It will be made again the next time.")
    return made


def _show_recall(index: GraphIndex) -> None:
    log.info(f"The index is approximate: of its own vectors it finds {index.recall:.1%} of the ten nearest.")


def _built(vectors: np.ndarray, progress: bool | None) -> "voyager.Index":
    import voyager

    graph = voyager.Index(
        voyager.Space.Cosine,
        num_dimensions=vectors.shape[1],
        M=NEIGHBOURS,
        ef_construction=BUILD_WIDTH,
        random_seed=1,
        max_elements=len(vectors),
    )
    with bar(total=len(vectors), desc="index", unit="vector", show=progress) as shown:
        for start in range(0, len(vectors), _BLOCK):
            block = vectors[start : start + _BLOCK]
            # in one order, so that the same vectors make the same graph
            graph.add_items(block, num_threads=1)
            shown.update(len(block))
    return graph


def _fingerprint(vectors: np.ndarray) -> str:
    """A hash over all that makes a graph what it is."""
    settings = [_FORMAT, vectors.shape, NEIGHBOURS, BUILD_WIDTH]
    digest = hashlib.sha256(json.dumps(settings).encode())
    digest.update(np.ascontiguousarray(vectors, "<f4").data)
    return digest.hexdigest()


def _write(file: Path, fingerprint: str, content: bytes, recall: float) -> None:
    """A line that says whose graph it is, what it finds and how its bytes hash, and the bytes."""
    head = {"vectors": fingerprint, "sha256": hashlib.sha256(content).hexdigest(), "recall": recall}
    with publishing(file) as target:
        target.write(json.dumps(head).encode() + b"\n")
        target.write(content)


def _read(file: Path, vectors: np.ndarray) -> tuple[GraphIndex | None, str]:
    """The graph, if the file is whole and one of these vectors; otherwise None and why not."""
    try:
        with open(file, "rb") as source:
            head = _head(source.readline(1000))
            if head.get("vectors") != _fingerprint(vectors):
                return None, f"{file} is no index of these vectors"
            content = source.read()
    except FileNotFoundError:
        return None, f"There is no index {file} yet"
    except OSError as error:
        return None, f"{file} cannot be read ({error.strerror})"
    # links that lead nowhere could crash a search
    if hashlib.sha256(content).hexdigest() != head.get("sha256"):
        return None, f"{file} is damaged"
    import voyager

    try:
        graph = voyager.Index.load(io.BytesIO(content))
        recall = head.get("recall")  # release 0.5.0 measured none
        return GraphIndex(vectors, graph, recall if isinstance(recall, float) else None), ""
    except (RuntimeError, ValueError) as error:
        return None, f"{file} cannot be used by the installed voyager ({error})"


def _head(line: bytes) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _best(
    vectors: np.ndarray, query: np.ndarray, rows: np.ndarray | None, top: int
) -> tuple[np.ndarray, np.ndarray]:
    # one row after the other, not by a matrix product, so that equal rows get equal bits and tie
    scores = np.einsum("nd,d->n", vectors if rows is None else vectors[rows], query)
    order = rank(scores, range(len(scores)), top)
    return (order if rows is None else rows[order]), scores[order]


def _joined(found: list[tuple[np.ndarray, np.ndarray]], top: int) -> Nearest:
    rows = np.array([one for one, _ in found], np.int64).reshape(-1, top)
    return Nearest(rows, np.array([one for _, one in found], np.float32).reshape(-1, top))


def _checked(queries: np.ndarray, top: int, vectors: np.ndarray) -> tuple[np.ndarray, int]:
    if top < 1:
        raise BadSetting(f"top is {top}; ask for at least 1 neighbour.")
    queries = _unit_rows(queries, "The queries")
    if queries.shape[1] != vectors.shape[1]:
        raise BadSetting(
            f"The queries have {queries.shape[1]} numbers each, the vectors {vectors.shape[1]}: they are of "
            "two spaces."
        )
    return queries, min(top, len(vectors))


def _unit_rows(vectors: np.ndarray, what: str) -> np.ndarray:
    """As float32 rows that lie one after the other: voyager reads them so, whatever an array's strides
    say."""
    if vectors.ndim != 2 or vectors.dtype.kind != "f":
        raise BadSetting(
            f"{what} are {vectors.dtype} of shape {vectors.shape}; expected one row of numbers each, (N, D)."
        )
    vectors = np.ascontiguousarray(vectors, np.float32)
    lengths = np.sqrt(np.einsum("nd,nd->n", vectors, vectors))
    # NaN is no length either; float16 rows are as good as this
    if len(bad := np.flatnonzero(~(np.abs(lengths - 1) < 1e-2))):
        raise BadSetting(
            f"{what} must be unit vectors; row {bad[0]:,} (from 0) has the length {lengths[bad[0]]}. "
            "Normalise them."
        )
    return vectors
