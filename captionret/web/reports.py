"""Reports that commands wrote: compare-variants, evaluate-retrieval, hubness, search. They are shown as they
are, without any script."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from html import unescape
from pathlib import Path

from fastapi import APIRouter, Request
from pydantic import BaseModel
from starlette.responses import Response

from ..errors import UnknownName
from ..files import resolved
from ..report.visible import visible
from .page_files import tagged
from .settings import Settings

_MOST_FILES, _DEEPEST = 2000, 6
_MOST_BYTES = 100_000_000  # of one report
_BEGINNING = 4000  # bytes in which its title stands
_MARK = re.compile(rb'<meta name="generator" content="captionret">')
_TITLE = re.compile(rb"<title>([^<]{1,400})</title>")
_LEAD = re.compile(rb'<p class="lead">\s*([^<]{1,600})</p>')
# a report holds its pictures and its style; it may run nothing, ask nobody and send nothing
_POLICY = (
    "sandbox allow-same-origin; default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class Report(BaseModel):
    """A page that a command wrote. place: its address here; folder: that it lies in; day: when written"""

    place: str
    title: str
    lead: str
    folder: str
    day: str


class UnknownReport(UnknownName):
    """A report that there is not."""


@dataclass(frozen=True, slots=True)
class _Report:
    """One report. place: where it is shown; root: the number of the folder it was found in"""

    place: str
    file: Path
    title: str
    lead: str
    folder: str
    written: float


class Reports:
    """The reports below the folders that were named when the server started."""

    def __init__(self, settings: Settings) -> None:
        self._roots = [resolved(folder) for folder in settings.reports]
        self._known: dict[str, _Report] = {}
        self.router = APIRouter()
        add = self.router.add_api_route
        add("/api/reports", self.list, response_model=list[Report])
        add("/reports/{place:path}", self.show, include_in_schema=False, response_class=Response)

    def list(self) -> list[Report]:
        """All reports, the last written first."""
        self._known = {one.place: one for one in self._found()}
        every = sorted(self._known.values(), key=lambda one: (-one.written, one.place))
        return [
            Report(
                place=f"/reports/{one.place}",
                title=one.title,
                lead=one.lead,
                folder=one.folder,
                day=datetime.fromtimestamp(one.written).date().isoformat(),
            )
            for one in every
        ]

    def show(self, place: str, request: Request) -> Response:
        """One report, by its place in the list and no other path. errors: UnknownReport"""
        if place not in self._known:
            self.list()
        if place not in self._known:
            raise UnknownReport("There is no such report.")
        file = self._known[place].file
        try:
            facts = file.stat()
            content = file.read_bytes() if facts.st_size <= _MOST_BYTES else None
        except OSError:
            content = None
        if content is None:
            raise UnknownReport("The report cannot be read any more.")
        tag = f'"{facts.st_mtime_ns:x}-{facts.st_size:x}"'
        answer = tagged(request, content, "text/html; charset=utf-8", tag, "no-cache")
        answer.headers["Content-Security-Policy"] = _POLICY
        return answer

    def _found(self) -> Iterator[_Report]:
        for number, root in enumerate(self._roots):
            for file in _pages(root):
                report = _read(file, number, root)
                if report is not None:
                    yield report


def _pages(root: Path) -> Iterator[Path]:
    """The HTML files below a folder, not those that links lead to; at most so many."""
    count = 0
    for folder, folders, files in os.walk(root):
        deep = len(Path(folder).relative_to(root).parts)
        folders[:] = sorted(one for one in folders if not one.startswith(".")) if deep < _DEEPEST else []
        for name in sorted(files):
            file = Path(folder, name)
            if name.endswith(".html") and not file.is_symlink():
                count += 1
                if count > _MOST_FILES:
                    return
                yield file


def _read(file: Path, number: int, root: Path) -> _Report | None:
    """What a page says it is; None for one that this program did not write, or that cannot be read."""
    try:
        written = file.stat().st_mtime
        with open(file, "rb") as content:
            start = content.read(_BEGINNING)
            title = _TITLE.search(start)
            if not _MARK.search(start) or title is None:
                return None
            lead = _LEAD.search(start + content.read(60_000))  # behind the style
    except OSError:
        return None
    inside = file.relative_to(root).as_posix()
    return _Report(
        place=f"{number}/{inside}",
        file=file,
        title=_text(title),
        lead="" if lead is None else _text(lead),
        folder=visible(str(Path(root.name, inside).parent)),
        written=written,
    )


def _text(found: re.Match[bytes]) -> str:
    return visible(unescape(found.group(1).decode("utf-8", "replace")).strip())
