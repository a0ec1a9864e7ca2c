"""A query's answer, a page at a time."""

import asyncio
import re
import time
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from itertools import count
from pathlib import Path
from typing import TypeVar

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from ..app.result import SearchResult
from ..errors import BadSetting
from ..retrieval.language.conditions import quoted
from ..retrieval.modes.of_queries import AT_ONCE
from ..retrieval.selecting import selected
from ..text import STOP_WORDS
from .asking import Asking
from .nearest_words import nearest_words
from .ordering import Rows, groups_of, in_groups, rows_in_order
from .pictures import found_pictures
from .query_pictures import QueryPictures
from .records import Answer, FoundPicture, Reading, UnderstoodWord
from .shelf import Shelved, UnknownPicture

_LET_GO = 2  # answers after which the memory that holds what they read is given back
_REORDERED = 200  # hits of a query that are put into another order: worse ones would come before better ones
_FIRST = f"The {_REORDERED:,} best are shown in this order."
_MORE = 4  # so many times as many hits are asked for where those that were found are not enough


Made = TypeVar("Made")


class Searching:
    """Answers queries. Further pages of an answer come from what was found at first."""

    def __init__(self, sent: QueryPictures) -> None:
        self._sent = sent
        self._turns = asyncio.Semaphore(AT_ONCE)  # more would make each other slower, and hold memory
        self._answers = count(1)

    async def in_turn(self, request: Request, work: Callable[[], Made]) -> Made:
        """What `work` makes, in a thread, when it is its turn. Until then no thread waits, so that pictures
        are sent meanwhile; and whoever has gone away by then (a further key was pressed) costs nothing."""
        async with self._turns:
            if await request.is_disconnected():
                raise HTTPException(HTTPStatus.REQUEST_TIMEOUT, "Nobody waits for the answer any more.")
            return await run_in_threadpool(work)

    def answer(self, shelved: Shelved, asking: Asking, offset: int, limit: int) -> Answer:
        """The hits from `offset` on. errors: as Searcher.search"""
        began = time.perf_counter()
        found = (
            _all(shelved, asking, offset, limit)
            if asking.empty
            else self._found(shelved, asking, offset, limit)
        )
        found.milliseconds = round(1000 * (time.perf_counter() - began), 1)
        return found

    def _found(self, shelved: Shelved, asking: Asking, offset: int, limit: int) -> Answer:
        top = _REORDERED if asking.reordered else limit + 1
        while top <= offset + limit and not asking.reordered:
            top *= _MORE
        revision = shelved.revision
        result = shelved.answers.get((asking, top), revision, partial(self._search, shelved, asking, top))
        fitting = _fitting(shelved, asking, result) if result.query.lists else None
        if fitting is not None and asking.reordered:
            pictures, found = _listed(shelved, asking, result, offset, limit), fitting
        else:
            pictures, found = _shown(shelved, asking, result, offset, limit), len(result.hits)
        understood = result.query.understood or ()
        return Answer(
            library=shelved.id,
            mode=result.mode,
            searched=result.searched,
            fitting=fitting,
            offset=offset,
            more=found > offset + limit,
            hits=pictures,
            notes=[*result.notes, *([_FIRST] if asking.reordered and found == _REORDERED else [])],
            understood=[
                UnderstoodWord(
                    word=one.typed or one.word,
                    readings=[Reading(word=r.word, weight=r.weight, how=r.how) for r in one.readings],
                    suggestion=one.suggestion,
                )
                for one in understood
                if one.word not in STOP_WORDS
            ],
            nearest=[] if result.hits else nearest_words(shelved, asking.text),
            caption=result.caption,
            revision=revision,
        )

    def _search(self, shelved: Shelved, asking: Asking, top: int) -> SearchResult:
        filters = [f"{sign}:{quoted(_plain(sign, name))}" for sign, name in asking.named.items()]
        filters += [f"near:{asking.near}"] if asking.near else []
        text = " ".join([asking.text, *filters])
        like, dislike = list(asking.like), list(asking.dislike)
        image = asking.image
        if not text.strip() and not image and like:
            image = like.pop(0)  # something has to be asked for: the first that is liked
        if not text.strip() and not image and asking.plus:
            text = asking.plus[0]
        found = shelved.searcher_by(asking.by).search(
            text=text if text.strip() else None,
            image=self._picture(shelved, image) if image else None,
            mode=asking.mode,
            top=top,
            like=[self._named(shelved, one) for one in like],
            dislike=[self._named(shelved, one) for one in dislike],
            plus=asking.plus,
            minus=asking.minus,
            under=asking.under or None,
            since=asking.since or None,
            until=asking.until or None,
            min_probability=asking.least if text.strip() else None,
            sort=asking.sort,
        )
        if next(self._answers) % _LET_GO == 0:
            shelved.snapshot(asking.by).let_go()
        return found

    def _picture(self, shelved: Shelved, picture: str) -> Path | bytes:
        sent = self._sent.get(picture)
        if sent is not None:
            return sent
        try:
            return shelved.file(picture)
        except UnknownPicture:
            raise UnknownPicture("The picture that asks is not here any more. Give it again.") from None

    def _named(self, shelved: Shelved, picture: str) -> str:
        """A picture of the library, as its answers show it."""
        snapshot = shelved.snapshot()
        return snapshot.gallery().paths[shelved.row(snapshot, picture)]


def _shown(
    shelved: Shelved, asking: Asking, result: SearchResult, offset: int, limit: int
) -> list[FoundPicture]:
    """Some of a query's hits, those of a group one after the other."""
    snapshot = shelved.snapshot(asking.by)
    row_of = snapshot.gallery().row_of_id
    named = in_groups(result.hits, asking.group)[offset : offset + limit]
    held = {row: pair for pair in named if (row := row_of.get(pair[1].id)) is not None}
    hits = {row: hit for row, (_, hit) in held.items()}
    return found_pictures(snapshot, list(held), hits, [name for name, _ in held.values()])


def _listed(
    shelved: Shelved, asking: Asking, result: SearchResult, offset: int, limit: int
) -> list[FoundPicture]:
    """Some of all pictures that filters leave, in the order that is asked for."""
    snapshot = shelved.snapshot(asking.by)
    every, left = _in_order(shelved, asking), selected(snapshot.gallery(), result.query)
    every = every if left is None else every[left[every]]
    rows = [int(row) for row in every[offset : offset + limit]]
    return found_pictures(snapshot, rows, groups=groups_of(snapshot, rows, asking.group))


def _fitting(shelved: Shelved, asking: Asking, result: SearchResult) -> int:
    """How many pictures filters leave."""
    gallery = shelved.snapshot(asking.by).gallery()
    left = selected(gallery, result.query)
    return len(gallery) if left is None else int(left.sum())


def _plain(sign: str, name: str) -> str:
    """A camera's or lens's name, or a keyword, as the query language can hold it."""
    plain = " ".join(re.sub('["“”„]', " ", name).split())
    if not plain:
        raise BadSetting(f"The {sign} has no name.")
    return plain


def _all(shelved: Shelved, asking: Asking, offset: int, limit: int) -> Answer:
    """The library's pictures as they stand in it, or in the order that is asked for."""
    snapshot = shelved.snapshot(asking.by)
    every = _in_order(shelved, asking) if asking.reordered else range(len(snapshot))
    rows = [int(row) for row in every[offset : offset + limit]]
    return Answer(
        library=shelved.id,
        mode="",
        searched=len(snapshot),
        offset=offset,
        more=offset + limit < len(every),
        hits=found_pictures(snapshot, rows, groups=groups_of(snapshot, rows, asking.group)),
        revision=shelved.revision,
    )


def _in_order(shelved: Shelved, asking: Asking) -> Rows:
    """All rows of a library, in the order that is asked for; kept until it changes."""
    gallery = shelved.snapshot(asking.by).gallery()
    return shelved.kept(
        ("order", asking.sort, asking.group), lambda: rows_in_order(gallery, asking.sort, asking.group)
    )
