"""How good generated captions are, measured as the field measures them: BLEU, ROUGE-L, CIDEr-D and, through
Java, METEOR and SPICE.

    scores = score({"q.jpg": "a dog runs"}, {"q.jpg": ["a brown dog runs", "a dog on grass"]})

All figures are multiplied by 100. Texts are tokenized by `ptb`; a published figure also says which beam,
length penalty and post-processing made it.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import numpy as np

from ...errors import BadDataset
from ...uncollected import uncollected
from . import java_metrics, ptb
from .bleu import bleu
from .cider import CiderD
from .java_metrics import NotMeasured
from .rouge import rouge_l

Id = TypeVar("Id", bound=Hashable)

JAVA_METRICS = ("meteor", "spice")
_NOT_ASKED = "not asked for (it needs Java)"


@dataclass(frozen=True)
class CaptionScores:
    """The scores of one set of captions, x 100.

    meteor, spice: None where they were not measured; `reasons` says why, by name
    images:        how many were scored
    distinct:      how many different captions there are among them: few of them show a collapse
    vocabulary:    how many different tokens they use
    copied:        the share of captions that stand word for word among the training captions, 0 to 100; None
                   if none were given
    cider_d_each:  (images,) float64, each image's CIDEr-D x 100 in the order of the references, for
                   `bootstrap.paired_interval`
    """

    bleu1: float
    bleu2: float
    bleu3: float
    bleu4: float
    rouge_l: float
    cider_d: float
    meteor: float | None
    spice: float | None
    images: int
    distinct: int
    vocabulary: int
    copied: float | None
    cider_d_each: np.ndarray = field(repr=False, compare=False)
    reasons: Mapping[str, str] = field(default_factory=dict)


@uncollected()
def score(
    candidates: Mapping[Id, str] | Iterable[tuple[Id, str]],
    references: Mapping[Id, Sequence[str]],
    *,
    training: Iterable[str] = (),
    with_java: bool = False,
) -> CaptionScores:
    """Score one caption per image against that image's human captions.

    candidates: image id -> caption, or pairs of them; an empty caption scores 0
    references: image id -> its human captions, for the same ids
    training:   the captions that the captioner learned from, to see how many it repeats
    with_java:  measure METEOR and SPICE too; where that is impossible the others are given all the same, and
                the reason
    errors:     BadDataset for unknown, missing or doubled ids, captions that are not text, no references, no
                images
    """
    return CaptionScorer(references, training).score(candidates, with_java=with_java)


class CaptionScorer(Generic[Id]):
    """Scores any number of sets of captions against the same references, which are tokenized and counted
    once.

    references, training: as for `score`
    errors:               BadDataset for no images, or an image without references
    """

    def __init__(self, references: Mapping[Id, Sequence[str]], training: Iterable[str] = ()) -> None:
        if not references:
            raise BadDataset("There are no images to score captions of. Check the split.")
        for image, texts in references.items():
            if isinstance(texts, str) or not texts or not all(isinstance(text, str) for text in texts):
                raise BadDataset(
                    f"Image {image!r} needs a list of one or more texts as references, not {texts!r}."
                )
        self.images = list(references)
        self._truths = [ptb.tokenize_many(texts) for texts in references.values()]
        self._cider_d = CiderD(self._truths)
        self._seen = {tuple(tokens) for tokens in ptb.tokenize_many(training)}

    def score(
        self, candidates: Mapping[Id, str] | Iterable[tuple[Id, str]], *, with_java: bool = False
    ) -> CaptionScores:
        """The scores of one caption per image; arguments and errors as for `score`."""
        captions = _checked(candidates, self.images)
        generated = ptb.tokenize_many(captions[image] for image in self.images)
        cider_d, cider_d_each = self._cider_d.score(generated)
        java, reasons = (
            _with_java(generated, self._truths)
            if with_java
            else ({}, dict.fromkeys(JAVA_METRICS, _NOT_ASKED))
        )
        distinct = {tuple(tokens) for tokens in generated}
        one, two, three, four = (100 * value for value in bleu(generated, self._truths))
        return CaptionScores(
            bleu1=one,
            bleu2=two,
            bleu3=three,
            bleu4=four,
            rouge_l=100 * rouge_l(generated, self._truths)[0],
            cider_d=100 * cider_d,
            meteor=java.get("meteor"),
            spice=java.get("spice"),
            images=len(generated),
            distinct=len(distinct),
            vocabulary=len(set().union(*distinct)),
            copied=100 * sum(tuple(tokens) in self._seen for tokens in generated) / len(generated)
            if self._seen
            else None,
            cider_d_each=100 * cider_d_each,
            reasons=reasons,
        )


def _checked(candidates: Mapping[Id, str] | Iterable[tuple[Id, str]], images: Sequence[Id]) -> dict[Id, str]:
    """The candidates by id, once they are known to be texts and of exactly these images."""
    pairs = list(candidates.items() if isinstance(candidates, Mapping) else candidates)
    captions = dict(pairs)
    if len(captions) != len(pairs):
        counts = Counter(image for image, _ in pairs)
        doubled = [image for image, count in counts.items() if count > 1]
        raise BadDataset(
            f"Images with more than one caption to score: {named(doubled)}. Keep one caption per image."
        )
    if unknown := captions.keys() - set(images):
        raise BadDataset(
            f"Captions of images that have no references: {named(unknown)}. Score them with the split they "
            "were made for."
        )
    if missing := set(images) - captions.keys():
        raise BadDataset(
            f"Images without a generated caption: {named(missing)}. Caption all of them, or the score is of "
            "another set."
        )
    for image in images:
        if not isinstance(captions[image], str):
            raise BadDataset(f"The caption of image {image!r} must be a text, not {captions[image]!r}.")
    return captions


def named(ids: Iterable[object]) -> str:
    """The number of ids and the first few."""
    names = sorted(str(image) for image in ids)
    return f"{len(names):,} ({', '.join(names[:3])}{', ...' if len(names) > 3 else ''})"


def _with_java(
    generated: list[list[str]], truths: list[list[list[str]]]
) -> tuple[dict[str, float], dict[str, str]]:
    """METEOR and SPICE x 100, and for each that could not be measured the reason."""
    scores, reasons = {}, {}
    metrics: dict[str, Callable[..., float]] = {name: getattr(java_metrics, name) for name in JAVA_METRICS}
    for name, metric in metrics.items():
        try:
            scores[name] = 100 * metric(generated, truths)
        except NotMeasured as error:
            reasons[name] = str(error)
    return scores, reasons
