"""The embedding spaces that a command compares in: those that were given, and the shipped one."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..errors import BadSetting
from .command import SHIPPED_SPACES, checkpoint_path

if TYPE_CHECKING:  # it imports torch, which --help and text queries do without
    from ..models.joint import JointModel

_ROWS = {"skip-thoughts": "skipthought-rank"}  # where a mode's name is none of JOINT_MODELS


def spaces_for(modes: Sequence[str], given: Sequence[str], device: str) -> "dict[str, JointModel]":
    """The space of each of `modes`: the one of its kind in `given`, else the shipped one.

    modes:  names of modes that compare in a space
    given:  directories of spaces, or names in checkpoints/
    errors: BadSetting for a mode without a space, with the command that trains one; and for a space of which no mode is in use
    """
    found = load_spaces(given, device)
    for name, model in found.items():
        if name not in modes:
            raise BadSetting(f"{model.path} is a space for mode {name!r}, which is not asked for. Choose --mode {name}.")
    for mode in modes:
        if mode not in found and not has_default(mode):
            raise BadSetting(
                f"Mode {mode!r} compares in an embedding space, and none is given. Train one (python scripts/train_embedding.py "
                f"--model {_ROWS.get(mode, mode)} --data KIND:PATH --out DIR) and give it: --embedding DIR."
            )
    return found | default_spaces([mode for mode in modes if mode not in found], device)


def load_spaces(given: Sequence[str], device: str) -> "dict[str, JointModel]":
    """Spaces by the mode that compares in them; BadSetting where two are of one kind."""
    from ..models.joint import JointModel

    found: dict[str, JointModel] = {}
    for one in given:
        model = JointModel.load(checkpoint_path(one), device)
        if model.mode in found:
            raise BadSetting(f"{found[model.mode].path} and {model.path} are both spaces for mode {model.mode!r}. Give one of them.")
        found[model.mode] = model
    return found


def has_default(mode: str) -> bool:
    """Whether a space for this mode is shipped, and there."""
    return mode in SHIPPED_SPACES and SHIPPED_SPACES[mode].is_dir()


def default_spaces(modes: Sequence[str], device: str) -> "dict[str, JointModel]":
    """The shipped space of those of the modes that have one."""
    from ..models.joint import JointModel

    return {mode: JointModel.load(SHIPPED_SPACES[mode], device) for mode in modes if has_default(mode)}
