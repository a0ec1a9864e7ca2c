"""Captions of some pictures, one of each, scored against people's: their quality, and what they retrieve.

facts = {"variant": "mine"}
scored(facts, captions, hashes, items, "tfidf").row["cider_d"]
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...home import data_folder
from ...records import Hit, Item
from ...retrieval import MODES, EncodedQuery, Gallery
from ...retrieval import search as search_gallery
from .measured_text import caption_queries, measure_texts

COLUMNS = tuple(
    """
    variant checkpoint parameters train_seconds captions_per_second
    bleu1 bleu2 bleu3 bleu4 rouge_l cider_d distinct vocabulary copied beam length_penalty images
    relevance ndcg10_jaccard ndcg10_jaccard_low ndcg10_jaccard_high ndcg50_jaccard
    ndcg10_jaccard_idf ndcg50_jaccard_idf pcc_jaccard ties10_jaccard
    text_r1_jaccard text_r5_jaccard text_r10_jaccard text_medr_jaccard text_mrr_jaccard
    text_r10_jaccard_idf text_mrr_jaccard_idf""".split()
)
SHOWN = tuple(
    """
    variant checkpoint parameters train_seconds captions_per_second bleu1 bleu4 rouge_l cider_d distinct
    ndcg10_jaccard ndcg50_jaccard ndcg10_jaccard_idf ndcg50_jaccard_idf ties10_jaccard
    text_r1_jaccard text_r10_jaccard text_r10_jaccard_idf""".split()
)
DIFFERENCES = ("CIDEr-D", "NDCG@10")  # measured picture by picture
FORMATS = dict.fromkeys(("bleu1", "bleu2", "bleu3", "bleu4", "rouge_l", "cider_d", "copied"), ".1f")
FORMATS |= dict.fromkeys((*(f"text_r{k}_jaccard" for k in (1, 5, 10)), "text_r10_jaccard_idf"), ".1f")
FORMATS |= dict.fromkeys(("text_mrr_jaccard", "text_mrr_jaccard_idf"), ".3f")
FORMATS |= dict.fromkeys(
    ("ndcg10_jaccard", "ndcg50_jaccard", "ndcg10_jaccard_idf", "ndcg50_jaccard_idf"), ".3f"
)
FORMATS |= {
    "train_seconds": ",.0f",
    "captions_per_second": ",.0f",
    "ties10_jaccard": ".1f",
    "text_medr_jaccard": ".0f",
}


@dataclass(frozen=True)
class Compared:
    """One checkpoint's row, its caption of every picture, and the gallery that these captions make.

    row:     a value for each of COLUMNS
    setting: how its captions were found, see decoded_with
    each:    (N,) of every picture the values that DIFFERENCES are measured in, by their names
    """

    row: dict[str, Any]
    captions: list[str]
    hashes: list[str]
    gallery: Gallery
    setting: dict[str, Any]
    each: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)


def scored(
    facts: Mapping[str, Any],
    captions: Sequence[str],
    hashes: Sequence[str],
    items: Sequence[Item],
    relevance: str,
    training: Sequence[str] = (),
    setting: Mapping[str, Any] | None = None,
) -> Compared:
    """Captions of the items, one of each, scored against people's, with what they retrieve.

    facts: what else the row says of who made them
    """
    from ...evaluation.captions.scorer import score

    scores = score(
        {item.id: caption for item, caption in zip(items, captions, strict=True)},
        {item.id: item.captions for item in items},
        training=training,
    )
    root = common_root(items)
    shown = [os.path.relpath(item.path, root) for item in items if item.path]
    gallery = Gallery(shown, list(captions), list(hashes), [item.id for item in items])
    retrieval, ndcg10 = _retrieval(gallery, items, relevance)
    own = {name: getattr(scores, name) for name in COLUMNS if hasattr(scores, name)}
    row = dict.fromkeys(COLUMNS) | dict(facts) | own | retrieval
    each = {"CIDEr-D": scores.cider_d_each} | ({} if ndcg10 is None else {"NDCG@10": ndcg10})
    return Compared(row, list(captions), list(hashes), gallery, dict(setting or {}), each)


def _retrieval(
    gallery: Gallery, items: Sequence[Item], kind: str
) -> tuple[dict[str, Any], NDArray[np.float64] | None]:
    """How well the captions retrieve: NDCG@10 and @50 against the relevance that people's captions give;
    Jaccard, plain and by idf; and NDCG@10 of Jaccard for each picture."""
    from ...evaluation.modes import score_matrix
    from ...evaluation.relevance import load_relevance
    from ...evaluation.semantic import measure
    from ...evaluation.significance import mean_interval

    if len(gallery) < 2:
        return dict.fromkeys(COLUMNS[COLUMNS.index("relevance") :]), None
    captions = {item.id: item.captions for item in items}
    relevance = load_relevance(kind, [captions[name] for name in gallery.ids], data_folder("relevance"))
    plain = measure(score_matrix(MODES["jaccard"], gallery), relevance)
    weighted = measure(score_matrix(MODES["jaccard-idf"], gallery), relevance)
    _, low, high = mean_interval(plain.ndcg10)
    row = {
        "relevance": kind,
        "ndcg10_jaccard": plain.summary().ndcg10,
        "ndcg10_jaccard_low": low,
        "ndcg10_jaccard_high": high,
        "ndcg50_jaccard": plain.summary().ndcg50,
        "ndcg10_jaccard_idf": weighted.summary().ndcg10,
        "ndcg50_jaccard_idf": weighted.summary().ndcg50,
        "pcc_jaccard": plain.summary().pcc,
        "ties10_jaccard": plain.summary().ties10,
        **_text(gallery, items),
    }
    return row, plain.ndcg10


def _text(gallery: Gallery, items: Sequence[Item]) -> dict[str, float]:
    """How well people's captions find their picture by its generated caption, equal pictures once."""
    kept = [item for item in items if item.id in gallery.row_of_id]
    queries = caption_queries(kept, [gallery.row_of_id[item.id] for item in kept])
    _, plain, weighted = measure_texts(gallery, ("jaccard", "jaccard-idf"), queries, [])
    return {
        "text_r1_jaccard": plain.r1,
        "text_r5_jaccard": plain.r5,
        "text_r10_jaccard": plain.r10,
        "text_medr_jaccard": plain.medr,
        "text_mrr_jaccard": plain.mrr,
        "text_r10_jaccard_idf": weighted.r10,
        "text_mrr_jaccard_idf": weighted.mrr,
    }


def common_root(items: Sequence[Item]) -> Path:
    """The folder that holds all the pictures; hits' paths are shown relative to it."""
    return Path(os.path.commonpath([item.path.absolute().parent for item in items if item.path]))


def top_hits(compared: Compared, picture: int, top: int = 5) -> list[Hit]:
    """What one variant retrieves for a picture of the split, the picture itself left out."""
    query = EncodedQuery(compared.captions[picture], None, compared.hashes[picture])
    return search_gallery(compared.gallery, query, "jaccard", top)
