"""The one place that ranks: best score first, ties by id, thresholds, the query itself left out, the reason
attached."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import SupportsFloat

import numpy as np

from ..errors import BadSetting
from ..records import Hit
from .asked import asked_words
from .file_names import called_so
from .gallery import Gallery
from .hit_words import hit_words, shows_words
from .modes.lexical import is_text
from .modes.registry import find_mode
from .protocols import Mode, PreparedMode
from .query import EncodedQuery
from .selecting import selected

_LEAST = float(np.finfo(np.float32).tiny)  # a score of 0 means "nothing in common" and is no hit
_NEVER = float(np.finfo(np.float32).min)  # but minus infinity, the score of what is left out, is below it


def search(
    gallery: Gallery,
    query: EncodedQuery,
    mode: str = "jaccard",
    top: int | None = 10,
    min_score: float | None = None,
    keep_self: bool = False,
) -> list[Hit]:
    """The gallery's images most like the query, one hit per image, among those that meet its conditions and
    filters. A query of filters alone is met by all that they leave, in the order of the ids.

    top:       at most so many; None for all
    min_score: hits score at least this; images with a score of 0 are never hits, so an answer may be empty
    keep_self: also show the image whose content is the query's own; those that are disliked are never shown
    errors:    UnknownName for the mode; BadSetting for a query or a limit that cannot work
    """
    chosen = find_mode(mode)
    check_limits(top, min_score)
    if not query.lists and (not query.parts or not query.parts <= chosen.accepts):
        given = " and ".join(sorted(query.parts)) or "nothing"
        raise BadSetting(
            f"Mode {mode!r} compares by {' or '.join(sorted(chosen.accepts))}; the query holds {given}."
        )
    if query.nothing_known and chosen.understands and not chosen.composite:
        return []
    prepared = None if query.lists else gallery.prepared(chosen)
    least = (_NEVER if min_score is None else min_score) if chosen.relative else max(_LEAST, min_score or 0.0)
    gone = left_out(gallery, query, keep_self)
    best = None if prepared is None or top is None else _best(gallery, query, prepared, top, least, gone)
    if best is None:
        scores = np.ones(len(gallery), np.float32) if prepared is None else prepared.scores(query)
        for mask in (selected(gallery, query), None if prepared is None else prepared.fits(query)):
            if mask is not None:
                scores[~mask] = -np.inf
        scores[gone] = -np.inf
        rows = rank(scores, range(len(gallery)), top, least).tolist()  # rows ascend with the ids
        best = [(row, float(scores[row])) for row in rows]
    if not best and prepared is not None and chosen.adaptive and min_score is None and is_text(query):
        named = _named(gallery, query, prepared, top, gone)
        return [
            replace(hit, by_name=True, weak=True) for hit in _hits(gallery, query, chosen, prepared, named)
        ]
    return _hits(gallery, query, chosen, prepared, best)


def _named(
    gallery: Gallery, query: EncodedQuery, prepared: PreparedMode, top: int | None, gone: Sequence[int]
) -> list[tuple[int, float]]:
    """Of a text that no picture fits the best rows, with their scores, whose files are called so."""
    allowed = selected(gallery, query)
    rows = [row for row in called_so(gallery, query) if row not in gone and (allowed is None or allowed[row])]
    if not rows:
        return []
    scores = prepared.scores(query)[rows]
    return [(rows[place], float(scores[place])) for place in rank(scores, range(len(rows)), top).tolist()]


def _best(
    gallery: Gallery,
    query: EncodedQuery,
    prepared: PreparedMode,
    top: int,
    least: float,
    gone: Sequence[int],
) -> list[tuple[int, float]] | None:
    """The best rows with their scores, of a mode that finds them without scoring all; None of others."""
    if not prepared.finds_best:
        return None
    allowed = selected(gallery, query)
    if gone:
        allowed = np.ones(len(gallery), np.bool_) if allowed is None else allowed
        allowed[gone] = False
    return prepared.best(query, top, least, allowed)


def left_out(gallery: Gallery, query: EncodedQuery, keep_self: bool) -> list[int]:
    """The rows that are no hits however well they score: of what is disliked, and of the query itself."""
    disliked = [other.sha256 for other in query.feedback.disliked] if query.feedback else []
    hashes = disliked if keep_self else [*disliked, query.sha256]
    return [gallery.row_of[sha256] for sha256 in hashes if sha256 is not None and sha256 in gallery.row_of]


def towards_first(
    gallery: Gallery, query: EncodedQuery, mode: str, count: int, keep_self: bool = False
) -> EncodedQuery:
    """The query replaced by the mean of its first hits' vectors, in a mode that compares in an embedding
    space (Kiros et al. 2014's rerank).

    count:  of hits
    errors: as `search`
    """
    hits = search(gallery, query, mode, count, keep_self=keep_self)
    rows = [gallery.row_of_id[hit.id] for hit in hits]
    if not rows:
        return query
    mean = np.mean(gallery.vectors(mode)[rows], axis=0)
    return replace(query, vectors={**query.vectors, mode: mean / max(float(np.linalg.norm(mean)), _LEAST)})


def check_limits(top: int | None, min_score: float | None) -> None:
    """BadSetting for limits that no search can keep."""
    if top is not None and not hasattr(top, "__index__"):
        raise BadSetting(f"top is {top!r}; it is a whole number, or None for all.")
    if top is not None and top < 1:
        raise BadSetting(f"top is {top}; ask for at least 1 hit.")
    if min_score is not None and (not isinstance(min_score, SupportsFloat) or math.isnan(min_score)):
        raise BadSetting(f"The least score is {min_score!r}. Give a number.")


def rank(
    scores: np.ndarray,
    ids: Sequence[str] | Sequence[int],
    top: int | None = None,
    min_score: float | None = None,
) -> np.ndarray:
    """The places of the best scores: score descending, then id ascending, whatever order the gallery comes
    in.

    scores:    (N,) floats; NaN is refused, for it has no place in an order
    ids:       N unique ids that can be compared
    top:       at most so many; None for all
    min_score: scores below it are left out
    returns:   (K,) int64 indices into `scores`
    """
    if np.isnan(scores).any():
        raise ValueError("A score is NaN. A mode must score every image with a number.")
    # float() so that the limit is rounded as the scores are: at least 0.7 keeps a float32 score of 7/10
    found = np.arange(len(scores)) if min_score is None else np.flatnonzero(scores >= float(min_score))
    if top is not None and 0 < top < len(found):
        last = np.partition(scores[found], len(found) - top)[len(found) - top]
        # with all that tie with the last place: the id decides among them
        found = found[scores[found] >= last]
    if isinstance(ids, range):
        order = np.argsort(-scores[found], kind="stable")
    else:
        order = np.lexsort((np.asarray([ids[place] for place in found.tolist()]), -scores[found]))
    return found[order][:top]


def _hits(
    gallery: Gallery,
    query: EncodedQuery,
    mode: Mode,
    prepared: PreparedMode | None,
    best: Sequence[tuple[int, float]],
) -> list[Hit]:
    """The best rows as people see them, with the reasons and the probabilities of their words."""
    probable = prepared is not None and shows_words(mode, gallery)
    rows = [row for row, _ in best]
    if "word_probabilities" in gallery.parts and prepared is not None and (probable or mode.understands):
        gallery.predicted.read_of(rows)
    asked = asked_words(gallery.predicted, query) if probable else {}
    weak = None if prepared is None else prepared.weak(query, np.array(rows, np.int64))
    found = []
    for place, (row, score) in enumerate(best, start=1):
        why = () if prepared is None else prepared.why(query, row)
        words = hit_words(gallery, query, row, why, asked) if probable else ()
        hit = Hit(
            rank=place,
            score=float(str(np.float32(score))),  # the shortest decimal of the float32, not 0.699999988079071
            path=gallery.paths[row],
            caption=gallery.captions[row],
            why=why,
            id=gallery.ids[row],
            copies=gallery.copies[row],
            words=words,
            certain=tuple(word for word, _ in words if gallery.predicted.is_certain(word, row)),
            by_caption=() if prepared is None else prepared.by_caption(query, row),
            weak=weak is not None and bool(weak[place - 1]),
        )
        found.append(hit)
    return found
