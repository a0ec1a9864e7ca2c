"""Captions that stand in a file, or come from another program: each finds its picture in the library, by its
hash or its path, and is kept under the name of its source."""

import hashlib
import json
import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...counting import counted
from ...records import Caption, GivenCaptions
from ..catalogue import writes
from ..catalogue.caption_rows import MOST_CAPTIONS, caption_of, picture_of, read_rows, rows_of, span, today
from ..catalogue.catalogue import Catalogue
from ..catalogue.documents import read_own
from ..catalogue.rows import TEXT, WHOLE, Rows
from ..index.changes import are_many, forget
from ..report import CaptionReport
from .captioners import read_captioners
from .in_english import warn_of_another_language
from .known_pictures import KnownPictures, read_known
from .storable import is_storable

log = logging.getLogger(__name__)

_NAMED = 5  # pictures that a message names
IMPORTED = "imported"  # among a source's facts: "file:PATH", from which it was taken once


@dataclass(frozen=True, slots=True)
class GivenSource:
    """Where given captions come from: a name, and what is known of it beside."""

    name: str
    facts: Mapping[str, Any]

    @property
    def fingerprint(self) -> str:
        """Of its name: what it gives later takes the place of what it gave before."""
        place = self.facts.get("captioner", "")
        return hashlib.sha256(f"given\n{self.name}\n{place}".encode(errors="surrogatepass")).hexdigest()

    def describe(self) -> dict[str, Any]:
        """For the catalogue."""
        return {"name": self.name, **self.facts}


def put_given(
    catalogue: Catalogue,
    captioner: int,
    label: str,
    given: Iterable[GivenCaptions],
    root: Path,
    whole: bool,
) -> CaptionReport:
    """Keep captions under a captioner's id, in one transaction.

    whole: whether they are all that it has, so that what it had before of other pictures goes
    """
    with catalogue.reading() as rows:
        pictures, before = read_known(rows, root), _held(rows, captioner)
    found, unknown = _sorted(given, pictures)
    changed = {number: captions for number, captions in found.items() if captions != before.get(number)}
    gone = before.keys() - found.keys() if whole else set()
    if changed or gone:
        day = today()
        with catalogue.transaction() as connection:
            if are_many(len(changed) + len(gone), len(pictures.by_hash)):
                forget(connection)
            replaced = (span(captioner, number) for number in gone | (changed.keys() & before.keys()))
            connection.executemany("DELETE FROM captions WHERE id BETWEEN ? AND ?", replaced)
            new_rows = (row for n in sorted(changed) for row in rows_of(captioner, n, changed[n], day))
            connection.executemany("INSERT INTO captions VALUES (?, ?, ?, ?)", new_rows)
    new_texts = (caption.text for captions in changed.values() for caption in captions)
    warn_of_another_language(label, new_texts)
    if unknown:
        named = ", ".join(unknown[:_NAMED]) + (", ..." if len(unknown) > _NAMED else "")
        log.warning(
            f"{label} speaks of {counted(len(unknown), 'pictures')} that the library does not hold: {named}."
        )
    new = len(changed.keys() - before.keys())
    return CaptionReport(
        label,
        new=new,
        changed=len(changed) - new,
        unchanged=len(found) - len(changed),
        removed=len(gone),
        waiting=len(set(pictures.by_hash.values()) - found.keys() - (before.keys() - gone)),
        unknown=len(unknown),
    )


def take_over(catalogue: Catalogue, source: GivenSource) -> None:
    """What was imported once from the very file that is a captioner now is that captioner's: one file's
    captions count once."""
    imported = GivenSource(source.name, {}).fingerprint
    with catalogue.reading() as rows:
        found = rows.table("SELECT id, fingerprint, described FROM captioners", (WHOLE, TEXT, TEXT))
    if source.fingerprint in {fingerprint for _, fingerprint, _ in found}:
        return
    for number, fingerprint, described in found:
        if fingerprint == imported and json.loads(described).get(IMPORTED) == source.facts["captioner"]:
            with catalogue.transaction() as connection:
                writes.put_fingerprint(connection, number, source.fingerprint)


def held_already(
    catalogue: Catalogue, source: GivenSource, given: Iterable[GivenCaptions], root: Path
) -> CaptionReport | None:
    """What is reported where another file of this name gave the library all of it, as an export of this very
    library holds it: nothing is to be kept then. None where something is new."""
    with catalogue.reading() as rows:
        others = [
            one
            for one in read_captioners(rows)
            if (one.name, one.kind) == (source.name, "file") and one.fingerprint != source.fingerprint
        ]
        if not others:
            return None
        pictures = read_known(rows, root)
        found, _ = _sorted(given, pictures)
        for other in others:
            held = _held(rows, other.id)
            if found and all(held.get(number) == captions for number, captions in found.items()):
                waiting = len(pictures.by_hash) - len(found)
                return CaptionReport(other.label, unchanged=len(found), waiting=waiting)
    return None


def _held(rows: Rows, captioner: int) -> dict[int, list[Caption]]:
    """By picture the captions that a captioner has, the best first."""
    held: defaultdict[int, list[Caption]] = defaultdict(list)
    for row in read_rows(rows, captioner):
        held[picture_of(row[0])].append(caption_of(row))
    return held


def put_own(catalogue: Catalogue, given: Iterable[GivenCaptions], root: Path) -> int:
    """Keep the first caption of each as a person's, where no person wrote one; returns of how many pictures
    that was. In one transaction."""
    with catalogue.reading() as rows:
        pictures = read_known(rows, root)
        present = read_own(rows)
    hashes = {number: sha256 for sha256, number in pictures.by_hash.items()}
    found, _ = _sorted(given, pictures)
    new = {
        hashes[number]: " ".join(captions[0].text.split())
        for number, captions in found.items()
        if captions and hashes[number] not in present
    }
    if new:
        with catalogue.transaction() as connection:
            for sha256, text in new.items():
                writes.put_own_caption(connection, sha256, text)
    return len(new)


def _sorted(
    given: Iterable[GivenCaptions], pictures: KnownPictures
) -> tuple[dict[int, list[Caption]], list[str]]:
    """By picture all captions, each text once, the best scores first; and the names of unknown pictures."""
    found: defaultdict[int, dict[str, Caption]] = defaultdict(dict)
    unknown: dict[str, None] = {}
    for one in given:
        captions = [caption for caption in one.captions if caption.text.strip() and is_storable(caption)]
        number = pictures.find(one.path, one.sha256)
        if number is None:
            unknown[one.path or one.sha256 or ""] = None
            continue
        for caption in captions:
            found[number].setdefault(caption.text, caption)
    return {number: _ranked(by_text.values()) for number, by_text in found.items()}, list(unknown)


def _ranked(captions: Iterable[Caption]) -> list[Caption]:
    listed = list(captions)
    if all(one.score is not None for one in listed):
        listed.sort(key=lambda one: -(one.score or 0))
    return listed[:MOST_CAPTIONS]
