"""Pictures that were sent to be searched with: kept in memory, the last few of them."""

import hashlib
from collections import OrderedDict
from threading import Lock

from PIL import Image

from ..errors import BadImage
from ..images import Picture

_MOST, _MOST_BYTES = 64, 200_000_000


class QueryPictures:
    """They are found by the hash of their content, until others have taken their places."""

    def __init__(self, most_pixels: int) -> None:
        self._most_pixels = most_pixels
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._lock = Lock()

    def put(self, content: bytes) -> tuple[str, Image.Image]:
        """Keep a picture, if it is one; its id and its pixels. errors: BadImage"""
        image = whole_picture(content, self._most_pixels)
        name = hashlib.sha256(content).hexdigest()
        with self._lock:
            self._kept[name] = content
            self._kept.move_to_end(name)
            while len(self._kept) > _MOST or sum(map(len, self._kept.values())) > _MOST_BYTES:
                self._kept.popitem(last=False)
        return name, image

    def get(self, name: str) -> bytes | None:
        """The picture; None where it is not kept, or not any more."""
        with self._lock:
            if name in self._kept:
                self._kept.move_to_end(name)
            return self._kept.get(name)


def whole_picture(content: bytes, most_pixels: int, name: str = "This file") -> Image.Image:
    """A picture that was sent, upright and decoded to its last pixel.

    name:   for messages; a RAW photograph is known by its ending
    errors: BadImage
    """
    picture = Picture(name, content=content)
    facts = picture.facts
    if facts.width * facts.height > most_pixels:
        raise BadImage(f"The picture has more than {most_pixels:,} pixels. Scale it down first.")
    return picture.open()
