"""The API: what the page, and any other program on this machine, asks of the libraries."""

import logging
from collections.abc import Sequence
from typing import Annotated, TypeAlias

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.concurrency import run_in_threadpool
from starlette.responses import Response

from .. import __version__
from ..counting import counted
from ..errors import BadImage, BadSetting, CaptionretError
from . import describing, exporting, records
from .asking import Asking, asking
from .library_words import word_list
from .listing import listed
from .overview import Overview, overview
from .page_files import tagged
from .picture_map import picture_map
from .pictures import found_pictures
from .query_pictures import QueryPictures
from .searching import Searching
from .settings import Settings
from .shelf import Shelf, Shelved, UnknownPicture
from .thumbnails import Thumbnails, as_jpeg
from .warming import Warming

log = logging.getLogger(__name__)

LibraryName: TypeAlias = Annotated[str, Path(max_length=200)]
PictureId: TypeAlias = Annotated[str, Path(pattern="^[0-9a-f]{64}$")]
Listed: TypeAlias = Annotated[str, Query(pattern="^[0-9a-f]{64}$")]
Asked: TypeAlias = Annotated[Asking, Depends(asking)]
Offset: TypeAlias = Annotated[int, Query(ge=0, le=100_000)]
Limit: TypeAlias = Annotated[int, Query(ge=1, le=500)]
Size: TypeAlias = Annotated[str, Query(pattern="^(small|medium|large)$")]
_MOST_LISTED = 400  # ids in one address
_FOR_EVER = "private, max-age=31536000, immutable"  # a picture's id is the hash of its content


class Reads:
    """The routes that change nothing."""

    def __init__(self, settings: Settings, shelf: Shelf, sent: QueryPictures, warming: Warming) -> None:
        self._settings, self._shelf, self._sent = settings, shelf, sent
        self._warming = warming
        self.searching = Searching(sent)
        self._thumbnails = Thumbnails(settings.cache)
        self.router = APIRouter(prefix="/api", responses=problems())
        add = self.router.add_api_route
        add("/libraries", self.libraries, response_model=records.Libraries)
        add("/libraries/{library}", self.overview, response_model=Overview)
        add("/libraries/{library}/search", self.search, response_model=records.Answer)
        add("/libraries/{library}/export", self.export, response_class=Response)
        add("/libraries/{library}/map", self.map, response_class=Response)
        add("/libraries/{library}/map/pictures", self.on_map, response_model=list[records.FoundPicture])
        add("/libraries/{library}/words", self.words, response_model=records.WordList)
        add("/libraries/{library}/files", self.files, response_model=list[records.ListedPicture])
        add("/libraries/{library}/pictures/{picture}", self.picture, response_model=records.PictureFacts)
        add("/libraries/{library}/pictures/{picture}/image", self.image, response_class=Response)
        add("/query-pictures", self.send, methods=["POST"], response_model=records.QueryPicture)
        add("/query-pictures/{picture}/image", self.sent_image, response_class=Response)

    def libraries(self) -> records.Libraries:
        """All libraries that are served."""
        found = [facts for one in self._shelf if (facts := self._facts(one)) is not None]
        reports = bool(self._settings.reports)
        return records.Libraries(
            libraries=found,
            reports=reports,
            exports=exporting.offered(),
            version=__version__,
            loading=self._warming.loading,
        )

    def _facts(self, shelved: Shelved) -> records.LibraryFacts | None:
        """Of one library; None where it cannot be read, so that the others can be used."""
        try:
            return describing.in_list(shelved, self._settings)
        except CaptionretError as error:
            log.warning(f"{shelved.id} is left out: {error.message}")
            return None

    def overview(self, library: LibraryName) -> Overview:
        """One library in facts: counts, cameras, folders, months, failures."""
        return overview(self._shelf[library])

    async def search(
        self, library: LibraryName, asked: Asked, request: Request, offset: Offset = 0, limit: Limit = 40
    ) -> Response:
        """The pictures most like a text, a picture, or both; without any, the library as it is."""
        shelved = self._shelf[library]

        def content() -> bytes:  # an answer was checked when it was made
            return self.searching.answer(shelved, asked, offset, limit).model_dump_json().encode()

        return Response(await self.searching.in_turn(request, content), media_type="application/json")

    def words(
        self,
        library: LibraryName,
        response: Response,
        prefix: Annotated[str, Query(max_length=60)] = "",
        limit: Annotated[int, Query(ge=1, le=20_000)] = 20,
    ) -> records.WordList:
        """The library's words that begin so, the commonest first."""
        shelved = self._shelf[library]
        response.headers["Cache-Control"] = "no-cache"
        return word_list(shelved, prefix, limit)

    def export(self, library: LibraryName, format: Annotated[str, Query(max_length=20)] = "csv") -> Response:
        """All captions with who made them, and facts of the pictures, as files of one format in a ZIP."""
        return exporting.archive(self._shelf[library], format)

    def map(self, library: LibraryName, request: Request) -> Response:
        """Where each picture stands on the library's map: two uint16, little endian, for each."""
        shelved = self._shelf[library]
        made = picture_map(shelved)
        return tagged(request, made, "application/octet-stream", f'"map-{shelved.revision}"', "no-cache")

    def on_map(
        self,
        library: LibraryName,
        rows: Annotated[Sequence[Annotated[int, Query(ge=0)]], Query(max_length=60)] = (),
    ) -> list[records.FoundPicture]:
        """The pictures of some points of the map."""
        snapshot = self._shelf[library].snapshot()
        return found_pictures(snapshot, [row for row in rows if row < len(snapshot)])

    def files(
        self,
        library: LibraryName,
        picture: Annotated[Sequence[Listed], Query(min_length=1, max_length=_MOST_LISTED)],
    ) -> list[records.ListedPicture]:
        """The files of some pictures, with their captions; those that are not here any more are left out."""
        return listed(self._shelf[library], picture)

    def picture(self, library: LibraryName, picture: PictureId) -> records.PictureFacts:
        """All that is known of one picture."""
        return describing.picture_facts(self._shelf[library], picture)

    def image(
        self, library: LibraryName, picture: PictureId, request: Request, size: Size = "small"
    ) -> Response:
        """The picture as a JPEG made here, in one of three sizes: of the library, or one that was sent to
        search it with."""
        try:
            file = self._shelf[library].file(picture)
        except UnknownPicture:
            if self._sent.get(picture) is None:
                raise
            return self.sent_image(picture, request, size)
        content = self._thumbnails.of(file, picture, size)
        return tagged(request, content, "image/jpeg", f'"{picture[:20]}-{size}"', _FOR_EVER)

    async def send(self, request: Request) -> records.QueryPicture:
        """Keep a picture to search with. The body is the file."""
        self._warming.picture_comes()  # its body is on its way
        content = await body_of(request, self._settings.most_bytes)
        name, image = await run_in_threadpool(self._sent.put, content)
        return records.QueryPicture(id=name, width=image.width, height=image.height)

    def sent_image(self, picture: PictureId, request: Request, size: Size = "small") -> Response:
        """A picture that was sent to search with."""
        content = self._sent.get(picture)
        if content is None:
            raise BadImage("The picture is not kept any more. Give it again.")
        from ..images import open_image

        made = as_jpeg(open_image(content), size)
        return tagged(request, made, "image/jpeg", f'"{picture[:20]}-{size}"', "private, max-age=3600")


async def body_of(request: Request, most: int) -> bytes:
    """The body of a request that sends a picture. errors: BadImage, BadSetting"""
    kind = request.headers.get("content-type", "")
    if not (kind.startswith("image/") or kind == "application/octet-stream"):
        raise BadSetting("Send the file itself, with its type (image/jpeg) as Content-Type.")
    content = await request.body()
    if not content:
        raise BadImage("The picture is empty. Send another one.")
    if len(content) > most:
        raise BadImage(f"The picture is larger than {counted(most, 'bytes')}. Scale it down first.")
    return content


def problems() -> dict[int | str, dict[str, object]]:
    """What refusals look like in the description."""
    codes = (400, 403, 404, 409, 412, 413, 429, 503)
    return {code: {"model": records.Problem, "description": "Refused"} for code in codes}
