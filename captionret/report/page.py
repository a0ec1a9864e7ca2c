"""One static HTML file that shows searches, tables and variants side by side.

The file stands alone: pictures are embedded, there is no script, and its own content policy forbids every
request. A picture is a link to its file, which the page itself never opens. Whatever comes from outside (file
names, captions, notes) is escaped by the templates and made visible as on the terminal.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from itertools import islice
from pathlib import Path
from typing import Literal

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from ..files import publishing
from ..records import Hit, Query
from .marking import breakable, marked, unmarked
from .probabilities import probability
from .terminal import Value, cell_text, numeric
from .thumbnails import address, embedded, thumbnail
from .visible import visible


@dataclass(frozen=True)
class SearchSection:
    """A query at the left, its hits as cards.

    caption: what the captioner says of the query picture; None where it was not asked
    tokens:  the words that were searched with
    root:    the library's root, against which the hits' paths are read
    source:  who captioned and how it was compared, in a few words: "photos-lite, beam 3"
    groups:  what stands above hits that belong together, and how many these are; () for none
    """

    title: str
    query: Query
    caption: str | None
    tokens: Sequence[str]
    hits: Sequence[Hit]
    root: Path = Path()
    source: str = ""
    note: str = ""
    groups: Sequence[tuple[str, int]] = ()

    def grouped(self) -> list[tuple[str, list[Hit]]]:
        """The hits with what stands above them, "" where nothing does."""
        left = iter(self.hits)
        return [(name, list(islice(left, count))) for name, count in self.groups or [("", len(self.hits))]]


@dataclass(frozen=True)
class TableSection:
    """A table, the best value of a column emphasised.

    best:    columns in which the highest or the lowest number is the best
    formats: how a column's numbers are written, where two decimals don't fit: {"cider_d": ".1f"}
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Value]]
    note: str = ""
    best: Mapping[str, Literal["highest", "lowest"]] = field(default_factory=dict)
    formats: Mapping[str, str] = field(default_factory=dict)

    def right(self) -> list[bool]:
        """Which columns are set flush right."""
        return [numeric(self.rows, index) for index in range(len(self.columns))]

    def lines(self) -> list[list[tuple[str, bool]]]:
        """Every row's cells, and whether each is its column's best."""
        best = [self._best(index) for index in range(len(self.columns))]
        return [
            [
                (cell_text(value, self.formats.get(name)), value is not None and value == top)
                for name, value, top in zip(self.columns, row, best, strict=True)
            ]
            for row in self.rows
        ]

    def _best(self, index: int) -> Value:
        wanted = self.best.get(self.columns[index])
        numbers = [value for row in self.rows if isinstance(value := row[index], int | float)]
        if not wanted or len(numbers) < 2:
            return None
        return max(numbers) if wanted == "highest" else min(numbers)


@dataclass(frozen=True)
class VariantAnswer:
    """What one variant makes of a picture: its caption, and its hits (the first five are shown)."""

    variant: str
    caption: str
    hits: Sequence[Hit]


@dataclass(frozen=True)
class VariantsRow:
    """A picture, its human captions (if there are any), and every variant's answer, in the same order in each
    row."""

    image: Path
    answers: Sequence[VariantAnswer]
    references: Sequence[str] = ()


@dataclass(frozen=True)
class VariantsSection:
    """The same pictures side by side, a column per variant."""

    title: str
    rows: Sequence[VariantsRow]
    root: Path = Path()
    note: str = ""

    def variants(self) -> list[str]:
        """The columns' names."""
        return [answer.variant for answer in self.rows[0].answers] if self.rows else []


@dataclass(frozen=True)
class PlotSection:
    """A PNG or SVG file, embedded. `alt` says in words what it shows."""

    title: str
    plot: Path
    alt: str
    note: str = ""


@dataclass(frozen=True)
class Picture:
    """One picture with a number, or another short word, and its caption; `name` is shown below."""

    path: Path
    number: str
    caption: str
    name: str


@dataclass(frozen=True)
class PicturesSection:
    """Pictures as cards, in the order given."""

    title: str
    pictures: Sequence[Picture]
    note: str = ""


@dataclass(frozen=True)
class TextSection:
    """Paragraphs, and below them lines to be typed."""

    title: str
    paragraphs: Sequence[str]
    commands: Sequence[str] = ()


@dataclass(frozen=True)
class LinksSection:
    """Other pages, each with its address relative to this one, and what it is called."""

    title: str
    links: Sequence[tuple[str, str]]
    note: str = ""


Section = (
    LinksSection
    | SearchSection
    | TableSection
    | VariantsSection
    | PlotSection
    | PicturesSection
    | TextSection
)

TEMPLATES: dict[type, str] = {
    SearchSection: "search.html",
    TableSection: "table.html",
    VariantsSection: "variants.html",
    PlotSection: "plot.html",
    PicturesSection: "pictures.html",
    TextSection: "text.html",
    LinksSection: "links.html",
}


def write_page(path: Path | str, title: str, lead: str, sections: Sequence[Section]) -> Path:
    """Write the page, whole or not at all. A picture that cannot be read becomes a placeholder that says so.

    lead:    one or two sentences below the title
    returns: the page's absolute path
    errors:  NoSpace; FileNotFoundError for the file of a PlotSection
    """
    path = Path(path).absolute()
    page = (
        _environment(path)
        .get_template("page.html")
        .render(title=title, lead=lead, sections=sections, templates=TEMPLATES)
    )
    with publishing(path, "w") as file:
        file.write(page)
    return path


def _environment(page: Path) -> Environment:
    """Templates with a fresh cache of thumbnails: each picture is decoded once per page and size."""
    environment = Environment(
        loader=PackageLoader("captionret.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: (
            visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value
        ),
    )
    environment.filters.update(marked=marked, unmarked=unmarked, breakable=breakable, probability=probability)
    environment.globals.update(
        thumbnail=cache(thumbnail),
        address=cache(partial(address, page=page)),
        embedded=embedded,
        share=share,
    )
    return environment


def share(hit: Hit, hits: Sequence[Hit]) -> int:
    """The length of a score's bar in percent: of 1, or of the best score where a mode's scores go beyond
    1."""
    return round(100 * max(0.0, hit.score) / max(1.0, *(other.score for other in hits)))
