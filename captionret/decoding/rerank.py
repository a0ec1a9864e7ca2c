"""Re-ranking: of a beam's captions those that fit the picture best in embedding spaces."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from ..errors import BadSetting
from .checks import check_number, check_whole
from .ways import Searching, check_searching, last_part


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """A space, or a file of reference captions, that captions are chosen by.

    place:  a name, or where it was last seen: a hint, since projects are moved
    sha256: its fingerprint; None: whatever bears the name

    Two are equal if their fingerprints are; where one has none, if their names are.
    """

    place: str
    sha256: str | None = None

    @property
    def name(self) -> str:
        """The last part of its place."""
        return last_part(self.place)

    def within(self, folder: Path | None) -> str:
        """Its place, relative to a folder where it is a path; None: its name."""
        if folder is None or not Path(self.place).is_absolute():
            return self.name
        try:
            return Path(os.path.relpath(self.place, folder)).as_posix()
        except ValueError:  # on another drive than the folder
            return Path(self.place).as_posix()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Reference):
            return NotImplemented
        if self.sha256 and other.sha256:
            return self.sha256 == other.sha256
        return self.name == other.name

    def __hash__(self) -> int:
        return hash(Reference)  # equal ones may differ in every field


@dataclass(frozen=True, slots=True)
class Rerank(Searching):
    """Of a beam's captions, those that fit the picture best in embedding spaces of pictures and sentences.

    spaces:       one or more; their mean counts
    match_weight: how much the cosine of picture and caption counts beside the log-probability
    captions_from: for each space a file of reference captions, see models.reranking.reference_captions; none:
                  captions are not compared with others
    neighbours:   how many of these, those nearest to the picture, a caption is compared with
    agree_weight: how much its likeness to them counts
    """

    method: ClassVar[str] = "rerank"
    usual_length_penalty: ClassVar[float | None] = 1.0  # chosen on Flickr8k val, like the rest
    beam: int = 20
    spaces: tuple[Reference, ...] = ()
    match_weight: float = 2.0
    captions_from: tuple[Reference, ...] = ()
    neighbours: int = 100
    agree_weight: float = 12.0

    def __post_init__(self) -> None:
        check_searching(self)
        if not self.spaces:
            raise BadSetting(
                "Captions are chosen by how they fit their picture in an embedding space, and none is given. "
                "Name its directory."
            )
        if len(self.captions_from) not in (0, len(self.spaces)):
            raise BadSetting(
                f"Each of the {len(self.spaces):,} spaces takes a file of reference captions of its own, or "
                f"none does; {len(self.captions_from)} are given."
            )
        check_number("match_weight", self.match_weight)
        check_whole("neighbours", self.neighbours, 1)
        check_number("agree_weight", self.agree_weight)

    def to_json(self, folder: Path | None = None) -> dict[str, object]:
        """As Decoding.to_json; spaces and files by name or relative to `folder`, with their fingerprints."""
        # not super(): a dataclass with slots is another class than the one its methods were compiled in
        facts = Searching.to_json(self, folder)
        for name in ("spaces", "captions_from"):
            if name in facts:
                facts[name] = [one.within(folder) for one in getattr(self, name)]
        if any(one.sha256 for one in self.spaces):
            facts["spaces_sha256"] = [one.sha256 for one in self.spaces]
        return facts

    @property
    def _recorded(self) -> tuple[str, ...]:
        compared = ("captions_from", "neighbours", "agree_weight") if self.captions_from else ()
        return ("beam", "length_penalty", "match_weight", "spaces", *compared)
