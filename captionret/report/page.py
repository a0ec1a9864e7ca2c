"""One static HTML file that shows searches, tables and variants side by side.

The file stands alone: pictures are embedded, there is no script, and its own content policy forbids every
                       request. Whatever
comes from outside (file names, captions, notes) is escaped by the templates and made visible as on the
terminal.
"""

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Literal

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from PIL import Image

from ..errors import BadImage
from ..files import publishing
from ..images import open_image
from ..records import Hit, Query
from ..text import tokenize
from .terminal import Value, cell_text, numeric, visible

_QUALITY = 82  # JPEG


@dataclass(frozen=True)
class SearchSection:
    """A query at the left, its hits as cards.

    caption: what the captioner says of the query picture; None where it was not asked
    tokens:  the words that were searched with
    root:    the library's root, against which the hits' paths are read
    source:  who captioned and how it was compared, in a few words: "photos-lite, beam 3"
    """

    title: str
    query: Query
    caption: str | None
    tokens: Sequence[str]
    hits: Sequence[Hit]
    root: Path = Path()
    source: str = ""
    note: str = ""


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
    """A picture, what people said of it (if anybody did), and every variant's answer, in the same order in
    each row."""

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


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A picture small enough to embed; without `uri`, `problem` says why it cannot be shown."""

    uri: Markup | None
    width: int = 0
    height: int = 0
    problem: str = ""


def write_page(path: Path | str, title: str, lead: str, sections: Sequence[Section]) -> Path:
    """Write the page, whole or not at all. A picture that cannot be read becomes a placeholder that says so.

    lead:    one or two sentences below the title
    returns: the page's absolute path
    errors:  NoSpace; FileNotFoundError for the file of a PlotSection
    """
    path = Path(path).absolute()
    page = (
        _environment()
        .get_template("page.html")
        .render(title=title, lead=lead, sections=sections, templates=TEMPLATES)
    )
    with publishing(path, "w") as file:
        file.write(page)
    return path


def _environment() -> Environment:
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
    environment.filters.update(marked=marked, unmarked=unmarked, breakable=breakable)
    environment.globals.update(thumbnail=cache(thumbnail), embedded=embedded, share=share)
    return environment


def thumbnail(path: Path, side: int) -> Thumbnail:
    """The picture as a JPEG whose shorter side has `side` pixels (less if the picture has less, or is very
    long)."""
    try:
        image = open_image(path, at_least=side)
    except BadImage as error:
        return Thumbnail(None, problem=str(error).replace(str(path), path.name))
    width, height = image.size
    scale = min(1.0, side / min(width, height), 3 * side / max(width, height))
    image = image.resize(
        (max(1, round(width * scale)), max(1, round(height * scale))),
        Image.Resampling.LANCZOS,
        reducing_gap=3.0,
    )
    content = io.BytesIO()
    image.save(content, "JPEG", quality=_QUALITY, optimize=True, progressive=True)
    return Thumbnail(_data_uri("image/jpeg", content.getvalue()), *image.size)


def embedded(path: Path) -> Markup:
    """A plot's file as a data URI."""
    content = path.read_bytes()
    return _data_uri("image/png" if content.startswith(b"\x89PNG") else "image/svg+xml", content)


def _data_uri(kind: str, content: bytes) -> Markup:
    return Markup(f"data:{kind};base64,{base64.b64encode(content).decode()}")  # noqa: S704


def marked(caption: str, shared: Sequence[str]) -> Markup:
    """The caption, escaped, with every shared word in <mark>. Words are found as retrieval found them: by the
    one tokenizer."""
    parts, end = [], 0
    for start, token in _tokens(caption):
        if token in shared:
            parts.append(
                Markup("{}<mark>{}</mark>").format(
                    visible(caption[end:start]), visible(caption[start : start + len(token)])
                )
            )
            end = start + len(token)
    return Markup("").join([*parts, visible(caption[end:])])


def unmarked(caption: str, shared: Sequence[str]) -> list[str]:
    """The shared words that the caption itself does not hold (a mode may compare more words than it
    writes)."""
    held = {token for _, token in _tokens(caption)}
    return [word for word in shared if word not in held]


def _tokens(caption: str) -> list[tuple[int, str]]:
    """Each token with its place in the caption."""
    # so that places stay
    lowered = "".join(low if len(low := letter.lower()) == 1 else letter for letter in caption)
    found, end = [], 0
    for token in tokenize(caption):
        start = lowered.find(token, end)
        if start >= 0:  # quotation marks are spelled differently as tokens
            found.append((start, token))
            end = start + len(token)
    return found


def breakable(path: str) -> Markup:
    """A path that a narrow column breaks after its slashes first."""
    return Markup("/<wbr>").join(visible(path).split("/"))


def share(hit: Hit, hits: Sequence[Hit]) -> int:
    """The length of a score's bar in percent: of 1, or of the best score where a mode's scores go beyond
    1."""
    return round(100 * max(0.0, hit.score) / max(1.0, *(other.score for other in hits)))
