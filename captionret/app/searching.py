"""Searching in one call, for a single query.

for hit in search("photos", "a dog on a beach"):
    print(hit.rank, hit.score, hit.path, hit.why)
"""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..library import Captioning, Library, WordPredicting
from ..retrieval.feedback import WEIGHTS
from ..retrieval.language import Day
from .loading.loaded import SpaceInput
from .query.answering import Order
from .result import SearchResult
from .searcher import Searcher

if TYPE_CHECKING:  # importing every decoder of pictures takes as long as a text query
    from ..images import ImageInput


def search(
    library: Library | str | os.PathLike[str] | None,
    query: "ImageInput | None" = None,
    *,
    text: str | None = None,
    image: "ImageInput | None" = None,
    mode: str = "auto",
    top: int | None = 5,
    min_score: float | None = None,
    keep_self: bool = False,
    like: "Sequence[ImageInput]" = (),
    dislike: "Sequence[ImageInput]" = (),
    feedback_weights: Sequence[float] = WEIGHTS,
    plus: Sequence[str] = (),
    minus: Sequence[str] = (),
    rerank: int = 0,
    explain: bool = False,
    under: str | None = None,
    since: Day | None = None,
    until: Day | None = None,
    min_probability: float | None = None,
    collapse: bool = False,
    sort: Order = "score",
    captioner: Captioning | str | os.PathLike[str] | None = None,
    predictor: WordPredicting | None = None,
    spaces: Sequence[SpaceInput] = (),
    device: str = "auto",
    captions_by: str | None = None,
) -> SearchResult:
    """The pictures most like a picture, a text, or both; best first, the query's own left out.

    The first and the last five arguments are those of `Searcher`, the others those of `Searcher.search`. For
    more than one query make a Searcher, which loads its models once.
    """
    # fmt: off
    made = Searcher(
        library, captioner=captioner, predictor=predictor, spaces=spaces, device=device,
        captions_by=captions_by,
    )
    # fmt: on
    with made as searcher:
        searcher.check_spaces(mode)
        # fmt: off
        return searcher.search(
            query, text=text, image=image, mode=mode, top=top, min_score=min_score, keep_self=keep_self,
            like=like, dislike=dislike, feedback_weights=feedback_weights, plus=plus, minus=minus,
            rerank=rerank, explain=explain, collapse=collapse, sort=sort,
            under=under, since=since, until=until, min_probability=min_probability,
        )
        # fmt: on
