"""Word probabilities that mean what they say: a calibration learnt from a captioned collection, for a
predictor or for one library.

flickr8k = open_dataset("flickr8k:data/flickr8k")
calibrate(flickr8k, "val")                      # for the shipped lexical head
calibrate(flickr8k, "val", library="photos")
"""

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from ...datasets import Dataset
from ...errors import BadSetting
from ...evaluation.word_fit import Fitted, fit_calibration
from ...home import data_folder
from ...records import Item
from ...retrieval.calibrated import FILE, Calibration, WordGroup
from ..loading.named import predictor_of
from ..models import Library
from ..places import LEXICAL_HEAD, checkpoint_path, find_library
from .described_split import predict_split
from .measured_split import captioned_items

if TYPE_CHECKING:  # it imports torch
    from ...models.lexical.predictor import WordPredictor

TRAIN = "train"

log = logging.getLogger(__name__)


def calibrate(
    dataset: Dataset,
    split: str = "val",
    *,
    library: str | Library | None = None,
    head: str | None = None,
    device: str = "auto",
    features: Path | None = None,
) -> Fitted:
    """Learn how a predictor's word probabilities are to be read, and keep it: beside the lexical head, so
    that it holds for every library of its, or in one library. Stored probabilities stay as they are.

    dataset:  captioned pictures that the predictor was not trained on, several captions each, 500 or more
              where there are; fewer than 250 are named in a warning; of its split
              "train", where it has one, the captions alone say how often words are used
    library:  its name or path: its own predictor is calibrated, and it keeps the calibration
    head:     without a library: a lexical head, by name or directory; None: the shipped one
    features: the folder of the feature cache; None: the usual one
    errors:   BadDataset for pictures that cannot be read, BadSetting for too few captions or a folder that
              cannot be written, and those of predictor_of
    """
    if library is not None and head is not None:
        raise BadSetting("A library's words have a predictor already: give a library or a head, not both.")
    if library is not None:
        opened = library if isinstance(library, Library) else Library.open(find_library(library))
        fitted = _fitted(dataset, split, predictor_of(opened.predicted_by, device), features)
        opened.set_calibration(fitted.calibration)
        return fitted
    from ...models.lexical.predictor import WordPredictor

    predictor = WordPredictor.load(checkpoint_path(head) if head else LEXICAL_HEAD, device)
    fitted = _fitted(dataset, split, predictor, features)
    assert predictor.path is not None, "it was loaded from there"
    try:
        fitted.calibration.write(predictor.path / FILE)
    except OSError as error:
        raise BadSetting(
            f"{predictor.path / FILE} cannot be written ({error.strerror}). A library can keep it, too."
        ) from None
    return fitted


def _fitted(dataset: Dataset, split: str, predictor: "WordPredictor", features: Path | None) -> Fitted:
    items = captioned_items(dataset, split)
    stored = predict_split(predictor, items, features or data_folder("features"))

    def named(groups: list[WordGroup], alone: float) -> Calibration:
        return Calibration(predictor.fingerprint, predictor.name, f"{dataset.spec}, {split}", groups, alone)

    captions = [item.captions for item in items]
    further = [item.captions for item in _further(dataset, split)]
    fitted = fit_calibration(stored.word_probabilities, stored.classes, captions, named, further)
    for doubt in fitted.doubts:
        log.warning(doubt)
    return fitted


def _further(dataset: Dataset, split: str) -> list[Item]:
    """The captioned pictures of the collection's split "train": how often people use which words of them."""
    if split in (TRAIN, "all") or TRAIN not in dataset.splits():
        return []
    return [item for item in dataset.split(TRAIN) if item.captions]
