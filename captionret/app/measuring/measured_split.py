"""What measuring needs of a split: its pictures as a gallery, the spaces that modes compare in, and which
modes can be measured.

how = ModesMeasuring(modes=("jaccard", "embedding"))
split = measured_split(captioned_items(dataset, "val"), how, left_out := [])
split.gallery, split.spaces, list(usable_modes(split.gallery, how.chosen, left_out))
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...counting import counted
from ...datasets import Dataset
from ...errors import BadDataset, BadSetting, CaptionretError, Remedy
from ...home import data_folder
from ...library import Library
from ...records import Item
from ...remedies import remedy
from ...retrieval import MODES, Gallery, Mode, find_mode
from ..loading.spaces import default_spaces, encoder_of, load_spaces, row_for
from ..places import LEXICAL_HEAD, checkpoint_path, find_library
from .described_split import describe_split, library_split

if TYPE_CHECKING:  # these import torch, which --help does without
    from ...models.captioning.captioner import Captioner
    from ...models.embedding.model import EmbeddingModel
    from ...models.encoders import PictureEncoder
    from ...models.lexical.predictor import WordPredictor

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ModesMeasuring:
    """How a split's pictures are described, and what is measured of them.

    modes:      their names; none: all
    relevance:  kinds of it, see load_relevance
    library:    the name or path of one that holds the pictures; None: they are captioned here, once
    captions_by: whose captions of the library, see Library.snapshot; None: the best of each picture
    checkpoint: what captions them; None: the shipped captioner. head: what predicts their words, so too
    spaces:     embedding spaces, one of a kind; the shipped one where none is given for its mode
    samples:    captions that are drawn of each picture for its word probabilities; 0: the head alone
    folder:     of the feature cache; None: the usual one
    """

    modes: Sequence[str] = ()
    relevance: Sequence[str] = ("sbert", "tfidf", "cider")
    library: str | None = None
    captions_by: str | None = None
    checkpoint: str | None = None
    head: str | None = None
    spaces: Sequence[str] = ()
    samples: int = 30
    device: str = "auto"
    folder: Path | None = None

    def __post_init__(self) -> None:
        if self.samples < 0:
            raise BadSetting(f"samples is {self.samples}; it is a number of captions, at least 0.")
        if self.captions_by is not None and self.library is None:
            raise BadSetting("captions_by names a captioner of a library, and none is given. Give both.")
        for name in self.modes:
            find_mode(name)

    @property
    def chosen(self) -> list[str]:
        """The modes to measure."""
        return [find_mode(name).name for name in self.modes] or list(MODES)


@dataclass(frozen=True)
class MeasuredSplit:
    """A split as a gallery.

    items:  of the gallery's rows, in their order: in the order of ids, equal pictures once
    every:  all items of the split, copies of the same picture too
    spaces: by the mode that compares in each
    """

    gallery: Gallery
    items: list[Item]
    every: list[Item]
    spaces: "Mapping[str, EmbeddingModel | PictureEncoder]"

    @property
    def rows(self) -> list[int]:
        """Of each of `every` the row in the gallery."""
        gallery = self.gallery
        row_of = {
            path: row for row, first in enumerate(gallery.paths) for path in (first, *gallery.copies[row])
        }
        return [row_of[str(item.path)] for item in self.every]


def captioned_items(dataset: Dataset, split: str) -> list[Item]:
    """The pictures of a split that people captioned; BadDataset for fewer than two."""
    found = [item for item in dataset.split(split) if item.captions and item.path is not None]
    if len(found) < 2:
        raise _too_few(dataset, split, counted(len(found), "captioned pictures"), "another")
    return found


def labelled_items(dataset: Dataset, split: str) -> list[Item]:
    """The pictures of a split that have labels; BadDataset for fewer than two."""
    found = [item for item in dataset.split(split) if item.labels and item.path is not None]
    if len(found) < 2:
        raise _too_few(dataset, split, counted(len(found), "labelled pictures"), "its label")
    return found


def _too_few(dataset: Dataset, split: str, held: str, by: str) -> BadDataset:
    return BadDataset(f"{dataset.spec} has {held} in split {split!r}: too few to find one by {by}.")


def measured_split(
    items: Sequence[Item], how: ModesMeasuring, left_out: list[CaptionretError]
) -> MeasuredSplit:
    """Items as a library describes them, or as a captioner and a predictor do.

    left_out: receives why a space cannot be used
    errors:   those of describe_split and library_split
    """
    gallery, spaces = (_captioned if how.library is None else _held)(how, items, left_out)
    named = {item.id: item for item in items}
    return MeasuredSplit(gallery, [named[name] for name in gallery.ids], list(items), spaces)


def _held(
    how: ModesMeasuring, items: Sequence[Item], left_out: list[CaptionretError]
) -> "tuple[Gallery, dict[str, EmbeddingModel | PictureEncoder]]":
    """The items as a library describes them."""
    library = Library.open(find_library(how.library or ""))
    made_by = library.made_by
    backbone = made_by.described.get("backbone") if made_by else None
    spaces = _spaces(how, backbone, library.gallery(), left_out)
    if library.encoder is not None and "clip" not in spaces and "clip" in how.chosen:
        spaces["clip"] = encoder_of(library.encoder, how.device)
    for mode, space in spaces.items():
        library.use_space(mode, space)
    return library_split(library, items, how.captions_by), spaces


def _captioned(
    how: ModesMeasuring, items: Sequence[Item], left_out: list[CaptionretError]
) -> "tuple[Gallery, dict[str, EmbeddingModel | PictureEncoder]]":
    """The items as a captioner and a predictor describe them."""
    from ...models.captioning.captioner import Captioner

    captioner = Captioner.load(checkpoint_path(how.checkpoint), how.device)
    spaces = _spaces(how, captioner.checkpoint.backbone, Gallery([], []), left_out)
    features = how.folder or data_folder("features")
    predictor = _predictor(how, captioner)
    return describe_split(captioner, predictor, items, features, spaces=spaces), spaces


def _predictor(how: ModesMeasuring, captioner: "Captioner") -> "WordPredictor | None":
    """The lexical head, where it reads this captioner's features, and captions that are drawn."""
    from ...models.captioning.captioner import DRAWN
    from ...models.lexical.head import LexicalHead
    from ...models.lexical.predictor import WordPredictor

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
) -> "dict[str, EmbeddingModel | PictureEncoder]":
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


def usable_modes(gallery: Gallery, names: Sequence[str], left_out: list[CaptionretError]) -> Iterator[Mode]:
    """Those of the modes that the gallery holds everything for, or that answer by what is there; left_out
    receives what is missing of these, and why others are not among them."""
    for name in names:
        mode = find_mode(name)
        required = mode.required_parts(gallery)
        missing = sorted(required - gallery.parts)
        if missing and not (mode.adaptive and required & gallery.parts):
            advice = None if "features" in gallery.parts else remedy("own captioner")
            left_out.append(_without(name, missing, advice))
            continue
        if missing:
            without = f"Mode {name} is measured as it answers without {_parts(missing)}."
            left_out.append(BadSetting(without))
        yield mode


def _without(mode: str, missing: Sequence[str], advice: Remedy | None = None) -> BadSetting:
    """Why a mode was not measured. advice: of a library of captions alone"""
    first = missing[0]
    own = {"word_probabilities": remedy("predict words", library="NAME"), "clip": remedy("encoder")}
    advice = advice or own.get(first) or remedy("train space", model=row_for(first))
    return BadSetting(f"Mode {mode} is left out: it compares {_parts(missing)}, and there is none.", advice)


def _parts(missing: Sequence[str]) -> str:
    names = {"word_probabilities": "word probabilities", "features": "the pictures' features"}
    return " and ".join(names.get(part, f"the space of mode {part}") for part in missing)
