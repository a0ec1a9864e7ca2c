"""The frozen records that travel between the parts: what a data set holds, what a query is, what people
see."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

CAPTION_MEASURES = {
    "bleu1": "BLEU-1",
    "bleu2": "BLEU-2",
    "bleu3": "BLEU-3",
    "bleu4": "BLEU-4",
    "meteor": "METEOR",
    "rouge_l": "ROUGE-L",
    "cider_d": "CIDEr-D",
    "spice": "SPICE",
}


@dataclass(frozen=True, slots=True)
class Item:
    """One image of a collection.

    id:       unique in its collection, stable over runs (COCO's image id as text, or the file name)
    path:     where the picture lies; None where a collection has only features (`vse:`)
    captions: the human captions, as written; empty where there are none
    split:    "train", "val", "test", another name the collection uses, or None
    labels:   category names, where the collection has them (`pascal:`, `scenes:`)
    """

    id: str
    path: Path | None
    captions: tuple[str, ...] = ()
    split: str | None = None
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Caption:
    """A generated caption.

    text:    the words joined by blanks
    tokens:  the words, as the captioner's vocabulary spells them
    logprob: natural log of the caption's probability, its end token included; 0 where it is not known
    tags:    keywords that were given with it
    score:   how good its source says that it is; None where it says nothing
    """

    text: str
    tokens: tuple[str, ...]
    logprob: float
    tags: tuple[str, ...] = ()
    score: float | None = None


@dataclass(frozen=True, slots=True)
class Query:
    """What is searched for: a picture, a text, or both."""

    image: Path | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """One found image.

    rank:    1 is the best
    score:   the mode's score, higher is better
    path:    the picture, relative to the library's root where it lies inside
    caption: the gallery image's generated caption
    why:     the words shared with the query, rarest first
    id:      the gallery image's id: what breaks ties
    copies:  further paths that hold the very same file
    words:   in modes that predict words, those of the query, or those that the pictures share, each with how
             probable it is that a person says it of this picture
    weak:    whether it is little more than a guess: it is just above the floor of its mode
    certain: those of `words` that a caption of it says which a person wrote, or a file gives
    by_caption: words of the text that its caption says, where none is predicted with enough probability
    by_name: whether nothing fits the text, and the picture's file is called so
    alike:   paths of pictures that are nearly the same, for which this one stands
    taken:   when, as PictureFacts has it; None where nobody looked, or the file does not say
    """

    rank: int
    score: float
    path: str
    caption: str
    why: tuple[str, ...] = ()
    id: str = ""
    copies: tuple[str, ...] = field(default=())
    words: tuple[tuple[str, float], ...] = ()
    weak: bool = False
    certain: tuple[str, ...] = ()
    by_caption: tuple[str, ...] = ()
    by_name: bool = False
    alike: tuple[str, ...] = ()
    taken: str | None = None


@dataclass(frozen=True, slots=True)
class PictureFacts:
    """What a picture file says about itself; None where it says nothing, or nonsense.

    width, height: in pixels, upright
    taken:         when, in the camera's local time: "2019-06-01T12:30:00"
    camera:        maker and model: "Canon EOS R5"
    zone:          how far that time is ahead of UTC: "+02:00"
    lens:          maker and model: "Canon RF24-70mm F2.8 L IS USM"
    orientation:   EXIF's, 1 to 8: how the stored pixels are to be turned; 1 is upright
    place:         latitude and longitude in degrees, north and east positive
    title:         its title, or where there is none its description
    keywords:      each once
    """

    width: int
    height: int
    taken: str | None = None
    camera: str | None = None
    zone: str | None = None
    lens: str | None = None
    orientation: int = 1
    place: tuple[float, float] | None = None
    title: str | None = None
    keywords: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Failure:
    """A file that was skipped, and why."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class NoCaption:
    """A picture of which a source says nothing, which is no fault of the picture's: it is asked about again
    with the next update."""

    path: str


@dataclass(frozen=True, slots=True)
class GivenCaptions:
    """What a file, or another program, says of one picture.

    path:     as it names the picture; None where it gives only the hash
    captions: the best first; empty where it has none
    sha256:   of the picture's content, as 64 hex digits
    """

    path: str | None
    captions: tuple[Caption, ...]
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class GivenFacts:
    """What a file, or another program, knows of a picture beside its captions.

    path, sha256: as GivenCaptions has them
    facts:        its width and height do not count
    """

    path: str | None
    sha256: str | None
    facts: PictureFacts


@dataclass(frozen=True, slots=True, eq=False)
class CaptionResult:
    """What a captioner makes of one picture.

    path:     as it was given
    sha256:   of the very bytes that were captioned
    captions: at least one, the most probable first
    feature:  (D,) float16, the backbone's pooled feature of the whole picture; (0,) of a captioner that gives
              none
    facts:    what the file says about itself; None where nobody read it
    own:      (D,) float16, what a predictor's own last blocks saw of it in the same pass; None where it has
              none
    """

    path: Path
    sha256: str
    captions: Sequence[Caption]
    feature: np.ndarray
    facts: PictureFacts | None = None
    own: np.ndarray | None = None


@dataclass(frozen=True, slots=True)
class WordReason:
    """One word's part in a score.

    query, image: what it weighs on either side: 1 or 0 for a word that is there or not, else its probability
                  or its count
    weight:       how much the mode makes of it: its idf, or 1
    share:        what it adds to the score; the shares of all words are the score, except what
                  `Explanation.rest` holds
    partner:      the image's word that was taken for it, where that is another one
    """

    word: str
    query: float
    image: float
    weight: float
    share: float
    partner: str = ""


@dataclass(frozen=True, slots=True)
class Explanation:
    """A score taken apart.

    words: of both sides, the most telling first; empty for a mode that compares no words
    parts: for a mode made of others, each one's name and what it adds
    rest:  what neither words nor parts account for, as a feature's similarity
    """

    words: tuple[WordReason, ...] = ()
    parts: tuple[tuple[str, float], ...] = ()
    rest: float = 0.0

    @property
    def score(self) -> float:
        """The sum of it all."""
        return sum(reason.share for reason in self.words) + sum(share for _, share in self.parts) + self.rest
