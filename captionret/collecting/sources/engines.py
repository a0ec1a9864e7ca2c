"""The picture searches of Bing, Google and Baidu: icrawler knows the addresses of their result pages and what
stands in them. Asked for are these pages as everything is, by our own visitor.

Bing names the page of a picture and its title, too, which is then its caption; of the others a picture's
caption is what was looked for.
"""

import contextlib
import html
import json
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from queue import SimpleQueue
from typing import Any
from urllib.parse import quote_plus

from ...errors import BadSetting, NotFetched
from ...fetching import Visitor
from ..candidates import Candidate
from ..captions import cleaned
from . import Options
from .answers import part

log = logging.getLogger(__name__)
_MOST = 1000  # as many results as an engine gives
_BYTES = 20_000_000
_NOTED = re.compile(r"""\sm=(?:"(\{[^"]*\})"|'(\{[^']*\})')""")  # Bing's, in JSON
# Creative Commons' names, as icrawler has the engines' filters
_LICENCE = {"google": "commercial", "bing": "creativecommons"}


@dataclass(frozen=True, slots=True)
class _Page:
    """A result page, as icrawler's parsers want it: `response.content`."""

    content: bytes


class Engine:
    """One engine. errors: BadSetting where icrawler is not installed, or the engine knows no licences"""

    def __init__(self, name: str, server: str, options: Options) -> None:
        self.name, self._server = name, server
        if options.licences and name not in _LICENCE:
            raise BadSetting(
                f"{name} cannot look for licences. Leave the licences out, or choose another source."
            )
        self._filters = {"license": _LICENCE[name]} if options.licences else None
        self._feeder, self._parser = _parts_of_icrawler(name)

    def search(self, query: str, visitor: Visitor) -> Iterator[Candidate]:
        """As `Source.search`. What its robots.txt says of result pages is not kept to, and that is noted:
        every engine forbids them to programs."""
        log.warning(
            f"{self.name}'s result pages are asked for although its robots.txt asks programs not to; look "
            "into its terms."
        )
        seen: set[str] = set()
        for address in self._pages(query):
            answer = visitor.get(address, "text/html", _BYTES, robots=False)
            found = [task["file_url"] for task in self._parser.parse(_Page(answer.content)) or ()]
            new = [one for one in dict.fromkeys(found) if one not in seen]
            if not new:
                if not seen:
                    raise NotFetched(f"{self.name} shows no results to programs just now.", "not data")
                return
            seen.update(new)
            pages = _pages_of(answer.content) if self.name == "bing" else {}
            yield from (self._candidate(one, query, pages.get(one, {})) for one in new)

    def _candidate(self, address: str, query: str, page: dict[str, object]) -> Candidate:
        title = part(page, "t", str)
        return Candidate(
            address, (title if cleaned(title) else query,), self.name, part(page, "purl", str), title
        )

    def _pages(self, query: str) -> Iterator[str]:
        self._feeder.out_queue = SimpleQueue()
        encoded = query if self.name == "google" else quote_plus(query)  # it encodes by itself
        self._feeder.feed(encoded, 0, _MOST, filters=self._filters)
        while not self._feeder.out_queue.empty():
            address = self._feeder.out_queue.get()
            path = address.partition("://")[2].partition("/")[2]
            yield f"{self._server.rstrip('/')}/{path}" if self._server else address


def _pages_of(content: bytes) -> dict[str, dict[str, object]]:
    """What Bing says of each picture of a result page, by the picture's address: "purl", the address of its
    page, and "t", that page's title."""
    found = {}
    for noted in _NOTED.findall(content.decode("utf-8", errors="replace")):
        with contextlib.suppress(ValueError, RecursionError):
            facts = json.loads(html.unescape(noted[0] or noted[1]))
            found[part(facts, "murl", str)] = facts
    return found


def _parts_of_icrawler(name: str) -> tuple[Any, Any]:
    try:
        module = import_module(f"icrawler.builtin.{name}")
        utils = import_module("icrawler.utils")
    except ImportError as error:
        raise BadSetting(
            f"The source {name} needs icrawler ({error}). Install it: pip install icrawler."
        ) from None
    kind = name.capitalize()
    feeder, parser = getattr(module, f"{kind}Feeder"), getattr(module, f"{kind}Parser")
    return feeder(1, utils.Signal(), None), parser(1, utils.Signal(), None)


def open_source(name: str, server: str, options: Options) -> Engine:
    """As `Row.open`."""
    return Engine(name, server, options)
