"""Searching in one call, for a single query.

for hit in search("photos", "a dog on a beach"):
    print(hit.rank, hit.score, hit.path, hit.words)
"""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypedDict, Unpack

from ..library import Captioning, Library, WordPredicting
from ..retrieval.language import Day
from .loading.loaded import SpaceInput
from .query.answering import Order
from .result import SearchResult
from .searcher import Searcher

if TYPE_CHECKING:  # importing every decoder of pictures takes as long as a text query
    from ..images import ImageInput


class SearchOptions(TypedDict, total=False):
    """What a query may be given beside what it asks for; what each means, and what it is without being given,
    stands at `Searcher.search`."""

    text: str | None
    image: "ImageInput | None"
    mode: str
    top: int | None
    min_score: float | None
    keep_self: bool
    like: "Sequence[ImageInput]"
    dislike: "Sequence[ImageInput]"
    feedback_weights: Sequence[float]
    plus: Sequence[str]
    minus: Sequence[str]
    rerank: int
    explain: bool
    under: str | None
    since: Day | None
    until: Day | None
    min_probability: float | None
    collapse: bool
    sort: Order


def search(
    library: Library | str | os.PathLike[str] | None,
    query: "ImageInput | None" = None,
    *,
    captioner: Captioning | str | os.PathLike[str] | None = None,
    predictor: WordPredicting | None = None,
    spaces: Sequence[SpaceInput] = (),
    device: str = "auto",
    captions_by: str | None = None,
    **options: Unpack[SearchOptions],
) -> SearchResult:
    """The pictures most like a picture, a text, or both; best first, the query's own left out.

    library, captioner, predictor, spaces, device, captions_by: as `Searcher` takes them
    query, options: as `Searcher.search` takes them: text, image, mode, top, like, since, ...

    For more than one query make a Searcher, which loads its models once.
    """
    with Searcher(
        library,
        captioner=captioner,
        predictor=predictor,
        spaces=spaces,
        device=device,
        captions_by=captions_by,
    ) as searcher:
        searcher.check_spaces(options.get("mode", "auto"))
        return searcher.search(query, **options)
