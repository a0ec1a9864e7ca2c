"""Wikimedia Commons, or another MediaWiki with pictures, by its interface (action=query)."""

from collections.abc import Iterator

from ...errors import NotFetched
from ...fetching import Visitor
from ..candidates import Candidate
from ..captions import cleaned
from . import Options
from .answers import ask, part

SERVER = "https://commons.wikimedia.org/w/api.php"
_KINDS = ("image/jpeg", "image/png", "image/webp", "image/tiff")
# the widths that Wikimedia keeps copies of; others are made anew, or refused
_WIDTHS = (250, 330, 500, 960, 1280, 1920, 3840)
_ASKED = {
    "action": "query",
    "format": "json",
    "formatversion": "2",
    "maxlag": "5",
    "generator": "search",
    "gsrnamespace": "6",
    "gsrlimit": "50",
    "prop": "imageinfo",
    "iiprop": "url|size|mime|extmetadata",
    "iiextmetadatalanguage": "en",
    "iiextmetadatafilter": "|".join(
        ("ImageDescription", "ObjectName", "LicenseShortName", "LicenseUrl", "License", "Artist")
    )
    + "|DateTimeOriginal",
}


class Commons:
    """Its search; of each picture a copy of the size that is enough."""

    def __init__(self, name: str, server: str, options: Options) -> None:
        self.name, self._server, self._options = name, server or SERVER, options

    def search(self, query: str, visitor: Visitor) -> Iterator[Candidate]:
        """As `Source.search`."""
        further: dict[str, str] = {}
        asked = {**_ASKED, "gsrsearch": f"filetype:bitmap {query}", "iiurlwidth": str(self._width())}
        while True:
            answer = self._answer(visitor, asked | further)
            if problem := part(answer, "error", dict):
                raise NotFetched(f"{self._server} refuses: {part(problem, 'info', str)[:200]}", "not data")
            pages = part(part(answer, "query", dict), "pages", list)
            for page in sorted(pages, key=lambda one: part(one, "index", int)):
                candidate = self._candidate(page)
                if candidate is not None:
                    yield candidate
            following = part(answer, "continue", dict)
            if not following:
                return
            further = {str(name): str(value) for name, value in following.items()}

    def _answer(self, visitor: Visitor, asked: dict[str, str]) -> dict[str, object]:
        try:
            return ask(visitor, self._server, asked, is_busy=_is_busy)
        except NotFetched as error:
            if error.status != 403:
                raise
            raise NotFetched(
                f"{error} Wikimedia refuses programs that do not say how to reach who runs them: give a mail "
                "address or a page as the contact.",
                error.kind,
                error.status,
            ) from None

    def _width(self) -> int:
        return next((width for width in _WIDTHS if width >= self._options.size), _WIDTHS[-1])

    def _candidate(self, page: object) -> Candidate | None:
        facts = next(iter(part(page, "imageinfo", list)), None)
        address = part(facts, "thumburl", str) or part(facts, "url", str)
        if not address or part(facts, "mime", str) not in _KINDS:
            return None
        more = part(facts, "extmetadata", dict)

        def noted(name: str) -> str:
            return part(more.get(name), "value", str)

        licences = self._options.licences
        if licences and not _is_one(noted("License") or noted("LicenseShortName"), licences):
            return None
        title, about = part(page, "title", str), noted("ImageDescription")
        return Candidate(
            address,
            (about if cleaned(about) else noted("ObjectName") or title,),
            self.name,
            part(facts, "descriptionurl", str),
            title,
            noted("LicenseShortName"),
            noted("LicenseUrl"),
            noted("Artist"),
            noted("DateTimeOriginal"),
        )


def _is_busy(answer: dict[str, object]) -> bool:
    """Whether the wiki asks to come back later: it says so in an answer of status 200."""
    return part(part(answer, "error", dict), "code", str) in ("maxlag", "ratelimited")


def _is_one(licence: str, licences: tuple[str, ...]) -> bool:
    """Whether "cc-by-sa-4.0" is among ("by", "by-sa")."""
    code = licence.lower().replace(" ", "-").removeprefix("cc-")
    names = {"cc0": "cc0", "pd": "pdm", "public-domain": "pdm", "zero": "cc0"}
    for known, name in names.items():
        if code.startswith(known):
            return name in licences
    return "-".join(word for word in code.split("-") if word.isalpha() and len(word) < 3) in licences


def open_source(name: str, server: str, options: Options) -> Commons:
    """As `Row.open`."""
    return Commons(name, server, options)
