"""The files of a comparison: variants.csv, modes.csv and a page."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..files import publishing
from ..report.page import Section, TableSection, VariantAnswer, VariantsRow, VariantsSection, write_page
from . import compared_modes as modes
from .comparisons import COLUMNS, FORMATS, SHOWN, Comparison, common_root, top_hits

BEST = ("captions_per_second", "bleu1", "bleu4", "rouge_l", "cider_d", "distinct")

log = logging.getLogger(__name__)


def write_comparison(out: Path, comparison: Comparison, pictures: int = 12) -> Path:
    """Write variants.csv, index.html and, where there is something beside the captions, modes.csv into `out`.
    Returns the page.

    pictures: how many the page shows
    """
    _csv(out / "variants.csv", COLUMNS, [one.row for one in comparison.compared])
    if comparison.beside:
        _csv(out / "modes.csv", modes.COLUMNS, comparison.beside)
    step = max(1, len(comparison.items) // pictures)
    shown = range(0, len(comparison.items), step)[:pictures]
    sections = [_quality(comparison), *_beside(comparison), side_by_side(comparison, shown)]
    lead = f"{len(comparison.items):,} pictures of {comparison.what}."
    page = write_page(out / "index.html", "Variants compared", lead, sections)
    log.info(f"The table: {out / 'variants.csv'}\nThe page: {page}")
    return page


def _csv(file: Path, columns: Sequence[str], rows: Sequence[dict[str, Any]]) -> None:
    import pandas

    with publishing(file, "w") as target:
        table = pandas.DataFrame(list(rows), columns=list(columns))
        table.to_csv(target, index=False, float_format="%.4f")


def quality_rows(comparison: Comparison) -> list[list[Any]]:
    """A row of SHOWN for each checkpoint."""
    return [[one.row[name] for name in SHOWN] for one in comparison.compared]


def side_by_side(
    comparison: Comparison,
    pictures: Sequence[int],
    title: str = "The same pictures, each variant's caption and its first five",
    named_by: str = "checkpoint",
) -> VariantsSection:
    """Each variant's caption of these pictures, and what it retrieves for them.

    named_by: "checkpoint" or "variant": what stands above each column
    """
    rows = [
        VariantsRow(
            comparison.items[picture].path or Path(),
            [
                VariantAnswer(Path(one.row[named_by]).name, one.captions[picture], top_hits(one, picture))
                for one in comparison.compared
            ],
            comparison.items[picture].captions,
        )
        for picture in pictures
    ]
    return VariantsSection(title, rows, common_root(comparison.items))


def _quality(comparison: Comparison) -> Section:
    how = comparison.how
    penalty = how.decoding.length_penalty
    own = "each variant's own" if penalty is None else f"{penalty:g}"
    note = (
        f"Beam {how.decoding.beam}, length penalty {own}. BLEU, ROUGE-L and CIDEr-D x100 on PTB tokens; "
        "captions per second with the features given; distinct: different captions among all. Retrieval by "
        "Jaccard similarity of caption words, the picture itself left out; NDCG@10 and @50 by relevance "
        f"{how.relevance}, of all words alike and weighted by idf. text: people's captions ask for their "
        "picture, R@k in %."
    )
    best: Any = dict.fromkeys(BEST, "highest")
    return TableSection("Quality and speed", SHOWN, quality_rows(comparison), note, best, FORMATS)


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
