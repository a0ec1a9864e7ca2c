"""The routes that set answers and captioners side by side."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Request

from . import records
from .api import Asked, LibraryName, Limit, PictureId, problems
from .asking import Asking, Name
from .comparing import captioners_compared, side_by_side
from .comparison_records import CaptionersCompared, SideBySide
from .searching import Searching
from .shelf import Shelf


class Comparisons:
    """Several modes, several captioners, and what is near to a picture."""

    def __init__(self, shelf: Shelf, searching: Searching) -> None:
        self._shelf, self._searching = shelf, searching
        self.router = APIRouter(prefix="/api/libraries/{library}", responses=problems())
        add = self.router.add_api_route
        add("/compare", self.compare, response_model=SideBySide)
        add("/captioners", self.captioners, response_model=CaptionersCompared)
        add("/pictures/{picture}/similar", self.similar, response_model=records.Answer)

    async def compare(
        self,
        library: LibraryName,
        asked: Asked,
        request: Request,
        column: Annotated[list[Annotated[str, Query(max_length=241)]], Query(min_length=2, max_length=4)],
        limit: Limit = 12,
    ) -> SideBySide:
        """One query by two to four columns: a mode, or a mode and a captioner as in "words:captions.csv"."""
        work = partial(side_by_side, self._searching, self._shelf[library], asked, column, limit)
        return await self._searching.in_turn(request, work)

    def captioners(self, library: LibraryName, references: Name = "") -> CaptionersCompared:
        """The captioners of a library: how much each says, how far they agree, and how good each is by
        captions that are taken for right."""
        return captioners_compared(self._shelf[library], references)

    async def similar(
        self,
        library: LibraryName,
        picture: PictureId,
        request: Request,
        mode: Annotated[str, Query(max_length=40)] = "auto",
        by: Name = "",
        limit: Limit = 12,
    ) -> records.Answer:
        """The pictures that are nearest to one of the library."""
        asked = Asking(image=picture, mode=mode, by=by)
        work = partial(self._searching.answer, self._shelf[library], asked, 0, limit)
        return await self._searching.in_turn(request, work)
