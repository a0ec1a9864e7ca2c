"""Why an image has the score it has, word by word."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WordReason:
    """One word's part in a score.

    query, image: what it weighs on either side: 1 or 0 for a word that is there or not, else its probability or its count
    weight:       how much the mode makes of it: its idf, or 1
    share:        what it adds to the score; the shares of all words are the score, except what `Explanation.rest` holds
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


def by_share(reasons: list[WordReason]) -> tuple[WordReason, ...]:
    """The most telling first; then what would have told most; then by spelling."""
    return tuple(sorted(reasons, key=lambda reason: (-reason.share, -reason.weight * max(reason.query, reason.image), reason.word)))
