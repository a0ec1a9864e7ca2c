"""The embedding spaces that a command compares in: those that were given, and the shipped one."""

import logging
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from ..errors import BadSetting
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
