"""The files of a retrieval evaluation: tables as CSV, plots, a page of all; `query_pages` has those of single
queries."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from ...counting import counted
from ...evaluation.modes import (
    ORACLE,
    MeasuredMode,
    agreement,
    costly_mistakes,
    word_importance,
)
from ...evaluation.significance import compare
from ...report.page import LinksSection, PlotSection, Section, TableSection, write_page
from ...report.plots import bars, heat_map, ndcg_curves
from ...report.tables import write_csv, write_latex
from ...retrieval import MODES
from .measured_modes import MeasuredModes
from .query_pages import query_pages
from .text_report import write_texts

COMPARED_WITH = ("jaccard", "cnn", "cnn-centred", "cnn-whitened")
_TABLE = ("mode", "NDCG@10", "95 % from", "to", "NDCG@50", "PCC", "ties@10")
_FORMATS = dict.fromkeys(_TABLE[1:6], ".3f") | {"ties@10": ".1f"}

log = logging.getLogger(__name__)


def write_report(out: Path, found: MeasuredModes, pages: int) -> None:
    """Write tables as CSV and LaTeX (modes, differences; text and text-differences, where texts were asked),
    plots, index.html and queries/*.html into `out`.

    pages: of how many queries
    """
    sections = write_texts(out, found) if found.texts else []
    if found.measured:
        sections = [*_image_sections(out, found, pages), *sections]
    lead = (
        f"{counted(len(found.gallery), 'pictures')} of {found.what}; every picture asks for the others, "
        "relevance from people's captions; every caption asks for its picture."
    )
    page = write_page(out / "index.html", "Retrieval, mode by mode", lead, sections)
    log.info(f"Tables (CSV, LaTeX) and plots: {out}\nThe page: {page}")


def _image_sections(out: Path, found: MeasuredModes, pages: int) -> list[Section]:
    """Image -> image."""
    write_csv(out / "modes.csv", [one.row() for one in found.measured])
    write_csv(out / "differences.csv", differences(found.measured))
    rows = [[*one.row().values()] for one in found.measured]
    about = f"Image to image, {found.what}"
    write_latex(out / "modes.tex", (_TABLE[0], "relevance", *_TABLE[1:]), rows, _FORMATS, about)
    kind = next(iter(found.relevances))
    of_first = [one for one in found.measured if one.relevance == kind]
    sections: list[Section] = [_table(name, found.measured) for name in found.relevances]
    sections += _plots(out, found.matrices, of_first, kind)
    sections += _word_tables(found, found.relevances[kind], of_first)
    names = query_pages(out / "queries", found, found.relevances[kind], pages)
    if names:
        links = [(f"queries/{file.name}", title) for file, title in names.items()]
        about = "What people's captions and each mode say are a picture's neighbours."
        sections.append(LinksSection("Single queries", links, about))
    log.info(f"Queries: {len(names)} pages in {out / 'queries'}")
    return sections


def differences(found: Sequence[MeasuredMode]) -> list[dict[str, object]]:
    """Every mode against the ones it has to beat: the paired interval of NDCG@10, p of Fisher's randomisation
    test, and p corrected for all the rows (Holm)."""
    by_name = {(one.mode, one.relevance): one for one in found}
    pairs = [
        (one, by_name[name, one.relevance])
        for one in found
        for name in COMPARED_WITH
        if (name, one.relevance) in by_name and name != one.mode
    ]
    return [
        {
            "mode": one.mode,
            "against": other.mode,
            "relevance": one.relevance,
            "ndcg10": row.mean,
            "low": row.low,
            "high": row.high,
            "p": row.p,
            "p_holm": row.p_holm,
        }
        for (one, other), row in zip(
            pairs,
            compare([(one.scores.ndcg10, other.scores.ndcg10) for one, other in pairs]),
            strict=True,
        )
    ]


def _table(kind: str, found: Sequence[MeasuredMode]) -> TableSection:
    rows = [
        [value for name, value in one.row().items() if name != "relevance"]
        for one in found
        if one.relevance == kind
    ]
    return TableSection(
        f"Relevance {kind}",
        _TABLE,
        rows,
        "NDCG with linear gain and log2(rank + 1), expected over random order within ties; 95 % bootstrap "
        "interval over queries. PCC: "
        "correlation of scores and relevance. ties@10: images that share the score of rank 10.",
        {"NDCG@10": "highest", "NDCG@50": "highest", "PCC": "highest"},
        _FORMATS,
    )


def _plots(
    out: Path, matrices: Mapping[str, np.ndarray], found: Sequence[MeasuredMode], kind: str
) -> list[Section]:
    curves = ndcg_curves({one.mode: one.scores.ndcg.mean(0).tolist() for one in found}, out / "ndcg.png")
    compared = {name: scores for name, scores in matrices.items() if name in MODES or name == ORACLE}
    shared = heat_map(list(compared), agreement(compared).tolist(), out / "agreement.png")
    ties = bars(
        {one.mode: float(one.scores.ties10.mean()) for one in found if one.mode in MODES},
        "images that share the score of rank 10",
        out / "ties.png",
    )
    return [
        PlotSection(
            "NDCG by cut-off", curves, f"NDCG@k of every mode against relevance {kind}", f"Relevance {kind}."
        ),
        PlotSection(
            "Agreement",
            shared,
            "share of the first ten that two modes have in common",
            "Of the first ten images, how many (in %) two modes share.",
        ),
        PlotSection(
            "Ties",
            ties,
            "images that share the score of rank 10, by mode",
            "Where many share a score, their order says nothing.",
        ),
    ]


def _word_tables(
    measured: MeasuredModes, relevance: np.ndarray, found: Sequence[MeasuredMode]
) -> list[Section]:
    base = next((one for one in found if one.mode == "jaccard-idf"), None)
    if base is None:
        return []
    important = word_importance(measured.gallery, relevance, MODES["jaccard-idf"])
    mistakes = costly_mistakes(
        measured.gallery, [item.captions for item in measured.items], base.scores.ndcg10
    )
    columns = ("word", "captions", "NDCG@10 lost")
    formats = {"NDCG@10 lost": ".4f"}
    return [
        TableSection(
            "Words that make images found",
            columns,
            [list(row) for row in important],
            "The commonest words, each left out of every caption in turn (mode jaccard-idf). Below 0: the "
            "word misleads.",
            formats=formats,
        ),
        TableSection(
            "Mistakes that cost most",
            columns,
            [list(row) for row in mistakes],
            "Words that captions hold though none of the people's does; how much less such queries find "
            "than the mean.",
            formats=formats,
        ),
    ]
