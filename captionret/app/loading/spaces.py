"""The embedding spaces that modes compare in: those that were given, and the shipped one."""

import logging
import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

from ...errors import BadCheckpoint, BadSetting
from ...library import Space
from ...models.encoders import is_encoder, load_encoder
from ...remedies import remedy
from ..places import SHIPPED_SPACES, find_checkpoint

if TYPE_CHECKING:  # the former imports torch, which --help and text queries do without
    from ...models.embedding.model import EmbeddingModel
    from ...models.embedding.query_space import QuerySpace
    from ...models.encoders import PictureEncoder

AnySpace = TypeVar("AnySpace", bound="EmbeddingModel | QuerySpace | PictureEncoder")

# where a mode's name is none of EMBEDDING_MODELS
_ROWS = {"skip-thoughts": "skipthought-rank", "embedding": "sentence-words"}

log = logging.getLogger(__name__)


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


def row_for(mode: str) -> str:
    """The row of EMBEDDING_MODELS whose spaces a mode compares in."""
    return _ROWS.get(mode, mode)


def load_spaces(
    given: "Sequence[EmbeddingModel | PictureEncoder | str | os.PathLike[str]]", device: str
) -> "dict[str, EmbeddingModel | PictureEncoder]":
    """Spaces by the mode that compares in them.

    given:  spaces, or their directories, names of checkpoints, or encoders as KIND:WHAT
    errors: BadSetting where two are of one kind
    """
    return _by_mode(load_space(one, device) if isinstance(one, str | os.PathLike) else one for one in given)


def load_space(place: str | os.PathLike[str], device: str) -> "EmbeddingModel | PictureEncoder":
    """A checkpoint's space by its directory or name, or an encoder by KIND:WHAT."""
    if is_encoder(place):
        return load_encoder(os.fspath(place), device)
    from ...models.embedding.model import EmbeddingModel

    return EmbeddingModel.load(find_checkpoint(place), device)


def query_spaces(
    given: "Sequence[EmbeddingModel | PictureEncoder | str | os.PathLike[str]]", device: str
) -> "dict[str, EmbeddingModel | QuerySpace | PictureEncoder]":
    """As load_spaces, of what a search takes of each: without torch where NumPy can compute it."""
    return _by_mode(_query_space(one, device) if isinstance(one, str | os.PathLike) else one for one in given)


def _by_mode(spaces: "Iterable[AnySpace]") -> "dict[str, AnySpace]":
    found: dict[str, AnySpace] = {}
    for space in spaces:
        if space.mode in found:
            raise BadSetting(
                f"{found[space.mode].path} and {space.path} are both spaces for mode {space.mode!r}. Give "
                "one of them."
            )
        found[space.mode] = space
    return found


def _query_space(
    place: str | os.PathLike[str], device: str
) -> "EmbeddingModel | QuerySpace | PictureEncoder":
    if is_encoder(place):
        return load_encoder(os.fspath(place), device)
    from ...models.embedding.query_space import QuerySpace

    path = find_checkpoint(place)
    plain = QuerySpace.load_if_plain(path) if device in ("auto", "cpu") else None
    if plain is not None:
        return plain
    from ...models.embedding.model import EmbeddingModel

    return EmbeddingModel.load(path, device)


def has_default(mode: str) -> bool:
    """Whether a space for this mode is shipped, and there."""
    return mode in SHIPPED_SPACES and SHIPPED_SPACES[mode].is_dir()


def default_spaces(modes: Sequence[str], device: str) -> "dict[str, EmbeddingModel]":
    """The shipped space of those of the modes that have one."""
    from ...models.embedding.model import EmbeddingModel

    return {mode: EmbeddingModel.load(SHIPPED_SPACES[mode], device) for mode in modes if has_default(mode)}


def encoder_of(record: Mapping[str, object] | None, device: str) -> "PictureEncoder":
    """The encoder that a library names, see Library.encoder.

    errors: BadSetting where it names none; BadCheckpoint where another one lies there now; as load_encoder
    """
    if record is None:
        raise BadSetting(
            "Mode 'clip' compares in the space of an encoder, and none is named.", remedy("encoder")
        )
    encoder = load_encoder(str(record["encoder"]), device)
    if encoder.key != record["key"]:
        raise BadCheckpoint(
            f"The library was encoded by {record['name']}, and another model lies at {record['encoder']} "
            "now.",
            remedy("encoder"),
        )
    return encoder


def default_space(mode: str, device: str, given: Mapping[str, Space]) -> Space:
    """The shipped space of a mode, as much of it as a search takes. errors: BadSetting where there is none;
    given: the spaces that were given, for its message"""
    if has_default(mode):
        return _query_space(SHIPPED_SPACES[mode], device)
    others = " and ".join(f"{space.name} is a space for mode {name!r}" for name, space in given.items())
    raise BadSetting(
        f"Mode {mode!r} compares in an embedding space of its own, and {others or 'none is given'}.",
        remedy("train space", model=row_for(mode)),
    )
