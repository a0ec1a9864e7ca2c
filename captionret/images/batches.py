"""From pictures to the squares of pixels that a backbone reads, in batches."""

from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from ..errors import BadImage
from ..records import Failure, PictureFacts
from .pictures import Picture
from .resizing import REDUCING_GAP, squared


@dataclass(frozen=True, slots=True)
class View:
    """A crop of a picture, as shares of its width and height, and whether it is mirrored. The whole picture
    is View()."""

    left: float = 0.0
    top: float = 0.0
    right: float = 1.0
    bottom: float = 1.0
    mirrored: bool = False


WHOLE = View()


def prepare(image: Image.Image, size: int, view: View = WHOLE) -> np.ndarray:
    """A picture as the square a backbone reads, not yet normalised.

    returns: (size, size, 3) uint8
    """
    if view == WHOLE and image.mode == "RGB":
        return squared(image, size)
    width, height = image.size
    box = (view.left * width, view.top * height, view.right * width, view.bottom * height)
    square = image.resize((size, size), Image.Resampling.BICUBIC, box=box, reducing_gap=REDUCING_GAP)
    pixels = np.array(square)
    return np.ascontiguousarray(pixels[:, ::-1]) if view.mirrored else pixels


def load_views(
    picture: Picture | Path | str, size: int, views: tuple[View, ...] = (WHOLE,)
) -> tuple[str, np.ndarray]:
    """Read a picture once and cut every view from it.

    returns: its `sha256`, and (len(views), size, size, 3) uint8
    errors:  BadImage, naming the picture
    """
    picture = _as_picture(picture)
    image = picture.open(at_least=size)
    return picture.sha256, np.stack([prepare(image, size, view) for view in views])


@dataclass(frozen=True, slots=True)
class DecodedBatch:
    """The pictures of one batch that could be read, in order, and those that could not.

    pictures:  those that could be read
    positions: where each of them stands in the sequence that was given
    hashes:    the SHA-256 of each
    pixels:    (views, n, S, S, 3) uint8
    facts:     size, date and camera of each
    failures:  the others, each named as it was given
    """

    pictures: list[Picture]
    positions: list[int]
    hashes: list[str]
    pixels: np.ndarray
    facts: list[PictureFacts]
    failures: list[Failure]

    @property
    def paths(self) -> list[Path]:
        """The path of each picture that could be read; of one that is only in memory its name."""
        return [picture.path or Path(picture.name) for picture in self.pictures]


def decoded_batches(
    pictures: Sequence[Path | Picture], size: int, batch_size: int, views: tuple[View, ...] = (WHOLE,)
) -> Generator[DecodedBatch, None, None]:
    """Decode pictures batch by batch, the next batch in a thread while the caller works on this one."""
    starts = range(0, len(pictures), batch_size)
    with ThreadPoolExecutor(1) as pool:
        ahead = [pool.submit(_decode, pictures, start, batch_size, size, views) for start in starts[:1]]
        for following in [*starts[1:], None]:
            if not ahead:
                return
            batch = ahead.pop().result()
            if following is not None:
                ahead.append(pool.submit(_decode, pictures, following, batch_size, size, views))
            yield batch


def _decode(
    pictures: Sequence[Path | Picture], start: int, count: int, size: int, views: tuple[View, ...]
) -> DecodedBatch:
    good: list[Picture] = []
    positions: list[int] = []
    cuts: list[np.ndarray] = []
    failures: list[Failure] = []
    for position, given in enumerate(pictures[start : start + count], start):
        picture = _as_picture(given)
        try:
            cuts.append(load_views(picture, size, views)[1])
        except BadImage as error:
            failures.append(Failure(str(picture.path or picture.name), str(error)))
        else:
            good.append(picture)
            positions.append(position)
    pixels = np.stack(cuts, axis=1) if cuts else np.empty((len(views), 0, size, size, 3), np.uint8)
    hashes, facts = [picture.sha256 for picture in good], [picture.facts for picture in good]
    return DecodedBatch(good, positions, hashes, pixels, facts, failures)


def _as_picture(given: Picture | Path | str) -> Picture:
    return given if isinstance(given, Picture) else Picture(str(given), Path(given))
