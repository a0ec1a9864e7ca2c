"""The embedding spaces that a command compares in, or chooses captions by: those that were given, and the
shipped one."""

import hashlib
import json
import logging
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import BadSetting
from ..home import data_folder
from .places import SHIPPED_SPACES, checkpoint_path

if TYPE_CHECKING:  # it imports torch, which --help and text queries do without
    from ..models.embedding.model import EmbeddingModel

_ROWS = {
    "skip-thoughts": "skipthought-rank",
    "embedding": "sentence-words",
}  # where a mode's name is none of EMBEDDING_MODELS

log = logging.getLogger(__name__)


def spaces_for(modes: Sequence[str], given: Sequence[str], device: str) -> "dict[str, EmbeddingModel]":
    """The space of each of `modes`: the one of its kind in `given`, else the shipped one.

    modes:  names of modes that compare in a space
    given:  directories of spaces, or names in checkpoints/
    errors: BadSetting for a mode without a space, with the command that trains one; and for a space of which
            no mode is in use
    """
    found = load_spaces(given, device)
    for name, model in found.items():
        if name not in modes:
            raise BadSetting(
                f"{model.path} is a space for mode {name!r}, which is not asked for. Choose --mode {name}."
            )
    for mode in modes:
        if mode not in found and not has_default(mode):
            raise BadSetting(
                f"Mode {mode!r} compares in an embedding space, and none is given. Train one (python "
                f"scripts/train_embedding.py --model {_ROWS.get(mode, mode)} --data KIND:PATH --out DIR) "
                "and give it: --embedding DIR."
            )
    return found | default_spaces([mode for mode in modes if mode not in found], device)


def renamed_mode(mode: str, kinds: Collection[str]) -> str:
    """The mode that answers for `mode`: "embedding" for "vse" where no space of that kind is at hand.

    Until release 0.5.0 the shipped space's mode was called vse, which is only Kiros et al. 2014 and its
    descendants.

    kinds: the modes of the spaces that were given
    """
    if mode != "vse" or "vse" in kinds or not (has_default("embedding") or "embedding" in kinds):
        return mode
    if kinds and "embedding" not in kinds:
        return mode
    log.warning("Mode vse is answered by mode embedding, as the shipped space's mode is called now.")
    return "embedding"


def load_spaces(given: Sequence[str], device: str) -> "dict[str, EmbeddingModel]":
    """Spaces by the mode that compares in them; BadSetting where two are of one kind."""
    from ..models.embedding.model import EmbeddingModel

    found: dict[str, EmbeddingModel] = {}
    for one in given:
        model = EmbeddingModel.load(checkpoint_path(one), device)
        if model.mode in found:
            raise BadSetting(
                f"{found[model.mode].path} and {model.path} are both spaces for mode {model.mode!r}. Give "
                "one of them."
            )
        found[model.mode] = model
    return found


def has_default(mode: str) -> bool:
    """Whether a space for this mode is shipped, and there."""
    return mode in SHIPPED_SPACES and SHIPPED_SPACES[mode].is_dir()


def default_spaces(modes: Sequence[str], device: str) -> "dict[str, EmbeddingModel]":
    """The shipped space of those of the modes that have one."""
    from ..models.embedding.model import EmbeddingModel

    return {mode: EmbeddingModel.load(SHIPPED_SPACES[mode], device) for mode in modes if has_default(mode)}


def matched_by(given: Sequence[str] | None, captions_from: str | None) -> dict[str, tuple[str, ...]]:
    """Decoding's fields for matched captions: spaces, their fingerprints and, where captions are asked for,
    the files of these.

    given:         directories of spaces, or names in checkpoints/; None: the shipped one
    captions_from: KIND:PATH of a collection whose captions the matched ones shall be like
    """
    from ..models.embedding.model import EmbeddingModel

    paths = [checkpoint_path(one) for one in given] if given else [SHIPPED_SPACES["embedding"]]
    spaces = [EmbeddingModel.load(path, "cpu") for path in paths]
    return {
        "spaces": tuple(str(path.resolve()) for path in paths),
        "spaces_sha256": tuple(space.fingerprint for space in spaces),
        "corpora": tuple(str(_corpus(captions_from, space)) for space in spaces) if captions_from else (),
    }


def _corpus(spec: str, space: "EmbeddingModel") -> Path:
    """The file of the captions of a collection's train split, or of all where it has no splits, encoded once
    for each space."""
    from ..datasets import open_dataset
    from ..models.embedding.config import CODE_PARTS
    from ..models.reranking.reference_captions import Corpus
    from ..training.features import DEFAULT_ROOT
    from ..training.sentence_codes import CachedSentenceEncoder

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
        Corpus.make(captions, space, progress=True).save(file)
        log.info(f"The captions to compare with: {file}")
    return file
