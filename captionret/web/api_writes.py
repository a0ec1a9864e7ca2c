"""The routes that change a library, or show what is being done to it. None of them changes a picture."""

import asyncio
from collections.abc import AsyncIterator
from threading import Lock
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse

from ..errors import ReadOnlyLibrary
from . import records, review
from .adding import Uploads
from .api import LibraryName, PictureId, body_of, problems
from .describing import picture_facts, refuse_where_changed
from .folders import Folders
from .jobs import Jobs
from .pictures import found_pictures
from .settings import Settings
from .shelf import Shelf, Shelved

_EVERY, _ALIVE = 0.4, 15.0  # seconds between looks at a job, and between signs of life


class Writes:
    """Captions, the review, new pictures and index jobs."""

    def __init__(self, settings: Settings, shelf: Shelf, jobs: Jobs) -> None:
        self._settings, self._shelf, self._jobs = settings, shelf, jobs
        self._correcting = Lock()  # one after the other, so that nobody writes over what nobody saw
        self._uploads, self._folders = Uploads(settings), Folders(settings, shelf)
        self.router = APIRouter(prefix="/api", responses=problems())
        add, one = self.router.add_api_route, "/libraries/{library}"
        picture = f"{one}/pictures/{{picture}}"
        facts, job = records.PictureFacts, records.Job
        add(f"{picture}/caption", self.put_caption, methods=["PUT"], response_model=facts)
        add(f"{picture}/caption", self.drop_caption, methods=["DELETE"], response_model=facts)
        add(f"{picture}/accept", self.accept, methods=["POST"], status_code=204)
        add(f"{one}/review", self.queue, response_model=records.ReviewQueue)
        add(f"{one}/pictures", self.upload, methods=["POST"], response_model=records.FoundPicture)
        add(f"{one}/jobs", self.start, methods=["POST"], response_model=job, status_code=201)
        add("/folders", self.folders, response_model=records.FolderList)
        add("/libraries", self.new_library, methods=["POST"], response_model=job, status_code=201)
        add("/jobs", self.jobs, response_model=list[records.Job])
        add("/jobs/{job}/pause", self.pause, methods=["POST"], response_model=job)
        add("/jobs/{job}/resume", self.resume, methods=["POST"], response_model=job)
        add("/jobs/{job}/cancel", self.cancel, methods=["POST"], response_model=job)
        add("/jobs/{job}/events", self.events, response_class=StreamingResponse)

    def put_caption(
        self, library: LibraryName, picture: PictureId, caption: records.NewCaption
    ) -> records.PictureFacts:
        """Write a picture's caption in a person's own words; it holds from now on, in every mode. 412 where
        it is not any more what the person saw."""
        shelved = self._writable(library)
        with self._correcting:
            if caption.before is not None:
                refuse_where_changed(shelved, picture, caption.before)
            self._write_caption(shelved, picture, caption.text)
        review.accept(shelved, picture)
        return picture_facts(shelved, picture)

    def drop_caption(self, library: LibraryName, picture: PictureId) -> records.PictureFacts:
        """Take a person's caption away again: the captioner's returns."""
        shelved = self._writable(library)
        self._write_caption(shelved, picture, None)
        return picture_facts(shelved, picture)

    def accept(self, library: LibraryName, picture: PictureId) -> Response:
        """Note that a caption is right as it is."""
        review.accept(self._writable(library), picture)
        return Response(status_code=204)

    def queue(
        self, library: LibraryName, limit: Annotated[int, Query(ge=1, le=500)] = 100
    ) -> records.ReviewQueue:
        """The pictures whose captions are least sure."""
        return review.review_queue(self._shelf[library], limit)

    async def upload(
        self, library: LibraryName, request: Request, name: Annotated[str, Query(max_length=300)] = "picture"
    ) -> records.FoundPicture:
        """Take a picture into the library. The body is the file."""
        shelved = self._writable(library)
        content = await body_of(request, self._settings.most_bytes)
        sha256 = await run_in_threadpool(self._uploads.take, shelved, content, name)
        return await run_in_threadpool(_found, shelved, sha256)

    def start(self, library: LibraryName) -> records.Job:
        """Caption what is new in the library's folder."""
        return self._jobs.start(self._writable(library).id)

    def folders(
        self,
        root: Annotated[int | None, Query(ge=0, le=1000)] = None,
        inside: Annotated[str, Query(max_length=2000)] = "",
    ) -> records.FolderList:
        """The folders of which libraries may be made: the roots, or those in one of them."""
        return self._folders.list(root, inside)

    def new_library(self, wanted: records.NewLibrary) -> records.Job:
        """Make a library of a folder, and begin to index it."""
        self._refuse_where_read_only()
        shelved = self._folders.new_library(wanted.root, wanted.inside, wanted.name)
        return self._jobs.start(shelved.id)

    def jobs(self) -> list[records.Job]:
        """All index jobs, the last one first."""
        return self._jobs.all()

    def pause(self, job: str) -> records.Job:
        """Stop it for now."""
        self._refuse_where_read_only()
        self._jobs[job].pause()
        return self._jobs[job].facts()

    def resume(self, job: str) -> records.Job:
        """Go on."""
        self._refuse_where_read_only()
        self._jobs[job].go_on()
        return self._jobs[job].facts()

    def cancel(self, job: str) -> records.Job:
        """Stop it for good."""
        self._refuse_where_read_only()
        self._jobs[job].cancel()
        return self._jobs[job].facts()

    async def events(self, job: str) -> StreamingResponse:
        """The job's state whenever it changes, as server-sent events, until it has ended."""
        watched = self._jobs[job]

        async def changes() -> AsyncIterator[str]:
            last, silent, ended = "", 0.0, False
            while not ended:
                facts = await run_in_threadpool(watched.facts)
                now = facts.model_dump_json()
                ended = facts.state in ("done", "failed", "cancelled")
                if now != last:
                    last, silent = now, 0.0
                    yield f"data: {now}\n\n"
                elif silent >= _ALIVE:
                    silent = 0.0
                    yield ": still there\n\n"
                if not ended:
                    await asyncio.sleep(_EVERY)
                    silent += _EVERY

        return StreamingResponse(
            changes(), media_type="text/event-stream", headers={"Cache-Control": "no-store"}
        )

    def _writable(self, library: str) -> Shelved:
        shelved = self._shelf[library]
        self._refuse_where_read_only()
        return shelved

    def _refuse_where_read_only(self) -> None:
        if self._settings.read_only:
            raise ReadOnlyLibrary("The libraries are shown, not changed: the server was started read-only.")

    def _write_caption(self, shelved: Shelved, picture: str, text: str | None) -> None:
        snapshot = shelved.snapshot()
        path = snapshot.gallery().paths[shelved.row(snapshot, picture)]
        shelved.library.set_caption(snapshot.root / path, text)


def _found(shelved: Shelved, picture: str) -> records.FoundPicture:
    snapshot = shelved.snapshot()
    return found_pictures(snapshot, [shelved.row(snapshot, picture)])[0]
