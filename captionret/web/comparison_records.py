"""What the API answers with where things stand side by side."""

from pydantic import BaseModel

from .records import FoundPicture


class Column(BaseModel):
    """The first hits of one query in one mode, by one captioner. problem: why it could not be asked; "" """

    mode: str
    by: str
    hits: list[FoundPicture]
    notes: list[str]
    problem: str = ""


class SideBySide(BaseModel):
    """One query in several columns.

    agreed:    the pictures that all columns found, in the first one's order
    different: how many pictures they found together
    """

    columns: list[Column]
    agreed: list[str]
    different: int


class CaptionerFigures(BaseModel):
    """One captioner of a library; see captionret.app.curating.library_captioners.

    words: of a caption, on average; different: words that it uses
    scores: of its captions against those taken for right, by the measure's name
    """

    name: str
    kind: str
    since: str
    pictures: int
    words: float
    different: int
    scores: dict[str, float]


class CaptionerPair(BaseModel):
    """Two captioners. agreement: of their captions' words, 0 to 1; found: of the first ten hits, how many are
    the same"""

    one: str
    other: str
    pictures: int
    agreement: float
    found: float


class Disputed(BaseModel):
    """A picture over which captioners disagree, with what each says."""

    id: str
    captions: dict[str, str]


class CaptionersCompared(BaseModel):
    """The captioners of a library side by side."""

    captioners: list[CaptionerFigures]
    pairs: list[CaptionerPair]
    disputed: list[Disputed]
