"""The frozen records that travel between the parts: what a data set holds, what a query is, what people
see."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from pathlib import Path, PurePath
from typing import Any

import numpy as np

from .errors import BadSetting, UnknownName


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
    logprob: natural log of the caption's probability, its end token included
    """

    text: str
    tokens: tuple[str, ...]
    logprob: float


@dataclass(frozen=True, slots=True)
class Decoding:
    """How captions are found in what a captioner predicts.

    method:   "beam", the most probable; "diverse-beam", in groups that avoid each other's words; "sample",
              drawn by probability; "nucleus", drawn from the most probable words that hold top_p of it;
              "consensus", of a beam's captions and `drawn` ones those that are most like the others;
              "matched", of a beam's captions those that fit the picture in an embedding space
    beam:     how many captions a beam search follows; 1 is greedy
    captions: how many are kept of each image
    length_penalty: captions of a beam are ranked by log-probability / words**length_penalty; None: as the
                    variant says, of a
              consensus 0.6, of matched captions 1
    constraints: no word twice in a row, no three words twice, no end on "a" or "with"; None: as the variant
                 says
    groups, diversity: of a diverse beam: how many groups, and what a word costs in log-probability that an
                       earlier group says just then
    temperature, top_k, top_p, seed: of sampling; top_k 0 is all words
    drawn, sharpness: of a consensus: how many captions are drawn beside the beam's; how much the probable
                      ones count, 0: as all others
    spaces, spaces_sha256, match: of matched captions: the directories of one or more spaces, their
                                  fingerprints (another one is refused;
              none: any), and how much the cosine of picture and caption, the spaces' mean, counts beside the
              log-probability
    corpora, neighbours, agree: of matched captions: for each space a file of other pictures' captions
                                (models.corpus), how many of them,
              those that fit the picture best, a caption is compared with, and how much its likeness to these
              counts; none: it is not
    """

    method: str = "beam"
    beam: int = 3
    captions: int = 1
    length_penalty: float | None = None
    constraints: bool | None = None
    groups: int = 3
    diversity: float = 0.5
    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 0.9
    seed: int = 0
    drawn: int = 0
    sharpness: float = 3.0
    spaces: tuple[str, ...] = ()
    spaces_sha256: tuple[str, ...] = ()
    match: float = 2.0
    corpora: tuple[str, ...] = ()
    neighbours: int = 100
    agree: float = 12.0

    def __post_init__(self) -> None:
        if self.method not in DECODING_METHODS:
            raise UnknownName.among("way of decoding", self.method, DECODING_METHODS)
        if self.beam < 1:
            raise BadSetting(f"The beam must be at least 1, not {self.beam}.")
        if self.method in ("beam", "diverse-beam", "matched") and not 1 <= self.captions <= self.beam:
            raise BadSetting(f"A beam of {self.beam} gives 1 to {self.beam} captions, not {self.captions}.")
        if self.drawn < 0:
            raise BadSetting(
                f"The number of captions drawn beside the beam must be at least 0, not {self.drawn}."
            )
        if self.method == "consensus" and not 1 <= self.captions <= self.beam + self.drawn:
            raise BadSetting(
                f"A consensus of a beam of {self.beam} and {self.drawn} drawn captions keeps 1 to "
                f"{self.beam + self.drawn} of them, "
                f"not {self.captions}."
            )
        if self.captions < 1:
            raise BadSetting(f"At least one caption an image has to be kept, not {self.captions}.")
        if self.length_penalty is not None and not 0 <= self.length_penalty < inf:
            raise BadSetting(f"The length penalty must be a number of at least 0, not {self.length_penalty}.")
        if self.method == "diverse-beam" and (self.groups < 1 or self.beam % self.groups):
            raise BadSetting(f"A beam of {self.beam} cannot be parted into {self.groups} equal groups.")
        if not 0 <= self.diversity < inf:
            raise BadSetting(f"The diversity must be a number of at least 0, not {self.diversity}.")
        if not 0 <= self.sharpness < inf:
            raise BadSetting(f"The sharpness must be a number of at least 0, not {self.sharpness}.")
        for name in ("spaces", "spaces_sha256", "corpora"):  # lists, where they come from JSON
            object.__setattr__(self, name, tuple(getattr(self, name)))
        if self.method == "matched" and not self.spaces:
            raise BadSetting(
                "Matched captions are those that fit their picture in an embedding space, and none is given. "
                "Name its directory."
            )
        if any(len(one) not in (0, len(self.spaces)) for one in (self.spaces_sha256, self.corpora)):
            raise BadSetting(
                f"Each of the {len(self.spaces)} spaces needs a fingerprint and a file of captions of its "
                "own, or none does."
            )
        if not 0 <= self.match < inf:
            raise BadSetting(f"What the match counts must be a number of at least 0, not {self.match}.")
        if self.neighbours < 1 or not 0 <= self.agree < inf:
            raise BadSetting(
                f"neighbours must be at least 1, not {self.neighbours}, and agree a number of at least 0, "
                f"not {self.agree}."
            )
        if not 0 < self.temperature < inf:
            raise BadSetting(f"The temperature must be a number above 0, not {self.temperature}.")
        if self.top_k < 0 or not 0 < self.top_p <= 1:
            raise BadSetting(
                f"top_k {self.top_k}, top_p {self.top_p}: top_k must be at least 0 (all words), top_p above "
                "0 and at most 1."
            )
        if not 0 <= self.seed < 2**63:
            raise BadSetting(f"The seed must be at least 0 and below 2**63, not {self.seed}.")

    @property
    def samples(self) -> bool:
        """Whether captions are drawn rather than searched."""
        return self.method in ("sample", "nucleus")

    def to_json(self) -> dict[str, Any]:
        """What matters to its method and is not as usual; a plain beam of 3 is {"beam": 3}."""
        ours: tuple[str, ...] = (
            ("temperature", "top_k", "seed") if self.samples else ("beam", "length_penalty")
        )
        more = {"nucleus": ("top_p",), "diverse-beam": ("groups", "diversity"), "consensus": ("sharpness",)}
        ours += (more | {"matched": ("match", "spaces", "spaces_sha256")}).get(self.method, ())
        if self.method == "matched" and self.corpora:
            ours += ("corpora", "neighbours", "agree")
        if self.method == "consensus" and self.drawn:
            ours += ("drawn", "temperature", "top_k", "seed")
        usual = {"captions": 1, "constraints": None, "length_penalty": None, "top_k": 0}
        facts = {name: getattr(self, name) for name in (*ours, "captions", "constraints")}
        facts = {name: list(value) if isinstance(value, tuple) else value for name, value in facts.items()}
        method = {} if self.method == "beam" else {"method": self.method}
        return method | {
            name: value for name, value in facts.items() if name not in usual or value != usual[name]
        }

    @property
    def said(self) -> str:
        """In a few words, for people: "beam 3"."""
        return ", ".join(
            f"{name} {value}" if name else str(value)
            for name, value in display_fields(self.to_json()).items()
        )


DECODING_METHODS = ("beam", "diverse-beam", "sample", "nucleus", "consensus", "matched")


def display_fields(facts: Mapping[str, Any]) -> dict[str, Any]:
    """What people are told of Decoding.to_json's facts: the method first, under "", and of spaces and files
    of captions the names alone."""
    method = {"": facts["method"]} if "method" in facts else {}
    rest = {name: value for name, value in facts.items() if name not in ("method", "spaces_sha256")}
    named = {
        name: " and ".join(PurePath(place).name for place in facts[name])
        for name in ("spaces", "corpora")
        if facts.get(name)
    }
    return method | rest | named


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
    """

    rank: int
    score: float
    path: str
    caption: str
    why: tuple[str, ...] = ()
    id: str = ""
    copies: tuple[str, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class PictureFacts:
    """What a picture file says about itself.

    width, height: in pixels, upright
    taken:         when, in the camera's local time: "2019-06-01T12:30:00"; None where it is not noted
    camera:        maker and model: "Canon EOS R5"; None where they are not noted
    """

    width: int
    height: int
    taken: str | None = None
    camera: str | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """A file that was skipped, and why."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class CaptionResult:
    """What a captioner makes of one picture.

    path:     as it was given
    sha256:   of the very bytes that were captioned
    captions: at least one, the most probable first
    feature:  (D,) float16, the backbone's pooled feature of the whole picture
    """

    path: Path
    sha256: str
    captions: Sequence[Caption]
    feature: np.ndarray


@dataclass(frozen=True, slots=True)
class WordReason:
    """One word's part in a score.

    query, image: what it weighs on either side: 1 or 0 for a word that is there or not, else its probability
                  or its count
    weight:       how much the mode makes of it: its idf, or 1
    share:        what it adds to the score; the shares of all words are the score, except what
                  `Explanation.rest` holds
    matched:      the image's word that was taken for it, where that is another one
    """

    word: str
    query: float
    image: float
    weight: float
    share: float
    matched: str = ""


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
