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
from collections.abc import Sequence
from typing import Any

from ..app.places import checkpoint_path
from ..errors import BadSetting
from ..evaluation.hubness import find_remedies
from ..files import publish_json
from .options import FOUND, add_data, add_device, add_features, parser, path_argument, say


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

    from ..app.measuring.encoded_split import encode_split
    from ..app.measuring.ranked_split import measure_ranking, note_ranking, remedied
    from ..app.missing import open_data
    from ..models.embedding.model import EmbeddingModel

    path = checkpoint_path(given.checkpoint)
    model = EmbeddingModel.load(path, given.device)
    dataset = open_data(given.data, given.fetch_missing)
    say(dataset.summary())
    split = encode_split(model, dataset, dataset.split(given.split), given.features)
    scores = measure_ranking(model, split, given.folds)
    if given.remedy and len(split.owner):
        scores["remedies"] = remedied(split, given.remedy)
    if given.json:
        publish_json(given.json, scores)
        say(f"Written: {given.json}")
    if given.note:
        note_ranking(path, given.data, given.split, given.folds, scores)
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
    add_data(options)
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
    add_features(options)
    options.add_argument(
        "--note", action="store_true", help="write the figures into the checkpoint's record and card"
    )
    add_device(options)
    return options.parse_args(arguments)


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
