"""What the API answers with about one picture beside its captions and words."""

from pydantic import BaseModel

from .records import FoundPicture


class Attention(BaseModel):
    """Where a captioner looked for each word of its caption.

    captioner: whose caption; "" where none of the library's has attention
    weights:   for each word those of the picture's cells, in rows from the upper left corner on
    """

    captioner: str
    words: list[str]
    rows: int
    columns: int
    weights: list[list[float]]


class NearCopy(BaseModel):
    """A picture that is nearly the same. bits: of 64 of a perceptual hash, how many differ"""

    picture: FoundPicture
    bits: int


class Nearness(BaseModel):
    """How a picture stands among the others.

    mode, k:  nearness is counted by lists of the k nearest pictures in this mode
    pictures: how many ask; 0 where it cannot be counted
    lists:    in how many lists the picture stands; k on average
    more:     the share of pictures that stand in more
    copies:   near-duplicates, the nearest first
    """

    mode: str
    k: int
    pictures: int
    lists: float | None
    more: float | None
    copies: list[NearCopy]
