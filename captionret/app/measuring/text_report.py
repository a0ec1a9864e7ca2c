"""The files of texts and labels as queries, and of measured word probabilities: tables as CSV and LaTeX, a
plot, a page."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from ...counting import counted
from ...evaluation.label_search import COLUMNS as LABEL_COLUMNS
from ...evaluation.label_search import FORMATS as LABEL_FORMATS
from ...evaluation.significance import compare
from ...evaluation.text_search import COLUMNS as TEXT_COLUMNS
from ...evaluation.text_search import FORMATS as TEXT_FORMATS
from ...report.page import PlotSection, Section, TableSection, write_page
from ...report.plots import reliability_plot
from ...report.tables import write_csv, write_latex
from ...report.terminal import Value

if TYPE_CHECKING:
    from .measured_modes import MeasuredModes
    from .measured_text import MeasuredLabels
    from .measured_words import MeasuredWords

COMPARED_WITH = ("jaccard", "expected-cosine", "embedding")
WORD_COLUMNS = ("mode", "absent words, % that return something", "present words, % that return nothing")
THRESHOLD_COLUMNS = (
    *("p at least", "precision", "recall", "words"),
    *("precision of words: 10 %", "median", "90 %"),
)
BIN_COLUMNS = ("probability", "right", "pairs")
_BEST: dict[str, Literal["highest", "lowest"]] = {
    **dict.fromkeys((*TEXT_COLUMNS, *LABEL_COLUMNS), "highest"),
    "medr": "lowest",
    "misses": "lowest",
}

log = logging.getLogger(__name__)


def write_texts(out: Path, found: "MeasuredModes") -> list[Section]:
    """Write text.csv, text.tex and text-differences.csv (of MRR) into `out`; what stands on the page."""
    write_csv(out / "text.csv", [one.row() for one in found.texts])
    columns = ("mode", *TEXT_COLUMNS)
    rows = [[one.mode, *one.values()] for one in found.texts]
    write_latex(out / "text.tex", columns, rows, TEXT_FORMATS, f"Text to image, {found.what}")
    figures = [(one.mode, one.reciprocal_ranks) for one in found.texts]
    write_csv(out / "text-differences.csv", _differences("mrr", figures))
    note = (
        f"{counted(found.queries, 'captions')} that people wrote ask for their picture among "
        f"{len(found.gallery):,}; R@k and MRR expected over random order within ties. Misses: queries of "
        "which the mode knows no word."
    )
    return [TableSection("Text to image", columns, rows, note, _BEST, TEXT_FORMATS)]


def write_labels(out: Path, found: "MeasuredLabels") -> None:
    """Write labels.csv, labels.tex, each-label.csv, differences.csv (of R-precision) and index.html."""
    write_csv(out / "labels.csv", [one.row() for one in found.found])
    columns = ("mode", *LABEL_COLUMNS)
    rows = [[one.mode, *one.values()] for one in found.found]
    write_latex(out / "labels.tex", columns, rows, LABEL_FORMATS, f"Labels as queries, {found.what}")
    each = [
        {"label": label} | {one.mode: float(one.r_precisions[place]) for one in found.found}
        for place, label in enumerate(found.labels)
    ]
    write_csv(out / "each-label.csv", each)
    figures = [(one.mode, one.r_precisions) for one in found.found]
    write_csv(out / "differences.csv", _differences("r_precision", figures))
    note = (
        "R-precision, reciprocal rank and average precision, the mean over labels, expected over random "
        "order within ties. Misses: labels of which the mode knows no word; they count as 0."
    )
    lead = (
        f"{counted(len(found.labels), 'labels')} typed as queries, {counted(found.pictures, 'pictures')} of "
        f"{found.what}."
    )
    sections: list[Section] = [TableSection("Labels as queries", columns, rows, note, _BEST, LABEL_FORMATS)]
    page = write_page(out / "index.html", "Labels as queries, mode by mode", lead, sections)
    log.info(f"Tables (CSV, LaTeX): {out}\nThe page: {page}")


def write_words(out: Path, found: "MeasuredWords") -> None:
    """Write reliability.csv, thresholds.csv, words.csv, their LaTeX, reliability.png and words.html."""
    bins, thresholds, answered = bin_rows(found), threshold_rows(found), answered_rows(found)
    tables = {
        "reliability": (BIN_COLUMNS, bins, {"probability": ".3f", "right": ".3f"}),
        "thresholds": (THRESHOLD_COLUMNS, thresholds, None),
        "words": (WORD_COLUMNS, answered, dict.fromkeys(WORD_COLUMNS[1:], ".1f")),
    }
    for name, (columns, rows, formats) in tables.items():
        write_csv(out / f"{name}.csv", [dict(zip(columns, row, strict=True)) for row in rows])
        write_latex(out / f"{name}.tex", columns, rows, formats, found.what)
    points = [(one.mean, one.right, one.pairs) for one in found.reliability]
    plot = reliability_plot(points, out / "reliability.png")
    sections: list[Section] = [
        PlotSection(
            "Do the probabilities mean what they say?",
            plot,
            "share of pairs that are right against their probability",
            f"Expected calibration error {found.error:.3f} over pairs of word and picture with p >= .05.",
        ),
        TableSection("Thresholds", THRESHOLD_COLUMNS, thresholds, "All words together; spread over words."),
        TableSection(
            "Single words as queries", WORD_COLUMNS, answered, formats=dict.fromkeys(WORD_COLUMNS[1:], ".1f")
        ),
    ]
    lead = (
        f"{counted(found.words, 'words')} of {found.what}; right: two or more of a picture's captions hold "
        "the word."
    )
    page = write_page(out / "words.html", "Word probabilities, held against captions", lead, sections)
    log.info(f"The page: {page}")


def bin_rows(found: "MeasuredWords") -> list[list[Value]]:
    """A row of BIN_COLUMNS for each bin."""
    return [[one.mean, one.right, one.pairs] for one in found.reliability]


def threshold_rows(found: "MeasuredWords") -> list[list[Value]]:
    """A row of THRESHOLD_COLUMNS for each threshold."""
    return [[one.at, one.precision, one.recall, one.words, *one.spread] for one in found.thresholds]


def answered_rows(found: "MeasuredWords") -> list[list[Value]]:
    """A row of WORD_COLUMNS for each mode."""
    return [[one.mode, 100 * one.absent, 100 * one.present] for one in found.answered]


def _differences(figure: str, found: "Sequence[tuple[str, np.ndarray]]") -> list[dict[str, object]]:
    """Every mode against those of COMPARED_WITH, by a figure of each query."""
    by_name = dict(found)
    pairs = [(one, other) for one in by_name for other in COMPARED_WITH if other in by_name and other != one]
    compared = compare([(by_name[one], by_name[other]) for one, other in pairs])
    return [
        {
            "mode": one,
            "against": other,
            figure: row.mean,
            "low": row.low,
            "high": row.high,
            "p": row.p,
            "p_holm": row.p_holm,
        }
        for (one, other), row in zip(pairs, compared, strict=True)
    ]
