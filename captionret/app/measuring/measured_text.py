"""Texts as queries, measured in every mode that takes text: people's captions, or labels.

queries = caption_queries(split)
for found in measure_texts(split.gallery, how.chosen, queries, left_out := []):
    print(found.mode, found.r10)
"""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from ...datasets import Dataset
from ...errors import BadSetting, CaptionretError
from ...progress import bar
from ...records import Item
from ...retrieval import EncodedQuery, Gallery, Mode
from ...retrieval.understanding import as_read
from ..query.caption_places import caption_places
from ..query.class_reading import named_classes
from ..query.text_places import text_places
from ..query.word_reader import WordReader
from .measured_split import MeasuredSplit, ModesMeasuring, labelled_items, measured_split, usable_modes

if TYPE_CHECKING:  # these import torch, which --help does without
    from ...evaluation.label_search import LabelSearch
    from ...evaluation.text_search import TextSearch
    from ...models.embedding.model import EmbeddingModel
    from ...models.encoders import PictureEncoder

Answers = list[NDArray[np.float32] | None]
Found = TypeVar("Found")
EMBEDDING = "embedding"  # the row that the others stand beside

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TextQueries:
    """Texts, and the pictures that are right for each.

    ids:   unique, for run files
    right: for each query the rows of its pictures in the gallery, ascending
    """

    ids: list[str]
    encoded: list[EncodedQuery]
    right: list[list[int]]


@dataclass(frozen=True)
class MeasuredLabels:
    """Labels typed as queries.

    what:   the collection, in words
    labels: those that were asked, ascending
    found:  of each mode that takes text, the row random first
    """

    what: str
    labels: list[str]
    pictures: int
    found: "list[LabelSearch]"
    left_out: list[CaptionretError] = field(default_factory=list)


def encode_texts(
    texts: Sequence[str],
    spaces: "Mapping[str, EmbeddingModel | PictureEncoder]",
    gallery: Gallery | None = None,
) -> list[EncodedQuery]:
    """Texts as modes compare them, with their vectors in each space; one that a space can read no word of
    has the vector 0 there, which is like no picture.

    gallery: whose word probabilities are asked, so that words are read as a search reads them; None: they are
             taken as they are spelt
    """
    understands = gallery is not None and "word_probabilities" in gallery.parts
    reader = WordReader(gallery) if gallery is not None and understands else None
    read = [None if reader is None else reader.read_text(text) for text in texts]
    meant = [as_read(text, understood or ()) for text, understood in zip(texts, read, strict=True)]
    vectors = {mode: _vectors(meant, space, mode) for mode, space in spaces.items()}
    classes: list[dict[str, float]] = [{} for _ in texts]
    usual = None
    if EMBEDDING in spaces:
        classes = named_classes(vectors[EMBEDDING], spaces[EMBEDDING])
        usual = caption_places(spaces[EMBEDDING])
    return [
        EncodedQuery(
            text=text,
            vectors={mode: table[row] for mode, table in vectors.items()},
            classes=classes[row],
            usual=usual,
            understood=read[row],
        )
        for row, text in enumerate(texts)
    ]


def _vectors(
    texts: Sequence[str], space: "EmbeddingModel | PictureEncoder", mode: str
) -> NDArray[np.float32]:
    """(Q, D) unit rows, or 0."""
    readable = [row for row, text in enumerate(texts) if not space.missing_reason(text)]
    found = text_places(space, [texts[row] for row in readable] or ["a photograph"], mode)
    vectors = np.zeros((len(texts), found.shape[1]), np.float32)
    if readable:
        vectors[readable] = found
    return vectors


def caption_queries(
    items: Sequence[Item],
    rows: Sequence[int],
    spaces: "Mapping[str, EmbeddingModel | PictureEncoder] | None" = None,
    gallery: Gallery | None = None,
) -> TextQueries:
    """Every caption that a person wrote asks for its picture. Ids are "picture#0", "picture#1" and so on.

    rows:    of each item the row in the gallery; equal pictures have one
    gallery: see encode_texts
    """
    asked = [
        (f"{item.id}#{number}", caption, row)
        for item, row in zip(items, rows, strict=True)
        for number, caption in enumerate(item.captions)
    ]
    encoded = encode_texts([caption for _, caption, _ in asked], spaces or {}, gallery)
    return TextQueries([name for name, _, _ in asked], encoded, [[row] for _, _, row in asked])


def label_queries(split: MeasuredSplit) -> TextQueries:
    """Every label asks for its pictures."""
    right: dict[str, set[int]] = {}
    for item, row in zip(split.every, split.rows, strict=True):
        for label in item.labels:
            right.setdefault(label, set()).add(row)
    labels = sorted(right)
    encoded = encode_texts(labels, split.spaces, split.gallery)
    return TextQueries(labels, encoded, [sorted(right[label]) for label in labels])


def measure_texts(
    gallery: Gallery,
    modes: Sequence[str],
    queries: TextQueries,
    left_out: list[CaptionretError],
    runs: Path | None = None,
) -> "list[TextSearch]":
    """How each of the modes that take text finds the first right picture of each query; the row random first.

    modes:    with EMBEDDING, where there is a space for it, even if it is not among them
    left_out: receives why a mode cannot be measured
    runs:     a folder for run files and qrels
    """
    from ...evaluation.text_search import measure_text, random_text

    owner = [rows[0] for rows in queries.right]
    names = [*modes, *({EMBEDDING} & gallery.parts - set(modes))]
    found = [random_text(len(owner), len(gallery))]
    return found + _each_mode(
        gallery,
        names,
        queries,
        left_out,
        runs and runs / "text",
        lambda name, answers: measure_text(name, answers, owner, len(gallery)),
    )


def measure_labels(
    dataset: Dataset, split: str, how: ModesMeasuring, runs: Path | None = None
) -> MeasuredLabels:
    """How each mode that takes text finds a collection's pictures by their labels.

    errors: BadDataset for fewer than two labelled pictures; as measured_split
    """
    from ...evaluation.label_search import measure_labels as measure

    left_out = list[CaptionretError]()
    described = measured_split(labelled_items(dataset, split), how, left_out)
    gallery, queries = described.gallery, label_queries(described)
    right = np.zeros((len(queries.ids), len(gallery)), bool)
    for place, rows in enumerate(queries.right):
        right[place, rows] = True
    random = measure("random", list(np.zeros(right.shape, np.float32)), right)
    found = _each_mode(
        gallery,
        how.chosen,
        queries,
        left_out,
        runs and runs / "labels",
        lambda name, answers: measure(name, answers, right),
    )
    what = f"{dataset.spec}, {split}"
    return MeasuredLabels(what, queries.ids, len(gallery), [random, *found], left_out)


def _each_mode(
    gallery: Gallery,
    names: Sequence[str],
    queries: TextQueries,
    left_out: list[CaptionretError],
    runs: Path | None,
    measure: Callable[[str, Answers], Found],
) -> list[Found]:
    """What `measure` makes of each mode's answers; run files are named `runs`-MODE.run."""
    from ...evaluation.run_files import write_qrels, write_run
    from ...evaluation.text_search import text_scores

    found = []
    for mode in bar(list(_text_modes(gallery, names, left_out)), desc="modes by text", unit="mode"):
        try:
            answers = list(text_scores(mode, gallery, queries.encoded))
        except BadSetting as error:  # a hybrid of modes that compare pictures only
            left_out.append(BadSetting(f"Mode {mode.name} is left out: {error.message}", error.remedy))
            continue
        found.append(measure(mode.name, answers))
        if runs is not None:
            file = runs.with_name(f"{runs.name}-{mode.name}.run")
            write_run(file, mode.name, queries.ids, gallery.ids, answers)
    if runs is not None:
        right = ({gallery.ids[row]: 1 for row in rows} for rows in queries.right)
        write_qrels(runs.with_name(f"{runs.name}.qrels"), zip(queries.ids, right, strict=True))
    return found


def _text_modes(gallery: Gallery, names: Sequence[str], left_out: list[CaptionretError]) -> Iterator[Mode]:
    return (mode for mode in usable_modes(gallery, names, left_out) if "text" in mode.accepts)
