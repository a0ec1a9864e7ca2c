"""What a library asks of the models: only this, so that a library can be kept, searched and tested without
torch."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

from ..decoding import Decoding
from ..records import CaptionResult, Failure, NoCaption

if TYPE_CHECKING:  # importing every decoder of pictures takes as long as a text query
    from PIL.Image import Image

    from ..images import Picture


class Described(Protocol):
    """Where captions come from."""

    @property
    def name(self) -> str:
        """What people call it, e.g. "photos-lite"."""
        ...

    @property
    def fingerprint(self) -> str:
        """A hash over everything that changes a caption or a feature: weights, vocabulary, backbone,
        preprocessing."""
        ...

    def describe(self) -> dict[str, Any]:
        """Facts for the catalogue, as JSON can hold them; "checkpoint" is the directory it was loaded from,
        where there is one."""
        ...


class Captioning(Described, Protocol):
    """Anything that can caption pictures.

    One that does not decode as it is asked to, for it is another program, has an attribute `way`, the
    Decoding that it is recorded with.
    """

    def caption_stream(
        self, paths: "Sequence[Path | Picture]", *, decoding: Decoding, batch_size: int
    ) -> Iterator[Sequence[CaptionResult | Failure | NoCaption]]:
        """One list per batch, an entry for every picture, in their order. A bad picture is a Failure,
        never an exception; one of which a file says nothing is a NoCaption."""
        ...


@runtime_checkable
class SeeingCaptioner(Protocol):
    """A captioner in whose pass of the CNN a predictor's own last blocks can see, too."""

    def see_for(self, predictor: object) -> bool:
        """Let its results hold what these see, from now on; returns whether they do."""
        ...


class Space(Protocol):
    """Anything that puts pictures' features and sentences into one space."""

    @property
    def name(self) -> str:
        """What people call it, e.g. "photos-space"."""
        ...

    def check(self, backbone: dict[str, Any] | None) -> None:
        """BadSetting where features of this backbone ({"name", "sha256"}; None: unknown) are not what it
        reads."""
        ...

    def encode_features(self, features: np.ndarray) -> np.ndarray:
        """(N, D_image) features of pictures -> (N, D) float32 unit rows."""
        ...

    def encode_texts(self, sentences: Sequence[str]) -> np.ndarray:
        """M sentences -> (M, D) float32 unit rows."""
        ...


@runtime_checkable
class ReadsWords(Space, Protocol):
    """A space that reads word probabilities behind features, where they are known.

    picture_words: these words, in the order of the columns; none: it reads features alone
    """

    @property
    def picture_words(self) -> tuple[str, ...]:
        """See the class."""
        ...


@runtime_checkable
class PictureSpace(Protocol):
    """A space whose vectors are made of pictures themselves: that of an encoder.

    key: changes with everything that changes a vector
    """

    key: str

    @property
    def name(self) -> str:
        """What people call it."""
        ...

    def describe(self) -> dict[str, object]:
        """Facts for the catalogue, as JSON can hold them; "encoder" is by what it is loaded again."""
        ...

    def encode_opened(self, images: "Sequence[Image]") -> np.ndarray:
        """N upright RGB pictures -> (N, D) float32 unit rows."""
        ...


class EncodingPictures(Space, PictureSpace, Protocol):
    """An encoder of pictures and texts. mode: the mode of retrieval that compares in its space"""

    mode: str


class WordPredicting(Protocol):
    """Anything that predicts words of pictures."""

    words: tuple[str, ...]

    @property
    def name(self) -> str:
        """What people call it, e.g. "words-lite"."""
        ...

    @property
    def fingerprint(self) -> str:
        """A hash over everything that changes word probabilities."""
        ...

    def describe(self) -> dict[str, Any]:
        """Facts for the file, as JSON can hold them; "fingerprint" and "name" among them."""
        ...

    def check(self, backbone: dict[str, Any] | None) -> None:
        """BadSetting where features of this backbone are not what it reads."""
        ...

    def predict_words(
        self, paths: "Sequence[Path | Picture]", hashes: Sequence[str], pooled: np.ndarray
    ) -> np.ndarray:
        """(N, V) float32: for each picture the probability of each of `words`."""
        ...

    def predict_classes(self, pooled: np.ndarray) -> np.ndarray | None:
        """(N, 1000) float32: for each picture the probability of ImageNet's classes, see
        image_classes; None where the backbone's classifier is not at hand."""
        ...


@runtime_checkable
class SeeingPredictor(Protocol):
    """A predictor that may have last blocks of a CNN for itself.

    sees_with: changes with everything that changes what these see; None: it has none
    """

    words: tuple[str, ...]
    sees_with: str | None

    def predict_words(
        self,
        paths: "Sequence[Path | Picture]",
        hashes: Sequence[str],
        pooled: np.ndarray,
        *,
        own: np.ndarray | None = None,
    ) -> np.ndarray:
        """As WordPredicting's. own: (N, D) what the blocks saw of each; None: the pictures are read again"""
        ...
