"""Modes measured on a captioned split: each picture asks for the others, and people's captions say how
related they are.

found = measure_modes(open_dataset("flickr8k:data/flickr8k"), "val", ModesMeasuring(modes=("jaccard", "cnn")))
print([one.row() for one in found.measured])
write_report(Path("report"), found, pages=20)  # of retrieval_report
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..datasets import Dataset
from ..errors import BadDataset, BadSetting, CaptionretError, MissingWeights
from ..home import data_folder
from ..library import Library
from ..progress import bar
from ..records import Item
from ..remedies import remedy
from ..retrieval import MODES, Gallery, find_mode
from .described_split import describe_split, library_split
from .places import LEXICAL_HEAD, checkpoint_path, library_path
from .spaces import default_spaces, load_spaces, row_for

if TYPE_CHECKING:  # these import torch, which --help does without
    from ..evaluation.modes import MeasuredMode
    from ..models.captioning.captioner import Captioner
    from ..models.embedding.model import EmbeddingModel
    from ..models.lexical.predictor import WordPredictor

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ModesMeasuring:
    """How a split's pictures are described, and what is measured of them.

    modes:      their names; none: all
    relevance:  kinds of it, see load_relevance
    library:    the name or path of one that holds the pictures; None: they are captioned here, once
    checkpoint: what captions them; None: the shipped captioner. head: what predicts their words, so too
    spaces:     embedding spaces, one of a kind; the shipped one where none is given for its mode
    samples:    captions that are drawn of each picture for its word probabilities; 0: the head alone
    folder:     of the feature cache; None: the usual one
    """

    modes: Sequence[str] = ()
    relevance: Sequence[str] = ("sbert", "tfidf", "cider")
    library: str | None = None
    checkpoint: str | None = None
    head: str | None = None
    spaces: Sequence[str] = ()
    samples: int = 30
    device: str = "auto"
    folder: Path | None = None

    def __post_init__(self) -> None:
        if self.samples < 0:
            raise BadSetting(f"samples is {self.samples}; it is a number of captions, at least 0.")
        for name in self.modes:
            find_mode(name)

    @property
    def chosen(self) -> list[str]:
        """The modes to measure."""
        return [find_mode(name).name for name in self.modes] or list(MODES)


@dataclass(frozen=True)
class MeasuredModes:
    """What was measured.

    what:       the collection and its split, in words
    items:      in the order of the gallery
    matrices:   the scores of each mode, (N, N), and of what the modes are measured against
    relevances: (N, N) of each kind
    left_out:   why a mode or a kind of relevance was not measured
    """

    what: str
    gallery: Gallery
    items: list[Item]
    matrices: Mapping[str, np.ndarray]
    relevances: Mapping[str, np.ndarray]
    measured: "list[MeasuredMode]"
    left_out: list[CaptionretError] = field(default_factory=list)


def measure_modes(dataset: Dataset, split: str, how: ModesMeasuring) -> MeasuredModes:
    """Measure modes on a split.

    errors: BadDataset for fewer than two captioned pictures, or pictures that cannot be read; UnknownName;
            MissingWeights for a single kind of relevance that cannot be made; those of describe_split and
            library_split
    """
    from ..evaluation.modes import measured

    modes, left_out = how.chosen, list[CaptionretError]()
    gallery, items = described(dataset, split, how, left_out)
    relevances = relevances_of(items, how.relevance, left_out)
    matrices = _matrices(gallery, modes, items, left_out)
    what = f"{dataset.spec}, {split}"
    found = measured(matrices, relevances)
    return MeasuredModes(what, gallery, items, matrices, relevances, found, left_out)


def learned_weights(dataset: Dataset, split: str, how: ModesMeasuring) -> dict[str, float]:
    """The weights of the modes in the hybrid that ranks a split best by the first kind of relevance; kept
    with the library, where one is given. errors: as measure_modes"""
    from ..evaluation.modes import learn_hybrid, score_matrix

    modes, left_out = how.chosen, list[CaptionretError]()
    gallery, items = described(dataset, split, how, left_out)
    relevance = next(iter(relevances_of(items, how.relevance[:1], left_out).values()))
    usable = [
        name
        for name in modes
        if not MODES[name].composite and MODES[name].required_parts(gallery) <= gallery.parts
    ]
    weights = learn_hybrid({name: score_matrix(MODES[name], gallery) for name in usable}, relevance)
    if how.library is not None:
        with Library.open(library_path(how.library)) as library:
            library.set_hybrid(weights)
        log.info(f"Kept with {how.library}: its mode hybrid uses them from now on.")
    return weights


def described(
    dataset: Dataset, split: str, how: ModesMeasuring, left_out: list[CaptionretError]
) -> tuple[Gallery, list[Item]]:
    """The split as a gallery, and the item of each of its rows: in the order of ids, equal pictures once."""
    items = [item for item in dataset.split(split) if item.captions and item.path is not None]
    if len(items) < 2:
        raise BadDataset(
            f"{dataset.spec} has {len(items)} captioned pictures in split {split!r}: too few to find one by "
            "another."
        )
    gallery = _captioned(how, items, left_out) if how.library is None else _held(how, items, left_out)
    named = {item.id: item for item in items}
    return gallery, [named[name] for name in gallery.ids]


def _held(how: ModesMeasuring, items: Sequence[Item], left_out: list[CaptionretError]) -> Gallery:
    """The items as a library describes them."""
    library = Library.open(library_path(how.library or ""))
    made_by = library.made_by
    backbone = made_by.described.get("backbone") if made_by else None
    for mode, space in _spaces(how, backbone, library.gallery(), left_out).items():
        library.use_space(mode, space)
    return library_split(library, items)


def _captioned(how: ModesMeasuring, items: Sequence[Item], left_out: list[CaptionretError]) -> Gallery:
    """The items as a captioner and a predictor describe them."""
    from ..models.captioning.captioner import Captioner

    captioner = Captioner.load(checkpoint_path(how.checkpoint), how.device)
    spaces = _spaces(how, captioner.checkpoint.backbone, Gallery([], []), left_out)
    features = how.folder or data_folder("features")
    return describe_split(captioner, _predictor(how, captioner), items, features, spaces=spaces)


def _predictor(how: ModesMeasuring, captioner: "Captioner") -> "WordPredictor | None":
    """The lexical head, where it reads this captioner's features, and captions that are drawn."""
    from ..models.captioning.captioner import DRAWN
    from ..models.lexical.head import LexicalHead
    from ..models.lexical.predictor import WordPredictor

    head = LexicalHead.load(how.head or LEXICAL_HEAD, how.device)
    fits = head.checkpoint.backbone["sha256"] == captioner.checkpoint.backbone["sha256"]
    if not fits:
        log.info(
            f"{head.name} reads another backbone's features than {captioner.name}: word probabilities come "
            "from drawn captions alone."
        )
    if not fits and not how.samples:
        return None
    drawn = replace(DRAWN, captions=how.samples or DRAWN.captions)
    return WordPredictor(head if fits else None, captioner if how.samples else None, drawn)


def _spaces(
    how: ModesMeasuring, backbone: dict[str, Any] | None, gallery: Gallery, left_out: list[CaptionretError]
) -> "dict[str, EmbeddingModel]":
    """The spaces that were given, and the shipped one where a mode compares in it.

    backbone: whose features there are
    """
    found = load_spaces(how.spaces, how.device)
    required = frozenset[str]().union(*(find_mode(name).required_parts(gallery) for name in how.chosen))
    for name, space in default_spaces(sorted(required - found.keys()), how.device).items():
        try:
            space.check(backbone)
            found[name] = space
        except BadSetting as error:
            left_out.append(BadSetting(f"The shipped space is left out: {error.message}", error.remedy))
    return found


def relevances_of(
    items: Sequence[Item], kinds: Sequence[str], left_out: list[CaptionretError]
) -> dict[str, np.ndarray]:
    """How related each pair of items is, (N, N), by each kind that can be made. MissingWeights where a single
    one is asked for and cannot."""
    from ..evaluation.relevance import RELEVANCES, load_relevance

    found = {}
    for kind in kinds:
        try:
            found[kind] = load_relevance(kind, [item.captions for item in items], data_folder("relevance"))
        except MissingWeights as error:
            if len(kinds) == 1:
                raise
            reason = f"Relevance {kind!r} is left out of {', '.join(RELEVANCES)}: {error.message}"
            left_out.append(MissingWeights(reason, error.remedy))
    return found


def _matrices(
    gallery: Gallery, modes: Sequence[str], items: Sequence[Item], left_out: list[CaptionretError]
) -> dict[str, np.ndarray]:
    from ..evaluation.modes import reference_matrices, score_matrix

    matrices = reference_matrices([item.captions for item in items])
    for name in bar(modes, desc="modes", unit="mode"):
        mode = find_mode(name)
        if missing := sorted(mode.required_parts(gallery) - gallery.parts):
            left_out.append(_without(name, missing))
            continue
        matrices[name] = score_matrix(mode, gallery)
    return matrices


def _without(mode: str, missing: Sequence[str]) -> BadSetting:
    """Why a mode was not measured."""
    parts = " and ".join(
        "word probabilities" if part == "word_probabilities" else f"the space of mode {part}"
        for part in missing
    )
    first = missing[0]
    advice = (
        remedy("predict words", library="NAME")
        if first == "word_probabilities"
        else remedy("train space", model=row_for(first))
    )
    return BadSetting(f"Mode {mode} is left out: it compares {parts}, and there is none.", advice)
