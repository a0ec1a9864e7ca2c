"""Rankings and relevance as TREC's tools read them: run files (query, Q0, document, rank, score, tag) and
qrels (query, 0, document, relevance).

    write_run(Path("jaccard.run"), "jaccard", queries, gallery.ids, rankings)
    write_qrels(Path("text.qrels"), right)

Other tools order ties by their own rules. So scores are written as they rank here, tied ones a hair apart:
the next smaller number of 32 bits, in which trec_eval keeps them. Blanks in names are written as %20.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from ..files import publishing
from ..retrieval import rank

DEPTH = 100  # documents a query
_SAFE = "/:#@+,;=!$&'()*~"


def trec_name(name: str) -> str:
    """A name without blanks: "a b.jpg" as "a%20b.jpg"; letters of other scripts stay."""
    return "".join(
        letter if letter.isprintable() and not letter.isspace() and letter != "%" else quote(letter, _SAFE)
        for letter in name
    )


def distinct(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """(K,) scores that never rise, made to fall strictly: each at most the next float32 below the one before
    it."""
    below = scores.copy()
    for place in range(1, len(below)):
        below[place] = min(below[place], np.nextafter(below[place - 1], np.float32(-np.inf)))
    return below


def write_run(
    file: Path,
    tag: str,
    queries: Sequence[str],
    documents: Sequence[str],
    answers: Iterable[NDArray[np.floating] | None],
    depth: int = DEPTH,
) -> Path:
    """Write the first `depth` documents of each query.

    tag:       of the run, as the mode's name
    documents: N ids, ascending: equal scores rank by id
    answers:   for each query the scores (N,), higher is better, minus infinity for what is left out; None
               where nothing is found, and then the query has no line
    """
    names, label = [trec_name(one) for one in documents], trec_name(tag)
    with publishing(file, "w") as lines:
        for query, scores in zip(map(trec_name, queries), answers, strict=True):
            if scores is None:
                continue
            values = np.asarray(scores, np.float32)
            rows = rank(values, range(len(values)), depth)
            rows = rows[values[rows] > -np.inf]
            for place, (row, score) in enumerate(zip(rows.tolist(), distinct(values[rows]), strict=True), 1):
                lines.write(f"{query} Q0 {names[row]} {place} {score:.9g} {label}\n")
    return file


def write_qrels(file: Path, relevant: Iterable[tuple[str, Mapping[str, int]]]) -> Path:
    """Write each query's documents with their relevance, a whole number; what is left out is not relevant."""
    with publishing(file, "w") as lines:
        for query, documents in relevant:
            name = trec_name(query)
            lines.writelines(
                f"{name} 0 {trec_name(document)} {grade}\n" for document, grade in documents.items()
            )
    return file
