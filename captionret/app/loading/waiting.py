"""A captioner that is loaded when a picture is to be captioned: what a library asks of it before, its
checkpoint's record says without torch."""

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...decoding import Decoding
from ...library import Captioning
from ...library.protocols import SeeingCaptioner
from ...models.captioning.config import CAPTIONER
from ...models.mapped import mapped_arrays
from ...models.stored import fingerprint_of, read_stored, whole_file
from ...records import CaptionResult, Failure, NoCaption

if TYPE_CHECKING:  # importing every decoder of pictures takes as long as a text query
    from ...images import Picture


class WaitingCaptioner:
    """The captioner of a checkpoint, as Captioning has it; what it says is what the loaded one says."""

    def __init__(self, path: Path, load: Callable[[], Captioning]) -> None:
        """path: its directory; load: loads it

        errors: as read_checkpoint
        """
        self._path, self._load = path, load
        self._stored = read_stored(path, CAPTIONER)
        self.name = path.name

    @cached_property
    def fingerprint(self) -> str:
        """As Captioner's."""
        stored = self._stored
        arrays = mapped_arrays(whole_file(self._path, "model.safetensors", stored.record))
        single = {
            name: values.astype(np.float32, copy=False) if values.dtype.kind == "f" else values
            for name, values in arrays.items()
        }
        return fingerprint_of(CAPTIONER, stored.config, stored.vocabulary, stored.backbone, single)

    def describe(self) -> dict[str, Any]:
        """As Captioner's."""
        return {
            "name": self.name,
            "checkpoint": str(self._path.resolve()),
            CAPTIONER.row: self._stored.record["variant"],
            "backbone": {name: self._stored.backbone[name] for name in ("name", "sha256")},
        }

    def see_for(self, predictor: object) -> bool:
        """As Captioner's, which is loaded now."""
        captioner = self._load()
        return isinstance(captioner, SeeingCaptioner) and captioner.see_for(predictor)

    def caption_stream(
        self, paths: "Sequence[Path | Picture]", *, decoding: Decoding, batch_size: int
    ) -> Iterator[Sequence[CaptionResult | Failure | NoCaption]]:
        """As Captioner's, which is loaded now."""
        if not paths:
            return iter(())
        return self._load().caption_stream(paths, decoding=decoding, batch_size=batch_size)
