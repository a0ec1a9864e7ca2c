"""Measure an embedding space: do images find their captions, and captions their images?

    captionret evaluate-ranking --checkpoint photos-space --data flickr8k:data/flickr8k
    captionret evaluate-ranking --checkpoint mine --data coco:data/coco --split val --folds 5 --json s.json

i2t (annotation): an image ranks all captions; t2i (search): a caption ranks all images. A space that was
trained on labels is also asked for these: hit@k among the labels and among all words, and hierarchical
precision@k. A space trained on triples is asked how often the right image scores above a random one.
--remedy adds what a remedy for hubs makes of the same scores; it reads all queries of the split at once, so
that its figures are those of a system that knows what else is asked.
"""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..app.places import checkpoint_path
from ..errors import BadDataset, BadSetting
from ..evaluation.hubness import find_remedies
from ..files import publish_json
from ..home import data_folder
from .options import FOUND, add_device, parser, path_argument, say

if TYPE_CHECKING:  # these import torch, which --help does without
    from ..app.encoded_split import EncodedSplit
    from ..evaluation.ranking import Ranking
    from ..models.embedding.model import EmbeddingModel

KS = (5, 10, 20)  # of DeViSE's tables


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the figures of a space on a split, and write them where asked."""
    given = _parse(arguments)
    find_remedies(given.remedy)
    if given.remedy and given.folds > 1:
        raise BadSetting(
            "--remedy compares all queries of the split; --folds parts them. Give one of the two."
        )
    if given.json is not None and given.json.is_dir():
        raise BadSetting(f"--json {given.json} is a folder. Give the name of a file.")

    from ..app.encoded_split import encode_split
    from ..datasets import open_dataset
    from ..models.embedding.model import EmbeddingModel

    path = checkpoint_path(given.checkpoint)
    model = EmbeddingModel.load(path, given.device)
    dataset = open_dataset(given.data)
    say(dataset.summary())
    split = encode_split(model, dataset, dataset.split(given.split), given.features)
    scores = evaluate(model, split, given.folds)
    if given.remedy and len(split.owner):
        scores["remedies"] = remedied(split, given.remedy)
    if given.json:
        publish_json(given.json, scores)
        say(f"Written: {given.json}")
    if given.note:
        _note(path, given, {name: facts for name, facts in scores.items() if name != "remedies"})
    print(scores_table(scores))
    return FOUND


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    options = parser("evaluate-ranking", __doc__ or "")
    options.add_argument(
        "--checkpoint",
        required=True,
        metavar="DIR",
        help="an embedding space: a directory, or a name in checkpoints/",
    )
    options.add_argument("--data", required=True, metavar="KIND:PATH")
    options.add_argument("--split", default="test", help="(default: %(default)s)")
    options.add_argument(
        "--folds",
        type=int,
        default=1,
        metavar="N",
        help='the mean over N consecutive parts: 5 for "1K" on COCO\'s 5,000 (default: 1)',
    )
    options.add_argument(
        "--remedy",
        nargs="+",
        default=[],
        metavar="NAME",
        help="csls, mutual-proximity, inverted-softmax, or all: what each does for recall",
    )
    options.add_argument("--json", type=path_argument, metavar="FILE", help="write the figures")
    options.add_argument(
        "--features",
        type=path_argument,
        default=data_folder("features"),
        metavar="DIR",
        help="the feature cache (default: %(default)s)",
    )
    options.add_argument(
        "--note", action="store_true", help="write the figures into the checkpoint's record and card"
    )
    add_device(options)
    return options.parse_args(arguments)


def evaluate(model: "EmbeddingModel", split: "EncodedSplit", folds: int = 1) -> dict[str, Any]:
    """What can be measured of a model on a split, as --json writes it.

    {"i2t": {"r1", "r5", "r10", "medr", "meanr"}, "t2i": {...}, "rsum"} where the split has captions, and
    where the model is such: "triple_accuracy"; "labels", see label_scores
    """
    scores: dict[str, Any] = {}
    owners = np.unique(split.owner)
    if len(owners):
        if len(owners) < len(split.items):
            say(
                f"{len(split.items) - len(owners):,} images have no caption that can be read, and are not "
                "ranked."
            )
        ranking = ranked(split.images[owners], split.sentences, np.searchsorted(owners, split.owner), folds)
        scores |= ranking.to_json()
        if model.config.loss.startswith("triples"):
            from ..training.pairs import triple_accuracy

            scores["triple_accuracy"] = triple_accuracy(ranking.t2i.meanr, len(owners) // folds)
    if model.config.targets != "captions":
        scores["labels"] = label_scores(model, split)
    if not scores:
        raise BadDataset("The split's images have no captions to rank. Choose another collection or split.")
    return scores


def ranked(images: np.ndarray, sentences: np.ndarray, owner: np.ndarray, folds: int = 1) -> "Ranking":
    """Both directions, from unit rows (N, D) and (M, D)."""
    from ..evaluation.ranking import rank_both_ways

    return rank_both_ways(images @ sentences.T, owner, folds)


def remedied(split: "EncodedSplit", names: Sequence[str]) -> dict[str, Any]:
    """Both directions as they are ("none") and with each remedy: {name: {"i2t", "t2i", "rsum", "hubs_i2t":
    {"skewness", ...}, "hubs_t2i"}}.

    A remedy for queries that are images is none for queries that are captions, so each direction has its own.
    Hubs of i2t are captions.
    """
    from ..evaluation.hubness import measure_hubness
    from ..evaluation.ranking import Ranking, rank_both_ways

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


def label_scores(model: "EmbeddingModel", split: "EncodedSplit") -> dict[str, Any]:
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
    from ..datasets.labels import spelled
    from ..evaluation.labels import chance_of_hit, hits
    from ..training.embedding import label_table, right_labels

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
    model: "EmbeddingModel", split: "EncodedSplit", right: np.ndarray, names: Sequence[str]
) -> dict[str, Any]:
    from ..evaluation.labels import hierarchical_precision, nearest

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


def scores_table(scores: dict[str, Any]) -> str:
    """The figures as a person reads them."""
    from ..report.terminal import table

    parts = []
    if "i2t" in scores:
        columns = ("r1", "r5", "r10", "medr", "meanr")
        rows = [
            [name, *(scores[way][key] for key in columns)]
            for way, name in (("i2t", "annotation (i2t)"), ("t2i", "search (t2i)"))
        ]
        formats = {"medr": ".0f", "mean rank": ".1f"} | dict.fromkeys(("R@1", "R@5", "R@10"), ".1f")
        parts += [
            table(("", "R@1", "R@5", "R@10", "medr", "mean rank"), rows, formats),
            f"Sum of the recalls: {scores['rsum']:.1f}",
        ]
    if "triple_accuracy" in scores:
        parts.append(
            f"The right image scores above a random one in {100 * scores['triple_accuracy']:.1f} % of "
            "triples."
        )
    for name, facts in scores.get("labels", {}).items():
        parts.append(
            f"{name.replace('_', ' ')}: " + ", ".join(f"{key} {value:,.4g}" for key, value in facts.items())
        )
    if "remedies" in scores:
        parts.append(_remedies_table(scores["remedies"]))
    return "\n".join(parts)


def _remedies_table(remedies: dict[str, Any]) -> str:
    from ..report.terminal import Value, table

    recalls = ("r1", "r5", "r10")
    columns = (
        "remedy",
        *(f"{way} R@{k}" for way in ("i2t", "t2i") for k in (1, 5, 10)),
        "rsum",
        "N_10 skewness i2t",
        "t2i",
    )
    rows: list[list[Value]] = [
        [
            name,
            *(facts[way][key] for way in ("i2t", "t2i") for key in recalls),
            facts["rsum"],
            *(facts[way]["skewness"] for way in ("hubs_i2t", "hubs_t2i")),
        ]
        for name, facts in remedies.items()
    ]
    return "\n" + table(columns, rows, dict.fromkeys(columns[1:8], ".1f") | dict.fromkeys(columns[8:], ".2f"))


def _note(path: Path, given: argparse.Namespace, scores: dict[str, Any]) -> None:
    from ..models.card import write_card
    from ..models.record import add_scores

    folds = f", {given.folds} folds" if given.folds > 1 else ""
    add_scores(path, f"{given.data.partition(':')[0]} {given.split}{folds}", scores)
    write_card(path)
