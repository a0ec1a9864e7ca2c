"""The models that a library names: found where they lay, else by their name, and taken only with the right
fingerprint."""

import logging
from collections.abc import Iterator
from itertools import product
from pathlib import Path, PurePath, PureWindowsPath
from typing import TYPE_CHECKING, Any

from ...errors import BadCheckpoint, BadLibrary, BadSetting
from ...library import MadeBy
from ...remedies import remedy
from ...retrieval.calibrated import FILE, Calibration
from ..places import LEXICAL_HEAD, checkpoint_path, known_checkpoints, shipped_checkpoint

if TYPE_CHECKING:  # these import torch, which text queries do without
    from ...models.captioning.captioner import Captioner
    from ...models.lexical.predictor import WordPredictor

log = logging.getLogger(__name__)


def precision_of(made_by: MadeBy | None) -> str:
    """The precision of the CNN that captioned a library; float32 where nothing is captioned yet."""
    return "float32" if made_by is None else str(made_by.described.get("precision", "float32"))


def captioner_of(made_by: MadeBy | None, device: str = "auto", engine: str = "auto") -> "Captioner":
    """The captioner that captioned a library; the shipped one where nothing is captioned yet.

    engine: what runs its CNN
    It is loaded from where it lay, else by its name among the user's and the shipped checkpoints.
    errors: BadSetting where the library names no checkpoint; BadLibrary where another captioner lies there
            now; BadCheckpoint where there is none of that name
    """
    from ...models.captioning.captioner import Captioner

    if made_by is None:
        return Captioner.load(checkpoint_path(None), device, engine=engine)
    if made_by.checkpoint is None:
        raise BadSetting(
            f"The library does not say where the checkpoint of its captioner {made_by.name} lies.",
            remedy("captioner"),
        )
    other: Captioner | None = None
    for place in _places(made_by.checkpoint):
        captioner = Captioner.load(place, device, engine=engine, precision=precision_of(made_by))
        if captioner.fingerprint == made_by.fingerprint:
            return captioner
        other = other or captioner
    if other is None:
        raise _nowhere(made_by.name, made_by.checkpoint)
    raise another_captioner(made_by, other.name, other.fingerprint)


def another_captioner(made_by: MadeBy, name: str, fingerprint: str) -> BadLibrary:
    """The error for a query that would be captioned by another captioner than the library was."""
    return BadLibrary(
        f"The library was captioned by {made_by.name} ({made_by.fingerprint[:12]}), the query would be by "
        f"{name} ({fingerprint[:12]}); their words don't compare.",
        remedy("captioner"),
    )


def predictor_of(record: dict[str, Any] | None, device: str = "auto") -> "WordPredictor":
    """The predictor that a library's word probabilities are from, by the record that it left; the shipped
    lexical head where there is none.

    errors: BadCheckpoint where one of its checkpoints is nowhere, or is another one now
    """
    from ...models.lexical.predictor import WordPredictor

    if record is None:
        return WordPredictor.load(device=device)
    named = {part: record[part] for part in ("head", "captioner", "speaker") if record.get(part)}
    if not named:
        raise BadCheckpoint(f"{record.get('name')} names no checkpoint.", remedy("predict again"))
    choices = {part: list(_places(path)) for part, path in named.items()}
    for part, places in choices.items():
        if not places:
            raise _nowhere(_name(named[part]), named[part])
    refused: BadCheckpoint | None = None
    for chosen in product(*choices.values()):
        found = {part: str(place) for part, place in zip(choices, chosen, strict=True)}
        try:
            return WordPredictor.from_record({**record, **found}, device)
        except BadCheckpoint as error:
            refused = refused or error
    assert refused is not None, "each part has a place"
    raise refused


def calibration_of(record: dict[str, Any]) -> Calibration | None:
    """The calibration that lies beside the predictor of a library's word probabilities, by the record that it
    left; None where there is none of that very predictor. A damaged one is logged."""
    for place in _places(record["head"]) if record.get("head") else ():
        try:
            found = Calibration.read(place / FILE) if (place / FILE).is_file() else None
        except BadSetting as error:
            log.warning(f"Word probabilities are shown as they are: {error.message}")
            continue
        if found is not None and found.predictor == record.get("fingerprint"):
            return found
    return None


def by_older_shipped_head(record: dict[str, Any] | None) -> bool:
    """Whether a library's words are of a lexical head alone that has the name of the shipped one; asked where
    that one is another now."""
    parts = {part: (record or {}).get(part) for part in ("head", "captioner", "speaker")}
    alone = parts["captioner"] is None and parts["speaker"] is None
    return alone and parts["head"] is not None and _name(parts["head"]) == LEXICAL_HEAD.name


def _places(path: Path | str) -> Iterator[Path]:
    """The directories that may hold the checkpoint that once lay at `path`, the likeliest first."""
    name = _name(path)
    candidates = [Path(path), known_checkpoints().get(name), shipped_checkpoint(name)]
    seen: set[Path] = set()
    for place in candidates:
        if place is not None and place.is_dir() and place.resolve() not in seen:
            seen.add(place.resolve())
            yield place


def _name(path: Path | str) -> str:
    """The last part of a path of this system or another one."""
    return (PureWindowsPath if "\\" in str(path) else PurePath)(path).name


def _nowhere(name: str, path: Path | str) -> BadCheckpoint:
    was = "" if str(path) == name else f"it lay in {path}, and "
    return BadCheckpoint(
        f"There is no checkpoint {name}: {was}none of that name is among "
        f"{', '.join(known_checkpoints()) or 'those here'}.",
        remedy("checkpoint"),
    )
