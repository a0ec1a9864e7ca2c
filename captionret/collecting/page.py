"""The pictures of one page, with the texts that stand with them."""

import re
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

from ..errors import NotFetched
from ..fetching import Visitor
from .candidates import Candidate

_BYTES = 20_000_000
_PICTURE = re.compile(r"\.(?:jpe?g|png|gif|webp|avif|heic|tiff?|bmp)$", re.IGNORECASE)
_LAZY = ("data-src", "data-original", "data-lazy-src")  # what pages fill in when they are scrolled
_CHARSET = re.compile(rb"<meta[^>]+charset=[\"']?([\w-]+)", re.IGNORECASE)


def pictures_of(address: str, visitor: Visitor) -> list[Candidate]:
    """Every picture of a page, in the order of the page, each address once.

    A picture that is a link to a larger one is the larger one. Its caption is its alt text; where it has
    none, its figure's caption, its own title, the text of the link, in this order.
    errors: NotFetched, also for what is no page
    """
    answer = visitor.get(address, "text/html,application/xhtml+xml", _BYTES)
    if answer.kind not in ("text/html", "application/xhtml+xml", ""):
        raise NotFetched(f"{address} is no page but {answer.kind}. Give the address of a page.", "not data")
    page = _Page(answer.address)
    page.feed(_text_of(answer.content, answer.charset))
    page.close()
    host = urlsplit(address).hostname or ""
    title = " ".join(page.title.split())
    found: dict[str, Candidate] = {}
    for picture in page.pictures:
        texts = (picture.alt, picture.figure, picture.title, picture.link_text)
        caption = next((text for text in texts if text.strip()), "")
        candidate = Candidate(
            picture.address, (caption,), host, answer.address, title, page.licence, page.licence, page.author
        )
        if picture.address not in found or (caption and not found[picture.address].captions[0]):
            found[picture.address] = candidate
    return list(found.values())


def _text_of(content: bytes, charset: str | None) -> str:
    noted = _CHARSET.search(content[:4096])
    for name in (charset, noted[1].decode() if noted else None, "utf-8"):
        try:
            return content.decode(name or "", errors="strict" if name == "utf-8" else "replace")
        except (LookupError, UnicodeDecodeError):
            continue
    return content.decode("cp1252", errors="replace")


class _Found:
    """A picture of a page, while its page is read."""

    def __init__(self, address: str, alt: str, title: str) -> None:
        self.address, self.alt, self.title = address, alt, title
        self.figure = self.link_text = ""


class _Page(HTMLParser):
    """Collects what is needed of a page in one pass."""

    def __init__(self, address: str) -> None:
        super().__init__(convert_charrefs=True)
        self._base = address
        self.pictures: list[_Found] = []
        self.title = self.licence = self.author = ""
        self._link = ""  # the picture that the link around leads to
        self._in_link: list[_Found] = []
        self._in_figure: list[_Found] = []
        self._in: str | None = None  # the element whose text is collected
        self._text: list[str] = []

    def handle_starttag(self, tag: str, given: list[tuple[str, str | None]]) -> None:
        """Look at an element's attributes."""
        attributes = {name: value or "" for name, value in given}
        rel = attributes.get("rel", "").split()
        if tag == "base" and attributes.get("href"):
            self._base = urljoin(self._base, attributes["href"])
        elif tag in ("a", "link") and "license" in rel:
            self.licence = self._whole(attributes.get("href", ""))
        elif tag == "meta" and attributes.get("name", "").lower() == "author":
            self.author = attributes.get("content", "")
        elif tag in ("title", "figcaption"):
            self._in, self._text = tag, []
        elif tag == "figure":
            self._in_figure = []
        elif tag == "img":
            self._add(attributes)
        if tag == "a":
            target = self._whole(attributes.get("href", ""))
            self._link = target if _PICTURE.search(urlsplit(target).path) else ""
            self._in_link = []

    def handle_endtag(self, tag: str) -> None:
        """Close what an element began."""
        if tag == self._in:
            text = "".join(self._text)
            if tag == "title":
                self.title = self.title or text
            for picture in self._in_figure if tag == "figcaption" else ():
                picture.figure = text
            self._in = None
        elif tag == "figure":
            self._in_figure = []
        elif tag == "a":
            self._link, self._in_link = "", []

    def handle_data(self, data: str) -> None:
        """Collect text."""
        if self._in is not None:
            self._text.append(data)
        for picture in self._in_link:
            picture.link_text += data

    def _add(self, attributes: dict[str, str]) -> None:
        inline = next((attributes[name] for name in _LAZY if attributes.get(name)), attributes.get("src", ""))
        address = self._link or self._whole(_largest(attributes.get("srcset", "")) or inline)
        if not address.lower().startswith(("http://", "https://")):
            return  # data: and the like
        found = _Found(address, attributes.get("alt", ""), attributes.get("title", ""))
        self.pictures.append(found)
        self._in_link.append(found)
        self._in_figure.append(found)

    def _whole(self, address: str) -> str:
        try:
            return urljoin(self._base, address.strip())
        except ValueError:  # "http://[" and the like
            return ""


def _largest(srcset: str) -> str:
    """The address of the largest picture of "a.jpg 480w, b.jpg 2x"."""
    best, most = "", 0.0
    for one in re.split(r",\s+", srcset.strip()):
        address, _, size = one.strip().partition(" ")
        number = re.match(r"[\d.]+", size.strip())
        try:
            width = float(number[0]) if number else 1.0
        except ValueError:
            continue
        if address and width > most:
            best, most = address.rstrip(","), width
    return best
