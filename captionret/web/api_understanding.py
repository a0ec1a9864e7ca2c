"""The routes that look into one picture."""

from fastapi import APIRouter

from . import understanding
from .api import LibraryName, PictureId, problems
from .searching import Searching
from .shelf import Shelf
from .understanding_records import Attention, Nearness


class Understanding:
    """Attention, and how a picture stands among the others."""

    def __init__(self, shelf: Shelf, searching: Searching) -> None:
        self._shelf, self._searching = shelf, searching
        place = "/api/libraries/{library}/pictures/{picture}"
        self.router = APIRouter(prefix=place, responses=problems())
        add = self.router.add_api_route
        add("/attention", self.attention, response_model=Attention)
        add("/nearness", self.nearness, response_model=Nearness)

    def attention(self, library: LibraryName, picture: PictureId) -> Attention:
        """Where the captioner looked for each word of the picture's caption."""
        return understanding.attention(self._shelf[library], picture)

    def nearness(self, library: LibraryName, picture: PictureId) -> Nearness:
        """Among how many pictures' nearest it stands (hubness), and which are nearly the same."""
        return understanding.nearness(self._searching, self._shelf[library], picture)
