"""Captioners compared on the same pictures: the quality of their captions, their speed, and what each
retrieves."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..datasets import Dataset
from ..decoding import BeamSearch
from ..errors import BadCheckpoint, BadDataset
from ..records import Hit, Item
from ..remedies import remedy
from ..retrieval import MODES, EncodedQuery, Gallery
from ..retrieval import search as search_gallery
from .captioned_split import caption_split, decoded_with, load_captioner, training_captions
from .measured_text import caption_queries, measure_texts
from .places import checkpoints_folder, data_folder
from .spaces import load_space

if TYPE_CHECKING:  # it imports torch, which --help does without
    from ..models.embedding.model import EmbeddingModel
    from ..models.encoders import PictureEncoder

COLUMNS = (
    *("variant", "checkpoint", "parameters", "train_seconds", "captions_per_second"),
    *(
        "bleu1",
        "bleu2",
        "bleu3",
        "bleu4",
        "rouge_l",
        "cider_d",
        "distinct",
        "vocabulary",
        "copied",
        "beam",
        "length_penalty",
        "images",
    ),
    *("relevance", "ndcg10_jaccard", "ndcg10_jaccard_low", "ndcg10_jaccard_high", "ndcg50_jaccard"),
    *("ndcg10_jaccard_idf", "ndcg50_jaccard_idf", "pcc_jaccard", "ties10_jaccard"),
    *("text_r1_jaccard", "text_r5_jaccard", "text_r10_jaccard", "text_medr_jaccard", "text_mrr_jaccard"),
    *("text_r10_jaccard_idf", "text_mrr_jaccard_idf"),
)
SHOWN = (
    *(
        "variant",
        "checkpoint",
        "parameters",
        "train_seconds",
        "captions_per_second",
        "bleu1",
        "bleu4",
        "rouge_l",
        "cider_d",
        "distinct",
    ),
    *("ndcg10_jaccard", "ndcg50_jaccard", "ndcg10_jaccard_idf", "ndcg50_jaccard_idf", "ties10_jaccard"),
    *("text_r1_jaccard", "text_r10_jaccard", "text_r10_jaccard_idf"),
)
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
class Measuring:
    """How checkpoints are compared.

    relevance: by which retrieval is measured, see load_relevance
    folder:    of the feature cache; None: the usual one
    """

    decoding: BeamSearch = field(default_factory=BeamSearch)
    batch_size: int = 64
    relevance: str = "tfidf"
    device: str = "auto"
    folder: Path | None = None

    @property
    def features(self) -> Path:
        """The folder of the feature cache."""
        return self.folder or data_folder("features")


@dataclass(frozen=True)
class Compared:
    """One checkpoint's row, its caption of every picture, and the gallery that these captions make.

    row:     a value for each of COLUMNS
    setting: how its captions were found, see decoded_with
    """

    row: dict[str, Any]
    captions: list[str]
    hashes: list[str]
    gallery: Gallery
    setting: dict[str, Any]


@dataclass(frozen=True)
class Comparison:
    """Checkpoints compared on the same pictures.

    what:   the collection and its split, in words
    beside: how embedding spaces retrieve on the same pictures: rows of compared_modes
    """

    what: str
    items: Sequence[Item]
    how: Measuring
    compared: Sequence[Compared]
    beside: Sequence[dict[str, Any]] = ()


def compare(
    dataset: Dataset,
    split: str,
    checkpoints: Sequence[Path] | None,
    how: Measuring,
    spaces: Sequence[str] = (),
) -> Comparison:
    """Compare checkpoints on a split; with embedding spaces, also as ways to find related pictures.

    checkpoints: None: every captioner's in ./checkpoints
    spaces:      names or directories
    errors:      BadDataset for no captioned pictures, or such as cannot be read; BadCheckpoint
    """
    from ..models.captioning.config import CAPTIONER
    from ..models.checkpoint import read_checkpoint

    items = [item for item in dataset.split(split) if item.captions and item.path is not None]
    if not items:
        raise BadDataset(
            f"{dataset.spec} has no captioned pictures in split {split!r}. Choose another split."
        )
    checkpoints = known_captioners() if checkpoints is None else checkpoints
    for checkpoint in checkpoints:
        # a damaged one is named before minutes have gone into the others
        read_checkpoint(checkpoint, CAPTIONER)
    models = _load_spaces(spaces, how.device)
    training = training_captions(dataset)
    compared = [compare_one(checkpoint, items, training, how) for checkpoint in checkpoints]
    what = f"{dataset.spec}, split {split}"
    if not models:
        return Comparison(what, items, how, compared)
    from .compared_modes import compared_modes

    captioned = {Path(one.row["checkpoint"]): one.gallery for one in compared}
    beside = compared_modes(captioned, models, dataset, items, how.relevance, how.features)
    return Comparison(what, items, how, compared, beside)


def _load_spaces(given: Sequence[str], device: str) -> "list[EmbeddingModel | PictureEncoder]":
    return [load_space(one, device) for one in given]


def known_captioners() -> list[Path]:
    """Every captioner's checkpoint in ./checkpoints. errors: BadCheckpoint where there is none"""
    from ..models.captioning.config import CAPTIONER
    from ..models.record import kind_of, read_record

    folder = checkpoints_folder()
    records = {path.parent: read_record(path.parent) for path in sorted(folder.glob("*/config.json"))}
    found = [path for path, one in records.items() if kind_of(one) == CAPTIONER.name]
    if not found:
        raise BadCheckpoint(f"There are no checkpoints in {folder}.", remedy("train captioner"))
    return found


def compare_one(path: Path, items: Sequence[Item], training: Sequence[str], how: Measuring) -> Compared:
    """Caption the items with one checkpoint and score it.

    training: the captions that it may have been trained on, to see which of them are repeated
    errors:   BadCheckpoint; BadDataset for pictures that cannot be read
    """
    from ..evaluation.captions.scorer import score
    from ..models.trained import count_parameters

    captioner = load_captioner([path], how.device)
    done = caption_split(captioner, items, how.decoding, batch_size=how.batch_size, features=how.features)
    scores = score(
        {item.id: caption for item, caption in zip(items, done.captions, strict=True)},
        {item.id: item.captions for item in items},
        training=training,
    )
    setting = decoded_with(captioner, how.decoding)
    root = common_root(items)
    shown = [os.path.relpath(item.path, root) for item in items if item.path]
    gallery = Gallery(shown, done.captions, done.hashes, [item.id for item in items])
    row = {
        "variant": captioner.checkpoint.variant,
        "checkpoint": str(path),
        "parameters": count_parameters(captioner.decoder),
        "train_seconds": captioner.checkpoint.training.get("seconds"),
        "captions_per_second": len(items) / done.seconds,
        **{name: getattr(scores, name) for name in COLUMNS if hasattr(scores, name)},
        "beam": setting["beam"],
        "length_penalty": setting["length_penalty"],
        **_retrieval(gallery, items, how.relevance),
    }
    return Compared(row, done.captions, done.hashes, gallery, setting)


def _retrieval(gallery: Gallery, items: Sequence[Item], kind: str) -> dict[str, Any]:
    """How well the captions retrieve: NDCG@10 and @50 against the relevance that people's captions give;
    Jaccard, plain and by idf."""
    from ..evaluation.modes import score_matrix
    from ..evaluation.relevance import load_relevance
    from ..evaluation.semantic import measure
    from ..evaluation.significance import mean_interval

    if len(gallery) < 2:
        return dict.fromkeys(COLUMNS[COLUMNS.index("relevance") :])
    captions = {item.id: item.captions for item in items}
    relevance = load_relevance(kind, [captions[name] for name in gallery.ids], data_folder("relevance"))
    plain = measure(score_matrix(MODES["jaccard"], gallery), relevance)
    weighted = measure(score_matrix(MODES["jaccard-idf"], gallery), relevance)
    _, low, high = mean_interval(plain.ndcg10)
    return {
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
