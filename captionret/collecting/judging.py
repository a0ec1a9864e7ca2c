"""Whether what an address gave is a picture worth keeping."""

import hashlib
from dataclasses import dataclass, field

import numpy as np
from PIL import Image

from ..errors import BadImage, BadSetting
from ..fetching.client import MAX_BYTES
from ..images import Picture
from ..images.hashes import ALIKE, BITS, perceptual_hash
from ..images.opening import opened
from .candidates import Candidate

_ENDINGS = {"JPEG": "jpg", "MPO": "jpg", "JPEG2000": "jp2", "TIFF": "tif", "PPM": "ppm"}
_SHOWN = 128  # pixels of the longer side that are looked at for colours
# So many of a drawing's pixels have its ten commonest colours: charts and icons have .78 and more, of 400
# photographs of Flickr8k's val none more than .67. Shaded drawings pass.
_FLAT = 0.75


@dataclass(frozen=True, slots=True)
class Standards:
    """What is kept.

    side:        pixels of the shorter side, at least
    most:        bytes of one picture, at most
    alike:       bits of perceptual hashes, of 64, in which a picture may differ from one that is kept and
                 counts as the same; -1: only equal files do
    photographs: leave drawings, charts and logos out
    uncaptioned: keep pictures without a caption
    """

    side: int = 100
    most: int = MAX_BYTES
    alike: int = ALIKE
    photographs: bool = False
    uncaptioned: bool = False

    def __post_init__(self) -> None:
        if self.side < 1 or self.most < 1:
            raise BadSetting("The shorter side and the bytes of a picture must be at least 1.")
        if not -1 <= self.alike < BITS:
            raise BadSetting(f"Near-duplicates differ in 0 to {BITS - 1} bits (-1: none is dropped).")


@dataclass(frozen=True, slots=True)
class Good:
    """A picture that can be kept.

    hash:   its perceptual hash
    ending: of its file's name, by its format: "jpg"
    """

    content: bytes = field(repr=False)
    sha256: str
    hash: int
    ending: str
    width: int
    height: int


class NotGood(Exception):
    """A picture that is not kept. outcome: one word of `journal.OUTCOMES` for it"""

    def __init__(self, outcome: str, reason: str) -> None:
        super().__init__(reason)
        self.outcome, self.reason = outcome, reason


def judge(candidate: Candidate, content: bytes, kind: str, standards: Standards) -> Good:
    """Decode what came and hold it against the standards.

    kind:   as the server calls it, for the reason
    errors: NotGood
    """
    sha256 = hashlib.sha256(content).hexdigest()
    if candidate.digest and candidate.digest not in (sha256, _md5(content)):
        raise NotGood("changed", "another picture than the list was made of lies there now")
    try:
        with opened(content, candidate.address) as header:
            image, facts = header.load(), header.read_facts()
            format_name = header.image.format or "JPEG"
    except BadImage as error:
        if content.lstrip()[:1] == b"<":
            raise NotGood(
                "no picture", f"it is a page or a drawing in text ({kind or 'no kind given'})"
            ) from None
        raise NotGood("broken", str(error)) from None
    if min(image.size) < standards.side:
        raise NotGood("tiny", f"{facts.width} x {facts.height} pixels")
    if standards.photographs and not is_photograph(image):
        raise NotGood("drawing", "most of it has a few colours")
    alike = perceptual_hash(Picture(candidate.address, content=content))
    ending = _ENDINGS.get(format_name, format_name.lower())
    return Good(content, sha256, alike, ending, facts.width, facts.height)


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def is_photograph(image: Image.Image) -> bool:
    """Whether an upright RGB picture looks like a photograph rather than a drawing, a chart or a logo: these
    have large parts of the very same colour."""
    small = image.copy()
    small.thumbnail((_SHOWN, _SHOWN), Image.Resampling.NEAREST)  # no colours that were not there
    pixels = np.asarray(small).reshape(-1, 3).astype(np.uint32) >> 2
    _, counts = np.unique(pixels[:, 0] << 12 | pixels[:, 1] << 6 | pixels[:, 2], return_counts=True)
    return float(np.sort(counts)[-10:].sum() / counts.sum()) < _FLAT
