"""Openverse: openly licensed pictures of Flickr, museums and many others (https://api.openverse.org)."""

from collections.abc import Iterator
from itertools import count

from ...errors import NotFetched
from ...fetching import Visitor
from ..candidates import Candidate
from . import Options
from .answers import ask, part

SERVER = "https://api.openverse.org/v1/images/"
# what it gives to who has no account: pictures a page, and seconds between two requests, for it answers 20 a
# minute (and 200 a day, after which it names the pause that it wants)
_PAGE, _APART = 20, 3.0
_NAMES = {"cc0": "CC0", "pdm": "Public domain mark"}


class Openverse:
    """Its interface, version 1."""

    def __init__(self, name: str, server: str, options: Options) -> None:
        self.name, self._server, self._options = name, server or SERVER, options
        self._apart = 0.0 if server else _APART

    def search(self, query: str, visitor: Visitor) -> Iterator[Candidate]:
        """As `Source.search`."""
        wanted = {"license": ",".join(self._options.licences)} if self._options.licences else {}
        for page in count(1):
            asked = {"q": query, "page": str(page), "page_size": str(_PAGE), **wanted}
            try:
                answer = ask(visitor, self._server, asked, self._apart)
            except NotFetched as error:
                if page > 1 and error.status in (400, 401, 404):  # it goes no deeper than some pages
                    return
                raise
            results = part(answer, "results", list)
            yield from (self._candidate(one) for one in results if part(one, "url", str))
            if not results or page >= part(answer, "page_count", int):
                return

    def _candidate(self, one: object) -> Candidate:
        provider = part(one, "source", str) or part(one, "provider", str)
        title = part(one, "title", str)
        return Candidate(
            part(one, "url", str),
            (title,),
            f"{self.name}/{provider}" if provider else self.name,
            part(one, "foreign_landing_url", str),
            title,
            _licence(part(one, "license", str), part(one, "license_version", str)),
            part(one, "license_url", str),
            part(one, "creator", str),
        )


def _licence(code: str, version: str) -> str:
    """The name that people know: "CC BY-SA 2.0"."""
    name = _NAMES.get(code) or (f"CC {code.upper()}" if code else "")
    return f"{name} {version}".strip() if name else ""


def open_source(name: str, server: str, options: Options) -> Openverse:
    """As `Row.open`."""
    return Openverse(name, server, options)
