"""What a dictionary adds to words that captions seldom hold: classes that pictures show, hidden and
typed by their names.

python benchmarks/hidden_classes.py     # Flickr8k train and val, COCO train: a stand-in for others' labels

The pictures of which the classifier is surest that they show a class are right for it. An eighth of these
classes is hidden at a time: from what is known of pictures, from the words that name classes, and from what a
text is read as. Captions say nothing. How a text is placed in the space was chosen by this.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray
from results import ROOT, markdown_table, write_section
from text_modes import shipped, split_options

from captionret.app.loading.named import calibration_of
from captionret.app.measuring import measured_text
from captionret.app.measuring.described_split import predict_split
from captionret.app.query import class_reading, text_places
from captionret.datasets import open_dataset
from captionret.evaluation.label_search import measure_labels
from captionret.evaluation.text_search import text_scores
from captionret.image_classes import classes_of, image_classes
from captionret.models.embedding.model import EmbeddingModel
from captionret.models.lexical.predictor import WordPredictor
from captionret.records import Item
from captionret.retrieval import (
    MODES,
    EncodedQuery,
    Gallery,
    TableSource,
    WordMatrix,
    asked,
    corpus,
    predicted,
)
from captionret.retrieval.predicted import RARE
from captionret.training.features import extract

FOLDS, MODES_SHOWN = 8, ("words", "embedding", "auto")
SURE, LEAST, MOST = 0.35, 3, 150  # how sure the classifier is; pictures of a class
# How much count the name as it is spelt, its commonest meaning and the next one.
WAYS: Mapping[str, tuple[float, tuple[float, ...]]] = {
    "the name alone": (1.0, (0.0, 0.0)),
    "its commonest meaning": (0.0, (1.0, 0.0)),
    "both meanings": (0.0, (1.0, 0.5)),
    "name and meaning alike": (1.0, (1.0, 0.5)),
    "as shipped": (text_places.ITSELF, text_places.MEANINGS),
}


@dataclass(frozen=True)
class Pictures:
    """What is known of N pictures. classes: (N, 1000)"""

    words: WordMatrix
    features: NDArray[np.floating]
    classes: NDArray[np.float32]
    predictor: WordPredictor
    space: EmbeddingModel

    def without(self, hidden: frozenset[str]) -> Gallery:
        """The pictures as if the hidden classes were none of ImageNet's; ids are rows."""
        kept = np.array([name not in hidden for name in NAMES])
        left = self.classes * kept
        left /= np.maximum(left.sum(1, keepdims=True), 1e-9)
        rows = [{NAMES[one]: float(row[one]) for one in np.flatnonzero(row >= 1e-3)} for row in left]
        keys = [f"{row:064x}" for row in range(len(rows))]
        source = TableSource(
            keys,
            features=self.features,
            word_probabilities=self.words,
            classes=WordMatrix.of_rows(rows),
            spaces={"embedding": self.space},
            calibration=calibration_of(self.predictor.describe()),
        )
        return Gallery([str(row) for row in range(len(rows))], [""] * len(rows), keys, source=source)


NAMES = [one.name for one in image_classes()]


def pictures_of(items: Sequence[Item], features: Path) -> Pictures:
    """What the shipped models say of the items' pictures."""
    head, space = shipped()
    predictor = WordPredictor(head)
    pooled, _ = extract(head.backbone, [item.path for item in items if item.path], root=features)
    first = {sha256: row for row, sha256 in reversed(list(enumerate(pooled.hashes)))}  # equal pictures once
    stored = predict_split(predictor, [items[row] for row in first.values()], features)
    table = pooled.of(np.array(list(first.values()))).numpy()
    classes = np.concatenate([_classes(predictor, part) for part in np.array_split(table, 32)])
    return Pictures(stored.take(list(first)), table, classes, predictor, space)


def _classes(predictor: WordPredictor, table: NDArray[np.floating]) -> NDArray[np.float32]:
    found = predictor.predict_classes(table)
    assert found is not None, "the shipped backbone has its classifier"
    return np.asarray(found, np.float32)


@contextmanager
def hiding(hidden: frozenset[str]) -> Iterator[None]:
    """Read words and texts as if there were no such classes."""
    left = {word: tuple(name for name in names if name not in hidden) for word, names in classes_of().items()}
    left = {word: names for word, names in left.items() if names}

    def named(texts: NDArray[np.float32], space: EmbeddingModel) -> list[dict[str, float]]:
        return [_without(found, hidden) for found in class_reading.named_classes(texts, space)]

    with ExitStack() as patches:
        for module in (predicted, asked):
            patches.enter_context(patch.object(module, "classes_of", lambda: left))
        patches.enter_context(patch.object(measured_text, "named_classes", named))
        yield


def _without(found: Mapping[str, float], hidden: frozenset[str]) -> dict[str, float]:
    left = {name: weight for name, weight in found.items() if name not in hidden}
    total = sum(left.values()) or 1.0
    return {name: weight / total for name, weight in left.items()}


def measured(shown: Pictures, labels: Mapping[int, NDArray[np.int64]]) -> dict[tuple[str, str], list[float]]:
    """By way and mode the R-precision and reciprocal rank, the means over labels.

    labels: by class the rows of its pictures
    """
    found: dict[tuple[str, str], list[tuple[NDArray[np.floating], NDArray[np.floating]]]] = {}
    for fold in range(FOLDS):
        classes = sorted(labels)[fold::FOLDS]
        hidden = frozenset(NAMES[one] for one in classes)
        gallery = shown.without(hidden)
        right = np.zeros((len(classes), len(gallery)), np.bool_)
        for place, one in enumerate(classes):
            right[place, [gallery.row_of_id[str(row)] for row in labels[one]]] = True
        with hiding(hidden):
            for way, (itself, meanings) in WAYS.items():
                queries = _read([NAMES[one] for one in classes], shown.space, gallery, itself, meanings)
                for mode in MODES_SHOWN:
                    one_mode = measure_labels(mode, text_scores(MODES[mode], gallery, queries), right)
                    found.setdefault((way, mode), []).append(
                        (one_mode.r_precisions, one_mode.reciprocal_ranks)
                    )
    return {
        key: [float(np.concatenate([part[way] for part in parts]).mean()) for way in (0, 1)]
        for key, parts in found.items()
    }


def _read(
    names: Sequence[str], space: EmbeddingModel, gallery: Gallery, itself: float, meanings: tuple[float, ...]
) -> list[EncodedQuery]:
    with patch.multiple(text_places, ITSELF=itself, MEANINGS=meanings):
        return measured_text.encode_texts(names, {"embedding": space}, gallery)


def main() -> None:
    """Measure and write a row for each way and mode."""
    options = split_options(__doc__ or "")
    options.add_argument(
        "--also", default="coco:data/coco", help="a further collection, of which train is shown"
    )
    given = options.parse_args()
    collection = open_dataset(given.data)
    items = [*collection.split("val"), *collection.split("train"), *open_dataset(given.also).split("train")]
    shown = pictures_of(items, given.features)
    likeliest, sure = shown.classes.argmax(1), shown.classes.max(1)
    rows = {one: np.flatnonzero((likeliest == one) & (sure >= SURE)) for one in range(len(NAMES))}
    labels = {
        one: own
        for one, own in rows.items()
        if LEAST <= len(own) <= MOST and corpus.rates().get(NAMES[one], 0.0) < RARE
    }
    table = [
        [way, mode, *(100 * value for value in values)]
        for (way, mode), values in measured(shown, labels).items()
        if mode != "words" or way == "as shipped"  # it places no text
    ]
    write_section(
        ROOT / "benchmarks/RESULTS.md",
        "Hidden classes, read by a dictionary",
        f"{len(labels)} of ImageNet's classes, each shown by {LEAST} to {MOST} of {len(shown.features):,} "
        "pictures of Flickr8k (train and val) and COCO (train) as the classifier says, hidden and typed by "
        f"their names. Their meanings are WordNet's. x100.\n\n"
        f"{markdown_table(['read by', 'mode', 'R-precision', 'MRR'], table)}",
        "python benchmarks/hidden_classes.py",
    )


if __name__ == "__main__":
    main()
