"""What the API answers with. FastAPI makes its description of them."""

from typing import Literal

from pydantic import BaseModel, Field


class Word(BaseModel):
    """A word of a picture. probability: that a person says it of the picture; certain: whether a caption by a
    person or a file says it"""

    word: str
    probability: float
    certain: bool = False


class FoundPicture(BaseModel):
    """A picture as lists show it.

    id:     of its content; name, folder: of its file, the folder relative to the library's
    person: whether a person wrote the caption
    words:  those of the query, or those that it shares with the query's picture
    by_caption: words of the query that its caption says, where none is predicted with enough probability
    by_name: whether nothing fits the query, and the picture's file is called so
    weak:   whether it is little more than a guess
    group:  the day ("2019-06-01", "no date") or the folder (".": the library's own) under which it is shown
    """

    id: str
    name: str
    folder: str
    caption: str
    person: bool
    rank: int = 0
    score: float = 0.0
    words: list[Word] = []
    why: list[str] = []
    by_caption: list[str] = []
    by_name: bool = False
    weak: bool = False
    copies: int = 0
    group: str = ""


class Reading(BaseModel):
    """A word that a query's word was read as. how: "as it is", "other form", "typing error", "meaning" """

    word: str
    weight: float
    how: str


class UnderstoodWord(BaseModel):
    """A word of a query, and what it was read as."""

    word: str
    readings: list[Reading]
    suggestion: str | None


class Answer(BaseModel):
    """The answer to a query, or a part of it.

    more:    whether there are further hits
    fitting: where nothing but filters is asked for, how many pictures they leave
    notes:   sentences for a person: what was not understood, why nothing fits
    nearest: where nothing fits, words of the library that are like those asked for
    caption: of the query's picture
    """

    library: str
    mode: str
    searched: int
    fitting: int | None = None
    offset: int
    more: bool
    hits: list[FoundPicture]
    notes: list[str] = []
    understood: list[UnderstoodWord] = []
    nearest: list[str] = []
    caption: str | None = None
    milliseconds: float = 0.0
    revision: str = ""


class CountedWord(BaseModel):
    """A word of a library, and how many pictures show it."""

    word: str
    pictures: int


class WordList(BaseModel):
    """Words, the commonest first; the word that was probably meant, where one was asked for."""

    words: list[CountedWord]
    meant: str | None = None


class Mode(BaseModel):
    """A way to compare."""

    name: str
    about: str
    accepts: list[str]
    adds: bool = Field(description="whether texts can be added to a query and taken away from it")


class KnownCaptioner(BaseModel):
    """Who captioned a library, by the name for `by=`. kind: "model", or "file" where they stand in one"""

    name: str
    kind: str


class LibraryFacts(BaseModel):
    """A library in a list.

    captioners: whose captions it holds, the best first
    writable:   whether captions may be written; uploads: whether pictures are taken
    """

    id: str
    pictures: int
    modes: list[Mode]
    captioners: list[KnownCaptioner]
    writable: bool
    uploads: bool


class Libraries(BaseModel):
    """All that are served. reports: whether folders of reports are shown; exports: formats, each with a
    sentence about it; loading: whether the server, just started, still loads what first queries wait for"""

    libraries: list[LibraryFacts]
    reports: bool
    exports: dict[str, str]
    version: str
    loading: bool


class GivenCaption(BaseModel):
    """A caption. logprob: natural logarithm of its probability, for a captioner's"""

    text: str
    logprob: float


class CaptionsBy(BaseModel):
    """What one captioner says. kind: "person", "file" or "model"; day: when; "" where that is not known"""

    name: str
    kind: str
    day: str
    captions: list[GivenCaption]


class ClassBehind(BaseModel):
    """A class of ImageNet behind a word."""

    name: str
    probability: float


class PictureWord(BaseModel):
    """A word of one picture, with where it comes from; see captionret.app.curating.words."""

    word: str
    probability: float
    in_captions: bool
    head: float
    classes: list[ClassBehind]


class PictureFacts(BaseModel):
    """All that is known of one picture. captioned_by: a captioner's name, or "a person"

    others:        what further captioners say of it, the best first
    width, height: in pixels; 0 where its file cannot be read
    place:         latitude and longitude in degrees, north and east positive
    missing:       whether its file is not where it was
    """

    id: str
    name: str
    folder: str
    captions: list[GivenCaption]
    captioned_by: str
    person: bool
    others: list[CaptionsBy]
    words: list[PictureWord]
    width: int
    height: int
    taken: str | None
    camera: str | None
    lens: str | None
    place: tuple[float, float] | None
    title: str | None
    keywords: list[str]
    copies: list[str]
    missing: bool


class ListedPicture(BaseModel):
    """A picture in a list to take along. path: of its file; person: whether a person wrote the caption"""

    id: str
    path: str
    caption: str
    person: bool
    taken: str | None
    camera: str | None
    keywords: list[str]


class NewCaption(BaseModel):
    """A caption in a person's own words. before: the caption that the person saw; where somebody has changed
    it meanwhile, it is refused. Without it, it is written over whatever is there."""

    text: str = Field(min_length=1, max_length=1000)
    before: str | None = Field(default=None, max_length=50_000)


class QueryPicture(BaseModel):
    """A picture that was sent to be searched with: its id for `image=`."""

    id: str
    width: int
    height: int


class Problem(BaseModel):
    """Why a request was refused."""

    error: str


class ReviewItem(BaseModel):
    """A picture to look over. sureness: the mean probability of its caption's words"""

    picture: FoundPicture
    sureness: float


class ReviewQueue(BaseModel):
    """The pictures whose captions are least sure, and how many have been looked over."""

    items: list[ReviewItem]
    reviewed: int
    pictures: int


class Folder(BaseModel):
    """A folder of pictures. root: the number of the root that it lies in; inside: its path from there"""

    root: int
    inside: str
    name: str


class FolderList(BaseModel):
    """Folders."""

    folders: list[Folder]


class NewLibrary(BaseModel):
    """A library that is to be made of a folder."""

    root: int = Field(ge=0, le=1000)
    inside: str = Field(max_length=2000)
    name: str = Field(min_length=1, max_length=60)


class Job(BaseModel):
    """An index job.

    done, total: pictures that are captioned, of those below the folder (0: not counted yet)
    message: what it has to say at its end, or why it failed
    """

    id: str
    library: str
    state: Literal["running", "paused", "done", "failed", "cancelled"]
    done: int
    total: int
    message: str
