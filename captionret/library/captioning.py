"""What a library needs of a captioner. Only this, so that a library can be kept, searched and tested without torch."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

from ..records import Captioned, Decoding, Failure


class Captioning(Protocol):
    """Anything that can caption pictures."""

    @property
    def name(self) -> str:
        """What people call it, e.g. "photos-lite"."""
        ...

    @property
    def fingerprint(self) -> str:
        """A hash over everything that changes a caption or a feature: weights, vocabulary, backbone, preprocessing."""
        ...

    def describe(self) -> dict[str, Any]:
        """Facts for the catalogue, as JSON can hold them; "checkpoint" is the directory it was loaded from, where there is one."""
        ...

    def caption_stream(self, paths: Sequence[Path], *, decoding: Decoding, batch_size: int) -> Iterator[list[Captioned | Failure]]:
        """One list per batch, an entry for every path, in the order of the paths. A bad picture is a Failure, never an exception."""
        ...
