"""The web application: the API and the page behind one guard."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio.to_thread
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response

from .. import __version__
from ..errors import (
    BadImage,
    BadLibrary,
    BadSetting,
    CaptionretError,
    LibraryInUse,
    NoSpace,
    ReadOnlyLibrary,
    UnknownName,
)
from .adding import TooOften
from .api import Reads
from .api_compare import Comparisons
from .api_understanding import Understanding
from .api_writes import Writes
from .describing import ChangedMeanwhile
from .duplicates import Duplicates
from .exporting import Busy
from .folders import UnknownFolder
from .guard import Guard
from .jobs import Jobs, UnknownJob
from .library_words import shown_words
from .page_files import page_file
from .query_pictures import QueryPictures
from .reports import Reports, UnknownReport
from .settings import Settings
from .shelf import Shelf, UnknownLibrary, UnknownPicture
from .warming import Warming

log = logging.getLogger(__name__)

PAGES = ("/", "/picture", "/library", "/review", "/compare", "/add", "/reports", "/duplicates")
_THREADS = 16  # requests that are answered at a time
# the first that an error is one of
_STATUS: tuple[tuple[type[CaptionretError], int], ...] = (
    (UnknownPicture, 404),
    (UnknownLibrary, 404),
    (UnknownJob, 404),
    (UnknownFolder, 404),
    (UnknownReport, 404),
    (ChangedMeanwhile, 412),
    (TooOften, 429),
    (Busy, 429),
    (UnknownName, 400),
    (LibraryInUse, 409),
    (ReadOnlyLibrary, 403),
    (NoSpace, 507),
    (BadSetting, 400),
    (BadImage, 400),
    (BadLibrary, 503),
)


def create_app(settings: Settings, shelf: Shelf | None = None) -> FastAPI:
    """The application for some libraries.

    shelf:  the libraries; None: those that the settings name
    errors: BadLibrary where one cannot be opened

    uvicorn.run(create_app(Settings((Path("data/libraries/photos"),))))
    """
    shelf = shelf or Shelf.of(settings)
    sent = QueryPictures(settings.most_pixels)
    jobs = Jobs(shelf, settings.device)
    duplicates = Duplicates(shelf)
    warming = Warming(shelf, shown_words)

    @asynccontextmanager
    async def running(_: FastAPI) -> AsyncIterator[None]:
        assert shelf is not None
        anyio.to_thread.current_default_thread_limiter().total_tokens = _THREADS
        warming.begin()
        yield
        warming.close()
        jobs.close()
        duplicates.close()
        shelf.close()

    app = FastAPI(
        title="captionret",
        version=__version__,
        description="Find pictures by words, and see why.",
        openapi_url="/api/openapi.json",
        docs_url=None,  # its page would load scripts from elsewhere
        redoc_url=None,
        lifespan=running,
    )
    reads = Reads(settings, shelf, sent, warming)
    app.include_router(reads.router)
    app.include_router(Comparisons(shelf, reads.searching).router)
    app.include_router(Understanding(shelf, reads.searching).router)
    app.include_router(Reports(settings).router)
    app.include_router(duplicates.router)
    app.include_router(Writes(settings, shelf, jobs).router)
    _add_page(app)
    _add_refusals(app)
    app.add_middleware(GZipMiddleware, minimum_size=1000, compresslevel=5)
    app.add_middleware(Guard, settings=settings)
    return app


def _add_page(app: FastAPI) -> None:
    """The page, at each address that holds a state of it, and its files."""

    def page(request: Request) -> Response:
        return page_file(request, "index.html")

    def part(request: Request, name: str) -> Response:
        return page_file(request, name)

    for path in PAGES:
        app.add_api_route(path, page, include_in_schema=False, response_class=Response)
    app.add_api_route("/page/{name}", part, include_in_schema=False, response_class=Response)


def _add_refusals(app: FastAPI) -> None:
    """What is refused becomes a sentence in JSON."""

    def refused(_: Request, error: Exception) -> Response:
        assert isinstance(error, CaptionretError)
        status = next((status for kind, status in _STATUS if isinstance(error, kind)), 500)
        if status >= 500:
            log.warning(error.message)
        return JSONResponse({"error": error.message.encode(errors="replace").decode()}, status)

    def malformed(_: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        wrong = "; ".join(f"{one['loc'][-1]}: {one['msg']}" for one in error.errors())
        return JSONResponse({"error": wrong.encode(errors="replace").decode()}, 422)

    def other(_: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return JSONResponse({"error": error.detail}, error.status_code, error.headers)

    def gone(_: Request, error: Exception) -> Response:
        assert isinstance(error, ClientDisconnect)
        return Response(status_code=400)  # which nobody reads

    app.add_exception_handler(CaptionretError, refused)
    app.add_exception_handler(ClientDisconnect, gone)
    app.add_exception_handler(HTTPException, other)
    app.add_exception_handler(RequestValidationError, malformed)
