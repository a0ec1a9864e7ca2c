"""What a Rerank chooses captions by: its spaces, found by name and fingerprint, and captions of other
pictures."""

import hashlib
import json
import logging
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from ...decoding import Decoding, Reference, Rerank
from ...errors import BadCheckpoint
from ...home import checkpoints_folder, data_folder, known_checkpoints
from ...library import Captioning
from ...remedies import remedy
from ..places import SHIPPED_SPACES, checkpoint_path

if TYPE_CHECKING:  # these import torch, which --help does without
    from ...models.embedding.model import EmbeddingModel
    from ...models.reranking.fit import Reranker
    from ...models.reranking.reference_captions import ReferenceCaptions


AnyCaptioner = TypeVar("AnyCaptioner", bound=Captioning)

log = logging.getLogger(__name__)


def chosen_by(
    spaces: Sequence[str] | None, captions_from: str | None
) -> tuple[tuple[Reference, ...], tuple[Reference, ...]]:
    """What Rerank's `spaces` and `captions_from` hold for spaces and a collection that people name.

    spaces:        directories of spaces, or names in checkpoints/; None: the shipped one
    captions_from: KIND:PATH of a collection whose captions the chosen ones shall be like; they are encoded
                   once for each space
    """
    from ...models.reranking.fit import Reranker

    paths = [checkpoint_path(one) for one in spaces] if spaces else [SHIPPED_SPACES["embedding"]]
    models = [_space(path.resolve(), "cpu") for path in paths]
    Reranker(models)  # refuses what cannot read captions, before any are encoded
    files = [reference_captions(captions_from, model) for model in models] if captions_from else []
    return tuple(model.reference for model in models), tuple(Reference(str(file)) for file in files)


def with_reranker(captioner: AnyCaptioner, decoding: Decoding) -> AnyCaptioner:
    """The captioner, ready for this decoding: a Rerank's re-ranker is loaded and given to it.

    errors: as reranker_for; BadSetting for spaces that read another backbone's features
    """
    if not isinstance(decoding, Rerank):
        return captioner
    from ...models.captioning.captioner import Captioner
    from ...models.reranking.fit import Reranker

    if isinstance(captioner, Captioner):
        own = captioner.reranker
        if not (isinstance(own, Reranker) and own.is_named_by(decoding)):
            captioner.reranker = reranker_for(decoding, str(captioner.device))
            captioner.reranker.check(captioner.checkpoint.backbone)
    return captioner


def reranker_for(decoding: Rerank, device: str = "auto") -> "Reranker":
    """The re-ranker that a decoding names, each of its parts loaded once.

    errors: BadCheckpoint for a space or a file of captions that is nowhere, or is another one
    """
    from ...models.reranking.fit import Reranker

    spaces = [find_space(one, device) for one in decoding.spaces]
    return Reranker(spaces, [_find_captions(one) for one in decoding.captions_from])


def find_space(reference: Reference, device: str) -> "EmbeddingModel":
    """The space with this fingerprint: where it was last seen, else by its name among the checkpoints here.

    errors: BadCheckpoint where there is none, or only another one of that name
    """
    name = reference.name
    places = dict.fromkeys(
        (Path(reference.place), known_checkpoints().get(name, checkpoints_folder() / name))
    )
    others = []
    for place in places:
        if not place.is_dir():
            continue
        model = _space(place.resolve(), device)
        if reference.sha256 in (None, model.fingerprint):
            return model
        others.append(f"{place} is another space ({model.fingerprint[:12]})")
    if others:
        raise BadCheckpoint(
            f"{', '.join(others)} than the one that chose these captions ({str(reference.sha256)[:12]}).",
            remedy("find space"),
        )
    looked = ", ".join(str(place) for place in places)
    raise BadCheckpoint(
        f"The space {name}, by which captions were chosen, is not there any more. Looked for: {looked}.",
        remedy("find space"),
    )


def reference_captions(spec: str, space: "EmbeddingModel") -> Path:
    """The file of the captions of a collection's train split, or of all where it has no splits, encoded once
    for each space."""
    from ...datasets import open_dataset
    from ...models.embedding.config import CODE_PARTS
    from ...models.reranking.reference_captions import ReferenceCaptions
    from ...training.features import DEFAULT_ROOT
    from ...training.sentence_codes import CachedSentenceEncoder

    dataset = open_dataset(spec)
    captions = [
        item.captions for item in dataset.split("train" if dataset.splits() else "all") if item.captions
    ]
    key = hashlib.sha256(json.dumps([space.fingerprint, captions]).encode()).hexdigest()[:16]
    file = (data_folder("indexes") / f"{spec.partition(':')[0]}-{key}.npz").resolve()
    if not file.exists():
        if set(space.config.sentence_parts) & set(CODE_PARTS):
            space.read.encoder = CachedSentenceEncoder(space.read.encoder, DEFAULT_ROOT)
        file.parent.mkdir(parents=True, exist_ok=True)
        ReferenceCaptions.make(captions, space, progress=None).save(file)
        log.info(f"The captions to compare with: {file}")
    return file


def _find_captions(reference: Reference) -> "ReferenceCaptions":
    """Its name says what is in it, so a file of that name is the one, wherever it lies now."""
    indexes = data_folder("indexes")
    for place in (Path(reference.place), indexes / reference.name):
        if place.is_file():
            return _captions(place.resolve())
    raise BadCheckpoint(
        f"{reference.name}, the captions to compare with, is neither at {reference.place} nor in {indexes}.",
        remedy("reference captions"),
    )


@lru_cache(maxsize=16)
def _space(path: Path, device: str) -> "EmbeddingModel":
    from ...models.embedding.model import EmbeddingModel

    return EmbeddingModel.load(path, device)


@lru_cache(maxsize=16)
def _captions(file: Path) -> "ReferenceCaptions":
    from ...models.reranking.reference_captions import ReferenceCaptions

    return ReferenceCaptions.load(file)
