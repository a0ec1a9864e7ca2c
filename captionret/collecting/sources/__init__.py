"""Where pictures are looked for: one file and one row in SOURCES each.

    captionret collect --source openverse commons

Another server of the same kind stands behind a colon: `commons:https://wiki.example.org/w/api.php`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Protocol

from ...config import Registry
from ...errors import BadSetting

if TYPE_CHECKING:  # --help need not wait for these
    from ...fetching import Visitor
    from ..candidates import Candidate

DEFAULT = ("openverse", "commons")


@dataclass(frozen=True, slots=True)
class Options:
    """What is looked for.

    licences: Creative Commons' short names: "by", "by-sa", "cc0" ...; () for all that a source has
    size:     pixels of the longer side that are enough: a source that has a picture in several sizes gives
              the smallest that has so many
    """

    licences: tuple[str, ...] = ()
    size: int = 1024


class Source(Protocol):
    """Something that finds pictures by words."""

    name: str

    def search(self, query: str, visitor: "Visitor") -> "Iterator[Candidate]":
        """Pictures, the best first, asked for page by page as they are taken.

        errors: NotFetched where it does not answer as it should
        """
        ...


@dataclass(frozen=True, slots=True)
class Row:
    """One source.

    about:  a sentence for --help
    module: here, with `open_source(name, server, options) -> Source`
    """

    about: str
    module: str

    def open(self, name: str, server: str, options: Options) -> Source:
        """The source. server: another address of its interface; "" for its own"""
        opened: Callable[[str, str, Options], Source] = import_module(f".{self.module}", __name__).open_source
        return opened(name, server, options)


SOURCES: Registry[Row] = Registry(
    "source",
    {
        "openverse": Row(
            "openly licensed pictures of many collections, by Openverse's interface", "openverse"
        ),
        "commons": Row("Wikimedia Commons, by its interface", "commons"),
        "bing": Row("Bing's picture search, by icrawler, which has to be installed", "engines"),
        "google": Row("Google's, so too", "engines"),
        "baidu": Row("Baidu's, so too", "engines"),
    },
)


def open_source(spec: str, options: Options) -> Source:
    """The source that "NAME" or "NAME:SERVER" names. errors: UnknownName, BadSetting"""
    name, _, server = spec.partition(":")
    row = SOURCES[name]
    if server and not server.lower().startswith(("http://", "https://")):
        raise BadSetting(
            f"{server!r} is no server's address. Write {name}:https://HOST/PATH, or {name} alone."
        )
    return row.open(name, server, options)
