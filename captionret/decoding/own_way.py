"""The way of a captioner that is not ours: how it finds its captions is its own affair."""

from dataclasses import dataclass
from typing import ClassVar

from .ways import Decoding


@dataclass(frozen=True, slots=True)
class OwnWay(Decoding):
    """Of another program, a server, or a file; its settings are part of its fingerprint."""

    method: ClassVar[str] = "own"

    @property
    def summary(self) -> str:
        """Nothing that people need to be shown."""
        return ""

    @property
    def _recorded(self) -> tuple[str, ...]:
        return ()
