"""The files of a comparison: variants.csv, modes.csv and a page."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ...counting import counted
from ...files import publishing
from ...report.page import Section, TableSection, VariantAnswer, VariantsRow, VariantsSection, write_page
from . import compared_modes as modes
from .compared_captions import COLUMNS, FORMATS, SHOWN, common_root, top_hits
from .comparisons import Comparison

BEST = ("captions_per_second", "bleu1", "bleu4", "rouge_l", "cider_d", "distinct")
DIFFERENCE_COLUMNS = ("measure", "variant", "against", "difference", "low", "high", "p", "p_holm")
DIFFERENCE_FORMATS = dict.fromkeys(("difference", "low", "high"), ".3f") | dict.fromkeys(
    ("p", "p_holm"), ".4f"
)

log = logging.getLogger(__name__)


def write_comparison(out: Path, comparison: Comparison, pictures: int = 12) -> Path:
    """Write variants.csv, differences.csv, index.html and, where there is something beside the captions,
    modes.csv into `out`. Returns the page.

    pictures: how many the page shows
    """
    _csv(out / "variants.csv", COLUMNS, [one.row for one in comparison.compared])
    if rows := comparison.differences:
        _csv(out / "differences.csv", DIFFERENCE_COLUMNS, rows)
    if comparison.beside:
        _csv(out / "modes.csv", modes.COLUMNS, comparison.beside)
    step = max(1, len(comparison.items) // pictures)
    shown = range(0, len(comparison.items), step)[:pictures]
    answers = side_by_side(comparison, shown)
    sections = [_quality(comparison), *_differences(comparison), *_beside(comparison), answers]
    lead = f"{counted(len(comparison.items), 'pictures')} of {comparison.what}."
    page = write_page(out / "index.html", "Variants compared", lead, sections)
    log.info(f"The table: {out / 'variants.csv'}\nThe page: {page}")
    return page


def _csv(file: Path, columns: Sequence[str], rows: Sequence[dict[str, Any]]) -> None:
    import pandas

    with publishing(file, "w") as target:
        table = pandas.DataFrame(list(rows), columns=list(columns))
        table.to_csv(target, index=False, float_format="%.4f")


def shown_columns(comparison: Comparison) -> list[str]:
    """Those of SHOWN of which something is known."""
    return [name for name in SHOWN if any(one.row[name] is not None for one in comparison.compared)]


def quality_rows(comparison: Comparison) -> list[list[Any]]:
    """A row of `shown_columns` for each checkpoint or captioner."""
    return [[one.row[name] for name in shown_columns(comparison)] for one in comparison.compared]


def difference_rows(comparison: Comparison) -> list[list[Any]]:
    """A row of DIFFERENCE_COLUMNS for each pair and measure."""
    return [[row[name] for name in DIFFERENCE_COLUMNS] for row in comparison.differences]


def side_by_side(
    comparison: Comparison,
    pictures: Sequence[int],
    title: str = "The same pictures, each variant's caption and its first five",
    named_by: str | None = None,
) -> VariantsSection:
    """Each variant's caption of these pictures, and what it retrieves for them.

    named_by: the column of COLUMNS with what stands above each; None: what tables call it
    """
    rows = [
        VariantsRow(
            comparison.items[picture].path or Path(),
            [
                VariantAnswer(
                    str(one.row[named_by]) if named_by else comparison.name_of(one),
                    one.captions[picture],
                    top_hits(one, picture),
                )
                for one in comparison.compared
            ],
            comparison.items[picture].captions,
        )
        for picture in pictures
    ]
    return VariantsSection(title, rows, common_root(comparison.items))


def _quality(comparison: Comparison) -> Section:
    note = (
        f"{comparison.found} BLEU, ROUGE-L and CIDEr-D x100 on PTB tokens; "
        "distinct: different captions among all. Retrieval by "
        "Jaccard similarity of caption words, the picture itself left out; NDCG@10 and @50 by relevance "
        f"{comparison.how.relevance}, of all words alike and weighted by idf. text: people's captions ask "
        "for their picture, R@k in %."
    )
    best: Any = dict.fromkeys(BEST, "highest")
    rows = quality_rows(comparison)
    return TableSection("Quality and speed", shown_columns(comparison), rows, note, best, FORMATS)


def _differences(comparison: Comparison) -> list[Section]:
    rows = difference_rows(comparison)
    note = (
        "Each against each on the same pictures: the mean difference, its 95 % bootstrap interval, p of "
        "Fisher's randomisation test, and p corrected for all rows of the table (Holm)."
    )
    title = "Is it chance?"
    return [TableSection(title, DIFFERENCE_COLUMNS, rows, note, {}, DIFFERENCE_FORMATS)] if rows else []


def _beside(comparison: Comparison) -> list[Section]:
    if not comparison.beside:
        return []
    how = (
        "Every picture asks for the others; relevance comes from people's captions; 95 % bootstrap interval "
        "over queries. text: people's captions ask for their picture, R@k in %."
    )
    highest: Any = dict.fromkeys(
        ("ndcg10", "ndcg50", "pcc", "text_r1", "text_r5", "text_r10", "text_mrr"), "highest"
    )
    rows = [list(row.values()) for row in comparison.beside]
    title = "Captions beside embedding spaces"
    return [TableSection(title, modes.COLUMNS, rows, how, highest, modes.FORMATS)]
