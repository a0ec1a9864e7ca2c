"""The files of a retrieval evaluation: tables as CSV, plots, a page of all; `query_pages` has those of single
queries."""

import csv
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from ..evaluation.modes import (
    ORACLE,
    MeasuredMode,
    agreement,
    costly_mistakes,
    difference,
    word_importance,
)
from ..files import publishing
from ..report.page import LinksSection, PlotSection, Section, TableSection, write_page
from ..report.plots import bars, heat_map, ndcg_curves
from ..retrieval import MODES
from .measured_modes import MeasuredModes
from .query_pages import query_pages

COMPARED_WITH = ("jaccard", "cnn", "cnn-centred", "cnn-whitened")
_TABLE = ("mode", "NDCG@10", "95 % from", "to", "NDCG@50", "PCC", "ties@10")

log = logging.getLogger(__name__)


def write_report(out: Path, found: MeasuredModes, pages: int) -> None:
    """Write modes.csv, differences.csv, plots, index.html and queries/*.html into `out`.

    pages: of how many queries
    """
    _csv(out / "modes.csv", [one.row() for one in found.measured])
    _csv(out / "differences.csv", differences(found.measured))
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
    lead = (
        f"{len(found.gallery):,} pictures of {found.what}; every picture asks for the others, relevance "
        "from people's captions."
    )
    page = write_page(out / "index.html", "Retrieval, mode by mode", lead, sections)
    log.info(
        f"The tables: {out / 'modes.csv'}, {out / 'differences.csv'}\nThe page: {page}\nQueries: "
        f"{len(names)} pages in {out / 'queries'}"
    )


def _csv(file: Path, rows: Sequence[Mapping[str, object]]) -> None:
    with publishing(file, "w") as target:
        writer = csv.DictWriter(target, list(rows[0]) if rows else ["mode"])
        writer.writeheader()
        writer.writerows(
            {name: f"{value:.6f}" if isinstance(value, float) else value for name, value in row.items()}
            for row in rows
        )


def differences(found: Sequence[MeasuredMode]) -> list[dict[str, object]]:
    """Every mode against the ones it has to beat, with the paired interval of NDCG@10."""
    by_name = {(one.mode, one.relevance): one for one in found}
    rows: list[dict[str, object]] = []
    for one in found:
        for name in COMPARED_WITH:
            other = by_name.get((name, one.relevance))
            if other is not None and other is not one:
                mean, low, high = difference(one, other)
                rows.append(
                    {
                        "mode": one.mode,
                        "against": name,
                        "relevance": one.relevance,
                        "ndcg10": mean,
                        "low": low,
                        "high": high,
                    }
                )
    return rows


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
        dict.fromkeys(_TABLE[1:6], ".3f") | {"ties@10": ".1f"},
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
