"""A query as retrieval sees it: whatever is known of a picture, a text, or both."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True, slots=True, eq=False)
class DescribedQuery:
    """A query with all that is known of it. Which parts are there decides which modes can answer.

    caption:  the query picture's generated caption; None where no picture is asked for
    text:     the query text; None where none was given
    sha256:   of the query picture's content, by which it is left out of its own answer; None without a picture
    captions: all generated captions of the picture, the best first; where not given, the one
    belief:   for each word the probability that a caption of the picture holds it; None where nobody believes anything
    feature:  (D,) the backbone's pooled feature of the picture
    vectors:  (D,) unit rows: where the whole query, picture and text, stands in each embedding space, by the mode that compares there
    """

    caption: str | None = None
    text: str | None = None
    sha256: str | None = None
    captions: tuple[str, ...] = ()
    belief: Mapping[str, float] | None = None
    feature: np.ndarray | None = None
    vectors: Mapping[str, np.ndarray] = field(default_factory=dict)

    @property
    def parts(self) -> frozenset[str]:
        """Of "image" and "text" those it has."""
        return frozenset(name for name, value in (("image", self.caption), ("text", self.text)) if value is not None)

    @property
    def texts(self) -> tuple[str, ...]:
        """The caption and the text, those of them that are there."""
        return tuple(part for part in (self.caption, self.text) if part is not None)

    @property
    def all_captions(self) -> tuple[str, ...]:
        """Every caption of the picture."""
        return self.captions or (() if self.caption is None else (self.caption,))
