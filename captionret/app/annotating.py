"""A picture annotated with the captions of a collection that fit it best, or with the words that do.

for fit in annotate(lambda: EmbeddingModel.load("photos-space"), "q.jpg"):
    print(fit.score, fit.text)
"""

import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ..datasets import open_dataset
from ..errors import BadDataset, BadImage, BadSetting
from ..fetching import fetch, is_address
from ..files import expanded
from ..home import data_folder
from ..images import open_image
from ..models.embedding.config import CODE_PARTS
from ..retrieval.index.nearest import EXACT_UP_TO, ExactIndex, open_index
from ..text import STOP_WORDS
from .kept_vectors import kept_vectors

if TYPE_CHECKING:  # it imports torch, which --help does without
    from ..models.embedding.model import EmbeddingModel

log = logging.getLogger(__name__)


class Fit(NamedTuple):
    """A word or a caption, and the cosine of it and the picture."""

    score: float
    text: str


@dataclass(frozen=True)
class Choices:
    """What is chosen from, and how it is searched.

    captions_from: the collection whose captions are compared; None: the words that the space knows
    split:         of the collection; "all": every caption
    search:        "exact", "approximate" (which makes an index where there is none), or None: the quicker
    folder:        of the indexes and of vectors that are kept; None: the usual one
    """

    captions_from: str | None = None
    split: str = "train"
    search: str | None = None
    folder: Path | None = None

    @property
    def kind(self) -> str:
        """ "words" or "captions"."""
        return "words" if self.captions_from is None else "captions"


def picture_of(image: str) -> Path | bytes:
    """A picture's file, or what lies at its web address. errors: BadSetting for "", BadImage"""
    if not image:
        raise BadSetting("No picture is named. Give a file, or a web address.")
    if not is_address(image):
        path = expanded(image)
        open_image(path, at_least=1)  # before anything is loaded in vain
        return path
    content = fetch(image)
    try:
        open_image(content, at_least=1)
    except BadImage as error:
        raise BadImage(str(error).replace("the given picture", image)) from None
    return content


def annotate(
    load: "Callable[[], EmbeddingModel]", image: str, choices: Choices | None = None, top: int = 5
) -> list[Fit]:
    """The words or captions that fit a picture, the best first.

    load:   loads the space, once the picture is known to be one
    image:  a file or a web address
    errors: as picture_of; BadDataset for a collection without a caption that the space can read
    """
    choices = choices or Choices()
    if top < 1:
        raise BadSetting(f"top must be at least 1, not {top}.")
    picture = picture_of(image)
    model = load()
    vector = model.encode_images(picture)  # (D,)
    texts = _words(model) if choices.captions_from is None else _captions(model, choices)
    rows, scores = _index(choices, model, texts).search(vector[None], top)
    found = zip(scores[0].tolist(), rows[0].tolist(), strict=True)
    return [Fit(score, texts[row]) for score, row in found]


def _index(choices: Choices, model: "EmbeddingModel", texts: list[str]) -> ExactIndex:
    """What finds the nearest of the texts. A graph is made only where one is asked for: for one picture it
    would not pay."""
    key = hashlib.sha256("\n".join([model.fingerprint, *texts]).encode()).hexdigest()[:24]
    file = (choices.folder or data_folder("indexes")) / f"{choices.kind}-{key}.graph"
    vectors = _vectors(choices, model, texts, file.with_suffix(".vectors"))
    if choices.search == "exact":
        return ExactIndex(vectors)
    made = choices.search == "approximate"
    note = log.info if made else log.debug  # that all are compared is the usual thing
    return open_index(vectors, file, 0 if made else EXACT_UP_TO, build=made, progress=None, note=note)


def _vectors(choices: Choices, model: "EmbeddingModel", texts: list[str], file: Path) -> np.ndarray:
    """(M, D) float32 of the texts; kept where they pass through a frozen encoder, which is slow."""

    def make() -> np.ndarray:
        if choices.captions_from is None:
            return model.encode_words(texts)
        return model.encode_texts(texts, progress=None)

    slow = set(model.config.sentence_parts) & set(CODE_PARTS)
    return kept_vectors(file, make) if slow else make()


def _words(model: "EmbeddingModel") -> list[str]:
    return sorted(word for word in model.words() if word not in STOP_WORDS)  # ties by spelling


def _captions(model: "EmbeddingModel", choices: Choices) -> list[str]:
    """The different captions of the collection that can be read."""
    dataset = open_dataset(choices.captions_from or "")
    log.info(dataset.summary())
    items = dataset.split(choices.split if dataset.splits() else "all")
    captions = sorted(
        {caption for item in items for caption in item.captions if not model.read.missing_reason(caption)}
    )
    if not captions:
        raise BadDataset(
            f"{dataset.spec}, split {choices.split}, holds no caption that {model.name} can read. Choose "
            "another collection."
        )
    return captions
