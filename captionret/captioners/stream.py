"""A captioner of any kind as a library asks for captions: batch after batch, each picture by its content."""

import hashlib
import json
import logging
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ..counting import counted
from ..decoding import Decoding, OwnWay
from ..errors import BadImage
from ..images import Picture, as_picture
from ..records import Caption, CaptionResult, Failure, NoCaption
from .answers import NoAnswer, captions_of
from .journal import Journal
from .options import CaptionerOptions
from .protocol import Answer, ImageCaptioner

log = logging.getLogger(__name__)

_NO_FEATURE = np.zeros(0, np.float16)
Result = CaptionResult | Failure | NoCaption


class StreamedCaptioner:
    """An ImageCaptioner as a library takes it."""

    way = OwnWay()

    def __init__(
        self, captioner: ImageCaptioner, spec: str = "", options: CaptionerOptions | None = None
    ) -> None:
        """spec: by which it can be made again, as a library remembers it; "" where it cannot"""
        self.captioner, self.spec, self.options = captioner, spec, options or CaptionerOptions()
        self.name = captioner.name
        self.journal = Journal(None)

    @cached_property
    def fingerprint(self) -> str:
        """Of its kind, its name and its settings, or what the captioner itself gives."""
        own = getattr(self.captioner, "fingerprint", None)
        facts = {"name": self.name, "spec": self.spec, "own": own} | ({} if own else self._described())
        return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()

    def describe(self) -> dict[str, Any]:
        """What the captioner says of itself, and how it is made again."""
        return {
            "name": self.name,
            **self._described(),
            "captioner": self.spec,
            "options": self.options.to_json(),
        }

    def caption_stream(
        self, paths: Sequence[Path | Picture], *, decoding: Decoding, batch_size: int
    ) -> Iterator[list[Result]]:
        """A list for each batch of the captioner's own size; `decoding` does not concern it."""
        pictures = [as_picture(path) for path in paths]
        stream = getattr(self.captioner, "caption_each", None)
        if stream is not None:
            yield from self._each(pictures, stream, batch_size)
            return
        size = int(getattr(self.captioner, "batch_size", self.options.batch_size))
        for first in range(0, len(pictures), size):
            yield self._batch(pictures[first : first + size])

    def _each(self, pictures: Sequence[Picture], stream: Any, batch_size: int) -> Iterator[list[Result]]:
        """Of a captioner that answers one by one, several at a time; what is in the journal is not asked."""
        with self.journal.open() as journal:
            known = [journal.get(picture) for picture in pictures]
            asked = [picture for picture, answer in zip(pictures, known, strict=True) if answer is None]
            answers = iter(stream(asked, journal.put))
            batch: list[Result] = []
            for picture, answer in zip(pictures, known, strict=True):
                batch.append(self._result(picture, next(answers) if answer is None else answer))
                if len(batch) >= batch_size:
                    yield batch
                    batch = []
            if batch:
                yield batch
            for _ in answers:  # ends it
                pass
        self.journal.remove()

    def _batch(self, pictures: Sequence[Picture]) -> list[Result]:
        """One batch; where a picture spoils it, each on its own."""
        try:
            kept = [picture.kept() for picture in pictures]
            answers = list(self.captioner.caption(kept))
        except BadImage as error:
            if len(pictures) == 1:
                return [Failure(str(pictures[0].path or pictures[0].name), error.message)]
            return [result for picture in pictures for result in self._batch([picture])]
        if len(answers) != len(pictures):
            raise RuntimeError(
                f"{self.name} answered for {counted(len(answers), 'pictures')} of {len(pictures)}."
            )
        return [self._result(picture, answer) for picture, answer in zip(kept, answers, strict=True)]

    def _result(self, picture: Picture, answer: Answer | NoCaption) -> Result:
        if isinstance(answer, NoCaption):
            return answer
        path = picture.path or Path(picture.name)
        try:
            captions = captions_of(answer, self.options.max_words)
            sha256, facts = picture.sha256, picture.facts
        except NoAnswer as error:
            return Failure(str(path), f"{path}: {error}")
        except BadImage as error:
            return Failure(str(path), error.message)
        return CaptionResult(path, sha256, list[Caption](captions), _NO_FEATURE, facts)

    def _described(self) -> dict[str, Any]:
        describe = getattr(self.captioner, "describe", None)
        return dict(describe()) if callable(describe) else {}
