"""The ways of decoding, but for re-ranking: one small row of settings each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from math import inf
from pathlib import Path, PurePosixPath
from typing import ClassVar

from ..errors import BadSetting
from .checks import MOST, check_number, check_whole, is_number

# Chosen on Flickr8k val, where naming 13 of 1,000 pictures' classes costs 0.2 CIDEr-D; from .2 on it is 2.2.
NAMED_FROM = 0.5


@dataclass(frozen=True, slots=True)
class Decoding:
    """What all ways of decoding share.

    captions:    how many are kept of each picture, the best first
    constraints: no word twice in a row, no three words twice, no end on "a" or "with"; None: as the
                 captioner's variant says
    """

    method: ClassVar[str] = ""
    captions: int = field(default=1, kw_only=True)
    constraints: bool | None = field(default=None, kw_only=True)

    def to_json(self, folder: Path | None = None) -> dict[str, object]:
        """What differs from the usual, as JSON can hold it; a plain beam of 3 is {"beam": 3}.

        folder: what files are named relative to; None: they are named by their names alone
        """
        method = {} if self.method == BeamSearch.method else {"method": self.method}
        shared = [one.name for one in fields(self) if one.kw_only]
        facts = {name: getattr(self, name) for name in (*self._recorded, *shared)}
        usual = {"captions": 1, "constraints": None, "length_penalty": None, "top_k": 0, "name_classes": None}
        return method | {
            name: value for name, value in facts.items() if name not in usual or value != usual[name]
        }

    def display_fields(self) -> dict[str, object]:
        """The facts as people read them, see the function of this name."""
        return display_fields(self.to_json())

    @property
    def summary(self) -> str:
        """In a few words, for people: "beam 3"."""
        return ", ".join(
            f"{name.replace('_', ' ')} {value}".strip() for name, value in self.display_fields().items()
        )

    @property
    def _recorded(self) -> tuple[str, ...]:
        """The fields that `to_json` writes, in its order; without those that ways share."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Searching(Decoding):
    """What the ways that begin with a beam share.

    beam:           how many captions the search follows; 1 is greedy
    length_penalty: captions are ranked by log-probability / words**length_penalty; None: the usual one of the
                    way, else of the captioner's variant
    name_classes:   where the backbone's own classifier gives a class that the captioner has no word for at
                    least this probability, and the best caption says nothing of it, one that names it
                    ("espresso") is found and comes first; None: nowhere
    """

    usual_length_penalty: ClassVar[float | None] = None  # of the way; None: the variant's
    beam: int = 3
    length_penalty: float | None = None
    name_classes: float | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        check_searching(self)

    @property
    def _recorded(self) -> tuple[str, ...]:
        return ("beam", "length_penalty")


@dataclass(frozen=True, slots=True)
class BeamSearch(Searching):
    """The most probable captions that a beam finds.

    >>> BeamSearch(5).summary
    'beam 5'
    """

    method: ClassVar[str] = "beam"


@dataclass(frozen=True, slots=True)
class DiverseBeamSearch(Searching):
    """A beam in groups that avoid each other's words (Vijayakumar et al. 2016).

    groups:    how many; they divide the beam
    diversity: what a word costs, in log-probability, that an earlier group has in the same place
    """

    method: ClassVar[str] = "diverse-beam"
    groups: int = 3
    diversity: float = 0.5

    def __post_init__(self) -> None:
        check_searching(self)
        check_whole("groups", self.groups, 1)
        if self.beam % self.groups:
            raise BadSetting(f"A beam of {self.beam} cannot be parted into {self.groups} equal groups.")
        check_number("The diversity", self.diversity)

    @property
    def _recorded(self) -> tuple[str, ...]:
        return ("beam", "length_penalty", "groups", "diversity")


@dataclass(frozen=True, slots=True)
class Sampling(Decoding):
    """Captions drawn by probability; equal ones are kept once.

    temperature: probabilities are raised to the power 1 / temperature
    top_k:       draw from the k most probable words; 0: from all
    seed:        a picture's captions depend on this and on its content, not on the batch it is in
    """

    method: ClassVar[str] = "sample"
    temperature: float = 1.0
    top_k: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        _check_drawing(self, self.captions)

    @property
    def share(self) -> float:
        """Words are drawn from the most probable ones that hold this share of the probability."""
        return 1.0

    @property
    def _recorded(self) -> tuple[str, ...]:
        return ("temperature", "top_k", "seed")


@dataclass(frozen=True, slots=True)
class NucleusSampling(Sampling):
    """Captions drawn from the fewest words that hold `top_p` of the probability (Holtzman et al. 2020)."""

    method: ClassVar[str] = "nucleus"
    top_p: float = 0.9

    def __post_init__(self) -> None:
        _check_drawing(self, self.captions)
        if not is_number(self.top_p) or not 0 < self.top_p <= 1:
            raise BadSetting(f"top_p must be above 0 and at most 1, not {self.top_p}.")

    @property
    def share(self) -> float:
        """See Sampling.share."""
        return self.top_p

    @property
    def _recorded(self) -> tuple[str, ...]:
        return ("temperature", "top_k", "seed", "top_p")


@dataclass(frozen=True, slots=True)
class Consensus(Searching):
    """Of a beam's captions and `drawn` others, those that are most like all of them.

    sharpness: how much the probable ones count; 0: as all others
    drawn:     captions drawn beside the beam's, by `temperature`, `top_k` and `seed` as Sampling takes them
    """

    method: ClassVar[str] = "consensus"
    # Chosen on Flickr8k val, like sharpness. A plain beam's, 1, makes captions long and BLEU-4 lower.
    usual_length_penalty: ClassVar[float | None] = 0.6
    beam: int = 30  # chosen there, too; a third as wide costs a third of the time and a CIDEr-D point
    sharpness: float = 3.0
    drawn: int = 0
    temperature: float = 1.0
    top_k: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        check_whole("The number of captions drawn beside the beam", self.drawn, 0, MOST)
        _check_beam(self)
        if not 1 <= self.captions <= self.beam + self.drawn:
            raise BadSetting(
                f"A consensus of a beam of {self.beam} and {self.drawn} drawn captions keeps 1 to "
                f"{self.beam + self.drawn} of them, not {self.captions}."
            )
        check_number("The sharpness", self.sharpness)
        _check_drawing(self, max(self.drawn, 1))

    def drawing(self) -> Sampling:
        """How the captions beside the beam's are drawn; only where there are any."""
        return Sampling(
            self.temperature, self.top_k, self.seed, captions=self.drawn, constraints=self.constraints
        )

    @property
    def _recorded(self) -> tuple[str, ...]:
        drawing = ("drawn", "temperature", "top_k", "seed") if self.drawn else ()
        return ("beam", "length_penalty", "sharpness", *drawing)


def display_fields(facts: Mapping[str, object]) -> dict[str, object]:
    """What people read of `Decoding.to_json`'s facts: the method first, under "", and of spaces and files the
    names alone."""
    method = {"": facts["method"]} if "method" in facts else {}
    shown = {name: value for name, value in facts.items() if name not in ("method", "spaces_sha256")}
    for name in ("spaces", "captions_from"):
        if places := shown.get(name):
            assert isinstance(places, Sequence)
            shown[name] = " and ".join(last_part(str(place)) for place in places)
    return method | shown


def last_part(place: str) -> str:
    """The name of a file or folder, whichever system's path it is."""
    return PurePosixPath(place.replace("\\", "/")).name


def _check_shared(decoding: Decoding) -> None:
    check_whole("The number of captions kept of a picture", decoding.captions, 1)
    if decoding.constraints not in (None, True, False):
        raise BadSetting(f"constraints must be true, false or none, not {decoding.constraints!r}.")


def _check_beam(decoding: Searching) -> None:
    _check_shared(decoding)
    check_whole("The beam", decoding.beam, 1, MOST)
    if decoding.length_penalty is not None:
        check_number("The length penalty", decoding.length_penalty)
    least = decoding.name_classes
    if least is not None and not (is_number(least) and 0 < least <= 1):
        raise BadSetting(f"Classes are named from a probability above 0 up to 1 on, not {least!r}.")


def check_searching(decoding: Searching) -> None:
    """BadSetting for a beam that cannot be, or that holds fewer captions than are to be kept."""
    _check_beam(decoding)
    if decoding.captions > decoding.beam:
        raise BadSetting(
            f"A beam of {decoding.beam} gives 1 to {decoding.beam} captions, not {decoding.captions}."
        )


def _check_drawing(decoding: Sampling | Consensus, count: int) -> None:
    _check_shared(decoding)
    check_whole("The number of drawn captions", count, 1, MOST)
    if not is_number(decoding.temperature) or not 0 < decoding.temperature < inf:
        raise BadSetting(f"The temperature must be a number above 0, not {decoding.temperature!r}.")
    check_whole("top_k (0: all words)", decoding.top_k, 0)
    if not isinstance(decoding.seed, int) or not 0 <= decoding.seed < 2**63:
        raise BadSetting(f"The seed must be at least 0 and below 2**63, not {decoding.seed}.")
