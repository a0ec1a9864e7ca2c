"""One pass of the CNN for all captioners that share one: while one of them captions pictures, the others
caption them, too, and their captions are handed out when they are asked.

one_pass = OnePass(lambda: [(other, BeamSearch())])
captioner = one_pass.read_by(Captioner.load("photos-lite"))   # others caption what it captions
one_pass.answering(other).caption_stream(...)                 # without reading these pictures again
"""

import json
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...captioners import StreamedCaptioner
from ...captioners.given_file import FileCaptioner
from ...decoding import Decoding
from ...files import sha256_of
from ...library import Captioning
from ...records import Caption, CaptionResult, Failure, NoCaption

if TYPE_CHECKING:  # these import torch
    from ...images import Picture
    from ...models.captioning.captioner import Captioner

Others = Callable[[], Iterable[tuple[Captioning, Decoding]]]


class OnePass:
    """See the module. others: the captioners beside the one that reads, and how each decodes; they are asked
    for when it is loaded"""

    def __init__(self, others: Others | None = None) -> None:
        self.others = others
        self._kept: dict[str, tuple[Decoding, KeptCaptions]] = {}

    def read_by(self, captioner: Captioning) -> Captioning:
        """The captioner, with which the others that share its CNN caption from now on."""
        if isinstance(captioner, StreamedCaptioner | FileCaptioner):  # which have no CNN, and need no torch
            return captioner
        from ...models.captioning.captioner import Captioner
        from ...models.captioning.stream import Companion

        if not isinstance(captioner, Captioner):
            return captioner
        companions = []
        for other, decoding in self.others() if self.others else ():
            if not isinstance(other, Captioner) or other is captioner or not _share(captioner, other):
                continue
            _, kept = self._kept.setdefault(other.fingerprint, (decoding, KeptCaptions()))

            def decode(features: Any, hashes: Sequence[str], of: Any = other, by: Decoding = decoding) -> Any:
                return of.decode(features, by, hashes)

            companions.append(Companion(other.config.feature, decode, kept.put))
        captioner.companions = companions
        return captioner

    def answering(self, captioner: Captioning) -> Captioning:
        """A captioner that does not read again what it captioned in somebody else's pass."""
        if captioner.fingerprint not in self._kept:
            return captioner
        decoding, kept = self._kept[captioner.fingerprint]
        return AnsweringCaptioner(captioner, decoding, kept)

    def forget(self) -> None:
        """Drop what was kept: all were asked."""
        for _, kept in self._kept.values():
            kept.clear()


class KeptCaptions:
    """Captions of many pictures, by content hash, in a file that is gone with them."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115  # it is closed with the object
        self._places: dict[bytes, int] = {}

    def put(self, hashes: Sequence[str], captions: Sequence[Sequence[Caption]]) -> None:
        """Keep each picture's."""
        place = self._file.seek(0, 2)
        for sha256, found in zip(hashes, captions, strict=True):
            line = json.dumps([[one.text, one.tokens, one.logprob] for one in found]).encode() + b"\n"
            self._places[bytes.fromhex(sha256)] = place
            place += self._file.write(line)

    def take(self, sha256: str) -> list[Caption] | None:
        """A picture's; None where they are not kept."""
        place = self._places.get(bytes.fromhex(sha256))
        if place is None:
            return None
        self._file.seek(place)
        return [
            Caption(text, tuple(tokens), logprob)
            for text, tokens, logprob in json.loads(self._file.readline())
        ]

    def clear(self) -> None:
        """Forget them all."""
        self._file.truncate(0)
        self._places.clear()

    def __len__(self) -> int:
        return len(self._places)


class AnsweringCaptioner:
    """A captioner; pictures of which captions are kept it does not read."""

    def __init__(self, captioner: Captioning, decoding: Decoding, kept: KeptCaptions) -> None:
        self._captioner, self._decoding, self._kept = captioner, decoding, kept
        self.name, self.fingerprint = captioner.name, captioner.fingerprint

    def describe(self) -> dict[str, Any]:
        """The captioner's facts."""
        return self._captioner.describe()

    def caption_stream(
        self, paths: "Sequence[Path | Picture]", *, decoding: Decoding, batch_size: int
    ) -> "Iterator[Sequence[CaptionResult | Failure | NoCaption]]":
        """See Captioning."""
        if decoding != self._decoding or not len(self._kept):
            yield from self._captioner.caption_stream(paths, decoding=decoding, batch_size=batch_size)
            return
        for start in range(0, len(paths), batch_size):
            answers = [(path, self._answer(path)) for path in paths[start : start + batch_size]]
            for known, some in groupby(answers, lambda one: one[1] is not None):
                if known:
                    yield [answer for _, answer in some if answer is not None]
                    continue
                unread = [path for path, _ in some]
                yield from self._captioner.caption_stream(unread, decoding=decoding, batch_size=batch_size)

    def _answer(self, path: "str | Path | Picture") -> CaptionResult | None:
        if not isinstance(path, str | Path):
            return None
        try:
            sha256 = sha256_of(path)
        except OSError:
            return None
        captions = self._kept.take(sha256)
        return CaptionResult(Path(path), sha256, captions, np.zeros(0, np.float16)) if captions else None


def _share(captioner: "Captioner", other: "Captioner") -> bool:
    """Whether both read the same CNN in the same way."""
    same = (
        other.checkpoint.backbone == captioner.checkpoint.backbone
        and other.compute.suffix == captioner.compute.suffix
    )
    return same and other.device == captioner.device
