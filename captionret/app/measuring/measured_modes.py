"""Modes measured on a captioned split: each picture asks for the others, and each caption for its picture.

found = measure_modes(open_dataset("flickr8k:data/flickr8k"), "val", ModesMeasuring(modes=("jaccard", "cnn")))
print([one.row() for one in found.measured], [one.row() for one in found.texts])
write_report(Path("report"), found, pages=20)  # of retrieval_report
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...datasets import Dataset
from ...errors import CaptionretError, MissingWeights
from ...home import data_folder
from ...library import Library
from ...progress import bar
from ...records import Item
from ...retrieval import Gallery, Mode, find_mode
from ...retrieval.modes.fusion import TEXT as TEXT_MODE
from ..places import SHIPPED_SPACES, find_library
from .measured_split import MeasuredSplit, ModesMeasuring, captioned_items, measured_split, usable_modes
from .measured_text import caption_queries, measure_texts

if TYPE_CHECKING:
    from ...evaluation.modes import MeasuredMode
    from ...evaluation.text_search import TextSearch

IMAGE, TEXT = "image", "text"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class MeasuredModes:
    """What was measured.

    what:       the collection and its split, in words
    items:      in the order of the gallery
    matrices:   the scores of each mode, (N, N), and of what the modes are measured against
    relevances: (N, N) of each kind
    measured:   image -> image, each mode by each relevance; empty where it was not asked for
    texts:      text -> image, each mode that takes text, the row random first; so too
    queries:    how many texts were asked
    left_out:   why a mode or a kind of relevance was not measured
    """

    what: str
    gallery: Gallery
    items: list[Item]
    matrices: Mapping[str, np.ndarray]
    relevances: Mapping[str, np.ndarray]
    measured: "list[MeasuredMode]"
    texts: "list[TextSearch]" = field(default_factory=list)
    queries: int = 0
    left_out: list[CaptionretError] = field(default_factory=list)


def measure_modes(
    dataset: Dataset,
    split: str,
    how: ModesMeasuring,
    directions: Sequence[str] = (IMAGE, TEXT),
    runs: Path | None = None,
) -> MeasuredModes:
    """Measure modes on a split.

    directions: of IMAGE (each picture asks for the others) and TEXT (each caption asks for its picture)
    runs:       a folder for run files and qrels; None: none are written
    errors:     BadDataset for fewer than two captioned pictures, or pictures that cannot be read;
                UnknownName; MissingWeights for a single kind of relevance that cannot be made; those of
                describe_split and library_split
    """
    from ...evaluation.modes import measured

    left_out = list[CaptionretError]()
    described = measured_split(captioned_items(dataset, split), how, left_out)
    matrices: dict[str, np.ndarray] = {}
    relevances: dict[str, np.ndarray] = {}
    if IMAGE in directions:
        relevances = relevances_of(described.items, how.relevance, left_out)
        matrices = _matrices(described, how.chosen, left_out)
    texts, queries = [], 0
    if TEXT in directions:
        understands = any(find_mode(name).understands for name in how.chosen)
        reading = described.gallery if understands else None
        asked = caption_queries(described.every, described.rows, described.spaces, reading)
        texts, queries = measure_texts(described.gallery, how.chosen, asked, left_out, runs), len(asked.ids)
    if runs is not None and matrices:
        _write_runs(runs, described.gallery, matrices, relevances)
    return MeasuredModes(
        f"{dataset.spec}, {split}",
        described.gallery,
        described.items,
        matrices,
        relevances,
        measured(matrices, relevances),
        texts,
        queries,
        _once(left_out),
    )


def _once(errors: Sequence[CaptionretError]) -> list[CaptionretError]:
    """Each message once: a mode may be left out of both directions."""
    return list({str(error): error for error in errors}.values())


def learned_weights(dataset: Dataset, split: str, how: ModesMeasuring) -> dict[str, float]:
    """The weights of the modes in the hybrid that ranks a split best, for pictures by the first kind of
    relevance, and for texts by their captions; kept with the library, where one is given. Only of modes that
    every library can answer.

    returns: by the modes' names, those for texts after fusion.TEXT
    errors:  as measure_modes
    """
    from ...evaluation.modes import learn_hybrid, score_matrix

    left_out = list[CaptionretError]()
    described = measured_split(captioned_items(dataset, split), how, left_out)
    relevance = next(iter(relevances_of(described.items, how.relevance[:1], left_out).values()))
    made = {"features", "word_probabilities", *SHIPPED_SPACES}
    if how.library is not None:  # its encoder comes with it
        made |= {"clip"}
    usable = [
        mode
        for mode in usable_modes(described.gallery, how.chosen, left_out)
        if not mode.composite and mode.required_parts(described.gallery) <= made
    ]
    weights = learn_hybrid({mode.name: score_matrix(mode, described.gallery) for mode in usable}, relevance)
    weights |= _learned_for_texts(described, [mode for mode in usable if "text" in mode.accepts])
    if how.library is not None:
        with Library.open(find_library(how.library)) as library:
            library.set_hybrid(weights)
        log.info(f"Kept with {how.library}: its mode hybrid uses them from now on.")
    return weights


def _learned_for_texts(described: MeasuredSplit, modes: Sequence[Mode]) -> dict[str, float]:
    """The weights of the hybrid that finds a caption's picture best; empty where no mode takes texts."""
    from ...evaluation.modes import learn_text_hybrid
    from ...evaluation.text_search import text_scores

    if not modes:
        return {}
    gallery = described.gallery
    asked = caption_queries(described.every, described.rows, described.spaces, gallery)
    nothing = np.zeros(len(gallery), np.float32)
    answers = {
        mode.name: np.stack(
            [nothing if one is None else one for one in text_scores(mode, gallery, asked.encoded)]
        )
        for mode in modes
    }
    weights = learn_text_hybrid(answers, [rows[0] for rows in asked.right])
    return {f"{TEXT_MODE}{name}": weight for name, weight in weights.items()}


def relevances_of(
    items: Sequence[Item], kinds: Sequence[str], left_out: list[CaptionretError]
) -> dict[str, np.ndarray]:
    """How related each pair of items is, (N, N), by each kind that can be made. MissingWeights where a single
    one is asked for and cannot."""
    from ...evaluation.relevance import RELEVANCES, load_relevance

    found = {}
    for kind in kinds:
        try:
            found[kind] = load_relevance(kind, [item.captions for item in items], data_folder("relevance"))
        except MissingWeights as error:
            if len(kinds) == 1:
                raise
            reason = f"Relevance {kind!r} is left out of {', '.join(RELEVANCES)}: {error.message}"
            left_out.append(MissingWeights(reason, error.remedy))
    return found


def _matrices(
    described: MeasuredSplit, modes: Sequence[str], left_out: list[CaptionretError]
) -> dict[str, np.ndarray]:
    from ...evaluation.modes import reference_matrices, score_matrix

    matrices = reference_matrices([item.captions for item in described.items])
    for mode in bar(list(usable_modes(described.gallery, modes, left_out)), desc="modes", unit="mode"):
        matrices[mode.name] = score_matrix(mode, described.gallery)
    return matrices


def _write_runs(
    folder: Path,
    gallery: Gallery,
    matrices: Mapping[str, np.ndarray],
    relevances: Mapping[str, np.ndarray],
) -> None:
    """A run of each mode, each picture asking for the others, and qrels of each relevance in thousandths."""
    from ...evaluation.run_files import write_qrels, write_run

    for name, scores in matrices.items():
        others = scores.astype(np.float32)
        np.fill_diagonal(others, -np.inf)
        write_run(folder / f"image-{name}.run", name, gallery.ids, gallery.ids, others)
    for kind, relevance in relevances.items():
        grades = np.rint(1000 * relevance).astype(np.int64)
        np.fill_diagonal(grades, 0)
        rows = (np.flatnonzero(own).tolist() for own in grades)
        relevant = (
            (query, {gallery.ids[row]: int(grades[place, row]) for row in own})
            for place, (query, own) in enumerate(zip(gallery.ids, rows, strict=True))
        )
        write_qrels(folder / f"image-{kind}.qrels", relevant)
