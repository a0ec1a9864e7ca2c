"""A query's answer, a page at a time."""

import asyncio
import time
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import TypeVar

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from ..app.result import SearchResult
from ..errors import BadSetting
from ..retrieval.language.conditions import quoted
from ..text import STOP_WORDS
from .asking import Asking
from .nearest_words import nearest_words
from .pictures import found_pictures
from .query_pictures import QueryPictures
from .records import Answer, Reading, UnderstoodWord
from .shelf import Shelved

_AT_ONCE = 2  # queries; more of them would only make each other slower, and hold more memory
_MORE = 4  # so many times as many hits are asked for where those that were found are not enough


Made = TypeVar("Made")


class Searching:
    """Answers queries. Further pages of an answer come from what was found at first."""

    def __init__(self, sent: QueryPictures) -> None:
        self._sent = sent
        self._turns = asyncio.Semaphore(_AT_ONCE)

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
            _all(shelved, asking.by, offset, limit)
            if asking.empty
            else self._found(shelved, asking, offset, limit)
        )
        found.milliseconds = round(1000 * (time.perf_counter() - began), 1)
        return found

    def _found(self, shelved: Shelved, asking: Asking, offset: int, limit: int) -> Answer:
        top = limit + 1
        while top <= offset + limit:
            top *= _MORE
        revision = shelved.revision
        result = shelved.answers.get((asking, top), revision, partial(self._search, shelved, asking, top))
        snapshot = shelved.snapshot(asking.by)
        gallery = snapshot.gallery()
        shown = result.hits[offset : offset + limit]
        rows = ((gallery.row_of_id.get(hit.id), hit) for hit in shown)
        hits = {row: hit for row, hit in rows if row is not None}
        understood = result.query.understood or ()
        return Answer(
            library=shelved.id,
            mode=result.mode,
            searched=result.searched,
            offset=offset,
            more=len(result.hits) > offset + limit,
            hits=found_pictures(snapshot, list(hits), hits),
            notes=list(result.notes),
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
        text = asking.text
        if asking.camera.strip():
            text = f"{text} camera:{quoted(_plain(asking.camera))}"
        like, dislike = list(asking.like), list(asking.dislike)
        image = asking.image
        if not text.strip() and not image and like:
            image = like.pop(0)  # something has to be asked for: the first that is liked
        if not text.strip() and not image and asking.plus:
            text = asking.plus[0]
        return shelved.searcher_by(asking.by).search(
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
        )

    def _picture(self, shelved: Shelved, picture: str) -> Path | bytes:
        sent = self._sent.get(picture)
        if sent is not None:
            return sent
        return shelved.file(picture)

    def _named(self, shelved: Shelved, picture: str) -> str:
        """A picture of the library, as its answers show it."""
        snapshot = shelved.snapshot()
        return snapshot.gallery().paths[shelved.row(snapshot, picture)]


def _plain(camera: str) -> str:
    """A camera's name as the query language can hold it."""
    plain = " ".join(camera.replace('"', " ").split())
    if not plain:
        raise BadSetting("The camera's name is empty.")
    return plain


def _all(shelved: Shelved, by: str, offset: int, limit: int) -> Answer:
    """The library's pictures as they stand in it."""
    snapshot = shelved.snapshot(by)
    count = len(snapshot)
    rows = range(min(offset, count), min(offset + limit, count))
    return Answer(
        library=shelved.id,
        mode="",
        searched=count,
        offset=offset,
        more=rows.stop < count,
        hits=found_pictures(snapshot, rows),
        revision=shelved.revision,
    )
