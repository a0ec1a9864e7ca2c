"""How a library's word probabilities are calibrated: by a calibration of its own, else by the one beside what
predicted them."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...errors import BadLibrary, BadSetting
from ...retrieval.calibrated import FILE, Calibration
from ..surroundings import SURROUNDINGS

log = logging.getLogger(__name__)


def calibration_for(folder: Path, record: Mapping[str, Any] | None) -> Calibration | None:
    """The calibration of word probabilities; None where there is none of their predictor.

    record: who predicted them; None: nobody yet
    errors: BadLibrary where the library's own is damaged
    """
    if record is None:
        return None
    own = own_calibration(folder)
    if own is not None and own.predictor == record.get("fingerprint"):
        return own
    if own is not None:
        log.warning(f"The calibration in {folder} is of other word probabilities. Make it again.")
    return SURROUNDINGS.calibration(dict(record))


def own_calibration(folder: Path) -> Calibration | None:
    """The one that the library keeps; None where it has none. errors: BadLibrary for a damaged one"""
    if not (folder / FILE).is_file():
        return None
    try:
        return Calibration.read(folder / FILE)
    except BadSetting as error:
        raise BadLibrary(error.message, error.remedy) from None
