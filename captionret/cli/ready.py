"""A library made ready for a mode: what the mode compares is made or loaded before the first query."""

from collections.abc import Sequence

from ..errors import BadSetting
from ..library import Library
from ..retrieval import MODES, needs
from ..retrieval.feature_modes import SpaceMode
from ..retrieval.modes import find_mode
from .command import WORDS_HEAD, say
from .spaces import spaces_for


def believe_first(library: Library, mode: str, device: str) -> None:
    """A mode that compares beliefs needs some: those of the shipped words head take seconds and are kept."""
    if "beliefs" not in needs(find_mode(mode), library.gallery()) or not len(library):
        return
    known = library.believed_by
    if known is not None and not library.unbelieved():
        return
    from ..models.believer import Believer

    if known is not None:
        believer = Believer.load(known, device)
    elif WORDS_HEAD.is_dir():
        from ..models.captioner import Captioner

        believer = Believer(head=Captioner.load(WORDS_HEAD, device))
    else:
        raise BadSetting(f"Mode {mode!r} compares beliefs, and {library.path} has none. Run python scripts/believe.py first.")
    say(f"Believing the pictures of {library.path}, once: {believer.name}.")
    library.believe(believer)


def place_first(library: Library, mode: str, embedding: Sequence[str], device: str) -> None:
    """A mode that compares in an embedding space needs its checkpoint; embedding: see spaces_for."""
    lacking = [part for part in sorted(needs(find_mode(mode), library.gallery())) if isinstance(MODES.get(part), SpaceMode)]
    if not lacking and not embedding:
        return
    for name, model in spaces_for(lacking, embedding, device).items():
        library.use_space(name, model)
