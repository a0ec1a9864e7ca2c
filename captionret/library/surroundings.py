"""What a library asks of the program around it: models, by the record of who made it.

`app` fills it in when it is imported; so a library needs neither torch nor to know where checkpoints lie.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..decoding import Decoding
from ..errors import BadSetting
from ..remedies import remedy
from ..retrieval.calibrated import Calibration
from .captions.made_by import MadeBy
from .protocols import Captioning, WordPredicting


@dataclass(slots=True)
class Surroundings:
    """The functions that the program around gives.

    load_captioner: who captioned the library (None: nobody yet), how it shall decode, and a device ->
                    that captioner
    load_predictor: what predicted its words (None: nothing yet), and a device -> that predictor
    find_calibration: what predicted its words -> how that predictor is calibrated; None where it is not
    """

    load_captioner: Callable[[MadeBy | None, Decoding, str], Captioning] | None = None
    load_predictor: Callable[[dict[str, Any] | None, str], WordPredicting] | None = None
    find_calibration: Callable[[dict[str, Any]], Calibration | None] | None = None

    def captioner(self, made_by: MadeBy | None, decoding: Decoding, device: str) -> Captioning:
        """The captioner that made a library. errors: BadSetting where nobody can load one; as its loader"""
        if self.load_captioner is None:
            raise BadSetting("No captioner is given.", remedy("load captioner"))
        return self.load_captioner(made_by, decoding, device)

    def predictor(self, record: dict[str, Any] | None, device: str) -> WordPredicting:
        """The predictor that a library's word probabilities are from. errors: as captioner"""
        if self.load_predictor is None:
            raise BadSetting("No predictor of words is given.", remedy("predictor"))
        return self.load_predictor(record, device)

    def calibration(self, record: dict[str, Any]) -> Calibration | None:
        """How the predictor of a library's word probabilities is calibrated; None where nobody knows."""
        return None if self.find_calibration is None else self.find_calibration(record)


SURROUNDINGS = Surroundings()
