"""Noting pictures without captioning them, for a library whose captions all come from elsewhere."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...decoding import Decoding, OwnWay
from ...errors import BadImage
from ...records import CaptionResult, Failure

if TYPE_CHECKING:
    from ...images import Picture

_AT_ONCE = 1000


class PicturesAlone:
    """As a captioner, one that gives neither captions nor features: a picture's content and facts are noted,
    and those who caption beside it find them."""

    name = "pictures"
    kind = "none"
    way = OwnWay()
    fingerprint = b"pictures alone".hex().ljust(64, "0")

    def describe(self) -> dict[str, Any]:
        """For the catalogue."""
        return {"name": self.name}

    def caption_stream(
        self, paths: "Sequence[Path | Picture]", *, decoding: Decoding, batch_size: int
    ) -> Iterator[list[CaptionResult | Failure]]:
        """The hash and the facts of each; a file that is no picture is a Failure."""
        for first in range(0, len(paths), _AT_ONCE):
            yield [_noted(path) for path in paths[first : first + _AT_ONCE]]


def _noted(path: "Path | Picture") -> CaptionResult | Failure:
    from ...images import as_picture

    picture = as_picture(path).kept()
    try:
        sha256, facts = picture.sha256, picture.facts
    except BadImage as error:
        return Failure(str(path), error.message)
    return CaptionResult(picture.path or Path(picture.name), sha256, (), np.zeros(0, np.float16), facts)
