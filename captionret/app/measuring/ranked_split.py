"""An embedding space measured on a split: images and captions find each other, images and labels, and what
remedies for hubs make of it."""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...counting import counted
from ...errors import BadDataset
from ...evaluation.hubness import find_remedies
from .encoded_split import EncodedSplit

if TYPE_CHECKING:  # these import torch, which --help does without
    from ...evaluation.ranking import Ranking
    from ...models.embedding.model import EmbeddingModel

KS = (5, 10, 20)  # of DeViSE's tables

log = logging.getLogger(__name__)


def measure_ranking(model: "EmbeddingModel", split: EncodedSplit, folds: int = 1) -> dict[str, Any]:
    """What can be measured of a model on a split, as --json writes it.

    {"i2t": {"r1", "r5", "r10", "medr", "meanr"}, "t2i": {...}, "rsum"} where the split has captions, and
    where the model is such: "triple_accuracy"; "labels", see label_scores
    """
    scores: dict[str, Any] = {}
    owners = np.unique(split.owner)
    if len(owners):
        if len(owners) < len(split.items):
            log.info(
                f"{counted(len(split.items) - len(owners), 'images have')} no caption that can be read, "
                "and no rank."
            )
        ranking = ranked(split.images[owners], split.sentences, np.searchsorted(owners, split.owner), folds)
        scores |= ranking.to_json()
        if model.config.loss.startswith("triples"):
            from ...training.pairs import triple_accuracy

            scores["triple_accuracy"] = triple_accuracy(ranking.t2i.meanr, len(owners) // folds)
    if model.config.targets != "captions":
        scores["labels"] = label_scores(model, split)
    if not scores:
        raise BadDataset("The split's images have no captions to rank. Choose another collection or split.")
    return scores


def ranked(images: np.ndarray, sentences: np.ndarray, owner: np.ndarray, folds: int = 1) -> "Ranking":
    """Both directions, from unit rows (N, D) and (M, D)."""
    from ...evaluation.ranking import rank_both_ways

    return rank_both_ways(images @ sentences.T, owner, folds)


def remedied(split: EncodedSplit, names: Sequence[str]) -> dict[str, Any]:
    """Both directions as they are ("none") and with each remedy: {name: {"i2t", "t2i", "rsum", "hubs_i2t":
    {"skewness", ...}, "hubs_t2i"}}.

    A remedy for queries that are images is none for queries that are captions, so each direction has its own.
    Hubs of i2t are captions.
    """
    from ...evaluation.hubness import measure_hubness
    from ...evaluation.ranking import Ranking, rank_both_ways

    owners = np.unique(split.owner)
    owner = np.searchsorted(owners, split.owner)
    of_images = split.images[owners] @ split.sentences.T  # (N, M)
    of_captions = np.ascontiguousarray(of_images.T)
    found: dict[str, Any] = {}
    ways: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        "none": lambda scores: scores,
        **find_remedies(names),
    }
    for name, remedy in ways.items():
        images, captions = remedy(of_images), remedy(of_captions)
        ranking = Ranking(
            rank_both_ways(images, owner).i2t, rank_both_ways(np.ascontiguousarray(captions.T), owner).t2i
        )
        hubs = {
            "hubs_i2t": measure_hubness(images).to_json(),
            "hubs_t2i": measure_hubness(captions).to_json(),
        }
        found[name] = ranking.to_json() | hubs
    return found


def label_scores(model: "EmbeddingModel", split: EncodedSplit) -> dict[str, Any]:
    """How well images are named by labels, by words, and found by labels, all in %.

    "among_labels", "among_unseen": {"labels": how many, "images": that have one, "hit5", "hit10", "hit20",
                                    and "chance5" ... of drawing
                    them}: of all labels, and of those that never were a target
    "among_words":  {"words", "hit5" ..., "hierarchical5" ...}: the k nearest of all words; an image's labels
                    are right answers, and for the hierarchical precision the words nearest to each of its
                    labels
    "search_labels", "search_unseen": {"found10": labels that have a right image among their first ten,
                                      "chance10", "labels"}
    errors: BadDataset where no image of the split has one of the labels
    """
    from ...datasets.labels import spelled
    from ...evaluation.labels import chance_of_hit, hits
    from ...training.embedding import label_table, right_labels

    names, unseen = model.checkpoint.training["labels"], set(model.checkpoint.training["unseen_labels"])
    right = right_labels(split.items, names, model.config.targets)  # (N, L)
    if not right.any():
        raise BadDataset(
            "No image of the split has one of the labels that the model was trained on. Choose another "
            "collection or split."
        )
    scores = split.images @ label_table(names, model.read).T
    measured: dict[str, Any] = {}
    hidden = np.array([name in unseen for name in names])
    for which, columns in {"labels": np.ones_like(hidden), "unseen": hidden}.items():
        own, of = right[:, columns], scores[:, columns]
        if not own.any():
            continue
        facts: dict[str, Any] = {"labels": int(columns.sum()), "images": int(own.any(1).sum())}
        facts |= {f"hit{k}": 100 * float(hits(of, own, k).mean()) for k in KS}
        measured[f"among_{which}"] = facts | {f"chance{k}": 100 * chance_of_hit(own, k) for k in KS}
        found = {"labels": int(own.any(0).sum()), "found10": 100 * float(hits(of.T, own.T, 10).mean())}
        measured[f"search_{which}"] = found | {"chance10": 100 * chance_of_hit(own.T, 10)}
    measured["among_words"] = _word_scores(model, split, right, [spelled(name) for name in names])
    return measured


def _word_scores(
    model: "EmbeddingModel", split: EncodedSplit, right: np.ndarray, names: Sequence[str]
) -> dict[str, Any]:
    from ...evaluation.labels import hierarchical_precision, nearest

    words = model.words()
    table = model.encode_words(words)
    rows = {word: row for row, word in enumerate(words)}
    some = right.any(1)
    found = nearest(split.images[some], table, KS[-1])
    images, labels = np.nonzero(right[some])
    neighbours = nearest(model.encode_texts(names), table, KS[-1])[labels]
    measured: dict[str, Any] = {"words": len(words), "images": int(some.sum())}
    of_label = np.array([rows.get(name, -1) for name in names])[labels]
    for k in KS:
        hit = np.zeros(len(found), bool)
        np.logical_or.at(hit, images, (found[images, :k] == of_label[:, None]).any(1))
        measured[f"hit{k}"] = 100 * float(hit.mean())
        precision = hierarchical_precision(found[images, :k], neighbours[:, :k])
        measured[f"hierarchical{k}"] = 100 * float(
            np.mean(np.bincount(images, precision) / np.bincount(images))
        )
    return measured


def note_ranking(path: Path, data: str, split: str, folds: int, scores: dict[str, Any]) -> None:
    """Write the figures, without those of remedies, into a checkpoint's record and card."""
    from ...models.card import write_card
    from ...models.record import add_scores

    parts = f", {folds} folds" if folds > 1 else ""
    kept = {name: facts for name, facts in scores.items() if name != "remedies"}
    add_scores(path, f"{data.partition(':')[0]} {split}{parts}", kept)
    write_card(path)
