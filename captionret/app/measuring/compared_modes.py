"""Caption space beside embedding space: what captions, features and trained spaces retrieve on the same
pictures, asked by pictures and by people's captions, in one table."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...datasets import Dataset
from ...evaluation.modes import score_matrix
from ...evaluation.relevance import load_relevance
from ...evaluation.semantic import measure
from ...evaluation.significance import mean_interval
from ...files import sha256_of
from ...home import data_folder
from ...models.encoders import PictureEncoder
from ...records import Item
from ...retrieval import MODES, Gallery, TableSource
from .described_split import pictures_encoded
from .encoded_split import split_features
from .measured_text import caption_queries, measure_texts

if TYPE_CHECKING:  # it imports torch, which --help does without
    from ...models.embedding.model import EmbeddingModel

COLUMNS = (
    "what",
    "checkpoint",
    "mode",
    "relevance",
    "ndcg10",
    "ndcg10_low",
    "ndcg10_high",
    "ndcg50",
    "pcc",
    "ties10",
    *("text_r1", "text_r5", "text_r10", "text_medr", "text_mrr"),
)
FORMATS = dict.fromkeys(("ndcg10", "ndcg10_low", "ndcg10_high", "ndcg50", "pcc", "text_mrr"), ".3f")
FORMATS |= dict.fromkeys(("ties10", "text_r1", "text_r5", "text_r10"), ".1f") | {"text_medr": ".0f"}


def compared_modes(
    captioned: Mapping[Path, Gallery],
    spaces: "Sequence[EmbeddingModel | PictureEncoder]",
    dataset: Dataset,
    items: Sequence[Item],
    kind: str,
    features: Path,
) -> list[dict[str, Any]]:
    """A row of COLUMNS for each way to compare, NDCG@10 with its 95 % bootstrap interval over queries.

    captioned: for each captioner's checkpoint the gallery of its captions
    kind:      of relevance, see load_relevance
    """
    rows = [
        _row("captions", checkpoint, mode, gallery, items, kind)
        for checkpoint, gallery in captioned.items()
        for mode in ("jaccard", "jaccard-idf")
    ]
    hashes = _hashes(captioned)
    seen: set[str] = set()
    for model in spaces:
        if isinstance(model, PictureEncoder):
            vectors = _encoded(model, items)
            gallery = _gallery(items, hashes, {model.mode: vectors})
            place, own = Path(model.name), {model.mode: model}
            rows.append(_row("encoder", place, model.mode, gallery, items, kind, own))
            continue
        table = split_features(model, dataset, items, features)
        backbone = model.backbone.key
        if backbone not in seen:
            seen.add(backbone)
            gallery = _gallery(items, hashes, {"features": table[:, : model.config.image_dim]})
            rows += [
                _row("CNN", Path(model.config.backbone), mode, gallery, items, kind)
                for mode in ("cnn", "cnn-centred")
            ]
        gallery = _gallery(items, hashes, {model.mode: model.encode_features(table)})
        place = model.path or Path(model.name)
        rows.append(_row("space", place, model.mode, gallery, items, kind, {model.mode: model}))
    return rows


def _encoded(encoder: "PictureEncoder", items: Sequence[Item]) -> np.ndarray:
    """(N, D) of the items' pictures."""
    paths = [item.path for item in items if item.path]
    return pictures_encoded(encoder, paths, [sha256_of(path) for path in paths])


def _hashes(captioned: Mapping[Path, Gallery]) -> dict[str, str]:
    """The content's hash of each picture, by its id; equal pictures are one, as among the captions."""
    first = next(iter(captioned.values()))
    return dict(zip(first.ids, first.hashes, strict=True))


def _gallery(items: Sequence[Item], hashes: Mapping[str, str], parts: Mapping[str, np.ndarray]) -> Gallery:
    """The pictures that stand in the captions' galleries, with features or vectors in place of captions."""
    kept = [(row, item) for row, item in enumerate(items) if item.id in hashes]
    rows = {hashes[item.id]: row for row, item in kept}
    tables = {name: table[list(rows.values())] for name, table in parts.items()}
    vectors = {name: table for name, table in tables.items() if name != "features"}
    return Gallery(
        [item.id for _, item in kept],
        [""] * len(kept),
        [hashes[item.id] for _, item in kept],
        source=TableSource(list(rows), features=tables.get("features"), vectors=vectors),
    )


def _row(
    what: str,
    checkpoint: Path,
    mode: str,
    gallery: Gallery,
    items: Sequence[Item],
    kind: str,
    spaces: "Mapping[str, EmbeddingModel | PictureEncoder] | None" = None,
) -> dict[str, Any]:
    kept = [item for item in items if item.id in gallery.row_of_id]
    captions = {item.id: item.captions for item in kept}
    scores = measure(
        score_matrix(MODES[mode], gallery),
        load_relevance(kind, [captions[one] for one in gallery.ids], data_folder("relevance")),
    )
    summary = scores.summary()
    _, low, high = mean_interval(scores.ndcg10)
    text: list[float | None] = [None] * 5
    if "text" in MODES[mode].accepts:
        queries = caption_queries(kept, [gallery.row_of_id[item.id] for item in kept], spaces, gallery)
        found = measure_texts(gallery, (mode,), queries, [])[-1]
        text = [found.r1, found.r5, found.r10, found.medr, found.mrr]
    found_here = (
        what,
        str(checkpoint),
        mode,
        kind,
        summary.ndcg10,
        low,
        high,
        summary.ndcg50,
        summary.pcc,
        summary.ties10,
        *text,
    )
    return dict(zip(COLUMNS, found_here, strict=True))
