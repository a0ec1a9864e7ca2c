"""A file of addresses with captions: CSV, TSV or Parquet, with img2dataset's columns or others' names for
them, or a text file with an address on each line."""

import logging
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from ..datasets.sources import text_lines
from ..datasets.table import column, table_rows
from ..fetching import is_address
from .candidates import Candidate

log = logging.getLogger(__name__)

ADDRESSES = ("url", "image_url", "address", "coco_url", "link", "src", "photo_image_url")
_CAPTIONS = ("caption", "text", "title", "alt", "description", "sentence")
# our field -> what others call it
_OTHERS = {
    "page": ("page", "page_url", "foreign_landing_url", "photo_url", "source_url"),
    "title": ("page_title", "title"),
    "licence": ("licence", "license"),
    "licence_address": ("licence_address", "license_url"),
    "author": ("author", "creator", "photographer", "artist"),
    "date": ("date", "date_captured", "date_taken"),
}
_DIGESTS = {"sha256": 64, "md5": 32}


def read_addresses(file: Path) -> list[Candidate]:
    """The pictures that a file names, in its order; several rows of one address are its captions. Rows
    without an http or https address are counted in the log.

    errors: BadDataset for a file that cannot be read or has no column of addresses
    """
    found: dict[str, Candidate] = {}
    without: list[str] = []
    for one in _lines(file) if file.suffix.lower() in (".txt", "") else _rows(file):
        known = found.get(one.address)
        if not is_address(one.address):
            without.append(one.address)
        elif known is None:
            found[one.address] = one
        else:
            captions = tuple(dict.fromkeys(known.captions + one.captions))
            found[one.address] = replace(known, captions=captions)
    if without:
        log.warning(
            f"{file}: rows left out, for their address is empty or begins neither with http:// nor with "
            f"https://: {len(without):,}. The first is {without[0][:200]!r}."
        )
    return list(found.values())


def _lines(file: Path) -> Iterator[Candidate]:
    """An address on each line, and after a tab, if there is one, its caption."""
    for line in text_lines(file):
        address, _, caption = line.strip().partition("\t")
        if address and not address.startswith("#"):
            yield Candidate(address, (caption,) if caption.strip() else (), file.name)


def _rows(file: Path) -> Iterator[Candidate]:
    header, rows = table_rows(file)
    address = column(file, header, ADDRESSES)
    caption = _first(header, _CAPTIONS)
    others = {name: place for name, names in _OTHERS.items() if (place := _first(header, names)) is not None}
    if others.get("title") == caption:
        others.pop("title", None)
    digests = {name: header.index(name) for name in _DIGESTS if name in header}
    for _, row in rows:
        texts = (row[caption],) if caption is not None and row[caption].strip() else ()
        facts = {name: row[place].strip() for name, place in others.items()}
        digest = next(
            (row[place].lower() for name, place in digests.items() if _is_digest(name, row[place])), ""
        )
        yield Candidate(row[address].strip(), texts, file.name, digest=digest, **facts)


def _first(header: Sequence[str], names: Sequence[str]) -> int | None:
    return next((header.index(name) for name in names if name in header), None)


def _is_digest(name: str, text: str) -> bool:
    return re.fullmatch(rf"[0-9a-fA-F]{{{_DIGESTS[name]}}}", text.strip()) is not None
